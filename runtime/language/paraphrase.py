"""People's own words, told to the language model in plain words that it learned.

A small network (export/training/paraphrasing.py) tells what a sentence asks for and in which style. Where it is sure,
the sentence is put as the caption of that; where it is not, and where a sentence asks for several things at once that
no recording shows together, the sentence stays as it is. What happens one after the other is told part by part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from models import compact
from models.sentences.paraphrase import features
from motion.errors import BadBundle

F32 = NDArray[np.float32]
SURE: Final = 0.5
"""chance from which on what is told counts"""
_THEN: Final = re.compile(r"(?:,|\.|;)?\s+(?:and then|then|and afterwards|after that)\s+", re.IGNORECASE)
_SIDES: Final = {"left": "right", "right": "left"}
_SIDE: Final = re.compile(r"\b(left|right)\b")


class Paraphraser:
    """Sentences -> plain words. Several threads may use it."""

    def __init__(
        self, weights: Mapping[str, NDArray[Any]], captions: Sequence[str], styles: Sequence[str], gain: float
    ) -> None:
        """captions: what each concept is in plain words, "" for none; styles: phrases. Raises BadBundle."""
        try:
            self._table, *rest = (np.asarray(weights[name], np.float32) for name in _NAMES)
        except KeyError as error:
            raise BadBundle(f"the paraphraser lacks {error}; pack the bundle again") from error
        self._concepts, self._styles = (rest[0], rest[1]), (rest[2], rest[3])
        if len(captions) != len(rest[1]) or len(styles) != len(rest[3]):
            raise BadBundle("the paraphraser's words do not fit its weights; pack the bundle again")
        self._captions, self._phrases, self._gain = list(captions), list(styles), np.float32(gain)
        place = {caption: i for i, caption in enumerate(captions)}
        self._mirrored = [
            place.get(_SIDE.sub(lambda m: _SIDES[m[1]], caption), i) for i, caption in enumerate(captions)
        ]

    @classmethod
    def load(cls, path: Path) -> Self:
        """That of a file. Raises BadBundle where it is none."""
        try:
            weights = compact.read(path)
            about = compact.about(path)
            words = [[str(one) for one in json.loads(about[name])] for name in ("captions", "styles")]
            return cls(weights, words[0], words[1], float(about["gain"]))
        except (KeyError, ValueError, OSError, SafetensorError) as error:
            raise BadBundle(f"{path} is no paraphraser ({error}); pack the bundle again") from error

    def plainly(self, text: str) -> str:
        """The text in plain words, or as it is."""
        parts = _THEN.split(text)
        if len(parts) > 1:
            told = [self._told(part) for part in parts]
            if all(told) and len(set(told)) > 1:
                return " and then ".join([str(told[0]), *(_without_subject(str(one)) for one in told[1:])])
        return self._told(text) or text

    def sure(self, text: str) -> float:
        """The chance of what a text most likely asks for, 0 where it asks for no motion."""
        return self._found(text)[0]

    def _told(self, text: str) -> str | None:
        """What one sentence asks for; None where that is not sure."""
        sure, told = self._found(text)
        return told if sure >= SURE else None

    def _found(self, text: str) -> tuple[float, str]:
        """What one sentence most likely asks for, and the chance of that; 0 for nothing."""
        seen = features(text)
        if not seen:
            return 0.0, ""
        inside = np.maximum(self._table[seen].sum(0) * (self._gain * np.float32(len(seen) ** -0.5)), 0)
        found, manner = (_chances(weight @ inside + bias) for weight, bias in (self._concepts, self._styles))
        best = int(found.argmax())
        other = self._mirrored[best]
        # A sentence that names no side is of either; both count, and the likelier is taken.
        sure = found[best] + (found[other] if other != best else 0)
        if not self._captions[best]:
            return 0.0, ""
        phrase = self._phrases[1 + int(manner[1:].argmax())] if manner[0] < 1 - SURE else ""
        return float(sure), f"{self._captions[best]} {phrase}".rstrip()


_NAMES: Final = ("table.weight", "concepts.weight", "concepts.bias", "styles.weight", "styles.bias")


def _without_subject(caption: str) -> str:
    return re.sub(r"^(?:a person|someone|somebody) ", "", caption)


def _chances(scores: F32) -> F32:
    found = np.exp(scores - scores.max())
    return (found / found.sum()).astype(np.float32)
