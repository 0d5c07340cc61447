"""Where generated features stand in the world: going on from a past, arriving at a future, feet on the ground.

A tokenizer gives a past or a future back a little changed. What it changed in the pose next to the seam is taken along
into the generated frames and let go over `EASE` of them, so that a body does not jump where motion was joined on.

Shapes: features (T, D) float32, root (T, 3) metres, rotations (T, J, 4) local, contacts (T, 4).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motion import contacts, quat
from motion.bundles.manifest import Manifest
from motion.clip import Clip
from motion.errors import BadBundle
from motion.features import LAYOUTS, Layout, PathIntegrator
from motion.quat import F32
from motion.retargeting.feet import FootLock
from motion.skeleton import Skeleton, fk

F64 = NDArray[np.float64]
EASE: Final = 10
"""frames: a third of a second"""
_REMEMBERED: Final = 60
"""frames of feet that contacts are read from: hysteresis reaches no farther back than a foot stands in doubt"""


def layout_of(manifest: Manifest) -> Layout:
    """The feature layout that a bundle's motion is served in. Raises BadBundle where frames cannot be placed in it
    while motion is still being made, and where it is of another rate or skeleton than the bundle."""
    packed = manifest.motion
    served = [layout for layout in LAYOUTS if layout.integrator is not None]
    layout = next((layout for layout in served if layout.name == packed.layout), None)
    if layout is None:
        names = ", ".join(layout.name for layout in served)
        raise BadBundle(
            f"bundle {manifest.name!r} tells motion in the layout {packed.layout!r}, which cannot be served; give a "
            f"bundle of {names}"
        )
    skeleton = manifest.skeleton
    if layout.fps != packed.fps or layout.skeleton.joints != skeleton.joints:
        raise BadBundle(
            f"bundle {manifest.name!r} is at {packed.fps:g} frames a second on {skeleton.name!r}, and its layout "
            f"{layout.name!r} at {layout.fps:g} on {layout.skeleton.name!r}; pack it again"
        )
    return layout


def path_from(
    layout: Layout, heading: float = 0.0, x: float = 0.0, z: float = 0.0, started: bool = False
) -> PathIntegrator:
    """Decodes features of a layout that is served, from a heading and a place on."""
    assert layout.integrator is not None, "layout_of lets no other through"
    return layout.integrator(heading, x, z, started)


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
    layout: Layout

    @staticmethod
    def of(clip: Clip, layout: Layout) -> Piece:
        """A clip on the skeleton and at the rate of the features."""
        return Piece(clip, layout.encode(clip), layout)

    def at(self, frame: int) -> PathIntegrator:
        """Heading and place of its path in the world at a frame, from which features go on."""
        local = path_from(self.layout)
        root, rotations = local.push(self.features[: frame + 1])
        turn = float(quat.yaw(self.clip.rotations[frame, 0]) - quat.yaw(rotations[-1, 0]))
        beside = np.array([local.x - root[-1, 0], 0, local.z - root[-1, 2]], np.float32)
        place = self.clip.root[frame] + quat.rotate(quat.from_yaw(np.array(turn, np.float32)), beside)
        return path_from(self.layout, local.heading + turn, float(place[0]), float(place[2]), started=True)


@dataclass(frozen=True, eq=False)
class Change:
    """What a true pose has over its decoded self: turns (J, 4) from the left, and what to add to where the root is."""

    turns: F32
    offset: F32
    height: F32
    layout: Layout

    @staticmethod
    def between(true: F32, decoded: F32, layout: Layout) -> Change:
        """Of two frames of features (D,)."""
        turns = quat.mul(_rotations(true, layout), quat.inv(_rotations(decoded, layout)))
        away = true - decoded
        return Change(turns, away[layout.layout["root_offset"]], away[layout.layout["root_height"]], layout)

    def take(self, features: F32, weight: F32) -> F32:
        """The features changed by as much as `weight` (T,) says."""
        none = np.zeros_like(self.turns)
        none[:, 0] = 1
        turns = quat.slerp(none, self.turns, weight[:, None])  # (T, J, 4)
        columns, changed = self.layout.layout, features.copy()
        turned = quat.to_rot6d(quat.mul(turns, _rotations(features, self.layout)))
        changed[:, columns["rot6d"]] = turned.reshape(len(features), -1)
        changed[:, columns["root_offset"]] += weight[:, None] * self.offset
        changed[:, columns["root_height"]] += weight[:, None] * self.height
        return changed


class Placement:
    """Places features piece by piece. Without a past the path begins over the origin, along +Z.

    hold_feet: a foot that rests does not slide; the legs make up for it (`motion.retargeting.feet`). It takes knowing
    a few frames ahead, so that `push` gives the newest frames with the next ones, or with `finish`.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        layout: Layout,
        past: Piece | None = None,
        hold_feet: bool = False,
        start: PathIntegrator | None = None,
    ) -> None:
        """start: heading and place of the first frame, where there is no past."""
        self._skeleton = skeleton
        self._layout = layout
        self._past = past
        self._placed = 0
        self._change: Change | None = None
        self._legs, self._joints, self._columns = _legs(skeleton)
        self._integrator = (start or path_from(layout)) if past is None else past.at(len(past.features) - 1)
        self._feet = np.zeros((0, 4, 3), np.float32)
        self._lock = FootLock(skeleton, layout.fps) if hold_feet else None
        if past is not None:
            self._feet = self._feet_of(past.clip.root, past.clip.rotations)[-_REMEMBERED:]
            if self._lock is not None:
                self._lock.follow(past.clip.root[-1], past.clip.rotations[-1])

    @property
    def heading(self) -> float:
        """Where the path goes after the last frame, radians."""
        return self._integrator.heading

    @property
    def place(self) -> tuple[float, float]:
        """x and z of the path after the last frame."""
        return self._integrator.x, self._integrator.z

    def stance(self) -> F64:
        """All that later frames depend on, as numbers; `resume` goes on from them. Not while it eases into a past."""
        assert self._change is None or self._placed > EASE, "the past is still being eased out of"
        at = self._integrator
        numbers = [at.heading, at.x, at.z, float(at.started), float(self._lock is not None), float(len(self._feet))]
        feet = np.zeros((_REMEMBERED, 4, 3))
        feet[: len(self._feet)] = self._feet
        held = np.zeros(0) if self._lock is None else self._lock.stance()
        return np.concatenate([numbers, feet.ravel(), held])

    def resume(self, stance: F64) -> None:
        """Go on from a stance of the same skeleton and settings."""
        numbers, feet, lock = np.split(stance, [6, 6 + _REMEMBERED * 12])
        heading, x, z, started, held, count = numbers
        self._integrator = path_from(self._layout, float(heading), float(x), float(z), bool(started))
        assert bool(held) == (self._lock is not None), "the stance is of other settings"
        if self._lock is not None:
            self._lock.resume(lock)
        self._feet = feet.astype(np.float32).reshape(-1, 4, 3)[: int(count)]

    def join(self, decoded: F32) -> None:
        """Say, before the first push, how the last frame of the past came out of the decoder, (1, D)."""
        assert self._past is not None, "there is no past to join on to"
        self._change = Change.between(self._past.features[-1], decoded[0], self._layout)

    def push(self, features: F32) -> Placed:
        """The next frames that are ready."""
        root, rotations = self._integrator.push(self._eased(features))
        if self._lock is not None:
            root, rotations = self._lock.push(root, rotations)
        return self._end(root, rotations)

    def finish(self) -> Placed:
        """The frames that wait; the motion ends here."""
        nothing = np.zeros((0, 3), np.float32), np.zeros((0, len(self._skeleton), 4), np.float32)
        return self._end(*(nothing if self._lock is None else self._lock.flush()))

    def meet(self, features: F32, future: Piece, decoded: F32) -> Placed:
        """All frames, bent on their way so that `future` can follow them; their feet are not held.

        What heading and place are off by at the end is made up for in equal steps; the pose eases towards the future's
        first frame, whose decoded self is `decoded` (1, D).
        """
        count = len(features)
        features = Change.between(future.features[0], decoded[0], self._layout).take(
            self._eased(features), _ease(np.arange(count, 0, -1))
        )
        target = future.at(0)
        turns = features[:, self._layout.layout["root_turn"]]
        off = target.heading - (self._integrator.heading + float(turns.sum() + turns[-1, 0]))
        turns += np.float32(math.remainder(off, math.tau) / (count + 1))
        next_ = copy.copy(self._integrator)
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
        feet = np.concatenate([self._feet, self._feet_of(root, rotations)])
        self._feet = feet[-_REMEMBERED:]
        return Placed(root, rotations, contacts.detect_from(feet, self._layout.fps)[len(feet) - len(root) :])

    def _feet_of(self, root: F32, rotations: F32) -> F32:
        return fk(self._legs, rotations[:, self._joints], root)[0][:, self._columns]


def _legs(skeleton: Skeleton) -> tuple[Skeleton, list[int], list[int]]:
    """The part of a skeleton that the feet hang on, which of its joints that are, and where in it the feet are."""
    feet = [skeleton.index(joint) for joint in contacts.JOINTS]
    kept: set[int] = set()
    for joint in feet:
        while joint >= 0:
            kept.add(joint)
            joint = skeleton.parents[joint]
    joints = sorted(kept)
    parents = tuple(joints.index(skeleton.parents[joint]) if joint else -1 for joint in joints)
    names = tuple(skeleton.joints[joint] for joint in joints)
    return Skeleton("legs", names, parents, skeleton.offsets[joints]), joints, [joints.index(joint) for joint in feet]


def _rotations(features: F32, layout: Layout) -> F32:
    """Rotations (..., J, 4) of features (..., D), the root's relative to the heading."""
    columns = features[..., layout.layout["rot6d"]]
    return quat.from_rot6d(columns.reshape(*columns.shape[:-1], -1, 6))


def _ease(frames: np.ndarray) -> F32:
    """How much of a change is left that many frames (T,) from the seam: 1 at it, 0 from EASE on, level at both ends."""
    t = np.clip(frames / (EASE + 1), 0, 1)
    return (1 - t * t * (3 - 2 * t)).astype(np.float32)
