"""What starts from the armature's own animation: in-between, continue, describe."""

from collections.abc import Callable

import bpy
from bpy.props import BoolProperty, StringProperty

from blender_addon import asking, session
from blender_addon.armature import curves
from blender_addon.operators.generate import connect, finish
from blender_addon.operators.refusal import asked, connected, refuse
from blender_addon.showing import preview
from blender_addon.showing.show import Show
from motion.errors import BadRequest, MotionError


class MotusMark(bpy.types.Operator):
    """Mark the pose at the playhead as one that an in-between passes through; press again to take the mark away"""

    bl_idname = "motus.mark"
    bl_label = "Mark Pose"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Mark it, or take the mark away."""
        marks, frame = context.scene.motus.marks, context.scene.frame_current_final
        found = next((index for index, mark in enumerate(marks) if abs(mark.frame - frame) < 1e-3), None)
        if found is None:
            marks.add().frame = frame
        else:
            marks.remove(found)
        return {"FINISHED"}


class MotusMarksClear(bpy.types.Operator):
    """Take all marks away"""

    bl_idname = "motus.marks_clear"
    bl_label = "Clear Marks"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take them away."""
        context.scene.motus.marks.clear()
        return {"FINISHED"}


class MotusBetween(bpy.types.Operator):
    """Fill the time between the marked poses, or between the selected keyframes where none is marked"""

    bl_idname = "motus.between"
    bl_label = "Fill In-between"

    wait: BoolProperty(name="Wait", description="Return when the clip is on the armature", default=True)
    prompt: StringProperty(name="Prompt", description="What happens between the poses; may be empty")

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where the bundle can; a script may still have to connect."""
        return bpy.app.background or connected(cls, "in-betweening")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Pressed by somebody: never wait."""
        self.wait = False
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for it."""

        def make(running: session.Session) -> Show:
            asking.need(running, "in-betweening")
            place = asking.stage(running, context)
            frames = [mark.frame for mark in context.scene.motus.marks] or selected(place.armature)
            return asking.between(running, place, frames, self.prompt, asking.seed_of(context.scene.motus))

        return run(self, context, make, self.wait)


class MotusContinue(bpy.types.Operator):
    """Go on from what the armature does at the playhead"""

    bl_idname = "motus.continue"
    bl_label = "Continue"

    wait: BoolProperty(name="Wait", description="Return when the clip is on the armature", default=True)
    prompt: StringProperty(name="Prompt", description="What happens next; may be empty")

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where the bundle can; a script may still have to connect."""
        return bpy.app.background or connected(cls, "prediction")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Pressed by somebody: never wait."""
        self.wait = False
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for it."""
        settings = context.scene.motus

        def make(running: session.Session) -> Show:
            asking.need(running, "prediction")
            place = asking.at_playhead(asking.stage(running, context))
            return asking.onward(running, place, self.prompt, settings.seconds, asking.seed_of(settings))[0]

        return run(self, context, make, self.wait)


class MotusEdit(bpy.types.Operator):
    """Change what the armature does as the sentence says"""

    bl_idname = "motus.edit"
    bl_label = "Edit"

    wait: BoolProperty(name="Wait", description="Return when the clip is on the armature", default=True)
    prompt: StringProperty(name="Prompt", description="What is to be different")

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where the bundle can; a script may still have to connect."""
        return bpy.app.background or connected(cls, "editing")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Pressed by somebody: never wait."""
        self.wait = False
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for it."""

        def make(running: session.Session) -> Show:
            asking.need(running, "editing")
            place = asking.stage(running, context)
            first, last = length(context, place.armature)
            return asking.edit(running, place, first, last, self.prompt, asking.seed_of(context.scene.motus))

        return run(self, context, make, self.wait)


class MotusDescribe(bpy.types.Operator):
    """Say in words what the armature does, in a text block and on its action"""

    bl_idname = "motus.describe"
    bl_label = "Describe"

    wait: BoolProperty(name="Wait", description="Return when the words are there", default=True)

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where the bundle can; a script may still have to connect."""
        return bpy.app.background or connected(cls, "motion-to-text")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Pressed by somebody: never wait."""
        self.wait = False
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for it."""
        running = session.current()
        running.error = ""
        try:
            if self.wait:
                connect(running)
            asking.need(running, "motion-to-text")
            place = asking.stage(running, context)
            action = curves.assigned(place.armature).action
            first, last = length(context, place.armature)
            take = asking.describe(running, place, first, last)
            running.describe(take, action, place.armature.name)
            while self.wait and not take.ended:
                running.desk.link.wait(0.1)
                running.step()
            if self.wait and take.state != "done":
                raise BadRequest(take.sentence)
        except MotionError as error:
            return refuse(self, error, loud=self.wait)
        return {"FINISHED"}


def run(
    operator: bpy.types.Operator, context: bpy.types.Context, make: Callable[[session.Session], Show], wait: bool
) -> set[str]:
    """Ask for a take, and wait for it where a script asks."""
    running = session.current()
    running.error = ""
    try:
        if wait:
            connect(running)
        show = make(running)
        if wait:
            finish(context, show)
        else:
            running.ask_all([show])
    except MotionError as error:
        return refuse(operator, error, loud=wait)
    return asked(operator)


def length(context: bpy.types.Context, armature: bpy.types.Object) -> tuple[float, float]:
    """The frames from which to which an armature's own animation goes; the scene's, where it has no action."""
    action = preview.own(armature).action
    if action is None:
        return float(context.scene.frame_start), float(context.scene.frame_end)
    return float(action.frame_range[0]), float(action.frame_range[1])


def selected(armature: bpy.types.Object) -> list[float]:
    """The frames of the selected keyframes of an armature's own action."""
    keys = [key for curve in curves.curves(preview.own(armature)) for key in curve.keyframe_points]
    return sorted({float(key.co[0]) for key in keys if key.select_control_point})


CLASSES = (MotusMark, MotusMarksClear, MotusBetween, MotusContinue, MotusEdit, MotusDescribe)
