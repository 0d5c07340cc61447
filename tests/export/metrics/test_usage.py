"""Usage of code books: all codes evenly is the whole book, one code alone is one."""

from __future__ import annotations

import numpy as np
import pytest

from export.metrics.usage import bands, likeness, usage


def test_a_book_that_is_used_evenly_is_as_large_as_it_is() -> None:
    assert usage([np.arange(8), np.arange(8)], 8, shared=True) == (1.0, pytest.approx(8.0))
    assert usage([np.full(9, 3)], 8, shared=True) == (1 / 8, pytest.approx(1.0))


def test_streams_share_a_book_or_have_their_own() -> None:
    codes = [np.stack([np.zeros(6, int), np.ones(6, int)], axis=1)]
    assert usage(codes, 4, shared=True) == (0.5, pytest.approx(2.0))
    assert usage(codes, 4, shared=False) == (0.25, pytest.approx(1.0))


def test_bands_count_codes_by_how_often_they_occur() -> None:
    codes = np.concatenate([np.zeros(98_000), np.ones(1_990), np.full(5, 2), np.full(5, 3)]).astype(np.int64)
    found = bands([codes], 8)
    assert found == {"frequent": 2 / 8, "active": 0.0, "underused": 2 / 8, "unused": 4 / 8}
    assert sum(bands([np.arange(8)], 8).values()) == 1


def test_likeness_is_the_cosine_of_each_pair() -> None:
    entries = np.array([[1, 0], [2, 0], [0, 3], [-1, 0]], np.float32)
    np.testing.assert_allclose(likeness(entries), [1, 0, -1, 0, -1, 0], atol=1e-6)
