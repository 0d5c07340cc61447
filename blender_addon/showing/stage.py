"""Where a take will be seen: the armature as it was when it was asked for, and what is done to frames on the way."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from blender_addon.armature.rig import Rig
from blender_addon.showing.show import Show, Wish
from blender_addon.talk.take import Take


@dataclass(frozen=True)
class Stage:
    """An armature in a scene."""

    scene: bpy.types.Scene
    armature: bpy.types.Object
    rig: Rig
    wish: Wish

    def show(self, take: Take) -> Show:
        """The take on this stage."""
        return Show(take, self.rig, self.wish, self.armature.session_uid, self.scene.session_uid)
