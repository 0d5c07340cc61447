"""A contact sheet: one clip at several times, one row for each view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tools.render import caption, stage
from tools.render.camera import View
from tools.render.raster import U8
from tools.render.stage import Stage

TILE = (250, 320)  # pixels, width and height
_GAP = 3


def sheet(scene: Stage, views: Sequence[View], columns: int, title: str) -> U8:
    """The sheet (H, W, 3). The first and the last frame are always on it, the others evenly between."""
    frames = np.unique(np.linspace(0, len(scene.clip) - 1, columns).round().astype(int))
    width, height = TILE
    rows: list[U8] = []
    for view in views:
        cameras = stage.camera(scene, view, width, height)
        tiles: list[U8] = []
        grounds = {camera: stage.ground(scene, camera) for camera in {cameras[frame] for frame in frames}}
        for frame in frames:
            tile = stage.picture(scene, int(frame), cameras[frame], grounds[cameras[frame]])
            time, which = stage.moment(scene, int(frame))
            end = caption.write(tile, time, 7, height - 21, 13)
            caption.write(tile, which, end, height - 20, 12, caption.FAINT)
            tiles += [tile, np.full((height, _GAP, 3), 255, np.uint8)]
        caption.write(tiles[0], view.name, 7, 5, 12, caption.FAINT)
        row = np.concatenate(tiles[:-1], axis=1)
        rows += [row, np.full((_GAP, row.shape[1], 3), 255, np.uint8)]
    picture = np.concatenate(rows[:-1])
    return np.concatenate([caption.title(picture.shape[1], title, stage.summary(scene)), picture])


def save(picture: U8, path: Path) -> None:
    """Writes a PNG, or a WebP where the path ends so: a third of the size, for what travels with the repository."""
    image = Image.fromarray(picture)
    if path.suffix.lower() == ".webp":
        image.save(path, quality=80, method=6)
    else:
        image.save(path, optimize=True)
