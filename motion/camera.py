"""A pinhole camera: world points in metres <-> pixels of its picture and depth before it.

In the world Y points up; in the camera X points to the picture's right, Y down and Z away from the eye, as in OpenCV
and Human3.6M. Pixels are counted from the picture's upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.errors import BadClip

Points = NDArray[np.floating[Any]]
Real = NDArray[np.float64]
_NEAREST = 0.1  # metres before the eye; nearer points have no sensible place in the picture


@dataclass(frozen=True)
class Camera:
    """Where a camera stands, where it looks, and what its lens does; without distortion."""

    position: tuple[float, float, float]
    """Of the eye in the world, metres."""
    target: tuple[float, float, float]
    """A point in the middle of what it looks at; not straight above or below the eye."""
    focal_px: float = 1146.0
    """Pixels by which a point is off the middle, as far aside as it is away (Human3.6M: 1143 to 1150)."""
    centre_px: tuple[float, float] = (500.0, 500.0)
    """Pixel at which the eye looks; the middle of Human3.6M's pictures of 1000 x 1000."""

    def axes(self) -> Real:
        """The camera's X, Y and Z in the world, as rows (3, 3). Raises BadClip for a camera straight
        above, below or at its target."""
        z = np.subtract(self.target, self.position).astype(np.float64)
        x = np.cross(z, [0.0, 1.0, 0.0])
        if np.linalg.norm(x) < 1e-6 * np.linalg.norm(z) or not np.linalg.norm(z) > 0:
            raise BadClip(f"a camera at {self.position} cannot look at {self.target}: put it beside its target")
        y = np.cross(z, x)
        return np.stack([axis / np.linalg.norm(axis) for axis in (x, y, z)])

    def seen(self, points: Points) -> tuple[Real, Real]:
        """Pixels (..., 2) and depths (...) in metres of world points (..., 3). Raises BadClip for points that
        are not before the camera."""
        at = (points.astype(np.float64) - self.position) @ self.axes().T
        depth = at[..., 2]
        if depth.min() < _NEAREST:
            raise BadClip(
                f"a point lies {depth.min():.2f} m before the camera at {self.position}, which sees nothing within "
                f"{_NEAREST} m; put the camera further away"
            )
        return self.focal_px * at[..., :2] / depth[..., None] + self.centre_px, depth

    def rays(self, pixels: Points) -> Real:
        """Points (..., 3) in the camera's own axes, one metre of depth away, that show at pixels (..., 2)."""
        flat = (pixels.astype(np.float64) - self.centre_px) / self.focal_px
        return np.concatenate([flat, np.ones((*flat.shape[:-1], 1))], axis=-1)

    def placed(self, points: Points) -> Real:
        """World points (..., 3) of points in the camera's own axes."""
        return points @ self.axes() + self.position


def watching(points: Points, least: float = 5.0) -> Camera:
    """A camera in front of world points (T, J, 3), +Z of them and level, far enough to show all of them."""
    low, high = points.reshape(-1, 3).min(axis=0), points.reshape(-1, 3).max(axis=0)
    x, y, z = ((low + high) / 2).tolist()
    wide = float(max(high[0] - low[0], high[1] - low[1]))
    away = float(high[2]) + max(least, 1.25 * wide * 1146.0 / 1000.0)
    return Camera((x, y, away), (x, y, z))


def turned(camera: Camera, angle: float) -> Camera:
    """The camera carried round its target by `angle` radians about Y."""
    q = quat.from_yaw(np.array(angle, np.float32))
    arm = quat.rotate(q, np.subtract(camera.position, camera.target).astype(np.float32))
    x, y, z = (arm + np.array(camera.target, np.float32)).tolist()
    return Camera((x, y, z), camera.target, camera.focal_px, camera.centre_px)
