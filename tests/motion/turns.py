"""Rotations and directions for property tests, and a second way of computing with rotations: matrices in float64."""

from __future__ import annotations

from typing import cast

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from motion import quat
from motion.quat import F32

F64 = NDArray[np.float64]

numbers = st.floats(-1, 1, allow_nan=False, width=32)
angles = st.floats(-np.pi, np.pi).map(lambda angle: float(np.float32(angle)))


def _unit(values: list[float]) -> F32:
    v = np.array(values, np.float64)
    return (v / np.linalg.norm(v)).astype(np.float32)


directions = st.lists(numbers, min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.1).map(_unit)
rotations = st.lists(numbers, min_size=4, max_size=4).filter(lambda v: np.linalg.norm(v) > 0.1).map(_unit)


def f32(values: object) -> F32:
    """An array of what it is given."""
    return np.asarray(values, np.float32)


def axis_matrix(axis: str, angle: float) -> F64:
    """The right-handed rotation by `angle` radians about a coordinate axis, written out."""
    c, s = np.cos(angle), np.sin(angle)
    rows = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(rows[axis])


def angle_between(a: F32, b: F32) -> F64:
    """Angles (...) in radians between rotations, blind to the sign of a quaternion; exact for small ones."""
    exact = cast(F32, a.astype(np.float64)), cast(F32, b.astype(np.float64))
    difference = quat.mul(quat.inv(exact[0]), exact[1])
    return 2 * np.arctan2(np.linalg.norm(difference[..., 1:], axis=-1), np.abs(difference[..., 0]))
