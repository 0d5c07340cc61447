"""Feature layouts: the columns a tokenizer sees, by name. Only this file knows where a column lies.

`root+rot6d+pos` (T, 199) at 30 frames per second, per frame of a `smplx22` clip:

    root_turn      1    yaw gained since the frame before, radians
    root_step      2    x and z of the root's move since the frame before, in the heading of the frame before, metres
    root_height    1    root above the ground, metres
    rot6d        132    6D rotations of the 22 joints: the root's relative to its heading, the others local
    pos           63    positions of joints 1 to 21, relative to the point of the ground under the root, in its heading, metres

Heading and place are lost on purpose: a decoded clip begins over the origin, facing +Z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion import contacts, quat
from motion.clip import Clip, canonicalise
from motion.errors import BadClip
from motion.quat import F32
from motion.skeleton import SMPLX22, fk

NAME = "root+rot6d+pos"
FPS = 30.0
LAYOUT: dict[str, slice] = {
    "root_turn": slice(0, 1),
    "root_step": slice(1, 3),
    "root_height": slice(3, 4),
    "rot6d": slice(4, 136),
    "pos": slice(136, 199),
}
WIDTH = 199


def encode(clip: Clip) -> F32:
    """Features (T, 199) of a `smplx22` clip at 30 frames per second. Raises BadClip for another skeleton or rate."""
    if clip.skeleton.joints != SMPLX22.joints:
        raise BadClip(f"features {NAME!r} are of smplx22, this clip is on {clip.skeleton.name!r}; retarget it first")
    if abs(clip.fps - FPS) > 1e-3:
        raise BadClip(f"features {NAME!r} are at {FPS:g} frames per second, this clip is at {clip.fps:g}; resample it first")
    clip = canonicalise(clip)
    heading = np.unwrap(quat.yaw(clip.rotations[:, 0])).astype(np.float32)
    back = quat.from_yaw(-heading)
    frames = np.zeros((len(clip), WIDTH), np.float32)
    frames[1:, LAYOUT["root_turn"]] = np.diff(heading)[:, None]
    step = quat.rotate(back[:-1], np.diff(clip.root, axis=0))
    frames[1:, LAYOUT["root_step"]] = step[:, [0, 2]]
    frames[:, LAYOUT["root_height"]] = clip.root[:, 1:2]
    local = clip.rotations.copy()
    local[:, 0] = quat.mul(back, local[:, 0])
    frames[:, LAYOUT["rot6d"]] = quat.to_rot6d(local).reshape(len(clip), -1)
    ground = np.stack([np.zeros(len(clip)), clip.root[:, 1], np.zeros(len(clip))], axis=-1).astype(np.float32)
    frames[:, LAYOUT["pos"]] = fk(SMPLX22, local, ground)[0][:, 1:].reshape(len(clip), -1)
    return frames


@dataclass
class Integrator:
    """Turns features into world motion piece by piece; carries heading and place from one piece to the next.

    The first frame it is given stands over the origin facing +Z; its own root_turn and root_step are not used.
    """

    heading: float = 0.0
    x: float = 0.0
    z: float = 0.0
    started: bool = False

    def push(self, frames: F32) -> tuple[F32, F32]:
        """The next features (T, 199) -> root (T, 3) metres and local rotations (T, 22, 4)."""
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
        root = np.stack([x, frames[:, LAYOUT["root_height"]][:, 0], z], axis=-1).astype(np.float32)
        return root, rotations


def decode(frames: F32, name: str = "") -> Clip:
    """The `smplx22` clip of features (T, 199), with contacts; rotations and root decide, `pos` is redundant."""
    root, rotations = Integrator().push(frames)
    clip = Clip(SMPLX22, FPS, rotations, root, None, name)
    return Clip(SMPLX22, FPS, rotations, root, contacts.detect(clip), name)


@dataclass(frozen=True)
class Statistics:
    """VerMo's avg-std (appendix B.2): a mean for every column, one standard deviation for every group of columns."""

    mean: F32
    std: F32

    @staticmethod
    def measure(frames: F32) -> Statistics:
        """Over features (N, 199); a group's deviation is the mean of its columns' deviations."""
        deviations = frames.std(axis=0, dtype=np.float64)
        std = np.ones(frames.shape[1])
        for columns in LAYOUT.values():
            std[columns] = max(float(deviations[columns].mean()), 1e-6)
        return Statistics(frames.mean(axis=0, dtype=np.float64).astype(np.float32), std.astype(np.float32))
