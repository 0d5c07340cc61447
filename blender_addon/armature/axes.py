"""Blender's world and ours: Z up and facing -Y there, Y up and facing +Z here.

X is the body's left in both, so that one quarter turn about X takes one into the other. Arrays are float32, quaternions
w x y z.
"""

from __future__ import annotations

import numpy as np

from motion.quat import F32

TO_BLENDER: F32 = np.array([np.sqrt(0.5), np.sqrt(0.5), 0, 0], np.float32)
"""(4,) the turn that takes our axes to Blender's: (x, y, z) becomes (x, -z, y)"""


def to_blender(points: F32) -> F32:
    """Points (..., 3) of ours in Blender's axes."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1).astype(np.float32)


def from_blender(points: F32) -> F32:
    """Points (..., 3) of Blender's in our axes."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1).astype(np.float32)
