"""What starts from the armature's own animation: in-between, continue, describe."""

import bpy
from bpy.props import StringProperty

from blender_addon import asking, session
from blender_addon.armature import curves
from blender_addon.operators.ask import Ask
from blender_addon.showing import preview
from blender_addon.showing.show import Show
from motion.errors import BadRequest


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


class MotusBetween(Ask, bpy.types.Operator):
    """Fill the time between the marked poses, or between the selected keyframes where none is marked"""

    bl_idname = "motus.between"
    bl_label = "Fill In-between"

    prompt: StringProperty(name="Prompt", description="What happens between the poses; may be empty")

    TASKS = ("in-betweening",)

    def shows(self, context: bpy.types.Context, running: session.Session) -> list[Show]:
        """A take through the marked poses."""
        asking.need(running, "in-betweening")
        place = asking.stage(running, context)
        frames = [mark.frame for mark in context.scene.motus.marks] or selected(place.armature)
        return [asking.between(running, place, frames, self.prompt, asking.seed_of(context.scene.motus))]


class MotusContinue(Ask, bpy.types.Operator):
    """Go on from what the armature does at the playhead"""

    bl_idname = "motus.continue"
    bl_label = "Continue"

    prompt: StringProperty(name="Prompt", description="What happens next; may be empty")

    TASKS = ("prediction",)

    def shows(self, context: bpy.types.Context, running: session.Session) -> list[Show]:
        """A take that goes on from the playhead."""
        settings = context.scene.motus
        asking.need(running, "prediction")
        place = asking.at_playhead(asking.stage(running, context))
        return asking.onward(running, place, self.prompt, settings.seconds, asking.seed_of(settings))


class MotusEdit(Ask, bpy.types.Operator):
    """Change what the armature does as the sentence says"""

    bl_idname = "motus.edit"
    bl_label = "Edit"

    prompt: StringProperty(name="Prompt", description="What is to be different")

    TASKS = ("editing",)

    def shows(self, context: bpy.types.Context, running: session.Session) -> list[Show]:
        """A take of the whole animation, changed."""
        asking.need(running, "editing")
        place = asking.stage(running, context)
        first, last = length(context, place.armature)
        return [asking.edit(running, place, first, last, self.prompt, asking.seed_of(context.scene.motus))]


class MotusDescribe(Ask, bpy.types.Operator):
    """Say in words what the armature does, in a text block and on its action"""

    bl_idname = "motus.describe"
    bl_label = "Describe"

    TASKS = ("motion-to-text",)

    def ask(self, context: bpy.types.Context, running: session.Session) -> None:
        """Ask for words; for a script, wait until they are there."""
        asking.need(running, "motion-to-text")
        place = asking.stage(running, context)
        action = curves.assigned(place.armature).action
        take = asking.describe(running, place, *length(context, place.armature))
        running.describe(take, action, place.armature.name)
        while self.wait and not take.ended:
            running.desk.link.wait(0.1)
            running.step()
        if self.wait and take.state != "done":
            raise BadRequest(take.sentence)


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
