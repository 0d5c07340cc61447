"""Drawing a token: what is forbidden is never drawn, and the rest as often as its score says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion.errors import BadConfig
from runtime.language.sampling import Sampling, draw, guided, penalised

SCORES = np.log(np.array([0.1, 0.4, 0.05, 0.2, 0.25], np.float32))


def drawn(scores: np.ndarray, sampling: Sampling, count: int = 4000, seed: int = 0) -> np.ndarray:
    """How often each token is drawn."""
    generator = np.random.default_rng(seed)
    rows = np.broadcast_to(scores, (count, len(scores)))
    found = draw(rows, sampling, [generator] * count)
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
        token = draw(scores[None], sampling, [one])[0]
        assert not forbidden[token]
        assert token == draw(scores[None], sampling, [other])[0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([30, 900]), st.floats(0.3, 2), st.floats(0.2, 1))
def test_what_a_row_draws_does_not_depend_on_the_rows_beside_it(
    seed: int, rows: int, size: int, temperature: float, top_p: float
) -> None:
    rng = np.random.default_rng(seed)
    scores = (3 * rng.normal(size=(rows, size))).astype(np.float32)
    sampling = Sampling(temperature, 0, top_p)
    together = draw(scores, sampling, [np.random.default_rng(row) for row in range(rows)])
    alone = [draw(scores[row : row + 1], sampling, [np.random.default_rng(row)])[0] for row in range(rows)]
    assert together.tolist() == alone


def plainly(scores: np.ndarray, sampling: Sampling, generator: np.random.Generator) -> int:
    """The same draw with every token put in order."""
    chances = np.exp(((scores - scores.max()) / np.float32(sampling.temperature)).astype(np.float32)).astype(np.float64)
    order = np.argsort(-chances, kind="stable")[: sampling.top_k or None]
    sums = np.cumsum(chances[order])
    last = int(np.searchsorted(sums, min(sampling.top_p * sums[-1], sums[-1])))
    return int(order[min(int(np.searchsorted(sums[: last + 1], generator.random() * sums[last], side="right")), last)])


@given(
    st.integers(0, 2**32 - 1), st.floats(0.1, 6), st.floats(0.3, 2), st.sampled_from([0, 1, 7, 600]), st.floats(0.2, 1)
)
def test_looking_at_likely_tokens_first_draws_what_looking_at_all_draws(
    seed: int, spread: float, temperature: float, top_k: int, top_p: float
) -> None:
    scores = (spread * np.random.default_rng(seed).normal(size=900)).astype(np.float32)
    sampling = Sampling(temperature, top_k, top_p)
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    found = [int(draw(scores[None], sampling, [one])[0]) for _ in range(8)]
    expected = [plainly(scores, sampling, other) for _ in range(8)]
    assert sum(a != b for a, b in zip(found, expected, strict=True)) <= 1, "rounding of the sums may move one"


def test_of_many_tokens_as_likely_as_each_other_all_are_drawn() -> None:
    found = drawn(np.zeros(2000, np.float32), Sampling(), 40_000)
    assert (found > 0).mean() > 0.99


def test_guidance_enlarges_what_the_condition_changes_and_offsets_mean_nothing() -> None:
    told, untold = SCORES[None], np.log(np.array([[0.3, 0.2, 0.2, 0.2, 0.1]], np.float32))
    np.testing.assert_allclose(guided(told, untold, [1.0]), told, atol=1e-6)
    np.testing.assert_allclose(guided(told, untold, [0.0]), untold, atol=1e-6)
    twice = guided(np.concatenate([told, told]), np.concatenate([untold, untold + 7]), [2.0, 2.0])
    np.testing.assert_allclose(twice[0], 2 * told[0] - untold[0], atol=1e-5)
    np.testing.assert_allclose(np.diff(twice[1] - twice[0]), 0, atol=1e-4)


def test_the_repetition_penalty_makes_what_was_said_less_likely_and_nothing_else() -> None:
    scores = np.array([2.0, -1.0, 0.5, 0.0], np.float32)
    np.testing.assert_allclose(penalised(scores, [0, 1, 1], 2.0), [1.0, -2.0, 0.5, 0.0])
    assert penalised(scores, [0, 1], 1.0) is scores
    assert penalised(scores, [], 2.0) is scores


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.01},
        {"top_p": float("nan")},
        {"repetition": 0.0},
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadConfig, match="sampling needs"):
        Sampling(**settings)  # type: ignore[arg-type]
