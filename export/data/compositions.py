"""Which recordings go into which composed clips: what export.prepare adds to the recordings of the training split.

    composed        of all corpora but the further ones, which somebody may lack: the same with and without them
    composed-free   of recordings under licences that permit commercial use alone
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import cast

import numpy as np

from export.corpora import licence
from export.corpora.catalogue import FURTHER
from export.data import compose, gestures
from export.data.compose import Composition, Recorded
from motion import features
from motion.clip import Clip

Entry = dict[str, object]
"""An entry of index.json."""

_GRAFTED_OF = "bandai"  # its gestures and walks are one to a clip, by one actor


def made(entries: Sequence[Entry], pieces: Sequence[np.ndarray]) -> Iterator[Composition]:
    """All compositions of recorded clips.

    entries, pieces: as index.json lists them, and their features (T, 201); what is not for training is passed over.
    """
    training = [(entry, frames) for entry, frames in zip(entries, pieces, strict=True) if entry["split"] == "train"]
    known = [pair for pair in training if pair[0]["corpus"] not in FURTHER]
    free = [pair for pair in training if pair[0]["licence"] in licence.FREE]
    return chain(
        _grafts(known), _again(known, compose.CORPUS), gestures.grafts(_parts(free)), _again(free, gestures.CORPUS)
    )


Training = Sequence[tuple[Entry, np.ndarray]]


def _grafts(training: Training) -> Iterator[Composition]:
    by_action: dict[str, list[Clip]] = defaultdict(list)
    found = ""
    for entry, frames in training:
        action = entry["action"]
        if entry["corpus"] == _GRAFTED_OF and (action in compose.STEPS or action in compose.GESTURES):
            found = str(entry["licence"])
            by_action[str(action)].append(features.decode(frames))
    return compose.corpus(by_action, found)


def _again(training: Training, corpus: str) -> Iterator[Composition]:
    """Rare actions at other paces, and short ones in a row."""
    common = Counter(entry["action"] for entry, _ in training)

    def rare(entry: Entry) -> bool:
        return entry["action"] is not None and common[entry["action"]] <= compose.RARE

    def short(entry: Entry) -> bool:
        return entry["action"] in compose.SERIES

    return chain(
        compose.rare(_recorded(training, rare), corpus), compose.series(_recorded(training, short), corpus)
    )


def _parts(training: Training) -> dict[str, Recorded]:
    """What `gestures` puts together, by name."""
    named = {span.name for span in gestures.SPANS} | {name for name, _, _ in gestures.STANDS}

    def part(entry: Entry) -> bool:
        return not entry["mirrored"] and (entry["name"] in named or entry["action"] in gestures.WAYS)

    return {one.name: one for one in _recorded(training, part)}


def _recorded(training: Training, wanted: Callable[[Entry], bool]) -> list[Recorded]:
    return [
        Recorded(
            features.decode(frames),
            str(entry["name"]),
            str(entry["action"] or ""),
            tuple(cast(list[str], entry["captions"])),
            str(entry["licence"]),
        )
        for entry, frames in training
        if wanted(entry)
    ]
