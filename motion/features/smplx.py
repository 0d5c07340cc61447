"""The layout `smplx`: the parameters of SMPL-X, as UniMo's tokenizer sees them (section 3.1 and table 6).

(T, 145) at 30 frames per second, per frame of a `smplx22` clip:

    body_pose      126    theta: 6D local rotations of joints 1 to 21
    betas           10    beta: the body's shape, the same in every row; zeros where the clip knows none
    orientation      6    phi: 6D rotation of the pelvis in the world
    translation      3    tau: the pelvis' place in the first row, then its move since the row before, metres

Rotations are those of SMPL-X, whose rest pose is `smplx22`'s. `translation` is that of the pelvis joint; SMPL-X's own
`transl` is less by the place of the pelvis in the rest pose of the body with these betas, which its model file tells.
"""

from __future__ import annotations

import numpy as np

from motion import contacts, quat
from motion.clip import Clip, positions
from motion.features.checks import clip_fits, frames_fit
from motion.quat import F32
from motion.skeleton import SMPLX22

NAME = "smplx"
FPS = 30.0
LAYOUT: dict[str, slice] = {
    "body_pose": slice(0, 126),
    "betas": slice(126, 136),
    "orientation": slice(136, 142),
    "translation": slice(142, 145),
}
WIDTH = 145


def encode(clip: Clip) -> F32:
    """Features (T, 145) of a `smplx22` clip at 30 frames per second; of more than ten betas the first ten."""
    clip_fits(clip, NAME, FPS)
    frames = np.zeros((len(clip), WIDTH), np.float32)
    rotations = quat.to_rot6d(clip.rotations)
    frames[:, LAYOUT["body_pose"]] = rotations[:, 1:].reshape(len(clip), -1)
    frames[:, LAYOUT["orientation"]] = rotations[:, 0]
    if clip.betas is not None:
        shape = clip.betas[:10]
        frames[:, LAYOUT["betas"]][:, : len(shape)] = shape
    frames[:, LAYOUT["translation"]] = np.diff(clip.root.astype(np.float64), axis=0, prepend=0)
    return frames


def decode(frames: F32, name: str = "") -> Clip:
    """The `smplx22` clip of features (T, 145), where it stood, with contacts; betas are the mean over time."""
    frames_fit(frames, NAME, WIDTH)
    both = np.concatenate([frames[:, LAYOUT["orientation"]], frames[:, LAYOUT["body_pose"]]], axis=1)
    rotations = quat.from_rot6d(both.reshape(len(frames), len(SMPLX22), 6))
    root = np.cumsum(frames[:, LAYOUT["translation"]], axis=0, dtype=np.float64).astype(np.float32)
    betas = frames[:, LAYOUT["betas"]].mean(axis=0)
    clip = Clip(SMPLX22, FPS, rotations, root, None, name, None, betas if betas.any() else None)
    return Clip(SMPLX22, FPS, rotations, root, contacts.detect(clip), name, None, clip.betas)


def joints(frames: F32) -> F32:
    """Joint positions (T, 22, 3) of features (T, 145)."""
    return positions(decode(frames))
