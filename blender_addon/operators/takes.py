"""The library: kept takes go onto an armature again, are compared, and are thrown away."""

import bpy
from bpy.props import StringProperty

from blender_addon import asking, session
from blender_addon.armature import curves
from blender_addon.armature import rig as rigs
from blender_addon.armature.curves import Assigned
from blender_addon.operators.refusal import Act, here
from blender_addon.showing import library, preview, verdict
from blender_addon.showing.ghost import Ghost
from blender_addon.showing.show import Show
from blender_addon.talk.take import Step, Take
from motion.clip import Clip, positions
from motion.errors import BadRequest
from motion.quat import F32


class MotusApply(Act, bpy.types.Operator):
    """Put this take on the armature; onto another rig than it was made for it is retargeted, as a new action"""

    bl_idname = "motus.apply"
    bl_label = "Apply"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    action: StringProperty()

    def act(self, context: bpy.types.Context) -> None:
        """Put it there."""
        running = session.current()
        running.error = ""
        action, armature = kept(self.action), asking.armature_of(context)
        preview.check(armature)
        preview.hide(armature)
        running.again()
        slot = action.slots[0].handle if curves.slotted() and len(action.slots) else 0
        paths = [curve.data_path for curve in curves.curves(Assigned(action, slot))]
        if library.fits(armature, paths):
            own = curves.assigned(armature).action
            if own is not None and own.is_editable:
                own.use_fake_user = True
            curves.assign(armature, Assigned(action, slot))
        else:
            show = self._show(context, action, armature)
            verdict.accept(context.scene, show, armature, None)

    def _show(self, context: bpy.types.Context, action: bpy.types.Action, armature: bpy.types.Object) -> Show:
        clip = library.motion(action)
        take = Take(action.name, [Step(lead=clip)], int(action.motus.seed or 0), clip.skeleton, clip.fps)
        take.request()
        return asking.stage(session.current(), context, armature).show(take)


class MotusCompare(Act, bpy.types.Operator):
    """Show this take as a stick figure beside the character; press again to take it away"""

    bl_idname = "motus.compare"
    bl_label = "Compare"

    action: StringProperty()

    def act(self, context: bpy.types.Context) -> None:
        """Show it, or take it away."""
        running = session.current()
        action = kept(self.action)
        clip = library.motion(action)
        rate = context.scene.render.fps / context.scene.render.fps_base
        start = float(action.frame_range[0])
        joints = self._places(context, clip)
        running.ghosts.toggle(Ghost(action.name, joints, clip.skeleton.parents, start, rate / clip.fps))
        session.redraw()

    def _places(self, context: bpy.types.Context, clip: Clip) -> F32:
        """Where the joints are: from where the armature stands, which it has just begun from; else from the origin."""
        armature = here(context)
        if armature is None:
            return library.places(clip)
        rig = rigs.read(armature, asking.sheet_of(armature), armature.motus.stance == "POSE")
        return rig.outside(positions(clip))


class MotusDelete(Act, bpy.types.Operator):
    """Delete this take's action from the file"""

    bl_idname = "motus.delete"
    bl_label = "Delete Take"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    action: StringProperty()

    def act(self, _context: bpy.types.Context) -> None:
        """Delete it."""
        running = session.current()
        action = kept(self.action)
        if running.ghosts.has(action.name):
            running.ghosts.clear()
        bpy.data.actions.remove(action)


def kept(name: str) -> bpy.types.Action:
    """The action of a take that was kept. Raises BadRequest."""
    action = bpy.data.actions.get(name)
    if action is None or not action.motus.uid:
        raise BadRequest(f"There is no take {name!r} in this file")
    return action


CLASSES = (MotusApply, MotusCompare, MotusDelete)
