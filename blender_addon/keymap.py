"""Esc stops what is under way, wherever the mouse is over something that shows animation.

The operator's poll fails where nothing is under way, and the key then means what it always meant.
"""

import bpy

_EDITORS = (
    ("3D View", "VIEW_3D"),
    ("Dopesheet", "DOPESHEET_EDITOR"),
    ("Graph Editor", "GRAPH_EDITOR"),
    ("NLA Editor", "NLA_EDITOR"),
)


def register() -> None:
    """Add the key, where Blender has keys at all."""
    configuration = bpy.context.window_manager.keyconfigs.addon
    for name, space in _EDITORS if configuration else ():
        configuration.keymaps.new(name=name, space_type=space).keymap_items.new("motus.cancel", "ESC", "PRESS")


def unregister() -> None:
    """Take it away."""
    configuration = bpy.context.window_manager.keyconfigs.addon
    for keys in configuration.keymaps if configuration else ():
        for item in [item for item in keys.keymap_items if item.idname == "motus.cancel"]:
            keys.keymap_items.remove(item)
