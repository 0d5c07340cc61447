"""The layout `h36m17`: Human3.6M's 17 joints in a camera's picture, as Superman's tokenizer sees them (section 4).

(T, 51) at 25 frames per second, per frame of a `smplx22` clip before a camera:

    image_px    34    x and y of each joint in the picture, pixels
    depth_mm    17    how much further from the camera each joint is than the pelvis, millimetres; the pelvis' is zero

The pelvis' own distance is not among them. It comes back through perspective: at one distance alone are thighs, shins
and arms as long as the skeleton's. So the camera must be known, and the body's size. Human3.6M is filmed at 50 frames
per second and used at 25.
"""

from __future__ import annotations

import numpy as np

from motion.camera import Camera, Points, Real
from motion.clip import Clip
from motion.features import fitting
from motion.features.checks import clip_fits, frames_fit
from motion.quat import F32, rotate
from motion.skeleton import SMPLX22, Skeleton, fk

NAME = "h36m17"
FPS = 25.0
LAYOUT: dict[str, slice] = {"image_px": slice(0, 34), "depth_mm": slice(34, 51)}
WIDTH = 51
FRONT = Camera((0.0, 1.5, 6.0), (0.0, 0.9, 0.0))
"""The camera that stands for all that are not told: six metres before the origin, at the height of Human3.6M's."""
# Joint, its parent, the joint of `smplx22` it rides on, and metres from that in its axes. Human3.6M's nose and top of
# the head are marks on the head; here they lie as far from the thorax and from each other as its subjects' do.
_JOINTS = (
    ("pelvis", -1, "pelvis", (0, 0, 0)),
    ("right_hip", 0, "right_hip", (0, 0, 0)),
    ("right_knee", 1, "right_knee", (0, 0, 0)),
    ("right_ankle", 2, "right_ankle", (0, 0, 0)),
    ("left_hip", 0, "left_hip", (0, 0, 0)),
    ("left_knee", 4, "left_knee", (0, 0, 0)),
    ("left_ankle", 5, "left_ankle", (0, 0, 0)),
    ("spine", 0, "spine2", (0, 0, 0)),
    ("thorax", 7, "neck", (0, 0, 0)),
    ("nose", 8, "head", (0, 0.01, 0.05)),
    ("head_top", 9, "head", (0, 0.12, 0.015)),
    ("left_shoulder", 8, "left_shoulder", (0, 0, 0)),
    ("left_elbow", 11, "left_elbow", (0, 0, 0)),
    ("left_wrist", 12, "left_wrist", (0, 0, 0)),
    ("right_shoulder", 8, "right_shoulder", (0, 0, 0)),
    ("right_elbow", 14, "right_elbow", (0, 0, 0)),
    ("right_wrist", 15, "right_wrist", (0, 0, 0)),
)
_RIDES = [SMPLX22.index(ride) for _, _, ride, _ in _JOINTS]
_MARKS = np.array([mark for *_, mark in _JOINTS], np.float32)


def _skeleton() -> Skeleton:
    parents = [parent for _, parent, *_ in _JOINTS]
    rest = SMPLX22.rest_positions()[_RIDES] + _MARKS
    offsets = rest - np.where(np.array(parents)[:, None] < 0, 0, rest[parents])
    return Skeleton("h36m17", tuple(joint for joint, *_ in _JOINTS), tuple(parents), offsets)


SKELETON = _skeleton()
"""The 17 joints in Human3.6M's order, at rest as `smplx22` is."""
# Pairs that keep their distance whatever the pose, and so tell how far away a body is.
_RIGID = [
    (SKELETON.index(f"{side}_{a}"), SKELETON.index(f"{side}_{b}"))
    for side in ("left", "right")
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
] + [(0, 1), (0, 4), (1, 4), (9, 10)]


def encode(clip: Clip, camera: Camera = FRONT) -> F32:
    """Features (T, 51) of a `smplx22` clip at 25 frames per second before a camera. Raises BadClip where a joint comes
    too near the camera: `camera.watching` gives one that stands far enough away."""
    clip_fits(clip, NAME, FPS)
    return seen(marks(clip), camera)


def seen(points: Points, camera: Camera) -> F32:
    """Features (T, 51) of world positions (T, 17, 3) of Human3.6M's joints before a camera. Raises BadClip as `encode`
    does."""
    pixels, depth = camera.seen(points)
    relative_mm = (depth - depth[:, :1]) * 1000
    return np.concatenate([pixels.reshape(len(points), -1), relative_mm], axis=1).astype(np.float32)


def marks(clip: Clip) -> F32:
    """World positions (T, 17, 3) of Human3.6M's joints on a `smplx22` clip, in the clip's own size."""
    at, turns = fk(clip.skeleton, clip.rotations, clip.root, clip.offsets)
    head = SMPLX22.index("head")
    size = np.linalg.norm(clip.skeleton.offsets[head]) / np.linalg.norm(SMPLX22.offsets[head])
    return marks_on(at, turns, float(size))


def marks_on(at: F32, turns: F32, size: float = 1.0) -> F32:
    """World positions (T, 17, 3) of Human3.6M's joints on a body whose joints stand at (T, 22, 3) and are turned by
    (T, 22, 4) from the rest pose of `smplx22`; size: of its head, times that of `smplx22`'s."""
    return at[:, _RIDES] + rotate(turns[:, _RIDES], _MARKS * np.float32(size))


def joints(frames: F32, camera: Camera = FRONT, size: float = 1.0) -> F32:
    """World positions (T, 17, 3) of features (T, 51) seen by a camera; size: of the body, times `smplx22`'s."""
    frames_fit(frames, NAME, WIDTH)
    rays = camera.rays(frames[:, LAYOUT["image_px"]].reshape(len(frames), 17, 2))
    relative = frames[:, LAYOUT["depth_mm"]].astype(np.float64)[..., None] / 1000
    away = _distance(rays, relative, size)
    return camera.placed(rays * (away[:, None, None] + relative)).astype(np.float32)


def decode(frames: F32, name: str = "", camera: Camera = FRONT, size: float = 1.0) -> Clip:
    """A clip on the 17 joints of `SKELETON` where they stood before the camera. Rotations are fitted; bones take the
    lengths they have in each frame (Human3.6M's spine and shoulders are no rigid bones), so every joint is exact."""
    return fitting.fit(SKELETON, joints(frames, camera, size), FPS, stretch=True, name=name)


def _distance(rays: Real, relative: Real, size: float) -> Real:
    """Depths (T,) of the pelvis in metres at which the rigid pairs come nearest to their lengths, by Gauss-Newton.

    rays (T, 17, 3) reach one metre deep, relative (T, 17, 1) are depths behind the pelvis. A pair's distance at depth d
    is |d u + v|, so its square is a parabola in d.
    """
    near, far = np.array(_RIGID).T
    rest = SKELETON.rest_positions().astype(np.float64)
    lengths = (size * np.linalg.norm(rest[near] - rest[far], axis=-1)) ** 2
    u = rays[:, near] - rays[:, far]
    v = rays[:, near] * relative[:, near] - rays[:, far] * relative[:, far]
    a, b, c = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    flat = np.maximum(lengths - v[..., 2] ** 2, 0)
    depth = np.sqrt(flat.sum(axis=1) / np.maximum(a.sum(axis=1), 1e-12))  # as if there were no perspective
    for _ in range(12):
        slope = 2 * (a * depth[:, None] + b)
        miss = (a * depth[:, None] + 2 * b) * depth[:, None] + c - lengths
        depth = depth - (slope * miss).sum(axis=1) / np.maximum((slope * slope).sum(axis=1), 1e-12)
    return depth
