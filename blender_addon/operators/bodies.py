"""Characters for who has none, and bodies for armatures."""

import bpy
from bpy.props import StringProperty

from blender_addon import asking, session
from blender_addon.armature import body, smplx_body
from blender_addon.armature import rig as rigs
from blender_addon.operators.refusal import refuse
from blender_addon.showing import preview
from motion.errors import MotionError
from motion.skeleton import SMPLX22


class MotusCharacter(bpy.types.Operator):
    """Add a character that Motus can move: an armature that wears the wooden mannequin"""

    bl_idname = "motus.character"
    bl_label = "Add Character"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it."""
        if context.mode != "OBJECT":
            return refuse(self, "Leave the mode you are in first: characters are added in Object Mode")
        made = body.character(session.current().desk.skeleton or SMPLX22)
        context.scene.motus.armature = made
        session.current().error = ""
        return {"FINISHED"}


class MotusMannequin(bpy.types.Operator):
    """Dress the armature with the wooden mannequin, fitted to its bones"""

    bl_idname = "motus.mannequin"
    bl_label = "Add Mannequin"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Dress it."""
        try:
            armature = asking.armature_of(context)
            preview.check(armature)
            rig = rigs.read(armature, asking.sheet_of(armature))
            body.dress(armature, body.wooden(rig))
        except MotionError as error:
            return refuse(self, error)
        return {"FINISHED"}


class MotusAnny(bpy.types.Operator):
    """Add Anny, the open body for everybody, with fingers and toes, as a character"""

    bl_idname = "motus.anny"
    bl_label = "Add Anny"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add her."""
        if context.mode != "OBJECT":
            return refuse(self, "Leave the mode you are in first: characters are added in Object Mode")
        context.scene.motus.armature = body.anny()
        session.current().error = ""
        return {"FINISHED"}


class MotusSmplx(bpy.types.Operator):
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

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it."""
        if context.mode != "OBJECT":
            return refuse(self, "Leave the mode you are in first: characters are added in Object Mode")
        try:
            context.scene.motus.armature = smplx_body.add(bpy.path.abspath(self.filepath))
        except MotionError as error:
            return refuse(self, error)
        return {"FINISHED"}


CLASSES = (MotusCharacter, MotusMannequin, MotusAnny, MotusSmplx)
