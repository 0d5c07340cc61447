"""Clips that tests read or make: recorded ones of tests/fixtures, and a skeleton that moves at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion import clip as clips
from motion import quat
from motion.clip import Clip
from motion.io import bvh
from motion.retargeting.retarget import retarget
from motion.skeleton import SMPLX22, Skeleton

FIXTURES = Path(__file__).parents[1] / "fixtures"


def walk() -> Clip:
    """A walk on the spot on `smplx22`, 33 frames, 30 a second, retargeted from KayKit's skeleton."""
    return retarget(bvh.read(FIXTURES / "kaykit-walk.bvh"))


def backflip() -> Clip:
    """A backward somersault on `smplx22`, 48 frames."""
    return clips.load(FIXTURES / "backflip.npz")


def lie_down() -> Clip:
    """A body that lies down on its back on `smplx22`, 60 frames."""
    return clips.load(FIXTURES / "lie-down.npz")


def stroll() -> Clip:
    """The walk three times over, driven forward at 1.2 m/s along a bend, so that path and heading are no constants."""
    step = walk()
    rotations = np.concatenate([step.rotations] * 3)
    root = np.concatenate([step.root] * 3)
    heading = np.linspace(0.4, 2.5, len(root)).astype(np.float32)
    forward = np.stack([np.sin(heading), np.zeros_like(heading), np.cos(heading)], axis=-1)
    rotations[:, 0] = quat.mul(quat.from_yaw(heading), rotations[:, 0])
    root = quat.rotate(quat.from_yaw(heading), root) + np.cumsum(forward * 0.04, axis=0)
    return Clip(SMPLX22, 30.0, rotations, root.astype(np.float32), None, "stroll")


def wriggle(skeleton: Skeleton = SMPLX22, frames: int = 20, fps: float = 30.0, seed: int = 0) -> Clip:
    """Every joint turns smoothly through large angles, and the root travels."""
    rng = np.random.default_rng(seed)
    knots = max(4, frames // 5 + 2)
    keys = quat.normalize(rng.normal(size=(knots, len(skeleton), 4)).astype(np.float32))
    at = np.linspace(0, knots - 1.001, frames)
    low, part = at.astype(int), (at % 1).astype(np.float32)
    rotations = quat.slerp(keys[low], keys[low + 1], part[:, None])
    root = np.cumsum(rng.normal(size=(frames, 3)) * 0.02, axis=0).astype(np.float32) + np.float32(1)
    return Clip(skeleton, fps, rotations, root, None, "wriggle")
