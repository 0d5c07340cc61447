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
