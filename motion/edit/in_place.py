"""A clip that stays where it begins: the way it went is taken out, the pose and the height are not touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.clip import Clip
from motion.quat import F32
from motion.smoothing import STEP, smooth

_GROUND: F32 = np.array([1, 0, 1], np.float32)


def in_place(clip: Clip, sway: bool = True) -> Clip:
    """The clip without its travel over the ground; heights and turns stay.

    sway: the hips still sway and surge about the path, which is their own track smoothed over about a step; otherwise
    the root stands above one point, as engines want it that move the character themselves.
    """
    path = travel(clip) if sway else clip.root * _GROUND
    return replace(clip, root=clip.root - path + path[0])


def travel(clip: Clip) -> F32:
    """The path (T, 3) over the ground, metres, without the sway of the hips: what `in_place` takes out."""
    return smooth(clip.root * _GROUND, STEP * clip.fps / 30)
