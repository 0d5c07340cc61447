"""Usage of code books: all codes evenly is the whole book, one code alone is one."""

from __future__ import annotations

import numpy as np
import pytest

from export.metrics.usage import usage


def test_a_book_that_is_used_evenly_is_as_large_as_it_is() -> None:
    assert usage([np.arange(8), np.arange(8)], 8, shared=True) == (1.0, pytest.approx(8.0))
    assert usage([np.full(9, 3)], 8, shared=True) == (1 / 8, pytest.approx(1.0))


def test_streams_share_a_book_or_have_their_own() -> None:
    codes = [np.stack([np.zeros(6, int), np.ones(6, int)], axis=1)]
    assert usage(codes, 4, shared=True) == (0.5, pytest.approx(2.0))
    assert usage(codes, 4, shared=False) == (0.25, pytest.approx(1.0))
