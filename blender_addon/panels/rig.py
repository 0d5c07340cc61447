"""The rig: which bone is what, how it moves over the ground, and a body for it; and the library of takes."""

import bpy

from blender_addon import session
from blender_addon.operators import rig as maps
from blender_addon.operators.refusal import here
from blender_addon.panels.tab import Tab, say
from blender_addon.showing import library, preview

_FOUND = {"named": "CHECKMARK", "guessed": "QUESTION", "given": "GREASEPENCIL", "none": "BLANK1", "": "BLANK1"}


class MOTUS_UL_bones(bpy.types.UIList):  # noqa: N801
    """Roles and the bones that play them."""

    def draw_item(self, context, layout, _data, item, _icon, _active, _property, _index) -> None:
        """One line."""
        row = layout.row(align=True)
        row.label(text=item.name.replace("_", " "), icon=_FOUND.get(item.how, "BLANK1"))
        armature = here(context)
        if armature is not None:
            row.prop_search(item, "bone", armature.data, "bones", text="")


class MOTUS_MT_maps(bpy.types.Menu):  # noqa: N801
    """Maps that were kept."""

    bl_label = "Maps"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw it."""
        kept = maps.names()
        if not kept:
            self.layout.label(text="None was kept yet")
        for name in kept:
            self.layout.operator("motus.map_load", text=name).name = name


class MOTUS_PT_retarget(Tab, bpy.types.Panel):  # noqa: N801
    """How motion comes onto this rig."""

    bl_label = "Retarget"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout = self.layout
        layout.use_property_decorate = False
        armature = here(context)
        if armature is None:
            say(layout, context, "Choose or select an armature", "INFO")
            return
        rig = armature.motus
        column = layout.column()
        column.enabled = armature.is_editable
        row = column.row(align=True)
        row.operator("motus.map", icon="VIEWZOOM")
        row.operator("motus.map_clear", text="", icon="X")
        row.menu("MOTUS_MT_maps", text="", icon="PRESET")
        row.operator("motus.map_save", text="", icon="FILE_TICK")
        if rig.bones:
            column.template_list("MOTUS_UL_bones", "", rig, "bones", rig, "bone", rows=6)
            guessed = sum(line.how == "guessed" for line in rig.bones)
            if guessed:
                say(column, context, f"{guessed} bones were guessed by their place: look at them", "QUESTION")
        else:
            say(column, context, "Bones are found by name when a take is made; detect them to see and correct which")
        column.prop(rig, "root_on", text="Root")
        column.prop(rig, "stance")
        column.prop(rig, "stride")
        column.prop(rig, "lock_feet")
        column.operator("motus.bake", icon="KEYINGSET")


class MOTUS_PT_body(Tab, bpy.types.Panel):  # noqa: N801
    """A mesh that moves with the armature."""

    bl_label = "Body"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw it."""
        column = self.layout.column(align=True)
        column.operator("motus.character", icon="OUTLINER_OB_ARMATURE")
        column.operator("motus.anny", icon="COMMUNITY")
        column.operator("motus.smplx", icon="FILE_FOLDER")
        self.layout.operator("motus.mannequin", icon="MOD_CLOTH")


class MOTUS_UL_takes(bpy.types.UIList):  # noqa: N801
    """Actions that came from takes."""

    def filter_items(self, _context, data, name) -> tuple[list[int], list[int]]:
        """Only those, newest first."""
        actions = list(getattr(data, name))
        shown = [self.bitflag_filter_item if one.motus.uid else 0 for one in actions]
        newest = sorted(range(len(actions)), key=lambda index: actions[index].motus.made, reverse=True)
        order = [0] * len(actions)
        for place, index in enumerate(newest):
            order[index] = place
        return shown, order

    def draw_item(self, _context, layout, _data, item, _icon, _active, _property, _index) -> None:
        """One line."""
        split = layout.split(factor=0.8)
        split.prop(item, "name", text="", emboss=False, icon="ACTION")
        split.label(text=f"{item.motus.seconds:.1f} s")


class MOTUS_PT_library(Tab, bpy.types.Panel):  # noqa: N801
    """Takes that were kept."""

    bl_label = "Library"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = self.layout, context.scene.motus
        if not library.takes():
            say(layout, context, "Takes you accept are kept here")
            return
        layout.template_list("MOTUS_UL_takes", "", bpy.data, "actions", settings, "take", rows=3)
        action = bpy.data.actions[settings.take] if settings.take < len(bpy.data.actions) else None
        if action is None or not action.motus.uid:
            return
        note = action.motus
        say(layout, context, f"“{note.prompt}”")
        say(layout, context, f"Seed {note.seed}, {note.made}, {note.bundle} ({note.licence})")
        if note.description:
            say(layout, context, note.description, "OUTLINER_OB_SPEAKER")
        armature = here(context)
        worn = armature is not None and preview.own(armature).action is action
        row = layout.row(align=True)
        row.operator("motus.apply", icon="CHECKMARK", depress=worn).action = action.name
        ghost = session.current().ghosts.has(action.name)
        row.operator("motus.compare", icon="GHOST_ENABLED", depress=ghost).action = action.name
        row.operator("motus.delete", text="", icon="TRASH").action = action.name


CLASSES = (
    MOTUS_UL_bones,
    MOTUS_MT_maps,
    MOTUS_PT_retarget,
    MOTUS_PT_body,
    MOTUS_UL_takes,
    MOTUS_PT_library,
)
