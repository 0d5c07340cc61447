"""The prepared clips in memory, and batches of crops drawn from them.

Features (N, 201) float32 lie end to end in one array. A step's batch depends on nothing but the seed and the step, so
that a run that was stopped goes on with exactly the data it would have seen.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motion import features
from motion.errors import BadFile
from motion.quat import F32

FRAMES_PER_TOKEN = 4
_COMMON = 800  # clips of an action that is not rare
_MOST = 16.0  # times that a rare one is repeated at most, and ...
_RAREST = 3.0  # ... so many times more what export.data.compose shows at other paces, or again and again
_SELDOM = ("composed/paced", "composed/series")


@dataclass(frozen=True)
class Entry:
    """One clip or mirrored copy."""

    name: str
    corpus: str
    licence: str
    split: str
    mirrored: bool
    action: str | None
    captions: tuple[str, ...]
    start: int
    """First row in features.npy."""
    frames: int


@dataclass(frozen=True)
class Dataset:
    """Clips of some corpora and one split."""

    entries: tuple[Entry, ...]
    frames: F32
    """(N, 201) features of all corpora, memory-mapped."""

    def clip(self, entry: Entry) -> F32:
        """Features (T, 201) of one clip."""
        return self.frames[entry.start : entry.start + entry.frames]

    def all_frames(self) -> F32:
        """Features of this selection end to end."""
        return np.concatenate([self.clip(entry) for entry in self.entries])


def load(folder: Path, split: str, corpora: tuple[str, ...] | None = None, mirrored: bool = True) -> Dataset:
    """The prepared clips. Raises BadFile where `export.prepare` has not run, or ran for another layout."""
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        frames = np.load(folder / "features.npy", mmap_mode="r")
    except (OSError, EOFError, ValueError) as error:
        raise BadFile(f"holds no prepared clips ({error}); run python -m export.prepare first", str(folder)) from error
    if index["layout"] != features.NAME:
        raise BadFile(f"was prepared for layout {index['layout']!r}, this program needs {features.NAME!r}", str(folder))
    entries = [Entry(**{**one, "captions": tuple(one["captions"])}) for one in index["clips"]]
    return Dataset(
        tuple(
            entry
            for entry in entries
            if entry.split == split
            and (corpora is None or entry.corpus in corpora)
            and (mirrored or not entry.mirrored)
        ),
        frames,
    )


@dataclass(frozen=True)
class Crops:
    """Batches of equally long crops, about `budget` frames each, clips of similar length together."""

    dataset: Dataset
    longest: int
    budget: int
    seed: int
    shortest: int | None = None
    """Where given, half of the crops get a random length from here to `longest`, as short windows of a stream have."""
    balanced: bool = False
    """Crops clips of actions that few clips show more often, or what is rare would never be worth a code."""

    def repeats(self) -> NDArray[np.float64]:
        """How many times as often each entry is cropped."""
        counts = Counter(entry.action for entry in self.dataset.entries if entry.action)
        if not self.balanced:
            return np.ones(len(self.dataset.entries))
        often = [np.clip(_COMMON / counts[e.action], 1, _MOST) if e.action else 1.0 for e in self.dataset.entries]
        rarest = [_RAREST if e.name.startswith(_SELDOM) else 1.0 for e in self.dataset.entries]
        return np.array(often) * np.array(rarest)

    def epoch(self, number: int) -> list[list[tuple[int, int, int]]]:
        """Batches of (entry, first frame, frames) for one pass over the data, in random order."""
        rng = np.random.default_rng([self.seed, number])
        picks: list[tuple[int, int, int]] = []
        for i, (entry, repeats) in enumerate(zip(self.dataset.entries, self.repeats(), strict=True)):
            for _ in range(int(-(-entry.frames // self.longest) * repeats + (rng.random() if self.balanced else 0))):
                length = min(entry.frames, self.longest) // 4 * 4
                if self.shortest is not None and rng.random() < 0.5:
                    length = min(length, int(np.exp(rng.uniform(np.log(self.shortest), np.log(self.longest)))) // 4 * 4)
                picks.append((length, i, int(rng.integers(0, entry.frames - length + 1))))
        order = rng.permutation(len(picks))
        picks = sorted((picks[k] for k in order), key=lambda pick: pick[0])  # equal lengths stay in random order
        batches: list[list[tuple[int, int, int]]] = []
        at = 0
        while at < len(picks):
            length = picks[at][0]
            group = picks[at : at + max(1, self.budget // length)]
            batches.append([(i, start, length) for _, i, start in group])
            at += len(group)
        return [batches[k] for k in rng.permutation(len(batches))]

    def arrays(self, batch: list[tuple[int, int, int]]) -> F32:
        """Features (B, T, 201) of one batch."""
        clips = self.dataset
        return np.stack([clips.clip(clips.entries[i])[start : start + length] for i, start, length in batch])
