"""Tracks smoothed over time: a path without the sway of the hips, a heading without the swing of the steps."""

from __future__ import annotations

import numpy as np

from motion.quat import F32

STEP = 8.0
"""Frames at 30 a second; deviation of the Gaussian that makes a heading of the yaw: about one step of a walk."""


def smooth(track: F32, deviation: float = STEP) -> F32:
    """A track (T, ...) filtered over time by a Gaussian; beyond its ends it goes on point-symmetrically, so that a
    straight line stays one."""
    if len(track) < 2:
        return track.copy()
    reach = round(3 * deviation)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    padded = np.pad(
        track.astype(np.float64), [(reach, reach)] + [(0, 0)] * (track.ndim - 1), "reflect", reflect_type="odd"
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
    return (windows @ (weights / weights.sum())).astype(np.float32)
