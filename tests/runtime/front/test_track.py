"""What is shown of the frames that are planned: each once and in order, never again otherwise, faster and slower."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion.protocol import OpenStream
from motion.protocol.wire import Array
from runtime.front.track import AHEAD, Shown, Track
from runtime.generation import resume
from runtime.generation.resume import Resume
from runtime.transport.orders import Planned

FPS = 30.0
PLACE = np.zeros(3, np.float32)


def track(**orders: object) -> Track:
    return Track(OpenStream("s", "walk", **orders), 0, 7, PLACE, None, FPS)  # type: ignore[arg-type]


def plan(first: int, count: int, piece: int = 8) -> tuple[Planned, dict[str, Array]]:
    """Frames whose root tells their number, and resume points that tell after which frame they stand."""
    root = np.arange(first, first + count, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 2, 1))
    ends = tuple(dict.fromkeys(min(end, count) for end in range(piece, count + piece, piece)))
    points = [Resume((first + end,), 1, 0, np.zeros((1, 3), np.float32), np.zeros(4), 0.0) for end in ends]
    return Planned(1, root, rotations, rotations[:, 0], ends), resume.to_arrays(points)


def frame_of(arrays: dict[str, Array]) -> int:
    return resume.from_arrays(arrays).codes[0] if arrays else 0


def number(shown: Shown) -> float:
    return float(shown.root[0, 0])


def feed(one: Track, count: int = 32) -> None:
    order, begin = one.order()
    assert order.tokens > 0
    one.take(*plan(frame_of(begin), count))


def test_frames_come_one_after_the_other_over_the_seams_of_plans() -> None:
    one = track()
    shown: list[float] = []
    for _ in range(200):
        if one.wants(16):
            feed(one)
        shown.append(number(one.show()))
    assert shown == list(range(200))


def test_plans_are_asked_for_while_enough_are_ahead_to_last_and_no_more_than_that() -> None:
    one = track()
    assert one.wants(16)
    feed(one)
    one.key = 5
    assert not one.wants(16), "one at a time"
    one.key = None
    feed(one)
    assert one.ahead == 64
    assert not one.wants(16)
    while one.ahead >= 16 + AHEAD:
        one.show()
    assert one.wants(16)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=8),
    st.sampled_from([4, 8, 16, 40]),
)
def test_new_orders_leave_out_nothing_and_take_hold_where_the_buffer_ends(
    steps: list[tuple[int, bool]], replan: int
) -> None:
    one, shown = track(), 0
    for watch, turn in steps:
        for _ in range(watch):
            if one.wants(replan):
                feed(one)
            assert number(one.show()) == shown
            shown += 1
        if turn:
            ahead = one.ahead
            frame = one.turn(replan)
            assert frame >= min(shown + replan, shown + ahead)
            assert frame < shown + replan + 8 or frame == shown + ahead
            assert one.ahead == frame - shown
            order, begin = one.order()
            assert frame_of(begin) == frame, "the next plan goes on from there"
            assert order.fresh


def test_frames_of_the_buffer_are_the_old_ones_and_those_after_it_the_new() -> None:
    one = track()
    feed(one, 64)
    for _ in range(10):
        one.show()
    boundary = one.turn(16)
    assert boundary == 32, "the first resume point that leaves 16 frames after frame 10"
    assert one.until(boundary) == 22
    planned, rows = plan(boundary, 32)
    one.take(Planned(1, planned.root + np.float32(1000), planned.rotations, planned.contacts, planned.ends), rows)
    after = [number(one.show()) for _ in range(30)]
    assert after == [*range(10, 32), *range(1032, 1040)]


def test_pause_stops_and_goes_on_smoothly_without_leaving_anything_out() -> None:
    one = track()
    feed(one, 200)
    path = [number(one.show()) for _ in range(20)]
    one.goal = 0.0
    path += [number(one.show()) for _ in range(40)]
    assert path[-1] == path[-20], "it stands"
    one.goal = 1.0
    path += [number(one.show()) for _ in range(40)]
    steps = np.diff(path)
    assert (steps >= 0).all()
    assert np.abs(np.diff(steps)).max() < 0.11, "a third of a second from one speed to the other"
    assert steps[-1] == pytest.approx(1)


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.5, 2.0])
def test_speed_lets_the_motion_pass_faster_or_slower(speed: float) -> None:
    one = track()
    feed(one, 400)
    one.goal = speed
    path = [number(one.show()) for _ in range(100)]
    assert np.diff(path)[20:] == pytest.approx(speed, abs=1e-3)


def test_where_nothing_is_ahead_the_last_pose_stands_until_there_is_more() -> None:
    one = track()
    feed(one, 32)
    path = [number(one.show()) for _ in range(60)]
    assert path[-1] == pytest.approx(31, abs=0.1)
    assert (np.diff(path) >= 0).all()
    one.take(*plan(32, 32))
    more = [number(one.show()) for _ in range(25)]
    steps = np.diff(np.array(path + more))
    assert (steps >= 0).all()
    assert np.abs(np.diff(steps)).max() < 0.7
    assert more[-1] > 45


def test_other_models_are_told_of_the_last_frames_instead_of_codes() -> None:
    one = track()
    for _ in range(100):
        if one.wants(16):
            feed(one)
        one.show()
    ahead = one.ahead
    one.rebase(16)
    order, begin = one.order()
    assert begin == {}
    assert order.past is not None
    assert not order.fresh
    last = 100 + min(ahead, 16 + 8)
    assert order.past.root[-1, 0] + 1 <= last
    assert len(order.past.root) == 64
    assert (np.diff(order.past.root[:, 0]) == 1).all()
    assert order.past.root[-1, 0] == 100 + one.ahead - 1, "what comes next follows what will have been shown"
