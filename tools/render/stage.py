"""A clip dressed and placed: the body, its pose at every frame, the floor, and the views it is seen from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion import quat
from motion.bodies import body as bodies
from motion.bodies import loft, mannequin
from motion.bodies.body import Body
from motion.bodies.loft import Real
from motion.clip import Clip
from motion.skeleton import fk
from tools.render import camera as cameras
from tools.render import floor, raster
from tools.render.camera import Camera, View
from tools.render.raster import U8

_UPRIGHT = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0, 0], np.float32)  # a quarter turn about X: +Z becomes +Y
FOLLOW_BELOW = 0.42  # a body smaller than this part of the picture is followed instead of framing its whole path


@dataclass(frozen=True)
class Stage:
    """Everything a picture of a clip needs."""

    clip: Clip
    body: Body
    positions: Real
    """(T, J, 3) world."""
    rotations: Real
    """(T, J, 4) world."""
    floor: float
    """Height of the ground in metres."""
    facing: float
    """Heading at the first frame, radians about +Y, 0 facing +Z."""

    def pose(self, frame: int) -> tuple[Real, Real]:
        """Vertices and normals (V, 3) at a frame."""
        return bodies.pose(self.body, self.positions[frame], self.rotations[frame])

    @property
    def path(self) -> Real:
        """(T, 3) where the root goes."""
        return self.positions[:, self.root]

    @property
    def root(self) -> int:
        """The joint whose way is drawn: the first one that has bones on both sides."""
        skeleton = self.clip.skeleton
        return next((j for j in range(len(skeleton)) if len(skeleton.children(j)) > 1), 0)


def stage(clip: Clip) -> Stage:
    """Dresses a clip: the mannequin where the skeleton is a humanoid at rest in a standing pose, else capsules. A
    humanoid whose rest pose stands along Z, as some programs write it, is put on its feet."""
    body = mannequin.dress(clip.skeleton)
    positions, rotations = fk(clip.skeleton, clip.rotations, clip.root, clip.offsets)
    roles = mannequin.roles(clip.skeleton)
    if roles is not None and _rests_along_z(clip, roles):
        positions, rotations = quat.rotate(_UPRIGHT, positions), quat.mul(_UPRIGHT, rotations)
    lowest = float(positions[..., 1].min())
    ground = 0.0 if -0.15 < lowest < 0.5 else lowest
    facing = 0.0 if roles is None else _facing(positions[0], roles)
    return Stage(clip, body, positions, rotations, ground, facing)


def _rests_along_z(clip: Clip, roles: dict[str, int]) -> bool:
    rest = clip.skeleton.rest_positions()
    up = loft.unit(rest[roles["head"]] - rest[roles["left_ankle"]])
    return bool(up[2] > 0.9)


def _facing(positions: Real, roles: dict[str, int]) -> float:
    left = positions[roles["left_hip"]] - positions[roles["right_hip"]]
    left = left + positions[roles["left_shoulder"]] - positions[roles["right_shoulder"]]
    front = np.cross(left, [0, 1, 0])
    return float(np.arctan2(front[0], front[2])) if np.hypot(front[0], front[2]) > 1e-3 else 0.0


def camera(scene: Stage, view: View, width: int, height: int, follow: bool | None = None) -> list[Camera]:
    """One camera for each frame (T), from one direction and at one distance.

    follow: the camera goes along with the body; False: it stands still and sees the whole path; None: it stands still
    unless that would make the body small.
    """
    points = outline(scene)  # (T, P, 3)
    ground = scene.path * [1, 0, 1] + [0, scene.floor, 0]
    whole = np.concatenate([points.reshape(-1, 3), ground])
    still = cameras.framing(whole, view, scene.facing, width, height)
    if follow is None:
        _, depth = still.project(ground)
        tall = float(np.ptp(scene.body.bind_positions, axis=0).max())
        follow = bool(tall * still.focal / float(np.median(depth)) < FOLLOW_BELOW * height)
    if not follow:
        return [still] * len(points)
    moves = _steady(scene.path - scene.path[0], scene.clip.fps)
    near = cameras.framing((points - moves[:, None]).reshape(-1, 3), view, scene.facing, width, height)
    return [near.moved(move) for move in moves]


def _steady(moves: Real, fps: float) -> Real:
    """Horizontal moves (T, 3) without the sway of single steps: averaged over a second."""
    reach = max(1, round(fps / 2))
    padded = np.pad(moves, ((reach, reach), (0, 0)), mode="edge")
    total = np.cumsum(np.concatenate([np.zeros((1, 3)), padded]), axis=0)
    mean = (total[2 * reach + 1 :] - total[: -2 * reach - 1]) / (2 * reach + 1)
    return (mean * [1, 0, 1]).astype(np.float32)


def outline(scene: Stage, every: int = 9) -> Real:
    """Every ninth vertex of the body at each frame (T, P, 3), for finding out what a picture must hold."""
    body = scene.body
    some = replace(
        body,
        vertices=body.vertices[::every],
        normals=body.normals[::every],
        joints=body.joints[::every],
        weights=body.weights[::every],
    )
    return np.stack([bodies.pose(some, p, q)[0] for p, q in zip(scene.positions, scene.rotations, strict=True)])


def picture(scene: Stage, frame: int, camera: Camera, ground: U8) -> U8:
    """One frame (H, W, 3) over the empty floor, which stays as it is."""
    vertices, normals = scene.pose(frame)
    result = ground.copy()
    raster.shade(result, camera, scene.body, vertices, scene.floor)
    raster.draw(result, camera, scene.body, vertices, normals)
    return result


def ground(scene: Stage, camera: Camera) -> U8:
    """The empty floor (H, W, 3) as a camera sees it."""
    return floor.paint(camera, scene.floor, scene.path, scene.clip.fps)


def moment(scene: Stage, frame: int) -> tuple[str, str]:
    """When a frame is, and which it is and how far from the start."""
    away = float(np.linalg.norm((scene.path[frame] - scene.path[0])[[0, 2]]))
    return f"{frame / scene.clip.fps:.2f} s", f"  frame {frame}, {away:.1f} m"


def summary(scene: Stage) -> str:
    """What the clip is, in numbers, for titles."""
    clip, path = scene.clip, scene.path
    travel = float(np.linalg.norm((path[-1] - path[0])[[0, 2]]))
    way = float(np.linalg.norm(np.diff(path[:, [0, 2]], axis=0), axis=1).sum())
    return f"{len(clip)} frames, {clip.fps:.3g} fps, {clip.seconds:.2f} s · ends {travel:.2f} m away, path {way:.2f} m"
