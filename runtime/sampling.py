"""Drawing a token from scores: temperature, top-k, nucleus.

Scores (N,) float32, any offset; -inf forbids a token. The same generator state gives the same token.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadConfig

_COLD = 1e-6  # below it the best token has all of the probability, and dividing by it would overflow


@dataclass(frozen=True)
class Sampling:
    """How freely tokens are drawn."""

    temperature: float = 1.0
    """0 takes the best token always"""
    top_k: int = 0
    """only this many best tokens; 0: all"""
    top_p: float = 1.0
    """only the best tokens that together have this probability (Holtzman et al. 2020)"""

    def __post_init__(self) -> None:
        if not self.temperature >= 0 or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise BadConfig(f"sampling needs temperature and top_k of 0 or more and top_p in (0, 1]; got {self}")


def draw(scores: NDArray[np.float32], sampling: Sampling, generator: np.random.Generator) -> int:
    """Index of the drawn token."""
    if sampling.temperature < _COLD:
        return int(scores.argmax())
    scaled = (scores - scores.max()).astype(np.float64) / sampling.temperature
    order = np.argsort(-scaled)
    if sampling.top_k:
        order = order[: sampling.top_k]
    chances = np.exp(scaled[order])
    chances /= chances.sum()
    kept = int(np.searchsorted(np.cumsum(chances), sampling.top_p)) + 1
    chances = chances[:kept] / chances[:kept].sum()
    return int(order[generator.choice(len(chances), p=chances)])
