"""What a left-right mirrored take is called: its sentences, its content key, its action label.

The rule is that of `captions.json`: whole words are exchanged both ways in one pass, compounds with a hyphen included,
so that mirroring twice gives back the sentence. "upright" and "counterclockwise" are words of their own.
"""

from __future__ import annotations

import re

PAIRS = (
    ("left", "right"),
    ("leftward", "rightward"),
    ("leftwards", "rightwards"),
    ("lefthanded", "righthanded"),
    ("clockwise", "counterclockwise"),
)

CONTENT_PAIRS = (
    ("walk-left", "walk-right"),
    ("walk-turn-left", "walk-turn-right"),
    ("raise-up-left-hand", "raise-up-right-hand"),
    ("wave-left-hand", "wave-right-hand"),
)


def sentence(text: str) -> str:
    """The sentence for the mirrored motion; capitals stay where they were."""
    return _WORD.sub(_exchange, text)


def sentences(texts: tuple[str, ...]) -> tuple[str, ...]:
    """`sentence` for each of them, in order."""
    return tuple(sentence(text) for text in texts)


def content(key: str) -> str:
    """The content key of a mirrored Bandai clip; most keys name no side and stay."""
    return _CONTENT.get(key, key)


def action(label: str | None) -> str | None:
    """The action label of the mirrored motion, e.g. "wave-left" for "wave-right"; labels without a side stay."""
    return None if label is None else sentence(label)


def _exchange(match: re.Match[str]) -> str:
    word = match.group()
    other = _OTHER[word.lower()]
    return other.capitalize() if word[0].isupper() else other


_OTHER = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
_CONTENT = {a: b for pair in CONTENT_PAIRS for a, b in (pair, pair[::-1])}
_WORD = re.compile(r"\b(?:" + "|".join(sorted(_OTHER, key=len, reverse=True)) + r")\b", re.IGNORECASE)
