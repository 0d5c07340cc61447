"""Who this extension is inside Blender, and what its user has set in the preferences."""

import os
from pathlib import Path

import bpy

from motion import __version__

NAME = __package__
"""the package Blender loaded it as, such as bl_ext.user_default.motus"""
CLIENT = f"blender {__version__}"


def preferences() -> bpy.types.AddonPreferences | None:
    """The extension's preferences, while it is enabled."""
    found = bpy.context.preferences.addons.get(NAME)
    return None if found is None else found.preferences


def read_only() -> bool:
    """Whether the file that is open cannot be saved where it is."""
    file = Path(bpy.data.filepath)
    return file.is_file() and not (os.access(file, os.W_OK) and file.stat().st_mode & 0o222)


def folder(name: str = "") -> Path:
    """A folder of the extension's own, outside its code, which outlives updates."""
    return Path(bpy.utils.extension_path_user(NAME, path=name, create=True))
