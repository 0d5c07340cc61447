"""Sentences about "a person": put another subject in, add an adverb where English allows one.

Every function returns None where the result would be no good sentence: it drops a combination rather than write a bad
one. Sentences carry no final period.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

LONGEST_SIMPLE = 11
"""Words; behind a longer clause an adverb seems to belong to its last verb only."""

NEUTRAL_SUBJECTS = ("a person", "someone", "somebody", "the person", "an individual", "the figure", "the character")

_SUBJECT = re.compile(r"\b(?:" + "|".join(NEUTRAL_SUBJECTS) + r")\b(?!'s)")
_WORD = re.compile(r"[a-z]+")
_COMPARISON = re.compile(r"\b(?:as if|as though|like)\b")
_COMPLEX = re.compile(r",|\b(?:as|while|like|who|then|only|keeping|holding|leaving|pulling|turning|and stay)\b")
_PARTICIPLES = ("bent ", "full ", "hardly ")
_FAST = re.compile(r"\b(?:sprint|dash|rush|rac(?:es|ing)|charg|burst|speed|tears|shoots forward|flat out|fast|quick)")
_SLOW = re.compile(
    r"\b(?:slow|sluggish|unhurried|without any hurry|calmly|relaxed|natural speed|normal pace|medium speed"
    r"|mournful pace|stately|measured|shuffling|dragging|hardly able|limp)"
)
_SMALL_WORDS = frozenset(re.findall(r"\w+", "a an the and or of to as if it at in on one each every so is by for up"))
_EMPTY_WORDS = frozenset(("with", "without", "person", "someone", "somebody"))


def worded(sentence: str, subject: str | None = None, adverb: str | None = None) -> str | None:
    """The sentence with its first neutral subject replaced, and in the manner of the adverb.

    The adverb goes behind a simple clause, else in front of the subject. None where the sentence has no subject to
    replace, has this very one already, or takes the adverb in neither place.
    """
    match = _SUBJECT.search(sentence)
    starts = match is not None and match.start() == 0
    if subject is not None:
        if match is None or match.group() == subject:
            return None
        sentence = sentence[: match.start()] + subject + sentence[match.end() :]
    if adverb is None:
        return sentence
    if not _agree(sentence, adverb):
        return None
    if _is_simple(sentence) and _first_word(adverb) not in _prepositions(sentence):
        return f"{sentence}, {adverb}" if _is_participle(adverb) else f"{sentence} {adverb}"
    return f"{adverb}, {sentence}" if starts else None


def plain(sentence: str) -> str:
    """A sentence of another sheet in the form used here: lower case first, one space, no final period."""
    text = " ".join(sentence.split()).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2] != "'" else text


def in_order_of(key: str, texts: Iterable[str]) -> list[str]:
    """The distinct texts in an order that depends on `key` and on nothing else: the same on every machine."""
    return sorted(set(texts), key=lambda text: hashlib.sha256(f"{key}\n{text}".encode()).digest())


def neutral_wordings(key: str, sentences: Sequence[str], count: int) -> tuple[str, ...]:
    """The sentences, and behind them the same with other neutral subjects, until there are `count` or no more."""
    others = (worded(sentence, subject) for sentence in sentences for subject in NEUTRAL_SUBJECTS)
    more = in_order_of(key, (text for text in others if text is not None and text not in sentences))
    kept = list(dict.fromkeys(sentences))
    return tuple(kept + more[: max(0, count - len(kept))])


def _agree(sentence: str, adverb: str) -> bool:
    """No word said twice, no two comparisons, no slow sprint."""
    if _stems(sentence) & _stems(adverb):
        return False
    if _COMPARISON.search(sentence) and _COMPARISON.search(adverb):
        return False
    return not (_FAST.search(sentence) and _SLOW.search(adverb))


def _is_simple(sentence: str) -> bool:
    return len(sentence.split()) <= LONGEST_SIMPLE and not _COMPLEX.search(sentence)


def _is_participle(adverb: str) -> bool:
    return adverb.startswith(_PARTICIPLES) or _first_word(adverb).endswith("ing")


def _prepositions(sentence: str) -> set[str]:
    words = set(_WORD.findall(sentence))
    return words | {"with", "without"} if words & {"with", "without"} else words


def _first_word(adverb: str) -> str:
    return _WORD.findall(adverb)[0]


def _stems(text: str) -> set[str]:
    words = set(_WORD.findall(text)) - _SMALL_WORDS - _EMPTY_WORDS
    return {word.removesuffix("ly")[:4] for word in words}
