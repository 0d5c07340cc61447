"""How far another clock is ahead: exact on an even way, within its own bound on any way."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from motion.protocol.clock import ClockOffset

seconds = st.floats(0, 2)
zero = st.floats(-1e6, 1e6)


@given(zero, zero, st.lists(st.tuples(seconds, seconds, seconds), min_size=1, max_size=20))
def test_the_true_offset_lies_within_the_stated_error(
    start: float, ahead: float, ways: list[tuple[float, float, float]]
) -> None:
    clock, now = ClockOffset(), start
    for there, within, back in ways:
        received = now + there + ahead
        clock.add(now, received, received + within, now + there + within + back)
        now += there + within + back
    best = clock.best
    assert best is not None
    assert abs(best.offset - ahead) <= best.error + 1e-8
    assert best.error <= min((there + back) / 2 for there, _, back in ways) + 1e-8
    assert math.isclose(clock.ours(now + ahead), now, abs_tol=best.error + 1e-8)


def test_of_several_exchanges_the_quickest_is_believed_and_old_ones_are_forgotten() -> None:
    clock = ClockOffset()
    clock.add(0.0, 100.1, 100.1, 0.2)
    clock.add(10.0, 111.0, 111.0, 11.5)
    assert clock.best is not None
    assert math.isclose(clock.best.offset, 100.0)
    clock.add(70.0, 171.0, 171.0, 71.5)
    assert clock.best is not None
    assert math.isclose(clock.best.error, 0.75), "what a minute has passed over does not count, however good it was"


def test_an_answer_before_its_question_does_not_count() -> None:
    clock = ClockOffset()
    clock.add(5.0, 100.0, 99.0, 5.1)
    clock.add(5.0, 100.0, 100.0, 4.9)
    assert clock.best is None
    assert clock.ours(7.0) == 7.0
