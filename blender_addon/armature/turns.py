"""Rotations as a bone or object keeps them: quaternions, Euler angles in any order, or an axis and an angle.

A channel's locked axes keep the value they have. Values follow each other without jumps, so that curves stay smooth
between keys.
"""

from __future__ import annotations

import bpy
import numpy as np

from blender_addon.armature.channel import Channel
from motion import quat
from motion.quat import F32

Owner = bpy.types.PoseBone | bpy.types.Object
_PATHS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


def channels(owner: Owner, rotations: F32, group: str = "") -> list[Channel]:
    """The channel of rotations (T, 4) in the owner's rotation mode; none where all of it is locked."""
    mode = owner.rotation_mode
    path = _PATHS.get(mode, "rotation_euler")
    if isinstance(owner, bpy.types.PoseBone):
        path, group = f"{owner.path_from_id()}.{path}", owner.name
    locked = tuple(axis for axis in range(3) if owner.lock_rotation[axis])
    if len(locked) == 3:
        return []
    if mode not in _PATHS:
        return [Channel(path, euler(rotations, mode), group, locked)]
    if locked:  # of a quaternion no part can be kept: it is done in angles about the axes of the bone
        angles = euler(rotations, "XYZ")
        angles[:, locked] = np.array(owner.matrix_basis.to_euler("XYZ"), np.float32)[list(locked)]
        rotations = quat.from_euler(angles[:, ::-1], "zyx")
    rotations = quat.unroll(quat.normalize(rotations))
    return [Channel(path, rotations if mode == "QUATERNION" else axis_angle(rotations), group)]


def euler(rotations: F32, order: str) -> F32:
    """Angles (T, 3) about x, y, z of rotations (T, 4), as Blender's `order` ("XYZ" ...) applies them."""
    reverse = order.lower()[::-1]  # Blender turns about fixed axes; about moving ones that is the other way round
    angles = steady(quat.to_euler(rotations, reverse))
    return np.ascontiguousarray(angles[:, [reverse.index(letter) for letter in "xyz"]])


def steady(angles: F32) -> F32:
    """Tait-Bryan angles (T, 3) in their own order, each row the nearest to the one before it among all that mean the
    same rotation."""
    result = np.unwrap(angles, axis=0).astype(np.float32)
    if len(result) < 2 or np.abs(np.diff(result, axis=0)).max() < np.pi / 2:
        return result
    flip = np.array([np.pi, np.pi, np.pi], np.float32)
    for frame in range(1, len(angles)):
        before = result[frame - 1]
        ways = np.stack([angles[frame], angles[frame] * np.array([1, -1, 1], np.float32) + flip])
        ways = ways - np.round((ways - before) / (2 * np.pi)) * np.float32(2 * np.pi)
        result[frame] = ways[int(np.abs(ways - before).sum(axis=-1).argmin())]
    return result


def axis_angle(rotations: F32) -> F32:
    """Angle and axis (T, 4), the angle first, of rotations (T, 4) whose signs do not jump."""
    length = np.linalg.norm(rotations[:, 1:], axis=-1)
    turned = length > 1e-6
    if not turned.any():
        return np.tile(np.array([0, 0, 1, 0], np.float32), (len(rotations), 1))
    # Where nothing is turned any axis will do: the last one before, so that the axis does not jump.
    last = np.maximum.accumulate(np.where(turned, np.arange(len(rotations)), -1))
    last[last < 0] = int(turned.argmax())
    axis = rotations[last, 1:] / length[last, None]
    sign = np.cumprod(np.concatenate([[1.0], np.where((axis[1:] * axis[:-1]).sum(-1) < 0, -1.0, 1.0)]))
    angle = np.unwrap(2 * np.arctan2(length, rotations[:, 0]) * sign)
    return np.concatenate([angle[:, None], axis * sign[:, None]], axis=-1).astype(np.float32)
