"""What sentences can speak of: each thing that recordings show, in plain words, and each style.

A concept is a key of the wordings, or the action of clips that have none. What is asked for it are its wordings and its
clips' captions; in plain words it is the first caption of one of its clips, without its subject and without articles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from export.corpora.words import Words
from export.data.messages import Sample

_SUBJECT = re.compile(r"^(?:a person|someone|somebody|a \w+|the \w+) ")
_ARTICLE = re.compile(r"\b(?:the|a|an) ")
_CAPTIONS = 60  # of each concept at most
_STYLED = 400  # sentences of each style


class Concepts:
    """The concepts of training clips."""

    def __init__(self, samples: Sequence[Sample], words: Words) -> None:
        names: dict[str, int] = {}
        self.plain: list[str] = []
        """each concept in plain words"""
        self.captions: list[str] = []
        """each as its clip's first caption says it"""
        self.styles = ["", *(words.style(name).adverbs[0] for name in words.styles)]
        """a phrase for each; the first is none"""
        said: list[dict[str, None]] = []
        styled: dict[str, list[tuple[Sample, int]]] = {}
        for sample in sorted(samples, key=lambda one: ("#" in one.name, one.origin != "recorded", one.name)):
            name = sample.wordings.key if sample.wordings else sample.action or sample.captions[0]
            if name not in names:
                names[name] = len(names)
                self.plain.append(plainly(sample.captions[0]))
                self.captions.append(sample.captions[0])
                said.append({})
            place, style = names[name], words.style_of(sample.name)
            if style not in (None, "normal"):
                styled.setdefault(str(style), []).append((sample, place))
            elif len(said[place]) < _CAPTIONS:
                said[place] |= dict.fromkeys(sample.captions)
        for text, key in words.said():
            if key in names:
                said[names[key]][text] = None
        rng = np.random.default_rng(1)
        self._asked = [(text, place, 0) for place, texts in enumerate(said) for text in texts]
        for number, name in enumerate(words.styles, 1):
            for _ in range(_STYLED if styled.get(name) else 0):
                sample, place = styled[name][int(rng.integers(len(styled[name])))]
                if sample.wordings is not None:
                    text = sample.wordings.draw(rng, 1.0)
                    self._asked.append((text, place, number))

    def asked(self) -> list[tuple[str, int, int]]:
        """Sentences with the numbers of their concept and style."""
        return self._asked


def plainly(caption: str) -> str:
    """A caption without its subject and without articles."""
    return _ARTICLE.sub("", _SUBJECT.sub("", caption))
