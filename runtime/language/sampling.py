"""Drawing tokens from scores: guidance, repetition penalty, temperature, top-k, nucleus.

Scores are (B, N) float32, any offset a row; -inf forbids a token. Each row has its own generator, and the same
generator state gives the same token whatever the other rows are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadConfig

F32 = NDArray[np.float32]

_COLD = 1e-6  # below it the best token has all of the probability, and dividing by it would overflow
_LIKELY, _UNLIKELY = -6.0, -12.0  # tokens looked at first are no less likely than exp of this times the likeliest


@dataclass(frozen=True)
class Sampling:
    """How freely tokens are drawn."""

    temperature: float = 1.0
    """0 takes the best token always"""
    top_k: int = 0
    """only this many best tokens; 0: all"""
    top_p: float = 1.0
    """only the best tokens that together have this probability (Holtzman et al. 2020)"""
    repetition: float = 1.0
    """what scores of tokens that stand in the reply already are divided by where positive, multiplied with where
    negative (Keskar et al. 2019); 1: nothing"""

    def __post_init__(self) -> None:
        if not self.temperature >= 0 or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise BadConfig(f"sampling needs temperature and top_k of 0 or more and top_p in (0, 1]; got {self}")
        if not self.repetition > 0:
            raise BadConfig(f"sampling needs a repetition penalty above 0; got {self.repetition}")


def guided(told: F32, untold: F32, guidance: Sequence[float]) -> F32:
    """Scores (B, N) without the condition plus each row's guidance times what it changes (classifier-free guidance, Ho
    and Salimans 2022). A row's offset is without meaning, so that no softmax is needed."""
    factor: F32 = np.asarray(guidance, np.float32)[:, None]
    return (untold + factor * (told - untold)).astype(np.float32)


def penalised(scores: F32, said: Sequence[int], penalty: float) -> F32:
    """One row of scores (N,) with the repetition penalty for tokens in `said`."""
    if penalty == 1 or not said:
        return scores
    result = scores.copy()
    places = np.unique(np.asarray(said, np.int64))
    found = result[places]
    result[places] = np.where(found > 0, found / penalty, found * penalty)
    return result


def draw(scores: F32, sampling: Sampling, generators: Sequence[np.random.Generator]) -> NDArray[np.int64]:
    """Indices (B,) of the drawn tokens, one a row."""
    if sampling.temperature < _COLD:
        return scores.argmax(-1)
    scaled = (scores - scores.max(-1, keepdims=True)) / np.float32(sampling.temperature)
    chances = np.exp(scaled)
    drawn = np.empty(len(scores), np.int64)
    for row, generator in enumerate(generators):
        drawn[row] = _drawn(scaled[row], chances[row], sampling, generator)
    return drawn


def _drawn(scaled: F32, chances: F32, sampling: Sampling, generator: np.random.Generator) -> int:
    """One row's token. Only likely tokens are put in order; all are, where these do not hold enough of the
    probability."""
    wanted = sampling.top_p * float(chances.sum(dtype=np.float64))
    for least in (_LIKELY, _UNLIKELY, -np.inf):
        order = np.flatnonzero(scaled > least)
        order = order[np.argsort(-chances[order], kind="stable")]
        kept = chances[order].astype(np.float64)
        if sampling.top_k:
            if len(order) < sampling.top_k and least > -np.inf:
                continue
            order, kept = order[: sampling.top_k], kept[: sampling.top_k]
            wanted = sampling.top_p * float(kept.sum())
        sums: NDArray[np.float64] = np.cumsum(kept)
        if sums[-1] >= wanted:
            break
    last = int(np.searchsorted(sums, min(wanted, float(sums[-1]))))
    place = int(np.searchsorted(sums[: last + 1], generator.random() * float(sums[last]), side="right"))
    return int(order[min(place, last)])
