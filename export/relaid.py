"""The prepared clips in another feature layout, for tokenizers that see motion otherwise than the shipped one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from export.dataset import Crops, Dataset
from motion import clip as clips
from motion import features
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
        pieces.append(found.encode(clip))
        entries.append(replace(entry, start=start, frames=len(clip)))
        start += len(clip)
    return Dataset(tuple(entries), np.concatenate(pieces) if pieces else np.zeros((0, found.width), np.float32))


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
