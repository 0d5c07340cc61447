"""The map of an armature's bones: found, corrected, kept as a sheet for the next character; and baking."""

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.anim_utils import BakeOptions, bake_action

from blender_addon import asking, extension, session
from blender_addon.armature import curves
from blender_addon.armature import rig as rigs
from blender_addon.operators.refusal import Act, here
from motion import toml
from motion.errors import BadConfig
from motion.retargeting import joint_sheet
from motion.retargeting.joint_sheet import ROLES


class MotusMap(Act, bpy.types.Operator):
    """Find which bone plays which role; what you have chosen yourself stays"""

    bl_idname = "motus.map"
    bl_label = "Detect Bones"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def act(self, context: bpy.types.Context) -> None:
        """Find them."""
        armature = asking.armature_of(context)
        detect(armature)
        session.current().error = ""


class MotusMapClear(Act, bpy.types.Operator):
    """Forget what was found and chosen"""

    bl_idname = "motus.map_clear"
    bl_label = "Clear"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def act(self, context: bpy.types.Context) -> None:
        """Forget it."""
        asking.armature_of(context).motus.bones.clear()


class MotusMapSave(Act, bpy.types.Operator):
    """Keep this map for other armatures of the same kind"""

    bl_idname = "motus.map_save"
    bl_label = "Save Map"

    name: StringProperty(name="Name", description="What to call it", default="My rig")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for a name."""
        return context.window_manager.invoke_props_dialog(self)

    def act(self, context: bpy.types.Context) -> None:
        """Keep it."""
        armature = asking.armature_of(context)
        if not armature.motus.bones:
            detect(armature)
        sheet = {line.name: line.bone for line in armature.motus.bones}
        save(self.name, joint_sheet.check(sheet))
        self.report({"INFO"}, f"Kept as {self.name!r}")


class MotusMapLoad(Act, bpy.types.Operator):
    """Use a map that was kept"""

    bl_idname = "motus.map_load"
    bl_label = "Load Map"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    name: StringProperty(name="Name")

    def act(self, context: bpy.types.Context) -> None:
        """Use it."""
        armature = asking.armature_of(context)
        sheet = joint_sheet.load(home() / f"{self.name}.toml")
        lines = armature.motus.bones
        lines.clear()
        for role in ROLES:
            line = lines.add()
            line.name = role
            if role in sheet:
                line.bone = sheet[role]  # its update notes that it is given


class MotusBake(bpy.types.Operator):
    """Write what constraints and drivers make of the current action into its keys, over its whole length"""

    bl_idname = "motus.bake"
    bl_label = "Bake"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Where there is an action."""
        armature = here(context)
        return armature is not None and curves.assigned(armature).action is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it."""
        armature = asking.armature_of(context)
        own = curves.assigned(armature)
        assert own.action is not None, "poll() looked"
        first, last = (int(frame) for frame in own.action.frame_range)
        options = BakeOptions(
            only_selected=False,
            do_pose=True,
            do_object=False,
            do_visual_keying=True,
            do_constraint_clear=False,
            do_parents_clear=False,
            do_clean=False,
            do_location=True,
            do_rotation=True,
            do_scale=False,
            do_bbone=False,
            do_custom_props=False,
        )
        bake_action(armature, action=own.action, frames=range(first, last + 1), bake_options=options)
        return {"FINISHED"}


def detect(armature: bpy.types.Object) -> None:
    """Fill the list of an armature's roles. Raises UnknownJoint where it is no humanoid."""
    rig = rigs.read(armature, asking.sheet_of(armature), armature.motus.stance == "POSE")
    lines = armature.motus.bones
    given = {line.name: line.bone for line in lines if line.given}
    lines.clear()
    for role in ROLES:
        line = lines.add()
        line.name = role
        if role in given:
            line.bone = given[role]
            continue
        line.bone = rig.skeleton.joints[rig.roles[role]] if role in rig.roles else ""
        line.given, line.how = False, rig.how.get(role, "none")


def home() -> Path:
    """Where maps are kept."""
    return extension.folder("maps")


def names() -> list[str]:
    """The maps there are."""
    return sorted(path.stem for path in home().glob("*.toml"))


def save(name: str, sheet: dict[str, str]) -> None:
    """Keep a map. Raises BadConfig where the name is none for a file, or the folder cannot be written."""
    if not name.strip() or any(letter in name for letter in '/\\:*?"<>|') or name.startswith("."):
        raise BadConfig(f"{name!r} is no name for a map: use letters, digits and spaces")
    try:
        (home() / f"{name.strip()}.toml").write_text(toml.dumps(sheet), encoding="utf-8")
    except OSError as error:
        raise BadConfig(f"The map cannot be kept in {home()}: {error.strerror}") from error


CLASSES = (MotusMap, MotusMapClear, MotusMapSave, MotusMapLoad, MotusBake)
