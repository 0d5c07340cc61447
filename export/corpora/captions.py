"""The caption sheet of the corpora (`captions.json`): sentences, styles, and what is known to be wrong with clips.

Read once into frozen data; typing errors of the sheet are put right here, and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from motion.errors import BadFile

Sentences = tuple[str, ...]

TYPING_ERRORS = {"aheadand": "ahead and"}


@dataclass(frozen=True)
class Style:
    """Phrases that turn a plain sentence into one about a manner of moving."""

    subjects: Sentences
    """Stand in for "a person"."""
    adverbs: Sentences
    """True of any content."""
    locomotion: Sentences
    """True of walking and running only."""


@dataclass(frozen=True)
class Captions:
    """Everything the sheet says."""

    contents: Mapping[str, Sentences]
    """Bandai content key -> sentences about "a person", no final period."""
    styles: Mapping[str, Style]
    """Bandai style key -> its phrases."""
    content_style: Mapping[tuple[str, str], Sentences]
    """(content, style) -> sentences that are true of just that pair."""
    clips: Mapping[str, Sentences]
    """Clip -> more precise sentences; for a mislabelled clip they are the only true ones."""
    cmu: Mapping[str, Sentences]
    """CMU trial, e.g. "07_12" -> sentences."""
    dance: Mapping[str, Sentences]
    """Kind of dance -> sentences."""
    mislabelled: frozenset[str]
    """Bandai clips that do not show what their name says."""
    no_motion: frozenset[str]
    """Bandai contents without usable motion."""
    bad_motion: frozenset[str]
    """CMU trials with broken limbs."""
    true_fps: Mapping[str, float]
    """CMU trials whose file states a wrong rate -> the true one."""
    far_start: Sentences
    """Patterns of CMU trials whose BVH starts with a reference pose far away: "08_*" or "07_03 to 07_12"."""
    swap_words: tuple[tuple[str, str], ...]
    """Words that are exchanged in a mirrored clip's sentences."""
    swap_contents: tuple[tuple[str, str], ...]
    """Content keys that are exchanged in a mirrored clip."""

    def starts_far(self, trial: str) -> bool:
        """Whether the BVH of a CMU trial starts with a reference pose far away."""
        return any(_covers(pattern, trial) for pattern in self.far_start)


def load(path: Path) -> Captions:
    """Read the sheet. Raises BadFile when it is missing, no JSON, or lacks a part."""
    try:
        text = path.read_text(encoding="utf-8")
        for wrong, right in TYPING_ERRORS.items():
            text = text.replace(wrong, right)
        return _parse(json.loads(text))
    except OSError as problem:
        raise BadFile("cannot be read; the mocap folder needs its caption sheet", str(path)) from problem
    except json.JSONDecodeError as problem:
        raise BadFile(f"is no JSON ({problem.msg})", str(path), problem.lineno) from problem
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        raise BadFile(f"is no caption sheet: {problem!r} where a known part was expected", str(path)) from problem


def _parse(sheet: dict[str, Any]) -> Captions:
    extra = sheet["extra"]
    return Captions(
        contents=_lists(sheet["bandai"]["contents"]),
        styles={
            key: Style(tuple(style["subjects"]), tuple(style["adverbs"]), tuple(style["locomotion"]))
            for key, style in sheet["bandai"]["styles"].items()
        },
        content_style={
            (content, style): tuple(sentences)
            for content, styles in extra["content_style"].items()
            for style, sentences in styles.items()
        },
        clips=_lists(extra["clips"]),
        cmu=_lists(sheet["cmu"]),
        dance=_lists(sheet["dance"]),
        mislabelled=frozenset(extra["mislabelled"]),
        no_motion=frozenset(extra["no_motion"]),
        bad_motion=frozenset(extra["bad_motion"]),
        true_fps={trial: _true_fps(remark) for trial, remark in extra["bad_timing"].items()},
        far_start=tuple(extra["drop_first_frames"]["cmu_bvh"]),
        swap_words=tuple((a, b) for a, b in sheet["mirror"]["swap_words"]),
        swap_contents=tuple((a, b) for a, b in sheet["mirror"]["swap_contents"]),
    )


def _lists(part: dict[str, list[str]]) -> dict[str, Sentences]:
    return {key: tuple(sentences) for key, sentences in part.items()}


def _true_fps(remark: str) -> float:
    """The rate from a remark such as "bvh says 30 fps, is 120 (falls at 0.7 m/s^2)"."""
    match = re.search(r"\bis (\d+(?:\.\d+)?)", remark)
    if match is None:
        raise ValueError(remark)
    return float(match.group(1))


def _covers(pattern: str, trial: str) -> bool:
    first, to, last = pattern.partition(" to ")
    return first <= trial <= last if to else fnmatchcase(trial, pattern)
