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

from export.data.curriculum import Curriculum
from models.vocabulary import FRAMES_PER_TOKEN
from motion import features
from motion.errors import BadFile
from motion.quat import F32


@dataclass(frozen=True)
class Entry:
    """One clip or mirrored copy."""

    name: str
    corpus: str
    licence: str
    split: str
    mirrored: bool
    origin: str
    """"recorded", or how export.data.compose made it: "grafted", "paced", "series"."""
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


def whole(frames: int) -> int:
    """As many of the frames as make whole tokens."""
    return frames // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN


def load(folder: Path, split: str, corpora: tuple[str, ...] | None = None, mirrored: bool = True) -> Dataset:
    """The prepared clips. Raises BadFile where `export.prepare` has not run, or ran for another layout or before clips
    told their origin."""
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        frames = np.load(folder / "features.npy", mmap_mode="r")
    except (OSError, EOFError, ValueError) as error:
        raise BadFile(f"holds no prepared clips ({error}); run python -m export.prepare first", str(folder)) from error
    if index["layout"] != features.NAME:
        raise BadFile(f"was prepared for layout {index['layout']!r}, this program needs {features.NAME!r}", str(folder))
    if any("origin" not in one for one in index["clips"]):
        raise BadFile("does not tell where its clips are from; run python -m export.prepare again", str(folder))
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
    curriculum: Curriculum | None = None
    """How much more often clips of rare actions are cropped; None: all alike."""

    def repeats(self) -> NDArray[np.float64]:
        """How many times as often each entry is cropped."""
        entries, plan = self.dataset.entries, self.curriculum
        if plan is None:
            return np.ones(len(entries))
        counts = Counter(entry.action for entry in entries if entry.action)
        often = [np.clip(plan.common / counts[e.action], 1, plan.most) if e.action else 1.0 for e in entries]
        return np.array(often) * np.array([plan.repeats.get(e.origin, 1.0) for e in entries])

    def epoch(self, number: int) -> list[list[tuple[int, int, int]]]:
        """Batches of (entry, first frame, frames) for one pass over the data, in random order."""
        rng = np.random.default_rng([self.seed, number])
        picks: list[tuple[int, int, int]] = []
        for i, (entry, repeats) in enumerate(zip(self.dataset.entries, self.repeats(), strict=True)):
            for _ in range(int(-(-entry.frames // self.longest) * repeats + (rng.random() if self.curriculum else 0))):
                length = whole(min(entry.frames, self.longest))
                if self.shortest is not None and rng.random() < 0.5:
                    length = min(length, whole(int(np.exp(rng.uniform(np.log(self.shortest), np.log(self.longest))))))
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
