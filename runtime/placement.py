"""Where generated features stand in the world: going on from a past, arriving at a future, feet on the ground.

A tokenizer gives a past or a future back a little changed. What it changed in the pose next to the seam is taken along
into the generated frames and let go over `EASE` of them, so that a body does not jump where motion was joined on.

Shapes: features (T, D) float32, root (T, 3) metres, rotations (T, J, 4) local, contacts (T, 4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from motion import contacts, quat
from motion.clip import Clip
from motion.features import LAYOUT, Integrator, encode
from motion.planting import Planter
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
class Piece:
    """Motion that a client gave, and its features."""

    clip: Clip
    features: F32

    @staticmethod
    def of(clip: Clip) -> Piece:
        """A clip on the skeleton and at the rate of the features."""
        return Piece(clip, encode(clip))

    def at(self, frame: int) -> Integrator:
        """Heading and place of its path in the world at a frame, from which features go on."""
        local = Integrator()
        root, rotations = local.push(self.features[: frame + 1])
        turn = float(quat.yaw(self.clip.rotations[frame, 0]) - quat.yaw(rotations[-1, 0]))
        beside = np.array([local.x - root[-1, 0], 0, local.z - root[-1, 2]], np.float32)
        place = self.clip.root[frame] + quat.rotate(quat.from_yaw(np.array(turn, np.float32)), beside)
        return Integrator(local.heading + turn, float(place[0]), float(place[2]), started=True)


@dataclass(frozen=True, eq=False)
class Change:
    """What a true pose has over its decoded self: turns (J, 4) from the left, and what to add to where the root is."""

    turns: F32
    offset: F32
    height: F32

    @staticmethod
    def between(true: F32, decoded: F32) -> Change:
        """Of two frames of features (D,)."""
        turns = quat.mul(_rotations(true), quat.inv(_rotations(decoded)))
        away = true - decoded
        return Change(turns, away[LAYOUT["root_offset"]], away[LAYOUT["root_height"]])

    def take(self, features: F32, weight: F32) -> F32:
        """The features changed by as much as `weight` (T,) says."""
        none = np.zeros_like(self.turns)
        none[:, 0] = 1
        turns = quat.slerp(none, self.turns, weight[:, None])  # (T, J, 4)
        changed = features.copy()
        changed[:, LAYOUT["rot6d"]] = quat.to_rot6d(quat.mul(turns, _rotations(features))).reshape(len(features), -1)
        changed[:, LAYOUT["root_offset"]] += weight[:, None] * self.offset
        changed[:, LAYOUT["root_height"]] += weight[:, None] * self.height
        return changed


class Placement:
    """Places features piece by piece. Without a past the path begins over the origin, along +Z.

    hold_feet: a foot that rests does not slide; the root makes up for it (`motion.planting`).
    """

    def __init__(self, skeleton: Skeleton, fps: float, past: Piece | None = None, hold_feet: bool = False) -> None:
        self._skeleton = skeleton
        self._fps = fps
        self._past = past
        self._placed = 0
        self._change: Change | None = None
        self._columns = [skeleton.index(joint) for joint in contacts.JOINTS]
        self._integrator = Integrator() if past is None else past.at(len(past.features) - 1)
        self._feet = np.zeros((0, 4, 3), np.float32)
        self._planter = Planter(fps) if hold_feet else None
        if past is not None:
            self._feet = self._feet_of(past.clip.root, past.clip.rotations)
            if self._planter is not None:
                self._planter.last = self._feet[-1]

    def join(self, decoded: F32) -> None:
        """Say, before the first push, how the last frame of the past came out of the decoder, (1, D)."""
        assert self._past is not None, "there is no past to join on to"
        self._change = Change.between(self._past.features[-1], decoded[0])

    def push(self, features: F32) -> Placed:
        """The next frames."""
        root, rotations = self._integrator.push(self._eased(features))
        if self._planter is not None:
            root = root + self._planter.push(self._feet_of(root, rotations))
        return self._end(root, rotations)

    def meet(self, features: F32, future: Piece, decoded: F32) -> Placed:
        """The next and last frames, bent on their way so that `future` can follow them.

        What heading and place are off by at the end is made up for in equal steps; the pose eases towards the future's
        first frame, whose decoded self is `decoded` (1, D).
        """
        count = len(features)
        features = Change.between(future.features[0], decoded[0]).take(
            self._eased(features), _ease(np.arange(count, 0, -1))
        )
        target = future.at(0)
        turns = features[:, LAYOUT["root_turn"]]
        off = target.heading - (self._integrator.heading + float(turns.sum() + turns[-1, 0]))
        turns += np.float32(math.remainder(off, math.tau) / (count + 1))
        next_ = replace(self._integrator)
        next_.push(np.concatenate([features, features[-1:]]))  # where the path would be one frame on
        root, rotations = self._integrator.push(features)
        share = (np.arange(1, count + 1) / (count + 1)).astype(np.float32)
        root[:, 0] += share * np.float32(target.x - next_.x)
        root[:, 2] += share * np.float32(target.z - next_.z)
        return self._end(root, rotations)

    def _eased(self, features: F32) -> F32:
        since = np.arange(1, len(features) + 1) + self._placed
        self._placed += len(features)
        return features.copy() if self._change is None else self._change.take(features, _ease(since))

    def _end(self, root: F32, rotations: F32) -> Placed:
        """Contact has hysteresis, so it is read from the beginning each time."""
        self._feet = np.concatenate([self._feet, self._feet_of(root, rotations)])
        return Placed(root, rotations, contacts.detect_from(self._feet, self._fps)[-len(root) :])

    def _feet_of(self, root: F32, rotations: F32) -> F32:
        return fk(self._skeleton, rotations, root)[0][:, self._columns]


def _rotations(features: F32) -> F32:
    """Rotations (..., J, 4) of features (..., D), the root's relative to the heading."""
    columns = features[..., LAYOUT["rot6d"]]
    return quat.from_rot6d(columns.reshape(*columns.shape[:-1], -1, 6))


def _ease(frames: np.ndarray) -> F32:
    """How much of a change is left that many frames (T,) from the seam: 1 at it, 0 from EASE on, level at both ends."""
    t = np.clip(frames / (EASE + 1), 0, 1)
    return (1 - t * t * (3 - 2 * t)).astype(np.float32)
