"""Legs of a skeleton: where heels and toes are, and legs that put them elsewhere while the body stays.

Metres, Y up, the ground is y = 0. Shapes: F legs, root (T, 3), rotations (T, J, 4) local, heels and toes (T, F, 2, 3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.quat import F32
from motion.retargeting.humanoid import Humanoid, leg_length
from motion.retargeting.ik import reach, set_limb, shortfall
from motion.skeleton import ANKLE_HEIGHT, SMPLX22, TOE_HEIGHT, Skeleton, fk

F64 = NDArray[np.float64]
_DIP = 0.05  # metres by which the root comes down at most
_NONE = quat.IDENTITY
_SUNK = 0.03  # metres by which a rest pose may sink into its file's ground
_FLOOR, _SOFT = 0.0, 0.003  # metres: joints are kept above the one, beginning about two of the other before it
_DEEP = 0.15  # metres: about here and below, it is not this floor that a foot means to stand on


@dataclass(frozen=True)
class Leg:
    """Joints of one leg, by index, and how high its foot is where it stands flat."""

    hip: int
    knee: int
    ankle: int
    toe: int | None
    ankle_height: float
    """metres above the ground"""
    toe_height: float
    hinge: F32
    """(3,) the axis about which the knee bends, in the rest pose: the body's left."""


def legs_of_smplx22() -> tuple[Leg, Leg]:
    """Left and right leg of the canonical skeleton."""

    def leg(side: str) -> Leg:
        hip, knee, ankle, toe = (SMPLX22.index(f"{side}_{part}") for part in ("hip", "knee", "ankle", "foot"))
        return Leg(hip, knee, ankle, toe, ANKLE_HEIGHT, TOE_HEIGHT, np.array([1, 0, 0], np.float32))

    return leg("left"), leg("right")


def legs_of(body: Humanoid) -> tuple[Leg, Leg]:
    """Left and right leg of any humanoid, in upright axes; feet stand as high as they do in a rest pose that stands,
    else as an adult's would at the body's size."""
    if body.skeleton.joints == SMPLX22.joints:
        return legs_of_smplx22()
    size = leg_length(body.rest) / leg_length(dict(zip(SMPLX22.joints, SMPLX22.rest_positions(), strict=True)))

    def leg(side: str) -> Leg:
        hip, knee, ankle = (body.map.roles[f"{side}_{part}"] for part in ("hip", "knee", "ankle"))
        toe = body.map.roles.get(f"{side}_foot")
        ankle_height, toe_height = ANKLE_HEIGHT * size, TOE_HEIGHT * size
        if body.standing:
            height = quat.rotate(body.upright, body.skeleton.rest_positions())[:, 1]
            lowest = float(min(height[joint] for joint in body.below(ankle)))
            foot = float(height[ankle if toe is None else toe])
            # The ground is at 0 where the file puts it there, else a little below the lowest joint.
            ground = 0.0 if -_SUNK * size < lowest and 0 <= foot < 2 * ankle_height else lowest - toe_height / 2
            ground = min(ground, foot - toe_height / 2)
            ankle_height, toe_height = float(height[ankle]) - ground, foot - ground
        hinge = quat.rotate(body.alignments[f"{side}_hip"], np.array([1, 0, 0], np.float32))
        return Leg(hip, knee, ankle, toe, ankle_height, toe_height, hinge)

    return leg("left"), leg("right")


@dataclass(frozen=True)
class Legs:
    """The joints between the root and the toes."""

    skeleton: Skeleton
    """Those joints alone."""
    kept: tuple[int, ...]
    """Their indices in the whole skeleton."""
    legs: tuple[Leg, ...]
    """By index among those joints."""

    @staticmethod
    def of(skeleton: Skeleton, legs: tuple[Leg, ...]) -> Legs:
        """The chains of some legs of a skeleton."""
        kept: set[int] = set()
        for leg in legs:
            joint = leg.ankle if leg.toe is None else leg.toe
            while joint >= 0:
                kept.add(joint)
                joint = skeleton.parents[joint]
        order = tuple(sorted(kept))
        place = {joint: i for i, joint in enumerate(order)}
        part = Skeleton(
            skeleton.name,
            tuple(skeleton.joints[i] for i in order),
            tuple(place.get(skeleton.parents[i], -1) for i in order),
            skeleton.offsets[list(order)],
        )
        own = tuple(
            replace(
                leg,
                hip=place[leg.hip],
                knee=place[leg.knee],
                ankle=place[leg.ankle],
                toe=None if leg.toe is None else place[leg.toe],
            )
            for leg in legs
        )
        return Legs(part, order, own)

    def points(self, root: F32, rotations: F32) -> F64:
        """World positions (T, F, 2, 3) of heel and toe of each leg; of the ankle twice where there is no toe."""
        at, _ = fk(self.skeleton, rotations[:, self.kept], root)
        columns = [[leg.ankle, self.toe(leg)] for leg in self.legs]
        return at[:, columns].astype(np.float64)

    def moved(self, root: F32, rotations: F32, shifts: F64) -> tuple[F32, F32]:
        """Root and rotations with feet shifted over the floor by (T, F, 2, 2), and lifted where they are below it.

        Where a leg would have to be longer than it is, the root comes down instead.
        """
        at, world = fk(self.skeleton, rotations[:, self.kept], root)
        goals = [
            (_shifted(at[:, leg.ankle], shifts[:, i, 0]), _shifted(at[:, self.toe(leg)], shifts[:, i, 1]))
            for i, leg in enumerate(self.legs)
        ]
        lower = np.zeros((len(root), 3), np.float32)
        for leg, (heel, _) in zip(self.legs, goals, strict=True):
            lacks = shortfall(at[:, leg.hip], at[:, leg.knee], at[:, leg.ankle], heel)
            down = np.maximum(at[:, leg.hip, 1] - heel[:, 1], 1e-3) / np.linalg.norm(at[:, leg.hip] - heel, axis=-1)
            lower[:, 1] = np.maximum(lower[:, 1], np.minimum(lacks / np.maximum(down, 0.5), _DIP))
        local = rotations[:, self.kept].copy()
        for leg, (heel, toe) in zip(self.legs, goals, strict=True):
            hinge = quat.rotate(world[:, leg.hip], leg.hinge)
            turns = reach(at[:, leg.hip], at[:, leg.knee], at[:, leg.ankle], heel + lower, hinge)
            foot = quat.between(at[:, self.toe(leg)] - at[:, leg.ankle], toe - heel) if leg.toe is not None else _NONE
            set_limb(local, world, self.skeleton.parents, (leg.hip, leg.knee, leg.ankle), turns, foot)
        result = rotations.copy()
        result[:, self.kept] = local
        return root - lower, result

    @staticmethod
    def toe(leg: Leg) -> int:
        """The toe, or the ankle of a foot without one."""
        return leg.ankle if leg.toe is None else leg.toe


def _shifted(points: F32, shift: F64) -> F32:
    """Points (T, 3) moved over the floor by (T, 2), and smoothly up to it from a little below."""
    result = points.astype(np.float64)
    below = _FLOOR - result[:, 1]
    lift = _SOFT * np.logaddexp(0, below / _SOFT)
    result[:, 1] += lift * np.exp(-((np.maximum(below, 0) / _DEEP) ** 2))
    result[:, [0, 2]] += shift
    return result.astype(np.float32)
