"""How a motion goes on from frame to frame: its steps in place and turn, seen from where the body stands."""

from __future__ import annotations

import numpy as np

from motion import quat
from motion.clip import Clip, positions
from motion.quat import F32


def jerk(clip: Clip) -> F32:
    """How much each joint's step from one frame to the next differs from the step before it (T - 2, J), metres."""
    return np.linalg.norm(np.diff(positions(clip), n=2, axis=0), axis=-1)


def turn_jerk(clip: Clip) -> F32:
    """The same for local rotations (T - 2, J), radians."""
    steps = quat.mul(clip.rotations[1:], quat.inv(clip.rotations[:-1]))
    change = quat.mul(steps[1:], quat.inv(steps[:-1]))
    return 2 * np.arctan2(np.linalg.norm(change[..., 1:], axis=-1), np.abs(change[..., 0]))
