"""Pictures of clips with the joints in them: what `export.render` writes and the trainers read.

A folder holds settings.json, index.json and a folder a clip: 00.jpg, 01.jpg and so on at 25 frames a second, and
scene.npz with everything that is known of them. T frames, pixels of the pictures from their upper left corner, metres:

    world       (T, 22, 3) joints of `smplx22` on the body that is seen     world17     (T, 17, 3) Human3.6M's
    pixels      (T, 22, 2) where they are in the picture                    pixels17    (T, 17, 2)
    features    (T, 51) `h36m17`, in the camera's own picture of 1000 x 1000 pixels
    intrinsics  (3, 3) of the picture as it is kept     rotation, translation    (3, 3), (3,) world -> camera
    camera      position, target (6,), focal length, centre of the camera's own picture (3,)    crop    left, top, size

A joint that something hides is told like any other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from export.data.dataset import Dataset, Entry
from export.scene.shot import FPS, PIXELS
from models.tokenizers.contract import Views
from motion.errors import BadFile
from motion.quat import F32

INDEX = "index.json"
SCENE = "scene.npz"
_KEPT = 512  # clips whose pictures are kept in memory, 3 MB each


@dataclass(frozen=True)
class Pictured:
    """One clip of which there are pictures."""

    folder: Path
    name: str
    """Of the entry in the data set."""
    split: str
    start: int
    """Frame of the clip at 25 frames a second that the first picture shows."""
    frames: int


def load(folder: Path, data: Dataset) -> tuple[Pictured, ...]:
    """The pictures of a data set's clips. Raises BadFile where `export.render` has not been to its end there, or none
    of the clips has pictures."""
    try:
        rows = json.loads((folder / INDEX).read_text(encoding="utf-8"))["clips"]
    except (OSError, ValueError, KeyError) as error:
        raise BadFile(f"holds no pictures ({error}); run python -m export.render first", str(folder)) from error
    names = {entry.name for entry in data.entries}
    found = tuple(
        Pictured(folder / row["folder"], row["name"], row["split"], row["start"], row["frames"])
        for row in rows
        if row["name"] in names
    )
    if not found:
        raise BadFile("shows none of the clips that are asked for; render more, or of these corpora", str(folder))
    return found


@lru_cache(maxsize=_KEPT)
def scene(folder: Path) -> dict[str, NDArray[Any]]:
    """Everything that is known of a clip's pictures. Raises BadFile."""
    try:
        with np.load(folder / SCENE, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (OSError, ValueError) as error:
        raise BadFile(f"cannot be read ({error}); delete its folder and render again", str(folder / SCENE)) from error


@lru_cache(maxsize=_KEPT)
def pictures(folder: Path) -> NDArray[np.uint8]:
    """All pictures of a clip (T, 256, 256, 3). Raises BadFile."""
    try:
        return np.stack([_read(path) for path in sorted(folder.glob("*.jpg"))])
    except (OSError, ValueError) as error:
        raise BadFile(
            f"holds a picture that cannot be read ({error}); delete it and render again", str(folder)
        ) from error


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def places(pixels: NDArray[Any]) -> F32:
    """Pixels (..., 2) of pictures -> x and y from -1, the first edge, to 1, the last. Pixels count from the corner."""
    return (np.asarray(pixels) / PIXELS * 2 - 1).astype(np.float32)


@dataclass(frozen=True)
class Gallery:
    """What a tokenizer's batches take of pictures: some clips with theirs in the place of clips without."""

    data: Dataset
    """In the layout and at the rate of the tokenizer, without a clip twice."""
    shown: tuple[Pictured, ...]
    fps: float
    count: int
    """Clips with pictures a step."""
    each_frame: bool
    """Every frame has its own picture (and is what the picture shows, in `h36m17`), or one picture stands for all."""

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        return {entry.name: entry for entry in self.data.entries}

    def mixed(self, frames: F32, rng: np.random.Generator) -> tuple[F32, Views | None]:
        """A batch (B, T, D) whose first clips are replaced by clips with pictures, where there are long enough ones."""
        length = frames.shape[1]
        fitting = [one for one in self.shown if self._room(one, length)]
        if not fitting:
            return frames, None
        count = min(self.count, len(frames))
        picked = [fitting[int(i)] for i in rng.choice(len(fitting), count, replace=len(fitting) < count)]
        found = [(self._whole if self.each_frame else self._one)(one, length, rng) for one in picked]
        return np.concatenate([np.stack([f for f, _, _ in found]), frames[count:]]), views(
            [(images, at) for _, images, at in found], len(frames)
        )

    def _room(self, one: Pictured, length: int) -> bool:
        if self.each_frame:
            return one.frames >= length
        entry = self._entries.get(one.name)
        return entry is not None and entry.frames >= length

    def _whole(self, one: Pictured, length: int, rng: np.random.Generator) -> tuple[F32, NDArray[np.uint8], F32]:
        start = int(rng.integers(0, one.frames - length + 1))
        kept = slice(start, start + length)
        known = scene(one.folder)
        return known["features"][kept], pictures(one.folder)[kept], places(known["pixels17"][kept])

    def _one(self, one: Pictured, length: int, rng: np.random.Generator) -> tuple[F32, NDArray[np.uint8], F32]:
        entry, at = self._entries[one.name], int(rng.integers(0, one.frames))
        shows = round((one.start + at) / FPS * self.fps)
        low, high = max(0, shows - length + 1), min(shows, entry.frames - length)
        start = int(rng.integers(low, max(low, high) + 1))
        known = scene(one.folder)
        kept = np.array(self.data.clip(entry)[start : start + length])
        return kept, pictures(one.folder)[at : at + 1], places(known["pixels"][at : at + 1])


def views(found: list[tuple[NDArray[np.uint8], F32]], batch: int) -> Views:
    """Pictures (F, H, W, 3) and places (F, J, 2) of the first clips of a batch."""
    images = torch.from_numpy(np.stack([images for images, _ in found])).permute(0, 1, 4, 2, 3).float() / 255
    shown = torch.arange(batch) < len(found)
    return Views(images, torch.from_numpy(np.stack([at for _, at in found])), shown)
