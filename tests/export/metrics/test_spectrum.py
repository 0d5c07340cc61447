"""Spectra of errors: a swing of known size and rate shows where it should, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from export.metrics import spectrum


def test_a_swing_of_three_hertz_is_in_its_band_alone() -> None:
    at = np.arange(256) / 30.0
    theirs = np.zeros((256, 5, 3), np.float32)
    ours = theirs.copy()
    ours[:, 1:, 0] = (0.02 * np.sin(2 * np.pi * 3.0 * at))[:, None]
    low, middle, high = spectrum.bands(ours, theirs, 30.0)
    assert middle == pytest.approx(0.02 / np.sqrt(2), rel=0.1)
    assert max(low, high) < 0.1 * middle


def test_where_the_root_goes_does_not_count() -> None:
    ours = np.random.default_rng(0).standard_normal((40, 3, 3)).astype(np.float32)
    moved = ours + np.cumsum(np.ones((40, 1, 3), np.float32), axis=0)
    assert max(spectrum.bands(moved, ours, 30.0)) < 1e-5
