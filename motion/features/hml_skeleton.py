"""The body of HumanML3D: `smplx22`'s joints, the axes its rotations start from, and the bone lengths of all its clips.

Positions (T, 22, 3) are metres, Y up. Rebuilt from the definitions of Guo et al. 2022, "Generating diverse and natural
3D human motions from text", section 4 and its data set's published processing; what that does by habit rather than by
design is said where it is done here.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motion import quat
from motion.quat import F32
from motion.skeleton import SMPLX22

Real = NDArray[np.float64]
PARENTS = np.maximum(SMPLX22.parents, 0)
"""(22,) the same tree as `smplx22`; the root counts as its own parent."""
BEFORE = np.where(np.isin(np.arange(22), [13, 14]), 0, PARENTS)
"""(22,) the joint whose rotation a joint's own is relative to: the parent, but the collars count from the root."""
_AXES: dict[str, tuple[float, float, float]] = {
    "left_hip": (1, 0, 0),
    "right_hip": (-1, 0, 0),
    "spine1": (0, 1, 0),
    "spine2": (0, 1, 0),
    "spine3": (0, 1, 0),
    "neck": (0, 1, 0),
    "head": (0, 0, 1),
    "left_collar": (1, 0, 0),
    "right_collar": (-1, 0, 0),
    "left_foot": (0, 0, 1),
    "right_foot": (0, 0, 1),
}
AXES: Real = np.array([_AXES.get(joint, (0, -1, 0)) for joint in SMPLX22.joints], np.float64)
"""(22, 3) where the bone to each joint points when nothing is turned: limbs down, feet and head to the front."""
AXES[0] = 0
_LENGTHS: dict[str, float] = {
    "left_hip": 0.103074,
    "right_hip": 0.109883,
    "spine1": 0.131568,
    "left_knee": 0.393623,
    "right_knee": 0.390188,
    "spine2": 0.143190,
    "left_ankle": 0.432433,
    "right_ankle": 0.425643,
    "spine3": 0.057365,
    "left_foot": 0.143382,
    "right_foot": 0.149419,
    "neck": 0.219360,
    "left_collar": 0.137487,
    "right_collar": 0.143383,
    "head": 0.103039,
    "left_shoulder": 0.131614,
    "right_shoulder": 0.122984,
    "left_elbow": 0.256840,
    "right_elbow": 0.263092,
    "left_wrist": 0.266012,
    "right_wrist": 0.269876,
}
"""Metres to each joint from its parent, the same in every clip of the data set: measured on its clip 012314."""


def uniform(positions: F32) -> F32:
    """The same motion on the data set's one body: every bone keeps its direction and takes the body's length, the root
    travels in proportion to the legs (right shin and thigh, as the data set measures them, at the first frame)."""
    at = positions.astype(np.float64)
    bones = at - at[:, PARENTS]
    lengths = np.array([_LENGTHS.get(joint, 0.0) for joint in SMPLX22.joints])
    leg = [SMPLX22.index("right_knee"), SMPLX22.index("right_ankle")]
    result = at.copy()
    result[:, 0] *= lengths[leg].sum() / np.linalg.norm(bones[0, leg], axis=-1).sum()
    for joint, parent in list(enumerate(PARENTS))[1:]:
        result[:, joint] = result[:, parent] + unit(bones[:, joint]) * lengths[joint]
    return result.astype(np.float32)


def placed(positions: F32) -> Real:
    """The motion as the data set stands it: lowest joint of all frames on the floor, first frame's root over the
    origin, first frame facing +Z by hips and shoulders."""
    at = positions.astype(np.float64)
    at = at - [at[0, 0, 0], at[..., 1].min(), at[0, 0, 2]]
    return rotate(to_front(at), at)


def to_front(positions: NDArray[np.floating[Any]]) -> Real:
    """The rotation (4,) about Y that makes the first frame of positions (T, 22, 3) face +Z."""
    first = positions[:1].astype(np.float64)
    return swing(np.cross([0, 1, 0], _across(first, "hip") + _across(first, "shoulder")), [0, 0, 1])[0]


def to_facing(positions: Real) -> Real:
    """Rotations (T, 4) about Y that turn the world until the body faces +Z, by the direction of the body over time.

    The data set subtracts the hips from the shoulders where it means to add them, so that its direction lies some
    degrees beside the body's; smooths it by a Gaussian of 20 frames; and sets the first frame to no turn at all.
    """
    front = np.cross([0, 1, 0], unit(_across(positions, "shoulder") - _across(positions, "hip")))
    turns = swing(_gaussian(front, 20), [0, 0, 1])
    turns[0] = quat.IDENTITY
    return turns


def rotations(positions: Real, facing: Real) -> Real:
    """Local rotations (T, 22, 4): the world rotation of a joint swings its axis onto the bone that leads to it, and the
    root's is `facing`, which turns the world to the body and not the body into the world."""
    world = swing(AXES, positions - positions[:, PARENTS])
    world[:, 0] = facing
    local = mul(inverse(world[:, BEFORE]), world)
    local[:, 0] = facing
    return local


def directions(local: Real) -> Real:
    """The unit bones (T, 22, 3) that local rotations (T, 22, 4) tell: the way back from `rotations`."""
    world = local.copy()
    for joint, before in list(enumerate(BEFORE))[1:]:
        world[:, joint] = mul(world[:, before], local[:, joint])
    return rotate(world, AXES)


def unit(v: Real) -> Real:
    """Vectors (..., 3) of length one."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def swing(a: ArrayLike, b: ArrayLike) -> Real:
    """The smallest rotation (..., 4) that turns direction `a` (..., 3) into `b` (..., 3)."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    return quat.between(cast(F32, a), cast(F32, b)).astype(np.float64)


def mul(a: Real, b: Real) -> Real:
    """`quat.mul` in float64."""
    return cast(Real, quat.mul(cast(F32, a), cast(F32, b)))


def inverse(q: Real) -> Real:
    """`quat.inv` in float64."""
    return cast(Real, quat.inv(cast(F32, q)))


def rotate(q: Real, v: ArrayLike) -> Real:
    """`quat.rotate` in float64; one rotation a frame turns all joints of that frame."""
    v = np.asarray(v, np.float64)
    q = q.reshape(*q.shape[:-1], *[1] * (v.ndim - q.ndim), 4) if v.ndim > q.ndim else q
    return cast(Real, quat.rotate(cast(F32, q), cast(F32, v)))


def _across(positions: Real, pair: str) -> Real:
    """From the left to the right of a pair of joints (T, 3)."""
    return positions[:, SMPLX22.index(f"right_{pair}")] - positions[:, SMPLX22.index(f"left_{pair}")]


def _gaussian(track: Real, deviation: int) -> Real:
    """A track (T, C) smoothed over time; beyond its ends it stays as it ends, beyond four deviations nothing counts."""
    reach = 4 * deviation
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    padded = np.pad(track, ((reach, reach), (0, 0)), "edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0) @ (weights / weights.sum())
