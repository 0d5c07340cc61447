"""The ground a body moves on: a grid with a line each half metre, the path of the root, the world's axes.

Painted once for a camera that stands still; bodies are drawn over it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from motion.bodies.loft import Real
from tools.render.camera import Camera
from tools.render.raster import U8

_SKY_TOP, _SKY_LOW = np.array([226, 230, 235.0]), np.array([244, 245, 246.0])
_GROUND, _LINE = np.array([233, 232, 229.0]), np.array([158, 161, 166.0])
_PATH, _AXES = (38, 148, 128), {"X": (205, 62, 62), "Z": (58, 96, 200)}
_FINE = 3  # lines are drawn this many times larger and reduced


def paint(camera: Camera, height: float, path: Real, fps: float) -> U8:
    """The empty scene (H, W, 3). height: of the floor in metres; path (T, 3): where the root goes."""
    fade = (np.arange(camera.height) / camera.height)[:, None, None]
    sky = np.broadcast_to(_SKY_TOP + (_SKY_LOW - _SKY_TOP) * fade, (camera.height, camera.width, 3))
    ground, footprint = camera.floor(height)
    centre = (path[:, [0, 2]].min(axis=0) + path[:, [0, 2]].max(axis=0)) / 2
    reach = 2.2 + float(np.ptp(path[:, [0, 2]], axis=0).max()) * 0.75
    away = np.linalg.norm(ground - centre, axis=-1)
    shown = np.nan_to_num(np.clip((reach * 2 - away) / reach, 0, 1))[..., None]
    shown = shown * shown * (3 - 2 * shown)
    lines = np.maximum(0.32 * _grid(ground, footprint, 0.5, 0.008), 0.85 * _grid(ground, footprint, 1.0, 0.014))
    floor = _GROUND + (_LINE - _GROUND) * np.nan_to_num(lines)[..., None]
    picture = (sky + (floor - sky) * shown).astype(np.uint8)
    return _overlay(picture, camera, height, path, fps)


def _grid(ground: Real, footprint: Real, step: float, width: float) -> Real:
    """How much of each pixel (H, W) lies on a line of a square grid."""
    along = np.abs(np.gradient(ground, axis=0)) + np.abs(np.gradient(ground, axis=1))  # metres a pixel, by axis
    off = np.abs((ground / step + 0.5) % 1 - 0.5) * step
    span = np.maximum(along, 1e-6)
    cover = np.clip((width / 2 + span / 2 - off) / span, 0, np.minimum(width / span, 1))
    return cover.max(axis=-1) * np.clip(1.5 - 3 * footprint / step, 0, 1)


def _overlay(picture: U8, camera: Camera, height: float, path: Real, fps: float) -> U8:
    fine = camera.scaled(_FINE)
    layer = Image.new("RGBA", (fine.width, fine.height))
    pen = ImageDraw.Draw(layer)
    unit = fine.height / 480

    def spot(x: float, z: float) -> tuple[float, float]:
        xy, _ = fine.project(np.array([x, height, z]))
        return float(xy[0]), float(xy[1])

    def dot(at: tuple[float, float], radius: float, colour: tuple[int, int, int]) -> None:
        x, y = at
        pen.ellipse((x - radius, y - radius * 0.55, x + radius, y + radius * 0.55), fill=(*colour, 255))

    start = spot(0, 0)
    for name, (x, z) in (("X", (0.5, 0.0)), ("Z", (0.0, 0.5))):
        pen.line([start, spot(x, z)], fill=(*_AXES[name], 235), width=round(2.0 * unit))
        tip = spot(x * 1.16, z * 1.16)
        pen.text(tip, name, fill=(*_AXES[name], 255), font=ImageFont.load_default(11 * unit), anchor="mm")
    trail = [spot(float(x), float(z)) for x, _, z in path]
    if len(trail) > 1:
        pen.line(trail, fill=(*_PATH, 235), width=round(1.6 * unit), joint="curve")
    for second in range(0, len(trail), max(round(fps), 1)):
        dot(trail[second], 3.4 * unit, _PATH)
    dot(trail[0], 5.2 * unit, _PATH)
    dot(trail[0], 3.2 * unit, (255, 255, 255))
    layer = layer.resize((camera.width, camera.height), Image.Resampling.BOX)
    return np.asarray(Image.alpha_composite(Image.fromarray(picture).convert("RGBA"), layer).convert("RGB")).copy()
