"""Where a picture is taken from: a perspective camera that stands so that everything it should show fits.

World: metres, Y up. Screen: pixels, x to the right, y down. Azimuth 0 looks at the front of something that faces +Z;
positive azimuth moves the camera to that thing's right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.bodies.loft import Real
from motion.errors import BadConfig

LENS = float(np.tan(np.deg2rad(26) / 2))  # half the picture's height at one metre: a moderate telephoto


@dataclass(frozen=True)
class View:
    """A direction to look from, relative to where the body faces."""

    name: str
    azimuth_deg: float
    height_deg: float
    """Above the horizon."""


VIEWS = {
    view.name: view
    for view in (
        View("three-quarter", 35, 14),
        View("side", 90, 8),
        View("front", 0, 8),
        View("back", 180, 8),
        View("left", -90, 8),
        View("top", 0, 80),
    )
}


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera and the size of its picture."""

    eye: Real
    """(3,) metres."""
    axes: Real
    """(3, 3) rows: right, up, into the picture."""
    width: int
    height: int

    @property
    def focal(self) -> float:
        """Pixels for one metre at one metre's distance."""
        return self.height / 2 / LENS

    def project(self, points: Real) -> tuple[Real, Real]:
        """Screen positions (..., 2) and depths (...) in metres of world points (..., 3)."""
        seen = (points - self.eye) @ self.axes.T
        depth = np.maximum(seen[..., 2], 0.05)
        x = self.width / 2 + self.focal * seen[..., 0] / depth
        y = self.height / 2 - self.focal * seen[..., 1] / depth
        return np.stack([x, y], axis=-1), depth

    def floor(self, height: float) -> tuple[Real, Real]:
        """Where every pixel's ray meets the plane at `height` metres: (height, width, 2) x and z, NaN above the
        horizon, and the metres that one pixel covers there (height, width)."""
        x = (np.arange(self.width) + 0.5 - self.width / 2) / self.focal
        y = (self.height / 2 - np.arange(self.height) - 0.5) / self.focal
        right, up, into = self.axes
        rays = x[None, :, None] * right + y[:, None, None] * up + into
        with np.errstate(divide="ignore", invalid="ignore"):
            far = (height - self.eye[1]) / rays[..., 1]
        far = np.where(far > 0, far, np.nan)
        return (self.eye + far[..., None] * rays)[..., [0, 2]], far / self.focal

    def moved(self, by: Real) -> Camera:
        """The same camera shifted by (3,) metres."""
        return Camera(self.eye + by, self.axes, self.width, self.height)

    def scaled(self, factor: int) -> Camera:
        """The same camera with a picture `factor` times as large."""
        return Camera(self.eye, self.axes, self.width * factor, self.height * factor)


def framing(points: Real, view: View, facing: float, width: int, height: int, margin: float = 0.07) -> Camera:
    """The nearest camera that sees all of `points` (N, 3) and keeps `margin` of the picture free on each side.

    facing: heading of the body in radians about +Y, 0 facing +Z.
    """
    angle, tilt = facing - np.deg2rad(view.azimuth_deg), np.deg2rad(view.height_deg)
    out = np.array([np.sin(angle) * np.cos(tilt), np.sin(tilt), np.cos(angle) * np.cos(tilt)])
    right = np.array([np.cos(angle), 0, -np.sin(angle)])
    axes = np.stack([right, np.cross(out, right), -out])
    seen = np.asarray(points, np.float64) @ axes.T
    reach = LENS * (1 - 2 * margin)
    eye = np.zeros(3)
    nearest = []
    for i, slope in ((0, reach * width / height), (1, reach)):  # eye between two slanted planes on each side
        low, high = (seen[:, i] - slope * seen[:, 2]).max(), (seen[:, i] + slope * seen[:, 2]).min()
        nearest.append((high - low) / (2 * slope))
        eye[i] = (low + high) / 2
    eye[2] = min(nearest)
    return Camera(eye @ axes, axes, width, height)


def views(names: str) -> list[View]:
    """Views by their comma-separated names. Raises BadConfig, naming those there are."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in VIEWS]
    if unknown or not wanted:
        raise BadConfig(f"there is no view {(unknown or [names])[0]!r}; the views are {', '.join(VIEWS)}")
    return [VIEWS[name] for name in wanted]
