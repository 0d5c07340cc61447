"""What is refused before anything is encoded or decoded: the wrong skeleton, the wrong rate, the wrong width."""

from __future__ import annotations

import numpy as np

from motion.clip import Clip
from motion.errors import BadClip
from motion.quat import F32
from motion.skeleton import SMPLX22


def clip_fits(clip: Clip, name: str, fps: float) -> None:
    """Raises BadClip unless the clip is on `smplx22` at `fps` frames per second."""
    if clip.skeleton.joints != SMPLX22.joints:
        raise BadClip(f"features {name!r} are of smplx22, this clip is on {clip.skeleton.name!r}; retarget it first")
    if abs(clip.fps - fps) > 1e-3:
        raise BadClip(
            f"features {name!r} are at {fps:g} frames per second, this clip is at {clip.fps:g}; resample it first"
        )


def frames_fit(frames: F32, name: str, width: int) -> None:
    """Raises BadClip unless the features are (T, width) numbers with at least one frame."""
    if frames.ndim != 2 or frames.shape[1] != width or not len(frames):
        raise BadClip(f"features {name!r} are one or more rows of {width} columns, these are of shape {frames.shape}")
    if not np.isfinite(frames).all():
        row, column = np.argwhere(~np.isfinite(frames))[0]
        raise BadClip(f"features {name!r} hold a value that is no number at frame {row}, column {column}")
