"""Embeddings and head of the motion vocabulary as tables, worked out in numpy from a bundle's embeddings.safetensors.

`models.backbone.MotionVocabularyLayers` says how they are trained; these are its numbers, without torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.vocabulary import SPECIAL
from motion.errors import BadBundle

F32 = NDArray[np.float32]


def tables(weights: Mapping[str, NDArray[Any]], levels: tuple[int, ...]) -> tuple[F32, F32, F32]:
    """Embeddings and head (special + codes, width), and the head's bias (special + codes,). Raises BadBundle."""
    wide = {name: np.asarray(array, np.float32) for name, array in weights.items()}
    try:
        inputs = _digits(levels)
        embeddings, head = (_network(wide, name, inputs) for name in ("enter", "leave"))
        bias = np.concatenate([np.zeros(len(SPECIAL), np.float32), wide["bias"]])
        found = np.concatenate([wide["special"], embeddings]), np.concatenate([wide["special_head"], head]), bias
        if not len(found[0]) == len(found[1]) == len(bias) == len(SPECIAL) + len(inputs):
            raise ValueError(f"{len(bias)} rows for {len(SPECIAL)} special tokens and {len(inputs)} codes")
    except (KeyError, ValueError) as error:
        raise BadBundle(f"the motion vocabulary does not fit levels {levels} ({error}); pack it again") from error
    return found


def _digits(levels: tuple[int, ...]) -> F32:
    """What the networks see of each code: one-hot levels, then each level as a number from -1 to 1."""
    codes = np.arange(math.prod(levels))
    onehot: list[F32] = []
    ramp: list[F32] = []
    for count in levels:
        digit = codes % count
        onehot.append(np.eye(count, dtype=np.float32)[digit])
        ramp.append((digit / (count - 1) * 2 - 1).astype(np.float32)[:, None])
        codes = codes // count
    return np.concatenate([*onehot, *ramp], axis=1)


def _network(weights: Mapping[str, F32], name: str, inputs: F32) -> F32:
    hidden = _gelu(inputs @ weights[f"{name}.0.weight"].T + weights[f"{name}.0.bias"])
    return hidden @ weights[f"{name}.2.weight"].T + weights[f"{name}.2.bias"]


def _gelu(x: F32) -> F32:
    """x Phi(x), with the error function to 1.5e-7 (Abramowitz and Stegun 7.1.26)."""
    z = np.abs(x) * np.float32(1 / math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    half = np.float32(0.5)
    return x * (half + half * np.sign(x) * (1 - series * np.exp(-z * z))).astype(np.float32)
