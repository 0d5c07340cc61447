"""Triangles to pixels: a depth buffer and per-pixel light, vectorised over all fragments at once.

A body of ten thousand triangles at a few hundred pixels takes some hundredths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motion.bodies import loft
from motion.bodies.body import Body
from motion.bodies.loft import Real
from tools.render.camera import Camera

U8 = NDArray[np.uint8]
SUPERSAMPLE = 2
_SUN = (0.36, 0.76, 0.54)  # towards the light: to the viewer's left, up, and towards the viewer; length one


@dataclass(frozen=True)
class Fragments:
    """Pixels covered by triangles, several for a pixel where triangles overlap."""

    pixel: NDArray[np.int64]
    """(N,) index into the picture."""
    triangle: NDArray[np.int64]
    """(N,) index into the triangles given."""
    a: Real
    """(N,) share of the triangle's first vertex."""
    b: Real
    """(N,) share of the second."""


def fragments(xy: Real, triangles: NDArray[np.int32], width: int, height: int) -> Fragments:
    """Every pixel centre inside a triangle that winds counter-clockwise to the viewer. xy (V, 2) in pixels."""
    p, q, r = (xy[triangles[:, i]].astype(np.float32) for i in range(3))
    area = (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])
    low = np.maximum(np.ceil(np.minimum(np.minimum(p, q), r) - 0.5), 0).astype(np.int64)
    high = np.floor(np.maximum(np.maximum(p, q), r) - 0.5).astype(np.int64)
    high = np.minimum(high, [width - 1, height - 1])
    size = high - low + 1
    kept = np.flatnonzero((area < -1e-6) & (size > 0).all(axis=1))  # y points down: counter-clockwise is negative
    p, q, r, area, low, size = p[kept], q[kept], r[kept], area[kept], low[kept], size[kept]
    count = size[:, 0] * size[:, 1]
    which = np.repeat(np.arange(len(kept)), count)
    inside = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    y, x = np.divmod(inside, size[which, 0])
    x, y = x + low[which, 0], y + low[which, 1]
    # Shares of the first and second vertex are linear in x and y.
    dx_a, dy_a = -(r[:, 1] - q[:, 1]) / area, (r[:, 0] - q[:, 0]) / area
    dx_b, dy_b = -(p[:, 1] - r[:, 1]) / area, (p[:, 0] - r[:, 0]) / area
    c_a, c_b = -(dx_a * q[:, 0] + dy_a * q[:, 1]), -(dx_b * r[:, 0] + dy_b * r[:, 1])
    fx, fy = x.astype(np.float32) + 0.5, y.astype(np.float32) + 0.5
    a = dx_a[which] * fx + dy_a[which] * fy + c_a[which]
    b = dx_b[which] * fx + dy_b[which] * fy + c_b[which]
    hit = np.flatnonzero((a >= 0) & (b >= 0) & (a + b <= 1))
    which = which[hit]
    return Fragments(y[hit] * width + x[hit], kept[which], a[hit], b[hit])


def draw(picture: U8, camera: Camera, body: Body, vertices: Real, normals: Real) -> None:
    """Paints one posed body over a picture (H, W, 3), in place."""
    fine = camera.scaled(SUPERSAMPLE)
    xy, depth = fine.project(vertices)
    box = _box(xy, fine.width, fine.height)
    if box is None:
        return
    left, top, width, height = box
    xy = xy - np.array([left, top], np.float32)
    found = fragments(xy, body.triangles, width, height)
    near, light, gloss = (
        _at(found, value[body.triangles]) for value in ((1 / depth).astype(np.float32), *_light(normals, camera))
    )
    buffer = np.zeros(width * height, np.float32)
    np.maximum.at(buffer, found.pixel, near)
    front = np.flatnonzero(near == buffer[found.pixel])
    palette = np.array([paint.rgb for paint in body.palette], np.float32)
    colour = palette[body.paints[found.triangle[front]]] * light[front, None] + gloss[front, None]
    _blend(picture, (left, top, width), found.pixel[front], np.minimum(colour, 1) * 255)


def _at(found: Fragments, corners: Real) -> Real:
    """A value at each fragment (N,), from its values at the corners (F, 3) of every triangle."""
    value = corners[found.triangle]
    return value[:, 2] + found.a * (value[:, 0] - value[:, 2]) + found.b * (value[:, 1] - value[:, 2])


def _blend(picture: U8, box: tuple[int, int, int], pixel: NDArray[np.int64], colour: Real) -> None:
    """Averages fine pixels into the picture's; what they leave uncovered keeps the picture's colour."""
    left, top, width = box
    y, x = np.divmod(pixel, width)
    k, across = SUPERSAMPLE, picture.shape[1]
    coarse = (y + top) // k * across + (x + left) // k
    first = int(coarse.min(initial=0))
    coarse -= first
    covered = np.bincount(coarse)
    at = np.flatnonzero(covered)
    share = covered[at, None] / (k * k)
    total = np.stack([np.bincount(coarse, weights=colour[:, i])[at] for i in range(3)], axis=-1)
    flat = picture.reshape(-1, 3)
    flat[at + first] = (total / (k * k) + (1 - share) * flat[at + first] + 0.5).astype(np.uint8)


def shade(picture: U8, camera: Camera, body: Body, vertices: Real, floor: float) -> None:
    """Darkens the floor under one posed body, strongest where it touches, in place."""
    above = np.maximum(vertices[:, 1] - floor, 0)[:, None]
    away = (camera.axes[0] * 0.16 + camera.axes[2] * 0.10) * [1, 0, 1]
    fallen = (vertices + above * away).astype(np.float32)
    fallen[:, 1] = floor
    size = float(np.ptp(body.bind_positions, axis=0).max())
    touching = (above[:, 0] < 0.035 * size)[body.triangles].all(axis=1)
    _darken(picture, camera, fallen, body.triangles, 0.20)
    _darken(picture, camera, fallen, body.triangles[touching], 0.36)


def _darken(picture: U8, camera: Camera, points: Real, triangles: NDArray[np.int32], share: float) -> None:
    reach = max(1, round(camera.height / 160))
    xy, _ = camera.project(points)
    box = _box(xy[triangles.reshape(-1)], camera.width, camera.height, 4 * reach)
    if box is None:
        return
    left, top, width, height = box
    mask = np.zeros(width * height, np.float32)
    mask[fragments(xy - np.array([left, top], np.float32), triangles, width, height).pixel] = 1
    mask = np.pad(mask.reshape(height, width), 2 * reach)  # what rolls over the edge is cut off again
    for _ in range(2):  # two box filters are close to a bell
        for axis in (0, 1):
            total = np.zeros_like(mask)
            for i in range(-reach, reach + 1):
                total += np.roll(mask, i, axis)
            mask = total / np.float32(2 * reach + 1)
    mask = mask[2 * reach : -2 * reach, 2 * reach : -2 * reach, None]
    at = picture[top : top + height, left : left + width]
    at[:] = (at * (1 - share * mask)).astype(np.uint8)


def _box(xy: Real, width: int, height: int, margin: int = 2) -> tuple[int, int, int, int] | None:
    """Left, top, width and height, even numbers, of the part of the picture around points (N, 2)."""
    if not len(xy):
        return None
    low = np.clip(np.floor(xy.min(axis=0)) - margin, 0, [width, height]).astype(int) // 2 * 2
    high = np.clip(np.ceil(xy.max(axis=0)) + margin, 0, [width, height]).astype(int) // 2 * 2
    size = high - low
    return None if (size <= 0).any() else (int(low[0]), int(low[1]), int(size[0]), int(size[1]))


def _light(normals: Real, camera: Camera) -> tuple[Real, Real]:
    """How bright (V,) a surface is and how much it shines (V,), under a sun over the camera's left shoulder, the sky,
    and a bounce from the floor."""
    right, up, into = camera.axes.astype(np.float32)
    sun = up * _SUN[1] - right * _SUN[0] - into * _SUN[2]
    half = loft.unit(sun - into)
    lit = np.maximum(normals @ sun, 0)
    rim = (1 - np.abs(normals @ into)) ** 3
    linear = 0.80 * lit + 0.20 + 0.15 * (1 + normals[:, 1]) - 0.10 * rim
    return np.maximum(linear, 0) ** np.float32(1 / 2.2), 0.10 * np.maximum(normals @ half, 0) ** 30
