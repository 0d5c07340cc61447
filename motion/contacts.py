"""Foot contacts from joint positions: height and speed with hysteresis.

Contacts are float32 (T, 4), one where left heel, left toe, right heel, right toe rest on the ground. The heel is read
at the ankle, the toe at the foot joint of `smplx22`; the ground is the plane y = 0.
"""

from __future__ import annotations

import numpy as np

from motion.clip import Clip, positions
from motion.quat import F32
from motion.skeleton import ANKLE_HEIGHT, TOE_HEIGHT

JOINTS = ("left_ankle", "left_foot", "right_ankle", "right_foot")
_REST = np.array([ANKLE_HEIGHT, TOE_HEIGHT, ANKLE_HEIGHT, TOE_HEIGHT], np.float32)
# A foot lands when it is within 4 cm of its standing height and slower than 0.35 m/s, and leaves above 6 cm or 0.6 m/s:
# chosen on walks of three recording systems by looking at the marked frames.
_LAND_HEIGHT, _LEAVE_HEIGHT = 0.04, 0.06
_LAND_SPEED, _LEAVE_SPEED = 0.35, 0.6


def detect(clip: Clip) -> F32:
    """Contacts (T, 4) of a `smplx22` clip."""
    columns = [clip.skeleton.index(joint) for joint in JOINTS]
    return detect_from(positions(clip)[:, columns], clip.fps)


def detect_from(feet: F32, fps: float, rest: F32 = _REST, size: float = 1.0) -> F32:
    """Contacts (T, C) from world positions (T, C, 3): of ankles and feet in the order of `JOINTS`, unless `rest` (C,)
    says how high other points of a foot stand. `size` is the body's against an adult's."""
    height = feet[..., 1] - rest  # (T, C)
    speed = np.zeros_like(height)
    if len(feet) > 1:
        speed[1:] = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
        speed[0] = speed[1]
    lands = (height < _LAND_HEIGHT * size) & (speed < _LAND_SPEED * size)
    stays = (height < _LEAVE_HEIGHT * size) & (speed < _LEAVE_SPEED * size)
    # In between, a foot goes on with what was last decided; before that it is in the air.
    frames = np.arange(len(feet))[:, None]
    decided = np.maximum.accumulate(np.where(lands | ~stays, frames, -1), axis=0)
    down = np.take_along_axis(lands, np.maximum(decided, 0), axis=0) & (decided >= 0)
    return down.astype(feet.dtype)
