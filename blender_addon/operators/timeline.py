"""The prompt timeline: sentences as segments on the scene's timeline."""

import bpy

from blender_addon import asking, session
from blender_addon.asking import Segment
from blender_addon.operators.ask import Ask
from blender_addon.showing.show import Show


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


class MotusTimeline(Ask, bpy.types.Operator):
    """Make one take of all sentences, each going on from the one before"""

    bl_idname = "motus.timeline"
    bl_label = "Generate Timeline"

    TASKS = ("text-to-motion", "prediction")

    def shows(self, context: bpy.types.Context, running: session.Session) -> list[Show]:
        """One take of all segments."""
        settings = context.scene.motus
        segments = [Segment(one.name, one.start, one.end) for one in settings.segments]
        return [asking.timeline(running, asking.stage(running, context), segments, asking.seed_of(settings))]


CLASSES = (MotusSegmentAdd, MotusSegmentRemove, MotusTimeline)
