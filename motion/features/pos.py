"""The layout `pos`: joint positions and nothing else, as VerMo's tokenizer sees them (sections 3.2 and B.1).

(T, 66) at 30 frames per second, per frame of a `smplx22` clip:

    pos    66    world positions of joints 0 to 21, metres: lowest joint of all frames on the floor, the first frame's
                 root over the origin, the first frame facing +Z

VerMo has 52 joints (156 columns), with hands; these are the body's 22. Nothing adds up over time, so an error stays in
its frame, and several characters share one world.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion import contacts, quat
from motion.clip import Clip, canonicalise, move, positions, turn
from motion.errors import BadClip
from motion.features import fitting
from motion.features.checks import clip_fits, frames_fit
from motion.quat import F32
from motion.skeleton import SMPLX22, TOE_HEIGHT

NAME = "pos"
FPS = 30.0
LAYOUT: dict[str, slice] = {"pos": slice(0, 66)}
WIDTH = 66


def encode(clip: Clip) -> F32:
    """Features (T, 66) of a `smplx22` clip at 30 frames per second."""
    clip_fits(clip, NAME, FPS)
    at = positions(canonicalise(clip))
    return (at - np.array([0, at[..., 1].min(), 0], np.float32)).reshape(len(clip), -1)


def encode_together(clips: Sequence[Clip]) -> F32:
    """Features (A, T, 66) of several agents in one world: as `encode`, but the first agent alone decides where the
    origin is and which way is +Z, and the lowest joint of all of them where the floor is. Raises BadClip unless they
    are equally long."""
    for clip in clips:
        clip_fits(clip, NAME, FPS)
    if not clips or len({len(clip) for clip in clips}) > 1:
        raise BadClip(f"agents share one clock, these clips have {[len(c) for c in clips]} frames; cut them alike")
    leader = clips[0]
    yaw = -float(quat.yaw(leader.rotations[0, 0]))
    start = quat.rotate(quat.from_yaw(np.array(yaw, np.float32)), leader.root[0])
    away = np.array([-start[0], 0, -start[2]], np.float32)
    at = np.stack([positions(move(turn(clip, yaw), away)) for clip in clips])
    return (at - np.array([0, at[..., 1].min(), 0], np.float32)).reshape(len(clips), len(leader), -1)


def joints(frames: F32) -> F32:
    """Joint positions (T, 22, 3) of features (T, 66)."""
    frames_fit(frames, NAME, WIDTH)
    return frames.reshape(len(frames), len(SMPLX22), 3)


def decode(frames: F32, name: str = "") -> Clip:
    """A `smplx22` clip of features (T, 66), with contacts: rotations are fitted to the positions, so that the twist of
    limbs is a guess; it stands as the positions do, raised by the height of a toe joint above the ground."""
    clip = move(fitting.fit(SMPLX22, joints(frames), FPS, name=name), np.array([0, TOE_HEIGHT, 0], np.float32))
    return Clip(SMPLX22, FPS, clip.rotations, clip.root, contacts.detect(clip), name)
