"""What a sentence looks like to whoever tells what it asks for: its words, pairs of words and pieces of words, hashed.

Pieces of three and four letters let slips of the pen and words nobody wrote before resemble what they come from
(Bojanowski et al. 2017, Enriching Word Vectors with Subword Information).
"""

from __future__ import annotations

import re
import zlib
from itertools import pairwise
from typing import Final

SIZE: Final = 8192
"""features there are"""
_NEITHER = re.compile(r"[^\w' ]+")


def features(text: str) -> list[int]:
    """Numbers of a text's features, each once, in order."""
    words = _NEITHER.sub(" ", text.lower()).split()
    found = [f"w {word}" for word in words] + [f"p {pair}" for pair in map(" ".join, pairwise(words))]
    for word in words:
        held = f"<{word}>"
        found += [f"c {held[at : at + size]}" for size in (3, 4) for at in range(len(held) - size + 1)]
    return sorted({zlib.crc32(one.encode()) % SIZE for one in found})
