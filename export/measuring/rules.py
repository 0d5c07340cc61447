"""How many recordings of an action pass its geometric rule, and how many recordings of other actions do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from export.data import dataset
from export.data.dataset import Entry
from export.metrics import geometry
from export.metrics.measures import Measures, measure
from motion import clip as clips
from motion import features
from motion.quat import F32

SPLITS = {"train": ("train",), "val and test": ("val", "test")}
"""Rows of the table: the thresholds were set on the first alone."""
Table = dict[str, dict[str, dict[str, object]]]


def measured(frames: F32) -> Measures:
    """Measures of features (T, 201): of their middle `geometry.LONGEST_S` seconds where there are more."""
    most = round(geometry.LONGEST_S * features.FPS)
    start = max(0, len(frames) - most) // 2
    return measure(clips.positions(features.decode(frames[start : start + most])), features.FPS)


def table(folder: Path) -> Table:
    """Rule -> split -> counts and shares, over recordings and their mirrored copies. Raises BadFile."""
    found: Table = defaultdict(dict)
    for name, splits in SPLITS.items():
        clips_of = [
            (entry, measured(np.array(data.clip(entry))))
            for data in (dataset.load(folder, split) for split in splits)
            for entry in data.entries
            if entry.origin == "recorded" and entry.action
        ]
        for rule in geometry.RULES:
            found[rule][name] = counts(rule, clips_of)
    return dict(found)


def counts(rule: str, clips_of: Iterable[tuple[Entry, Measures]]) -> dict[str, object]:
    """Of one rule: its own recordings and those that pass, likewise those of other actions that show it in truth
    (`geometry.OVERLAPS`) and the others; the mean share of others that pass when each of their actions counts alike."""
    has: Counter[str] = Counter()
    passes: Counter[str] = Counter()
    by_action: dict[str, list[bool]] = defaultdict(list)
    for entry, measures in clips_of:
        passed = geometry.shows(rule, measures)
        kind = _kind(rule, entry)
        has[kind] += 1
        passes[kind] += passed
        if kind == "others":
            by_action[str(entry.action)].append(passed)
    row: dict[str, object] = {}
    for kind in ("own", "overlaps", "others"):
        row[kind], row[f"{kind}_pass"] = has[kind], passes[kind]
    shares = {action: float(np.mean(passed)) for action, passed in by_action.items()}
    row["others_alike"] = float(np.mean(list(shares.values()))) if shares else 0.0
    row["most_often"] = [action for action in sorted(shares, key=lambda one: -shares[one]) if shares[action] > 0.1][:4]
    return row


def _kind(rule: str, entry: Entry) -> str:
    if _label(rule, entry) == rule:
        return "own"
    return "overlaps" if entry.action in geometry.OVERLAPS.get(rule, frozenset()) else "others"


def _label(rule: str, entry: Entry) -> str | None:
    """The recording's action; told by the foot for a rule that is, where its name says which."""
    if rule not in ("kick-left", "kick-right") or entry.action != "kick":
        return entry.action
    left = "_kickL" in entry.name
    named = left or "_kickR" in entry.name
    return ("kick-left" if left != entry.mirrored else "kick-right") if named else "kick-unnamed"
