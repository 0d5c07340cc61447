"""Wordings of actions and styles in many registers, beside the caption sheet: the folder `words` of two sheets.

A key such as "bandai/bow" covers clips: a content of Bandai's, a class of HDM05's, a kind of dance, or the clips listed
under it. Its sentences are true of all of them; its near misses share words with them and mean another key.
`heldout.json` beside them is for judging and is never read here.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from export.corpora import mirror
from export.corpora.conversations import Conversations
from motion.errors import BadFile

Sentences = tuple[str, ...]
_LONGEST = 11  # words of a sentence that a style phrase is put behind
_SUBJECT = re.compile(
    r"^(?:a person|the person|person|someone|somebody|a man|the man|a woman|the woman|man|woman|he|she|npc|a character"
    r"|the character|my character|the actor|they)\b ",
    re.IGNORECASE,
)
_VERB = re.compile(r"^[a-z]{2,}(?:s|es)$")
_NO_VERB = frozenset(("as", "his", "its", "this", "arms", "hands", "legs", "feet", "sports", "steps", "arms", "yes"))
_ONCE = re.compile(r"\b(one|once|single|then)\b")
_STYLE = re.compile(r"bandai/dataset-\d*_([a-z-]+)_([a-z-]+?)_")
_HDM05 = re.compile(r"^hdm05/HDM_[a-z]+_(.+?)_\d*_\d*$")


@dataclass(frozen=True)
class Style:
    """How a manner of moving is said."""

    adverbs: Sentences = ()
    locomotion: Sentences = ()
    """true of walking and running alone"""
    subjects: Sentences = ()


@dataclass(frozen=True)
class Wordings:
    """What may be said of one clip."""

    key: str
    """what it shows"""
    sentences: Sentences
    near_misses: Sentences
    """share words with these, and are untrue of it"""
    style: Style = field(default_factory=Style)
    travels: bool = False
    """whether phrases of locomotion fit"""

    def draw(self, rng: np.random.Generator, styled: float) -> str:
        """One of the sentences, in the clip's style in `styled` of the draws where it has one."""
        text = self.sentences[int(rng.integers(len(self.sentences)))]
        if not self.style.adverbs or rng.random() >= styled:
            return text
        return self.in_style(text, rng)

    def in_style(self, text: str, rng: np.random.Generator) -> str:
        """The sentence with a phrase of the style behind it, or with somebody of that kind for its subject."""
        style = self.style
        found = _SUBJECT.match(text)
        first = text.split(" ", 1)[0]
        verb = bool(_VERB.match(first)) and first not in _NO_VERB
        if style.subjects and (found or verb) and rng.random() < 0.5:
            subject = style.subjects[int(rng.integers(len(style.subjects)))]
            return f"{subject} {text[found.end() :] if found else text}"
        phrases = style.adverbs + (style.locomotion if self.travels else ())
        phrase = phrases[int(rng.integers(len(phrases)))]
        bare = text.rstrip(".!")
        if len(bare.split()) > _LONGEST or bare.endswith((")", "?", '"')):
            return f"{phrase}: {text}"
        return f"{bare} {phrase}"


class Words:
    """The sheets, read."""

    def __init__(self, wordings: dict[str, Any], styles: dict[str, Any]) -> None:
        self._sheet = wordings
        self._styles = {
            name: Style(*(tuple(one[part]) for part in ("adverbs", "locomotion", "subjects")))
            for name, one in styles.items()
        }
        self._listed: dict[str, str] = {}
        for part in ("clips", "extra_clips"):  # a clip's own key goes before one that covers it as well
            for key, group in wordings.items():
                for clip in group.get(part, ()):
                    for name in _names(clip):
                        self._listed.setdefault(name, key)
        self._also: dict[str, list[str]] = defaultdict(list)
        """key -> near misses of other keys that mean it"""
        for group in wordings.values():
            for miss in group["negatives"]:
                self._also[miss["key"]].append(miss["sentence"])
        self.keys = tuple(sorted(wordings))

    def add(self, asked: Iterable[tuple[str, str]]) -> None:
        """More sentences, each with its key; those of keys that are not known are left out."""
        for text, key in asked:
            if key in self._sheet:
                self._also[key].append(text)

    def key(self, name: str) -> str | None:
        """The key that covers a clip by its unmirrored name, or None."""
        source = re.sub(r"^composed/paced/(.+)/[\d.]+$", r"\1", name)
        series = re.match(r"^composed/series/(.+)/\d+$", source)
        if series:
            return self._of_series(series[1])
        if source in self._listed:
            return self._listed[source]
        if source.startswith("bandai/"):
            return self._known(f"bandai/{source.split('_')[1]}")
        if source.startswith("dance/"):
            return self._known("/".join(source.split("/")[:2]))
        found = _HDM05.match(source)
        return self._known(f"hdm05/{found[1]}") if found else None

    def of(self, name: str) -> Wordings | None:
        """What may be said of a clip or, with "#mirrored" in its name, of its mirror image; None where nothing is."""
        plain = name.replace("#mirrored", "")
        key = self.key(plain)
        if key is None:
            return None
        group = self._sheet[key]
        own = [one["sentence"] for one in group.get("clip_sentences", ()) if plain.split("/")[-1] in one["clips"]]
        texts = [*group["sentences"], *group.get("sideless", ()), *group.get("generic", ()), *own, *self._also[key]]
        misses = [one["sentence"] for one in group["negatives"]]
        if plain.startswith("composed/series/"):
            texts = [text for text in texts if not _ONCE.search(text)]
        if name != plain:
            texts, misses = (list(mirror.sentences(tuple(one))) for one in (texts, misses))
            key = _mirrored(key, self._sheet)
        content = _STYLE.search(f"{plain}_")
        style = self._styles.get(content[2], Style()) if content else Style()
        travels = bool(content) and content[1].startswith(("walk", "run", "dash"))
        return Wordings(key, tuple(dict.fromkeys(texts)), tuple(misses), style, travels)

    def alike(self, key: str) -> tuple[str, ...]:
        """Keys of the same action."""
        return tuple(self._sheet[key].get("same_action_keys", ()))

    def style_of(self, name: str) -> str | None:
        """The style of a clip by its name, where it is one that can be said."""
        found = _STYLE.search(f"{name.replace('#mirrored', '')}_")
        return found[2] if found and found[2] in self._styles else None

    def said(self) -> list[tuple[str, str]]:
        """All sentences with their keys, for whoever learns to tell the keys apart."""
        found: list[tuple[str, str]] = []
        for key, group in self._sheet.items():
            texts: Iterable[str] = (*group["sentences"], *group.get("sideless", ()), *group.get("generic", ()))
            found += [(text, key) for text in (*texts, *self._also[key])]
        return found

    def _known(self, key: str) -> str | None:
        return key if key in self._sheet else None

    def _of_series(self, bare: str) -> str | None:
        """The key of a series, whose name has lost its numbers."""
        for name, key in self._listed.items():
            if re.sub(r"\d+", "", name) == bare:
                return key
        if bare.startswith("bandai/"):
            return self._known(f"bandai/{bare.split('_')[1]}")
        found = re.match(r"^hdm/HDM_[a-z]+_(.+?)_+", f"{bare}_")
        if found is None:
            return None
        return next((key for key in self.keys if re.sub(r"\d+", "", key) == f"hdm/{found[1]}"), None)


def load(folder: Path) -> Words:
    """The sheets in the folder `words`. Raises BadFile where one is missing or is none."""
    sheets: list[dict[str, Any]] = []
    for name in ("wordings.json", "styles.json"):
        path = folder / name
        try:
            sheets.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise BadFile(f"cannot be read as a sheet of wordings ({error})", str(path)) from error
    try:
        return Words(*sheets)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadFile(f"is no sheet of wordings: {error!r} where a known part was expected", str(folder)) from error


def with_requests(folder: Path | None, talk: Conversations) -> Words | None:
    """The sheets in a folder and, beside them, the requests in conversation's form that name an action; None where
    there is no folder. Raises BadFile."""
    if folder is None:
        return None
    words = load(folder)
    words.add((asked.text, asked.key) for asked in talk.requests if asked.key)
    return words


def _names(clip: str) -> tuple[str, ...]:
    """Names under which a listed clip is known."""
    bare = clip.removesuffix(".bvh")
    return (bare,) if bare.startswith(("misc/", "bandai/", "cmu/")) else (f"cc0/{bare}", f"cmu/{bare}", bare)


def _mirrored(key: str, sheet: dict[str, Any]) -> str:
    """The key of the mirror image, where there is one."""
    other = mirror.sentence(key.replace("-", " ")).replace(" ", "-")
    return other if other in sheet else key
