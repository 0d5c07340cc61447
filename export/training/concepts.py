"""What sentences can speak of, in plain words: one caption for each thing that recordings show, and a phrase for each
style.

Clips of a key of the wordings are told by the first caption of the first of them, keys of one action by the same; clips
without a key by their own first caption. A mirrored clip is told by the mirrored caption.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from export.corpora import mirror
from export.corpora.words import Words
from export.data.messages import Sample

STYLES: dict[str, str] = {
    "happy": "happily", "sad": "sadly", "angry": "angrily", "proud": "proudly", "not-confident": "timidly",
    "masculinity": "in a manly way", "feminine": "in a feminine way", "childish": "like a child",
    "old": "like an old person", "tired": "tiredly", "active": "energetically", "musical": "as if in a musical",
    "giant": "like a giant", "chimpira": "like a street thug", "elderly": "like an elderly person",
    "exhausted": "in an exhausted way", "masculine": "in a masculine way", "youthful": "in a youthful way",
}  # fmt: skip
"""Style of Bandai's recordings -> how their captions say it most plainly."""
_CAPTIONS = 60  # of each concept at most
_STYLED = 500  # sentences of each style


class Concepts:
    """The concepts of training clips."""

    def __init__(self, samples: Sequence[Sample], words: Words) -> None:
        self._words = words
        self._plain: dict[str, str] = {}
        """key -> caption"""
        ordered = sorted(samples, key=lambda one: ("#" in one.name, one.origin != "recorded", one.name))
        for sample in ordered:
            key = words.key(sample.name) if "#" not in sample.name else None
            if key is not None and sample.origin == "recorded":
                self._plain.setdefault(key, sample.captions[0])
        for key in sorted(self._plain):
            for other in words.alike(key):
                if key.startswith("bandai/") and other in self._plain:
                    self._plain[other] = self._plain[key]
        said: dict[str, dict[str, None]] = defaultdict(dict)
        styled: dict[str, list[Sample]] = defaultdict(list)
        for sample in ordered:
            told, style = self.plainly(sample), words.style_of(sample.name)
            if style in STYLES:
                styled[str(style)].append(sample)
            elif len(said[told]) < _CAPTIONS:
                said[told] |= dict.fromkeys(sample.captions)
            if sample.wordings is not None:
                said[told] |= dict.fromkeys(sample.wordings.sentences)
        self.captions = sorted(said)
        """one for each concept"""
        self.styles = ["", *STYLES.values()]
        """a phrase for each; the first is none"""
        place = {caption: i for i, caption in enumerate(self.captions)}
        self.asked = [(text, place[caption], 0) for caption, texts in said.items() for text in texts]
        """sentences with the numbers of their concept and style"""
        rng = np.random.default_rng(1)
        for number, style in enumerate(STYLES, 1):
            for _ in range(_STYLED if styled[style] else 0):
                sample = styled[style][int(rng.integers(len(styled[style])))]
                if sample.wordings is not None:
                    text = sample.wordings.draw(rng, 1.0)
                    self.asked.append((text, place[self.plainly(sample)], number))

    def plainly(self, sample: Sample, in_style: bool = False) -> str:
        """What a clip shows in plain words; in_style: with its style, where it has one."""
        style = self._words.style_of(sample.name)
        told = self._told(sample)
        return f"{told} {STYLES[style]}" if in_style and style in STYLES else told

    def _told(self, sample: Sample) -> str:
        key = self._words.key(sample.name.replace("#mirrored", ""))
        if key not in self._plain:
            return sample.captions[0]
        caption = self._plain[key]
        return mirror.sentence(caption) if sample.name.endswith("#mirrored") or "#mirrored/" in sample.name else caption
