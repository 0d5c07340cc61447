"""Errors by how fast they change: the spectrum of the distance between two motions."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal

from motion.quat import F32

BANDS = ((0.0, 2.0), (2.0, 6.0), (6.0, 10.0))
"""Hz"""
_SEGMENT = 64  # frames of Welch's estimate; shorter clips are taken whole


def residual(ours: F32, theirs: F32, fps: float) -> tuple[F32, F32]:
    """Frequencies (N,) in Hz and the power of the error there (N,), square metres per Hz, mean over joints about their
    roots, positions (T, J, 3) (Welch 1967)."""
    error = (ours - ours[:, :1]) - (theirs - theirs[:, :1])
    off: Any = False  # a mean error is an error, too; the stubs know only texts
    rate, power = signal.welch(error[:, 1:], fps, nperseg=min(_SEGMENT, len(error)), axis=0, detrend=off)
    return rate.astype(np.float32), power.sum(axis=-1).mean(axis=-1).astype(np.float32)


def bands(ours: F32, theirs: F32, fps: float) -> tuple[float, ...]:
    """Size of the error in each of `BANDS`, metres: the root of its power there."""
    rate, power = residual(ours, theirs, fps)
    step = float(rate[1] - rate[0]) if len(rate) > 1 else 0.0
    return tuple(float(np.sqrt(power[(rate >= low) & (rate < high)].sum() * step)) for low, high in BANDS)
