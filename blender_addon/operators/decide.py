"""Cancel, accept, reject, and which of several takes is shown."""

import bpy
from bpy.props import BoolProperty, StringProperty

from blender_addon import asking, session
from blender_addon.operators.refusal import here, refuse
from blender_addon.showing import verdict
from motion.errors import MotionError


class MotusCancel(bpy.types.Operator):
    """Stop what is under way, here and on the server; what has come stays until you decide"""

    bl_idname = "motus.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Only where something is under way, so that Esc keeps its other meanings."""
        return session.current().desk.busy

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Stop all of it."""
        running = session.current()
        for take in list(running.desk.takes):
            if not take.ended:
                running.desk.cancel(take)
        running.leave_stage()
        running.step()
        self.report({"INFO"}, "Cancelled")
        session.redraw()
        return {"FINISHED"}


class MotusAccept(bpy.types.Operator):
    """Keep the take that is shown, as an action of its own"""

    bl_idname = "motus.accept"
    bl_label = "Accept"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Where a take is shown."""
        return session.current().shown(here(context)) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Keep it."""
        running = session.current()
        armature = here(context)
        show = running.shown(armature)
        if show is None or armature is None:
            return refuse(self, "There is no take to accept")
        if not show.take.ended:
            running.desk.cancel(show.take)
        try:
            action = verdict.accept(context.scene, show, armature, running.desk.welcome)
        except MotionError as error:
            return refuse(self, error)
        self.report({"INFO"}, f"Accepted as {action.name!r}")
        return {"FINISHED"}


class MotusReject(bpy.types.Operator):
    """Throw the take that is shown away, and put the armature back as it was"""

    bl_idname = "motus.reject"
    bl_label = "Reject"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    every: BoolProperty(name="All", description="All takes of this armature that nobody has decided about")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Where a take is shown."""
        return session.current().shown(here(context)) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Throw it away."""
        running = session.current()
        armature = here(context)
        show = running.shown(armature)
        if show is None:
            return refuse(self, "There is no take to reject")
        for one in running.open_shows(armature) if self.every else [show]:
            if not one.take.ended:
                running.desk.cancel(one.take)
            verdict.reject(context.scene, one, armature)
        left = running.open_shows(armature)
        if left:
            running.choose(left[0])
        return {"FINISHED"}


class MotusChoose(bpy.types.Operator):
    """Show this take on the armature"""

    bl_idname = "motus.choose"
    bl_label = "Show"

    uid: StringProperty()

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Show it."""
        running = session.current()
        show = running.shows.get(self.uid)
        if show is None:
            return refuse(self, "This take is gone")
        running.choose(show)
        running.step()
        return {"FINISHED"}


class MotusDice(bpy.types.Operator):
    """Roll a new seed"""

    bl_idname = "motus.dice"
    bl_label = "Roll"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Roll it."""
        context.scene.motus.seed = asking.roll()
        return {"FINISHED"}


class MotusRecall(bpy.types.Operator):
    """Write this sentence into the prompt"""

    bl_idname = "motus.recall"
    bl_label = "Use Again"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}  # noqa: RUF012

    prompt: StringProperty()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it."""
        context.scene.motus.prompt = self.prompt
        return {"FINISHED"}


CLASSES = (MotusCancel, MotusAccept, MotusReject, MotusChoose, MotusDice, MotusRecall)
