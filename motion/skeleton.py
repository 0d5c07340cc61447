"""Skeletons: named joints in a tree, and forward kinematics over them.

A joint's parent stands before it; the root is joint 0 with parent -1. `offsets` (J, 3) float32 are metres from the
parent in the rest pose, where every local rotation is the identity. World axes: Y up, right-handed, +Z forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

import numpy as np

from motion import quat
from motion.errors import BadClip, UnknownJoint
from motion.quat import F32


@dataclass(frozen=True)
class Skeleton:
    """A joint tree with its rest pose."""

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    """Index of each joint's parent, smaller than its own; -1 for the root."""
    offsets: F32
    """(J, 3) metres from the parent in the rest pose."""

    def __post_init__(self) -> None:
        if not self.joints or self.parents[:1] != (-1,):
            raise BadClip(f"skeleton {self.name!r} must begin with one root joint whose parent is -1")
        if not len(self.joints) == len(self.parents) == len(self.offsets):
            raise BadClip(
                f"skeleton {self.name!r} has {len(self.joints)} joints, {len(self.parents)} parents and "
                f"{len(self.offsets)} offsets; give one of each for every joint"
            )
        if np.shape(self.offsets) != (len(self.joints), 3) or not np.isfinite(self.offsets).all():
            wrong = np.reshape(~np.isfinite(self.offsets), (len(self.joints), -1)).any(axis=1)
            raise BadClip(
                f"skeleton {self.name!r}: the offset of joint {self.joints[int(wrong.argmax())]!r} is no place; give "
                "three finite numbers for each joint"
            )
        late = [self.joints[i] for i, p in enumerate(self.parents[1:], 1) if not 0 <= p < i]
        if late:
            raise BadClip(f"skeleton {self.name!r}: joint {late[0]!r} stands before its parent; list parents first")
        if len(set(self.joints)) != len(self.joints):
            twice = next(j for j in self.joints if self.joints.count(j) > 1)
            raise BadClip(f"skeleton {self.name!r} has two joints called {twice!r}; joint names must differ")

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Position of a joint by name. Raises UnknownJoint, naming the nearest."""
        try:
            return self.joints.index(joint)
        except ValueError:
            near = get_close_matches(joint, self.joints, n=1, cutoff=0)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            raise UnknownJoint(f"skeleton {self.name!r} has no joint {joint!r}{hint}") from None

    def children(self, joint: int) -> list[int]:
        """Indices of the joints whose parent is `joint`."""
        return [i for i, parent in enumerate(self.parents) if parent == joint]

    def rest_positions(self) -> F32:
        """World positions (J, 3) of the rest pose with the root at its own offset."""
        positions = np.array(self.offsets, np.float32)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                positions[joint] += positions[parent]
        return positions


def fk(skeleton: Skeleton, rotations: F32, root: F32, offsets: F32 | None = None) -> tuple[F32, F32]:
    """Forward kinematics.

    rotations (..., J, 4) local, root (..., 3) metres, offsets (..., J, 3) replaces the rest offsets where a file moves
    bones. Returns world positions (..., J, 3) and world rotations (..., J, 4).
    """
    lengths = skeleton.offsets if offsets is None else offsets
    frames = np.broadcast_shapes(rotations.shape[:-2], np.shape(root)[:-1], lengths.shape[:-2])
    positions: F32 = np.empty((*frames, len(skeleton), 3), np.result_type(rotations, lengths, root))
    world = np.empty_like(rotations)
    positions[..., 0, :], world[..., 0, :] = root, rotations[..., 0, :]
    for joints, parents in _levels(skeleton.parents):
        above = world[..., parents, :]
        positions[..., joints, :] = positions[..., parents, :] + quat.rotate(above, lengths[..., joints, :])
        world[..., joints, :] = quat.mul(above, rotations[..., joints, :])
    return positions, world


@lru_cache(maxsize=256)
def _levels(parents: tuple[int, ...]) -> tuple[tuple[list[int], list[int]], ...]:
    """Joints at one distance from the root, and their parents, nearest first: what `fk` does at once."""
    depths = [0] * len(parents)
    for joint, parent in enumerate(parents[1:], 1):
        depths[joint] = depths[parent] + 1
    levels = [[joint for joint, d in enumerate(depths) if d == depth] for depth in range(1, max(depths) + 1)]
    return tuple((joints, [parents[joint] for joint in joints]) for joints in levels)


def to_local(skeleton: Skeleton, world: F32) -> F32:
    """Local rotations (..., J, 4) from world rotations (..., J, 4); the inverse of `fk`'s second result."""
    parents = np.array(skeleton.parents)
    local = quat.mul(quat.inv(world[..., np.maximum(parents, 0), :]), world)
    local[..., 0, :] = world[..., 0, :]
    return local


def _smplx22() -> Skeleton:
    """The 22 body joints of SMPL-X in its order, in a T-pose: arms along X, feet along +Z, legs straight down.

    Lengths are a neutral adult's: medians over the 22 Acclaim skeletons of CMU and HDM05 for the limbs (thigh 0.405,
    shin 0.41, upper arm 0.28, forearm 0.26, hips 0.18 and shoulders 0.36 apart), rounded to 5 mm.
    """
    rows = (
        ("pelvis", -1, (0, 0, 0)),
        ("left_hip", 0, (0.09, -0.085, 0)),
        ("right_hip", 0, (-0.09, -0.085, 0)),
        ("spine1", 0, (0, 0.11, -0.01)),
        ("left_knee", 1, (0, -0.405, 0)),
        ("right_knee", 2, (0, -0.405, 0)),
        ("spine2", 3, (0, 0.12, 0)),
        ("left_ankle", 4, (0, -0.41, 0)),
        ("right_ankle", 5, (0, -0.41, 0)),
        ("spine3", 6, (0, 0.06, 0.005)),
        ("left_foot", 7, (0, -0.065, 0.13)),
        ("right_foot", 8, (0, -0.065, 0.13)),
        ("neck", 9, (0, 0.18, -0.01)),
        ("left_collar", 9, (0.06, 0.1, -0.005)),
        ("right_collar", 9, (-0.06, 0.1, -0.005)),
        ("head", 12, (0, 0.11, 0.02)),
        ("left_shoulder", 13, (0.12, 0.03, 0)),
        ("right_shoulder", 14, (-0.12, 0.03, 0)),
        ("left_elbow", 16, (0.275, 0, 0)),
        ("right_elbow", 17, (-0.275, 0, 0)),
        ("left_wrist", 18, (0.26, 0, 0)),
        ("right_wrist", 19, (-0.26, 0, 0)),
    )
    return Skeleton(
        "smplx22",
        tuple(name for name, _, _ in rows),
        tuple(parent for _, parent, _ in rows),
        np.array([offset for _, _, offset in rows], np.float32),
    )


SMPLX22 = _smplx22()
TOE_HEIGHT = 0.02
"""Metres between the ground and the foot joints (`left_foot`, `right_foot`) of a standing `smplx22`."""
ANKLE_HEIGHT = 0.085
"""Metres between the ground and the ankles of a standing `smplx22`."""
