"""What scenes begin with: the preferences' defaults, put in once; what a scene has been given since stays."""

import bpy

from blender_addon import extension

_NAMES = ("seconds", "variations", "nla")


def put_in() -> None:
    """Put the defaults into every scene of this file that has none yet."""
    preferences = extension.preferences()
    for scene in bpy.data.scenes if preferences is not None else ():
        settings = scene.motus
        if settings.begun or not scene.is_editable:
            continue
        settings.begun = True
        for name in _NAMES:
            if not settings.is_property_set(name):
                setattr(settings, name, getattr(preferences, name))


def root_on(armature: bpy.types.Object) -> str:
    """What carries an armature over the ground: its own choice, else that of the preferences."""
    preferences = extension.preferences()
    if preferences is None or armature.motus.is_property_set("root_on"):
        return armature.motus.root_on
    return preferences.root_on
