"""Characters for who has none, and bodies for armatures."""

import bpy
from bpy.props import StringProperty

from blender_addon import asking, session
from blender_addon.armature import body, smplx_body
from blender_addon.armature import rig as rigs
from blender_addon.operators.refusal import Act
from blender_addon.showing import preview
from motion.errors import BadRequest
from motion.skeleton import SMPLX22


class MotusCharacter(Act, bpy.types.Operator):
    """Add a character that Motus can move: an armature that wears the wooden mannequin"""

    bl_idname = "motus.character"
    bl_label = "Add Character"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def act(self, context: bpy.types.Context) -> None:
        """Add it."""
        in_object_mode(context)
        made = body.character(session.current().desk.skeleton or SMPLX22)
        context.scene.motus.armature = made
        session.current().error = ""


class MotusMannequin(Act, bpy.types.Operator):
    """Dress the armature with the wooden mannequin, fitted to its bones"""

    bl_idname = "motus.mannequin"
    bl_label = "Add Mannequin"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def act(self, context: bpy.types.Context) -> None:
        """Dress it."""
        armature = asking.armature_of(context)
        preview.check(armature)
        rig = rigs.read(armature, asking.sheet_of(armature))
        body.dress(armature, body.wooden(rig))


class MotusAnny(Act, bpy.types.Operator):
    """Add Anny, the open body for everybody, with fingers and toes, as a character"""

    bl_idname = "motus.anny"
    bl_label = "Add Anny"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def act(self, context: bpy.types.Context) -> None:
        """Add her."""
        in_object_mode(context)
        context.scene.motus.armature = body.anny()
        session.current().error = ""


class MotusSmplx(Act, bpy.types.Operator):
    """Add your own SMPL-X body, from the model file (.npz) that you have from its makers, as a character"""

    bl_idname = "motus.smplx"
    bl_label = "Add SMPL-X"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    filepath: StringProperty(subtype="FILE_PATH")
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> None:
        """Add it."""
        in_object_mode(context)
        context.scene.motus.armature = smplx_body.add(bpy.path.abspath(self.filepath))


def in_object_mode(context: bpy.types.Context) -> None:
    """Raises BadRequest in another mode, where no character can be added."""
    if context.mode != "OBJECT":
        raise BadRequest("Leave the mode you are in first: characters are added in Object Mode")


CLASSES = (MotusCharacter, MotusMannequin, MotusAnny, MotusSmplx)
