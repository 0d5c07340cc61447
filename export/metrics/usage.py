"""How much of a code book is used, and how evenly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def usage(codes: Sequence[NDArray[np.int64]], size: int, shared: bool) -> tuple[float, float]:
    """Share of the book's codes that occur at all, and its perplexity: as many codes, used evenly, would tell as much.

    codes (K,) or (K, streams) of each clip; shared: all streams have one book; otherwise each has its own of `size`,
    and the mean over the books is given.
    """
    rows = [one.reshape(len(one), -1) for one in codes]
    whole = np.concatenate([one.reshape(-1, 1) if shared else one for one in rows])
    counts = [np.bincount(column, minlength=size) for column in whole.T]
    shares = [count / count.sum() for count in counts]
    perplexities = [float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum())) for share in shares]
    return float(np.mean([(count > 0).mean() for count in counts])), float(np.mean(perplexities))


def bands(codes: Sequence[NDArray[np.int64]], size: int) -> dict[str, float]:
    """Share of a shared book's codes by how often they occur: frequent (more than 1 % of all), active (0.01 to 1 %),
    underused (less) and unused (never), as in Superman's figure 7a."""
    counts = np.bincount(np.concatenate([one.reshape(-1) for one in codes]), minlength=size)
    rate = counts / counts.sum()
    return {
        "frequent": float((rate > 1e-2).mean()),
        "active": float(((rate >= 1e-4) & (rate <= 1e-2)).mean()),
        "underused": float(((rate > 0) & (rate < 1e-4)).mean()),
        "unused": float((rate == 0).mean()),
    }


def likeness(entries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of the angle between each two entries (N, width) of a book, N (N - 1) / 2 of them (figure 7b)."""
    unit = entries / np.linalg.norm(entries, axis=1, keepdims=True).clip(1e-12)
    return (unit @ unit.T)[np.triu_indices(len(unit), 1)].astype(np.float32)
