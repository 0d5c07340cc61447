"""Where generated features stand in the world: going on from a past, arriving at a future, feet on the ground.

A tokenizer gives a past or a future back a little changed. What it changed in the pose next to the seam is taken along
into the generated frames and let go over `EASE` of them, so that a body does not jump where motion was joined on.

Shapes: features (T, D) float32, root (T, 3) metres, rotations (T, J, 4) local, contacts (T, 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motion import contacts, quat
from motion.features import Integrator
from motion.protocol import Pose
from motion.quat import F32
from motion.skeleton import Skeleton, fk

EASE: Final = 10
"""frames: a third of a second"""


@dataclass(frozen=True, eq=False)
class Placed:
    """Frames in the world."""

    root: F32
    rotations: F32
    contacts: F32

    def __len__(self) -> int:
        return len(self.root)


@dataclass(frozen=True, eq=False)
class Change:
    """What a pose has over its decoded self: turns (J, 4) from the left, metres of height."""

    turns: F32
    height: float

    @staticmethod
    def between(rotations: F32, root: F32, decoded: F32) -> Change:
        """Of one pose (J, 4), (3,) and its decoded features (1, D); headings count as equal."""
        heights, poses = Integrator().push(decoded)
        mine, theirs = _faced(rotations[None])[0], _faced(poses)[0]
        return Change(quat.mul(mine, quat.inv(theirs)), float(root[1] - heights[0, 1]))

    def take(self, root: F32, rotations: F32, weight: F32) -> None:
        """Change frames, which are written to, by as much as `weight` (T,) says."""
        here = np.flatnonzero(weight > 0)
        if not len(here):
            return
        none = np.zeros_like(self.turns)
        none[:, 0] = 1
        turns = quat.slerp(none[None], self.turns[None], weight[here][:, None])  # (T, J, 4)
        heading = quat.from_yaw(quat.yaw(rotations[here, 0]))
        turns[:, 0] = quat.mul(quat.mul(heading, turns[:, 0]), quat.inv(heading))
        rotations[here] = quat.mul(turns, rotations[here])
        root[here, 1] += weight[here] * np.float32(self.height)


class Placement:
    """Places features piece by piece. Without a past the first frame stands over the origin, facing +Z."""

    def __init__(self, skeleton: Skeleton, fps: float, past: Pose | None = None) -> None:
        self._skeleton = skeleton
        self._fps = fps
        self._past = past
        self._placed = 0
        self._change: Change | None = None
        self._feet = np.zeros((0, 4, 3), np.float32)
        self._columns = [skeleton.index(joint) for joint in contacts.JOINTS]
        self._integrator = Integrator()
        if past is not None:
            heading = float(quat.yaw(past.rotations[-1, 0]))
            self._integrator = Integrator(heading, float(past.root[-1, 0]), float(past.root[-1, 2]), started=True)
            self._feet = self._feet_of(past.root, past.rotations)

    def join(self, decoded: F32) -> None:
        """Say, before the first push, how the last frame of the past came out of the decoder, (1, D)."""
        assert self._past is not None, "there is no past to join on to"
        self._change = Change.between(self._past.rotations[-1], self._past.root[-1], decoded)

    def push(self, features: F32) -> Placed:
        """The next frames."""
        root, rotations = self._begin(features)
        return self._end(root, rotations)

    def meet(self, features: F32, future: Pose, decoded: F32) -> Placed:
        """The next and last frames, bent on their way so that `future` can follow them.

        What heading and place are off by at the end is made up for in equal steps; the pose eases towards the future's
        first frame, whose decoded self is `decoded` (1, D).
        """
        before = np.array([[self._integrator.x, 0, self._integrator.z]], np.float32)
        root, rotations = self._begin(features)
        share = (np.arange(1, len(root) + 1) / (len(root) + 1)).astype(np.float32)
        off = float(quat.yaw(future.rotations[0, 0]) - quat.yaw(rotations[-1, 0]))
        bend = quat.from_yaw(share * np.float32((off + np.pi) % (2 * np.pi) - np.pi))
        rotations[:, 0] = quat.mul(bend, rotations[:, 0])
        steps = quat.rotate(bend, np.diff(np.concatenate([before, root]), axis=0))
        ground = before + np.cumsum(steps, axis=0)
        missing = future.root[0] - (ground[-1] + steps[-1])
        root[:, [0, 2]] = (ground + share[:, None] * missing)[:, [0, 2]]
        left = np.arange(len(root), 0, -1)
        Change.between(future.rotations[0], future.root[0], decoded).take(root, rotations, _ease(left))
        return self._end(root, rotations)

    def _begin(self, features: F32) -> tuple[F32, F32]:
        root, rotations = self._integrator.push(features)
        if self._change is not None:
            self._change.take(root, rotations, _ease(np.arange(1, len(root) + 1) + self._placed))
        self._placed += len(root)
        return root, rotations

    def _end(self, root: F32, rotations: F32) -> Placed:
        """Contact has hysteresis, so it is read from the beginning each time."""
        self._feet = np.concatenate([self._feet, self._feet_of(root, rotations)])
        return Placed(root, rotations, contacts.detect_from(self._feet, self._fps)[-len(root) :])

    def _feet_of(self, root: F32, rotations: F32) -> F32:
        return fk(self._skeleton, rotations, root)[0][:, self._columns]


def _ease(frames: np.ndarray) -> F32:
    """How much of a change is left that many frames (T,) from the seam: 1 at it, 0 from EASE on, level at both ends."""
    t = np.clip(frames / (EASE + 1), 0, 1)
    return (1 - t * t * (3 - 2 * t)).astype(np.float32)


def _faced(rotations: F32) -> F32:
    """The rotations (T, J, 4) of bodies turned to face +Z."""
    faced = rotations.copy()
    faced[:, 0] = quat.mul(quat.from_yaw(-quat.yaw(rotations[:, 0])), rotations[:, 0])
    return faced
