"""Two-bone limbs that reach for a point: legs and arms, by the law of cosines.

The limb stays in its own bend plane and turns with the least swing, so that knees and elbows keep pointing where they
pointed. World positions (..., 3) metres, rotations (..., 4); everything broadcasts over leading axes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.quat import F32

F64 = NDArray[np.float64]
_STRAIGHT = 0.9995  # share of its length that a limb is stretched to at most: straighter, and bending it back would pop
_STEADY = 0.15  # sine of the bend below which the joint's own hinge decides the plane


class Reach(NamedTuple):
    """World rotations to put before those of a limb's bones."""

    upper: F32
    lower: F32
    end: F32
    """(..., 3) where the end of the limb comes to lie: `target`, or as near to it as the limb may be stretched."""


def reach(root: F32, middle: F32, end: F32, target: F32, hinge: F32) -> Reach:
    """Turns of both bones that bring `end` to `target`.

    hinge: the axis (..., 3) about which the joint in the middle bends, which decides where the limb is straight:
    along cross(upper, lower) of a bent limb. A target at `end` turns nothing; one out of reach is pointed at.
    """
    base = root.astype(np.float64)
    upper, lower = middle - base, end.astype(np.float64) - middle
    span, goal = end - base, target.astype(np.float64) - base
    a, b, r = _length(upper), _length(lower), _length(span)
    least, most = np.minimum(np.abs(a - b) + 1e-3, r), np.maximum(_STRAIGHT * (a + b), r)
    stretched = np.clip(_length(goal), least, most)
    normal = _normal(upper, lower, hinge)
    before, after = _corners(a, b, r), _corners(a, b, stretched)
    swing = quat.between(span.astype(np.float32), goal.astype(np.float32))
    first = quat.mul(swing, _turn(normal, before[0] - after[0]))
    second = quat.mul(swing, _turn(normal, after[1] - before[1]))
    there = base + goal * (stretched / np.maximum(_length(goal), 1e-9))
    return Reach(first, second, there.astype(np.float32))


def set_limb(
    rotations: F32, world: F32, parents: tuple[int, ...], joints: tuple[int, int, int], turns: Reach, end: F32
) -> None:
    """Puts a limb's turns into local `rotations` (T, J, 4), in place.

    world (T, J, 4) and `joints` (its upper, middle and last joint) are as the limb was before; `end` (T, 4) is the
    world turn of the last joint, the hand or foot.
    """
    upper, middle, last = joints
    none = quat.IDENTITY
    for joint, own, above in ((upper, turns.upper, none), (middle, turns.lower, turns.upper), (last, end, turns.lower)):
        parent = none if parents[joint] < 0 else quat.mul(above, world[:, parents[joint]])
        local = quat.mul(quat.inv(parent), quat.mul(own, world[:, joint]))
        rotations[:, joint] = quat.normalize(local)


def shortfall(root: F32, middle: F32, end: F32, target: F32) -> F32:
    """How much too short (...) a limb is that should bring `end` to `target`, metres.

    Begins smoothly before the limb is straight, so that what makes up for it does so too; zero where the target is no
    farther than `end`.
    """
    base = root.astype(np.float64)
    r = _length(end - base)
    longer = np.maximum(_length(target - base) - r, 0)
    room = np.maximum(_STRAIGHT * (_length(middle - base) + _length(end.astype(np.float64) - middle)) - r, 1e-6)
    return (longer + room * np.expm1(-longer / room))[..., 0].astype(np.float32)


def _length(v: F64) -> F64:
    return np.sqrt((v * v).sum(-1, keepdims=True))


def _corners(a: F64, b: F64, r: F64) -> tuple[F64, F64]:
    """Angles (..., 1) of a triangle with sides a, b, r: between a and r, and between r and b."""
    safe = np.maximum(r, 1e-9)
    at_root = (a * a + safe * safe - b * b) / np.maximum(2 * a * safe, 1e-12)
    at_end = (b * b + safe * safe - a * a) / np.maximum(2 * b * safe, 1e-12)
    return np.arccos(np.clip(at_root, -1, 1)), np.arccos(np.clip(at_end, -1, 1))


def _normal(upper: F64, lower: F64, hinge: F32) -> F64:
    """The axis about which the limb bends, unit (..., 3): its own plane's, and `hinge` the straighter it is."""
    across = np.cross(upper, lower) / np.maximum(_length(upper) * _length(lower), 1e-12)
    own = np.minimum((_length(across) / _STEADY) ** 2, 1)
    axis = across / np.maximum(_length(across), 1e-12)
    mixed = own * axis + (1 - own) * hinge  # a knee that is a little overstretched bends the right way nevertheless
    span = upper + lower
    mixed = mixed - (mixed * span).sum(-1, keepdims=True) * span / np.maximum(_length(span) ** 2, 1e-12)
    return mixed / np.maximum(_length(mixed), 1e-12)


def _turn(axis: F64, angle: F64) -> F32:
    return quat.from_axis_angle(axis.astype(np.float32), angle[..., 0].astype(np.float32))
