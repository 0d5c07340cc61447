"""The prompt timeline: sentences as segments on the scene's timeline."""

import bpy
from bpy.props import BoolProperty

from blender_addon import asking, session
from blender_addon.asking import Segment
from blender_addon.operators.generate import connect, finish
from blender_addon.operators.refusal import asked, connected, refuse
from motion.errors import MotionError


class MotusSegmentAdd(bpy.types.Operator):
    """Add a sentence behind the last one, or at the playhead where it is the first"""

    bl_idname = "motus.segment_add"
    bl_label = "Add Segment"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it."""
        scene, settings = context.scene, context.scene.motus
        length = max(1, round(settings.seconds * scene.render.fps / scene.render.fps_base))
        start = max((one.end for one in settings.segments), default=scene.frame_current)
        segment = settings.segments.add()
        segment.name, segment.start, segment.end = settings.prompt, start, start + length
        settings.segment = len(settings.segments) - 1
        return {"FINISHED"}


class MotusSegmentRemove(bpy.types.Operator):
    """Take the chosen sentence off the timeline"""

    bl_idname = "motus.segment_remove"
    bl_label = "Remove Segment"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Where one is chosen."""
        settings = context.scene.motus
        return settings.segment < len(settings.segments)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take it off."""
        settings = context.scene.motus
        settings.segments.remove(settings.segment)
        settings.segment = max(0, settings.segment - 1)
        return {"FINISHED"}


class MotusTimeline(bpy.types.Operator):
    """Make one take of all sentences, each going on from the one before"""

    bl_idname = "motus.timeline"
    bl_label = "Generate Timeline"

    wait: BoolProperty(name="Wait", description="Return when the clip is on the armature", default=True)

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where the bundle can go on from a motion; a script may still have to connect."""
        return bpy.app.background or (connected(cls, "text-to-motion") and connected(cls, "prediction"))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Pressed by somebody: never wait."""
        self.wait = False
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for it."""
        running, settings = session.current(), context.scene.motus
        running.error = ""
        try:
            if self.wait:
                connect(running)
            segments = [Segment(one.name, one.start, one.end) for one in settings.segments]
            place = asking.stage(running, context)
            show = asking.timeline(running, place, segments, asking.seed_of(settings))
            if self.wait:
                finish(context, show)
            else:
                running.ask_all([show])
        except MotionError as error:
            return refuse(self, error, loud=self.wait)
        return asked(self)


CLASSES = (MotusSegmentAdd, MotusSegmentRemove, MotusTimeline)
