"""The layout `uni269`: UniMotion's 269 columns (section D.1): those of `hml263`, then the body's whole orientation.

(T, 269) at 20 frames per second, per frame of a `smplx22` clip:

    the 263 columns of `hml263`, unchanged, so that what reads those reads the first 263 of these
    orientation    6    6D rotation of the pelvis in the world in which the first frame faces +Z

The heading of `hml263` is a direction on the floor, smoothed over seconds; `orientation` is the pelvis itself, frame by
frame, with lean and roll, as SMPL's global orientation.
"""

from __future__ import annotations

import numpy as np

from motion import quat
from motion.clip import Clip, positions
from motion.features import hml263
from motion.features import hml_skeleton as body
from motion.features.checks import clip_fits, frames_fit
from motion.quat import F32

NAME = "uni269"
FPS = hml263.FPS
LAYOUT: dict[str, slice] = {**hml263.LAYOUT, "orientation": slice(263, 269)}
WIDTH = 269


def encode(clip: Clip) -> F32:
    """Features (T, 269) of a `smplx22` clip at 20 frames per second."""
    clip_fits(clip, NAME, FPS)
    turn = body.to_front(positions(clip)).astype(np.float32)  # the turn that `hml263` gives the whole clip
    pelvis = quat.mul(turn, clip.rotations[:, 0])
    return np.concatenate([hml263.encode(clip), quat.to_rot6d(pelvis)], axis=1)


def joints(frames: F32) -> F32:
    """Joint positions (T, 22, 3), as `hml263.joints` of the first 263 columns."""
    frames_fit(frames, NAME, WIDTH)
    return hml263.joints(frames[:, : hml263.WIDTH])


def decode(frames: F32, name: str = "") -> Clip:
    """A `smplx22` clip of features (T, 269), as `hml263.decode`, but the pelvis turns as `orientation` says."""
    at = joints(frames)
    return hml263.to_clip(at, frames, FPS, quat.from_rot6d(frames[:, LAYOUT["orientation"]]), name)
