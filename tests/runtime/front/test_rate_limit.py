"""Budgets: never more than the rate and what is saved up, and always as much."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.front.rate_limit import SAVED_S, RateLimit

steps = st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 400)), min_size=1, max_size=200)


@given(steps)
def test_never_more_than_the_rate_and_what_was_saved(all_of: list[tuple[float, int]]) -> None:
    limit, now, count, size = RateLimit(10, 1000, 0.0), 0.0, 0, 0
    for wait, length in all_of:
        now += wait
        if not limit.take(length, now):
            count, size = count + 1, size + length
    assert count <= 10 * (now + SAVED_S) + 1e-6
    assert size <= 1000 * (now + SAVED_S) + 1e-6


@given(steps)
def test_who_waits_as_long_as_was_said_is_let_in(all_of: list[tuple[float, int]]) -> None:
    limit, now = RateLimit(10, 1000, 0.0), 0.0
    for wait, length in all_of:
        now += wait
        refused = limit.take(length, now)
        if refused:
            now += refused + 1e-6
            assert not limit.take(length, now)


def test_a_clock_that_jumps_back_gives_nothing_and_takes_nothing() -> None:
    limit = RateLimit(1, 0, 100.0)
    for _ in range(round(SAVED_S)):
        assert not limit.take(1, 100.0)
    assert limit.take(1, 50.0) > 0
    assert limit.take(1, 100.0) > 0
    assert not limit.take(1, 101.0)


def test_no_rate_is_no_limit() -> None:
    limit = RateLimit(0, 0, 0.0)
    assert not any(limit.take(10**9, 0.0) for _ in range(1000))
