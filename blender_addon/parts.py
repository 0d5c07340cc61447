"""Everything Blender is told of, in the order in which it has to be."""

import bpy

from blender_addon import keymap, preferences, properties, pulse, session
from blender_addon.operators import bodies, connect, decide, generate, live, poses, rig, takes, timeline
from blender_addon.panels import live as live_panel
from blender_addon.panels import main, motion
from blender_addon.panels import rig as rig_panels

_PARTS = (
    preferences, connect, generate, decide, timeline, poses, takes, rig, bodies, live,
    main, motion, live_panel, rig_panels,
)  # fmt: skip


def register() -> None:
    """Make everything known, and start."""
    properties.register()
    for part in _PARTS:
        for kind in part.CLASSES:
            bpy.utils.register_class(kind)
    session.begin()
    pulse.register()
    keymap.register()


def unregister() -> None:
    """Stop, and take everything away."""
    keymap.unregister()
    pulse.unregister()
    session.end()
    for part in reversed(_PARTS):
        for kind in reversed(part.CLASSES):
            bpy.utils.unregister_class(kind)
    properties.unregister()
