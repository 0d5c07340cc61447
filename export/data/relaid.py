"""The prepared clips in another feature layout, for tokenizers that see motion otherwise than the shipped one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from export.data.dataset import Crops, Dataset
from motion import clip as clips
from motion import features, quat
from motion.camera import Camera, watching
from motion.clip import Clip
from motion.features import h36m17
from motion.quat import F32


def relaid(data: Dataset, layout: str) -> Dataset:
    """The same clips at the layout's own rate; those too short for four frames are left out."""
    found = features.find(layout)
    if layout == features.NAME:
        return data
    entries, pieces, start = [], list[F32](), 0
    for entry in data.entries:
        clip = clips.resample(features.decode(np.array(data.clip(entry))), found.fps)
        if len(clip) < 4:
            continue
        pieces.append(encoded(clip, layout, entry.name))
        entries.append(replace(entry, start=start, frames=len(clip)))
        start += len(clip)
    return Dataset(tuple(entries), np.concatenate(pieces) if pieces else np.zeros((0, found.width), np.float32))


def encoded(clip: Clip, layout: str, name: str) -> F32:
    """Features (T, D) of a `smplx22` clip at the layout's rate; where they are of a picture, by the clip's camera."""
    if layout == h36m17.NAME:
        return h36m17.encode(clip, camera_of(clip, name))
    return features.find(layout).encode(clip)


def decoded(frames: F32, layout: str, camera: Camera = h36m17.FRONT) -> Clip:
    """A clip of features (T, D); camera: that saw them, where they are of a picture."""
    if layout == h36m17.NAME:
        return h36m17.decode(frames, camera=camera)
    return features.find(layout).decode(frames)


def camera_of(clip: Clip, name: str) -> Camera:
    """The camera that films a clip: from a side that its name decides, far enough away to see all of it."""
    angle = np.float32(2 * np.pi * int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32)
    ahead, back = quat.from_yaw(np.array(angle)), quat.from_yaw(np.array(-angle))
    camera = watching(quat.rotate(ahead, h36m17.marks(clip)))
    position, target = (quat.rotate(back, np.array(at, np.float32)) for at in (camera.position, camera.target))
    return replace(camera, position=tuple(position.tolist()), target=tuple(target.tolist()))


@dataclass(frozen=True)
class Relaid(Crops):
    """Crops in any layout. In `smplx` the first frame of a crop tells where it is, as the first of a clip does."""

    layout: str = features.NAME

    def arrays(self, batch: list[tuple[int, int, int]]) -> F32:
        """Features (B, T, D) of one batch."""
        frames = super().arrays(batch)
        if self.layout == "smplx":
            place = features.find(self.layout).layout["translation"]
            for row, (i, start, _) in zip(frames, batch, strict=True):
                clip = self.dataset.clip(self.dataset.entries[i])
                row[0, place] = clip[: start + 1, place].sum(axis=0)
        return frames
