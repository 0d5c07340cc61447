"""What carries a body over the ground when its root is not the pelvis: the bone at the top, or the object itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np

from blender_addon.armature import turns
from blender_addon.armature.channel import Channel
from blender_addon.armature.rig import Rig
from motion import quat
from motion.clip import Clip
from motion.edit.in_place import travel
from motion.quat import F32
from motion.smoothing import STEP, smooth

_GROUND: F32 = np.array([1, 0, 1], np.float32)


@dataclass(frozen=True)
class Carrier:
    """Where it is and how it is turned in character space; at rest it is at the origin and not turned."""

    places: F32
    """(T, 3)"""
    turns: F32
    """(T, 4)"""

    def without(self, places: F32, directions: F32) -> tuple[F32, F32]:
        """Places (T, J, 3) and rotations (T, J, 4) as they are seen from what carries them."""
        back = quat.inv(self.turns)[:, None]
        return quat.rotate(back, places - self.places[:, None]), quat.mul(back, directions)


def follow(clip: Clip, places: F32, directions: F32) -> Carrier:
    """The carrier of a pelvis at `places` (T, 3) turned by `directions` (T, 4): its way and heading, smoothed over a
    step, so that sway stays with the body."""
    way = travel(replace(clip, root=places, offsets=None)) * _GROUND
    yaw = np.unwrap(quat.yaw(directions))[:, None].astype(np.float32)
    return Carrier(way, quat.from_yaw(smooth(yaw, STEP * clip.fps / 30)[:, 0]))


def object_channels(armature: bpy.types.Object, rig: Rig, carrier: Carrier) -> list[Channel]:
    """Location and rotation of the armature object, in its parent's space."""
    placement = rig.placement
    outward = quat.mul(placement.turn, quat.inv(rig.inward))  # the object's own rotation as it stands
    swing = quat.mul(quat.mul(placement.turn, carrier.turns), quat.inv(placement.turn))
    places = placement.origin + quat.rotate(placement.turn, carrier.places)
    rotations = quat.mul(swing, outward)
    if armature.parent is not None:
        above = armature.parent.matrix_world @ armature.matrix_parent_inverse
        inverse = np.array(above.inverted_safe(), np.float32)
        places = places @ inverse[:3, :3].T + inverse[:3, 3]
        rotations = quat.mul(quat.inv(np.array(above.to_quaternion(), np.float32)), rotations)
    places = (places - np.array(armature.delta_location, np.float32)).astype(np.float32)
    kept = tuple(axis for axis in range(3) if armature.lock_location[axis])
    group = "Object Transforms"
    return [Channel("location", places, group, kept), *turns.channels(armature, rotations, group)]
