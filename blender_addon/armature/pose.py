"""From a clip on a rig's skeleton to the channels of its bones.

Bones that play no role keep the pose they are in. The way over the ground is carried by the hips, by the bone at the
top of the tree, or by the armature object. All frames are done at once, bone after bone from the top.
"""

from __future__ import annotations

from typing import Literal

import bpy
import numpy as np

from blender_addon.armature import carrier as carriers
from blender_addon.armature import turns
from blender_addon.armature.carrier import Carrier
from blender_addon.armature.channel import Channel
from blender_addon.armature.rig import Rig
from motion import quat
from motion.clip import Clip
from motion.quat import F32, IDENTITY
from motion.skeleton import fk

RootOn = Literal["PELVIS", "TOP", "OBJECT"]
_ZERO = np.zeros(3, np.float32)


def channels(armature: bpy.types.Object, rig: Rig, clip: Clip, root_on: RootOn = "PELVIS") -> list[Channel]:
    """The channels that make `armature` move as `clip`, which is on `rig.skeleton`, in character space."""
    places, directions = fk(clip.skeleton, clip.rotations, clip.root, clip.offsets)
    top: Carrier | None = None
    result: list[Channel] = []
    if root_on != "PELVIS":
        carrier = carriers.follow(clip, places[:, rig.base], directions[:, rig.pelvis])
        if root_on == "TOP" and rig.base != 0:
            top = carrier
        else:
            result += carriers.object_channels(armature, rig, carrier)
            places, directions = carrier.without(places, directions)
    solved = _Solve(armature, rig, places, directions, top)
    for index, rotation in sorted(solved.rotations.items()):
        pose = armature.pose.bones.get(rig.bones[index].name)
        result += [] if pose is None else turns.channels(pose, rotation)
    for index, location in sorted(solved.locations.items()):
        pose = armature.pose.bones.get(rig.bones[index].name)
        if pose is None:  # deleted since the take was asked for
            continue
        kept = tuple(axis for axis in range(3) if pose.lock_location[axis])
        result.append(Channel(f"{pose.path_from_id()}.location", location.astype(np.float32), pose.name, kept))
    return result


class _Solve:
    """Channels as Blender counts them, away from the rest in the axes of bone and parent: `rotations` (T, 4) and
    `locations` (T, 3) by bone. Follows BKE_bone_parent_transform_calc_from_matrices of Blender's armature.cc."""

    def __init__(self, armature: bpy.types.Object, rig: Rig, places: F32, directions: F32, top: Carrier | None) -> None:
        self.rotations: dict[int, F32] = {}
        self.locations: dict[int, F32] = {}
        self._armature = armature
        self._rig = rig
        inward = rig.inward
        self._swings = quat.mul(quat.mul(inward, directions), quat.inv(inward))  # (T, J, 4) in armature space
        self._places = quat.rotate(inward, places) / np.float32(rig.scale)  # (T, J, 3) in armature space
        self._moving = rig.moved
        self._carrying = _carrying(rig)
        self._turned: dict[int, F32] = {}  # pose rotations in armature space, by bone
        self._stood: dict[int, F32] = {}  # pose places in armature space
        for index in rig.needed:
            self._solve(index, top if index == 0 else None)

    def _solve(self, index: int, top: Carrier | None) -> None:
        rig, bone = self._rig, self._rig.bones[index]
        frames = len(self._places)
        rest, head = rig.rest_turns[index], rig.rest_heads[index]
        if bone.parent < 0:
            above, stood = np.tile(IDENTITY, (frames, 1)), np.zeros((frames, 3), np.float32)
            above_rest, above_head = IDENTITY, _ZERO
        else:
            above, stood = self._turned[bone.parent], self._stood[bone.parent]
            above_rest, above_head = rig.rest_turns[bone.parent], rig.rest_heads[bone.parent]
        followed = above if bone.inherits_rotation else above_rest
        zero = quat.mul(followed, quat.mul(quat.inv(above_rest), rest))  # the bone with channels of nothing
        base = stood + quat.rotate(above, quat.rotate(quat.inv(above_rest), head - above_head))
        across = zero if bone.local_location else above  # the axes in which its location is counted
        own, moved = self._own(bone.name)
        place: F32 | None = None
        if top is not None:
            turn, place = self._topped(top, rest, head)
            self.rotations[index] = quat.normalize(quat.mul(quat.inv(zero), turn))
        elif index in self._moving:
            turn = quat.mul(self._swings[:, index], rig.stance_turns[index])
            self.rotations[index] = quat.normalize(quat.mul(quat.inv(zero), turn))
        else:
            turn = quat.mul(zero, own)
        if index == self._carrying and place is None:
            place = self._under_base(index, turn)
        if place is not None:
            self.locations[index] = quat.rotate(quat.inv(across), place - base)
        else:
            place = base + quat.rotate(across, moved)
        self._turned[index] = np.broadcast_to(turn, (frames, 4))
        self._stood[index] = np.broadcast_to(place, (frames, 3))

    def _own(self, name: str) -> tuple[F32, F32]:
        """The rotation and location a bone has been given, where it is not moved by the take."""
        pose = self._armature.pose.bones.get(name)
        if pose is None:
            return IDENTITY, _ZERO
        basis = pose.matrix_basis
        return np.array(basis.to_quaternion(), np.float32), np.array(basis.translation, np.float32)

    def _under_base(self, index: int, turn: F32) -> F32:
        """Where a bone turned like this must stand for the base of the trunk to be where it should."""
        rig = self._rig
        reach = rig.rest_heads[rig.base] - rig.rest_heads[index]
        return self._places[:, rig.base] - quat.rotate(quat.mul(turn, quat.inv(rig.rest_turns[index])), reach)

    def _topped(self, top: Carrier, rest: F32, head: F32) -> tuple[F32, F32]:
        inward, scale = self._rig.inward, np.float32(self._rig.scale)
        swing = quat.mul(quat.mul(inward, top.turns), quat.inv(inward))
        return quat.mul(swing, rest), quat.rotate(inward, top.places) / scale + quat.rotate(swing, head)


def _carrying(rig: Rig) -> int:
    """The bone whose location carries the body: the base of the trunk, or one above it where it hangs on its parent."""
    index = rig.base
    while rig.bones[index].connected and rig.bones[index].parent >= 0:
        index = rig.bones[index].parent
    return index
