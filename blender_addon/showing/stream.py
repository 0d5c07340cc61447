"""A live session on an armature: each frame is put into the pose when it is due (talk/live.py), and nothing is keyed.

What the user has on the armature is put aside meanwhile, as it is for a take that is shown, so that a timeline that
plays does not overwrite the pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import bpy
import numpy as np

from blender_addon.armature import pose, retargeting
from blender_addon.showing import preview
from blender_addon.showing.show import Show
from blender_addon.showing.stage import Stage
from blender_addon.talk.live import Live
from blender_addon.talk.take import Take
from motion.clip import Clip
from motion.quat import F32
from motion.retargeting.humanoid import Humanoid
from motion.retargeting.transfer import Transfer


@dataclass(frozen=True, eq=False)
class Performance:
    """A live session and the armature it is seen on."""

    live: Live
    stage: Stage
    armature: int
    """the session uid of the armature object"""
    scene: int
    """the session uid of the scene"""

    def find(self) -> bpy.types.Object | None:
        """The armature, if it is still there."""
        return next((one for one in bpy.data.objects if one.session_uid == self.armature), None)

    def show(self, frame: Clip) -> bool:
        """Put a frame into the armature's pose; whether there is an armature to put it on. Raises BadClip."""
        armature = self.find()
        if armature is None:
            return False
        on_rig = frame if self._way is None else self._way.carry(frame)
        if self._way is None:
            on_rig = retargeting.onto(frame, self.stage.rig)
        channels = pose.channels(armature, self.stage.rig, on_rig, "PELVIS")
        preview.put_aside(armature, self.live.name, channels)
        for channel in channels:
            values = armature.path_resolve(channel.path)
            for index, value in enumerate(channel.values[0]):
                if index not in channel.kept:
                    values[index] = value
        return True

    def record(self, take: Take) -> Show:
        """What was recorded, as a take on the same armature."""
        rig, wish = self.stage.rig, self.stage.wish
        return Show(take, rig, wish, self.armature, self.scene)

    def spot(self, point: F32) -> tuple[float, float]:
        """A point of Blender's world where the server thinks it is: x and z, metres of its own body's size."""
        inside = self.stage.rig.inside(np.asarray(point, np.float32))
        size = 1.0 if self._way is None else self._way.scale
        return float(inside[0]) / size, float(inside[2]) / size

    @cached_property
    def _way(self) -> Transfer | None:
        """From the server's body to the rig's, worked out once; None where both are one."""
        rig = self.stage.rig
        if retargeting.same(self.live.skeleton, rig):
            return None
        return Transfer(Humanoid.of(self.live.skeleton), Humanoid.of(rig.skeleton, rig.sheet))
