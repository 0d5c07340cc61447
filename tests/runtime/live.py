"""What live sessions give, for tests that look at it."""

from __future__ import annotations

import numpy as np

from motion import quat
from motion.protocol import Frames
from runtime.client import Live

FPS = 30.0
"""the recorded bundle's"""


def take(live: Live, count: int) -> list[Frames]:
    """The next frames."""
    frames: list[Frames] = []
    for one in live:
        frames.append(one)
        if len(frames) == count:
            break
    return frames


def pose(frames: list[Frames]) -> tuple[np.ndarray, np.ndarray]:
    """Their root (T, 3) metres and rotations (T, J, 4)."""
    return np.concatenate([one.root for one in frames]), np.concatenate([one.rotations for one in frames])


def roughness(frames: list[Frames]) -> float:
    """The largest change of speed from frame to frame, metres and radians."""
    root, rotations = pose(frames)
    turns = quat.to_vector(quat.mul(quat.inv(rotations[:-1]), rotations[1:]))
    return max(float(np.abs(np.diff(turns, axis=0)).max()), float(np.abs(np.diff(root, 2, axis=0)).max()))
