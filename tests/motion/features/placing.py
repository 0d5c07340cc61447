"""Positions of one motion that stands in two places: carried onto each other by a turn about Y and a shift."""

from __future__ import annotations

import numpy as np

from motion import quat
from motion.quat import F32


def carried(ours: F32, theirs: F32) -> F32:
    """Positions `ours` (T, J, 3) turned about Y and shifted, all frames alike, to lie nearest to `theirs`."""
    centre, goal = ours.mean(axis=(0, 1)), theirs.mean(axis=(0, 1))
    a, b = ours - centre, theirs - goal
    sine = float((a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]).sum())
    cosine = float((a[..., 0] * b[..., 0] + a[..., 2] * b[..., 2]).sum())
    turn = quat.from_yaw(np.array(np.arctan2(sine, cosine), np.float32))
    return quat.rotate(turn, a.astype(np.float32)) + goal


def farthest(ours: F32, theirs: F32) -> float:
    """The largest distance in metres between joints of one motion that stands in two places."""
    return float(np.linalg.norm(carried(ours, theirs) - theirs, axis=-1).max())
