"""Drawing a token: what is forbidden is never drawn, and the rest as often as its score says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion.errors import BadConfig
from runtime.sampling import Sampling, draw

SCORES = np.log(np.array([0.1, 0.4, 0.05, 0.2, 0.25], np.float32))


def drawn(scores: np.ndarray, sampling: Sampling, count: int = 4000, seed: int = 0) -> np.ndarray:
    """How often each token is drawn."""
    generator = np.random.default_rng(seed)
    found = [draw(scores, sampling, generator) for _ in range(count)]
    return np.bincount(found, minlength=len(scores)) / count


def test_tokens_come_as_often_as_their_scores_say_whatever_the_offset() -> None:
    np.testing.assert_allclose(drawn(SCORES, Sampling()), np.exp(SCORES), atol=0.03)
    np.testing.assert_allclose(drawn(SCORES + 1000, Sampling()), np.exp(SCORES), atol=0.03)


def test_a_low_temperature_favours_the_best_and_zero_takes_it_always() -> None:
    np.testing.assert_allclose(
        drawn(SCORES, Sampling(temperature=0.5)), np.exp(2 * SCORES) / np.exp(2 * SCORES).sum(), atol=0.03
    )
    assert drawn(SCORES, Sampling(temperature=0), 50)[1] == 1


def test_top_k_leaves_that_many_best_ones() -> None:
    expected = np.array([0, 0.4, 0, 0, 0.25]) / 0.65
    np.testing.assert_allclose(drawn(SCORES, Sampling(top_k=2)), expected, atol=0.03)


def test_the_nucleus_is_the_fewest_best_ones_that_reach_the_probability() -> None:
    expected = np.array([0, 0.4, 0, 0.2, 0.25]) / 0.85
    np.testing.assert_allclose(drawn(SCORES, Sampling(top_p=0.8)), expected, atol=0.03)
    assert drawn(SCORES, Sampling(top_p=0.3), 200)[1] == 1
    assert drawn(SCORES, Sampling(top_p=1.0))[2] > 0


@given(st.integers(0, 2**32 - 1), st.floats(0, 3), st.integers(0, 6), st.floats(0.01, 1))
def test_a_forbidden_token_is_never_drawn_and_the_seed_decides(
    seed: int, temperature: float, top_k: int, top_p: float
) -> None:
    rng = np.random.default_rng(seed)
    scores = (rng.normal(size=40) * 10).astype(np.float32)
    forbidden = rng.random(40) < 0.7
    forbidden[seed % 40] = False
    scores[forbidden] = -np.inf
    sampling = Sampling(temperature, top_k, top_p)
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    for _ in range(5):
        token = draw(scores, sampling, one)
        assert not forbidden[token]
        assert token == draw(scores, sampling, other)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.01},
        {"top_p": float("nan")},
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadConfig, match="sampling needs"):
        Sampling(**settings)  # type: ignore[arg-type]
