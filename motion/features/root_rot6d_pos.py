"""The layout `root+rot6d+pos`, which the shipped tokenizer sees: rotations whole, so that twist survives.

(T, 201) at 30 frames per second, per frame of a `smplx22` clip:

    root_turn      1    yaw that the heading gained since the frame before, radians
    root_step      2    x and z of the path's move since the frame before, in the heading of the frame before, metres
    root_offset    2    x and z of the root beside the path, in the heading, metres
    root_height    1    root above the ground, metres
    rot6d        132    6D rotations of the 22 joints: the root's relative to the heading, the others local
    pos           63    positions of joints 1 to 21 from the point of the ground under the root, in the heading, metres

Heading and path are the root's yaw and place smoothed over time (HumanML3D smooths its heading likewise): turns and
steps add up when a clip is decoded, so they must be slow enough for a few bits a second; the hips' own swing is told
frame by frame, where an error stays one. Heading and place are lost on purpose: a decoded clip begins over the origin,
heading along +Z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion import contacts, quat
from motion.clip import Clip
from motion.features.checks import clip_fits
from motion.quat import F32
from motion.skeleton import SMPLX22, fk
from motion.smoothing import smooth

NAME = "root+rot6d+pos"
FPS = 30.0
LAYOUT: dict[str, slice] = {
    "root_turn": slice(0, 1),
    "root_step": slice(1, 3),
    "root_offset": slice(3, 5),
    "root_height": slice(5, 6),
    "rot6d": slice(6, 138),
    "pos": slice(138, 201),
}
WIDTH = 201


def encode(clip: Clip) -> F32:
    """Features (T, 201) of a `smplx22` clip at 30 frames per second. Raises BadClip for another skeleton or rate."""
    clip_fits(clip, NAME, FPS)
    heading = smooth(np.unwrap(quat.yaw(clip.rotations[:, 0])).astype(np.float32))
    path = smooth(clip.root * np.array([1, 0, 1], np.float32))
    back = quat.from_yaw(-heading)
    frames = np.zeros((len(clip), WIDTH), np.float32)
    frames[1:, LAYOUT["root_turn"]] = np.diff(heading)[:, None]
    frames[1:, LAYOUT["root_step"]] = quat.rotate(back[:-1], np.diff(path, axis=0))[:, [0, 2]]
    frames[:, LAYOUT["root_offset"]] = quat.rotate(back, clip.root - path)[:, [0, 2]]
    frames[:, LAYOUT["root_height"]] = clip.root[:, 1:2]
    local = clip.rotations.copy()
    local[:, 0] = quat.mul(back, local[:, 0])
    frames[:, LAYOUT["rot6d"]] = quat.to_rot6d(local).reshape(len(clip), -1)
    ground = clip.root * np.array([0, 1, 0], np.float32)
    frames[:, LAYOUT["pos"]] = fk(SMPLX22, local, ground)[0][:, 1:].reshape(len(clip), -1)
    return frames


@dataclass
class Integrator:
    """Turns features into world motion piece by piece; carries heading and place from one piece to the next.

    The path begins over the origin along +Z; the first frame's own root_turn and root_step are not used.
    """

    heading: float = 0.0
    x: float = 0.0
    z: float = 0.0
    started: bool = False

    def push(self, frames: F32) -> tuple[F32, F32]:
        """The next features (T, 201) -> root (T, 3) metres and local rotations (T, 22, 4)."""
        turns = frames[:, LAYOUT["root_turn"]][:, 0].astype(np.float64)
        steps = frames[:, LAYOUT["root_step"]].astype(np.float64)
        if not self.started and len(frames):
            turns, steps = turns.copy(), steps.copy()
            turns[0], steps[0] = 0, 0
            self.started = True
        headings = self.heading + np.cumsum(turns)
        before = np.concatenate([[self.heading], headings[:-1]])
        sine, cosine = np.sin(before), np.cos(before)
        x = self.x + np.cumsum(cosine * steps[:, 0] + sine * steps[:, 1])
        z = self.z + np.cumsum(cosine * steps[:, 1] - sine * steps[:, 0])
        if len(frames):
            self.heading, self.x, self.z = float(headings[-1]), float(x[-1]), float(z[-1])
        rotations = quat.from_rot6d(frames[:, LAYOUT["rot6d"]].reshape(len(frames), len(SMPLX22), 6))
        rotations[:, 0] = quat.mul(quat.from_yaw(headings.astype(np.float32)), rotations[:, 0])
        side, ahead = frames[:, LAYOUT["root_offset"]].T
        sine, cosine = np.sin(headings), np.cos(headings)
        x, z = x + cosine * side + sine * ahead, z + cosine * ahead - sine * side
        root = np.stack([x, frames[:, LAYOUT["root_height"]][:, 0], z], axis=-1).astype(np.float32)
        return root, rotations


def decode(frames: F32, name: str = "") -> Clip:
    """The `smplx22` clip of features (T, 201), with contacts; rotations and root decide, `pos` is redundant."""
    root, rotations = Integrator().push(frames)
    clip = Clip(SMPLX22, FPS, rotations, root, None, name)
    return Clip(SMPLX22, FPS, rotations, root, contacts.detect(clip), name)


def joints(frames: F32) -> F32:
    """Joint positions (T, 22, 3) of features (T, 201), as `decode` places them."""
    root, rotations = Integrator().push(frames)
    return fk(SMPLX22, rotations, root)[0]
