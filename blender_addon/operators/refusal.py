"""How an operator says no: one sentence in the status bar and in the panel, and nothing changed."""

import bpy

from blender_addon import asking, session
from motion.errors import MotionError


def refuse(operator: bpy.types.Operator, error: MotionError | str, loud: bool = False) -> set[str]:
    """Say what is wrong; a script, which asks for it loud, gets an exception."""
    told = session.current().say(error)
    operator.report({"ERROR" if loud else "WARNING"}, told)
    session.redraw()
    return {"CANCELLED"}


class Act:
    """An operator that does its work in `act`, and refuses with the sentence of the MotionError that it raises."""

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it, or say why not."""
        try:
            self.act(context)
        except MotionError as error:
            return refuse(self, error)
        return {"FINISHED"}

    def act(self, _context: bpy.types.Context) -> None:
        """The work. Raises MotionError."""
        raise AssertionError("each operator has its own")


def asked(operator: bpy.types.Operator) -> set[str]:
    """What was asked for is under way; what there is to say of it all the same is said."""
    told = session.current().error
    if told:
        operator.report({"WARNING"}, told)
    return {"FINISHED"}


def here(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature that is meant, or None where that cannot be told."""
    try:
        return asking.armature_of(context)
    except MotionError:
        return None


def connected(cls: type[bpy.types.Operator], *tasks: str) -> bool:
    """For `poll`: whether one of these tasks can be done; otherwise the button's tooltip says why not."""
    why = session.current().desk.why_not(*tasks)
    if why:
        cls.poll_message_set(why)
    return not why
