"""The queue: clients take turns, each keeps its order, nothing is lost."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from runtime.front.fair_queue import FairQueue

pushes = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**6)), max_size=60)


@given(pushes)
def test_everything_comes_out_once_and_each_client_keeps_its_order(pieces: list[tuple[int, int]]) -> None:
    turns: FairQueue[tuple[int, int]] = FairQueue()
    by_client: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for whose, piece in pieces:
        turns.push(whose, (whose, piece))
        by_client[whose].append((whose, piece))
    foretold = list(turns)
    out = [turns.pop() for _ in range(len(turns))]
    assert out == foretold
    assert {whose: [piece for piece in out if piece[0] == whose] for whose in by_client} == by_client


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_nobody_waits_for_more_than_one_piece_of_each_other_client_before_its_own(counts: list[int]) -> None:
    turns: FairQueue[int] = FairQueue()
    for whose, count in enumerate(counts):
        for _ in range(count):
            turns.push(whose, whose)
    out = [turns.pop() for _ in range(len(turns))]
    left = dict(enumerate(counts))
    since = dict.fromkeys(left, 0)
    for whose in out:
        for other in since:
            since[other] += left[other] > 0
        assert since[whose] <= len(counts)
        since[whose] = 0
        left[whose] -= 1


@given(pushes, st.data())
def test_what_is_taken_out_of_the_line_does_not_come(pieces: list[tuple[int, int]], data: st.DataObject) -> None:
    turns: FairQueue[tuple[int, int]] = FairQueue()
    for i, (whose, _) in enumerate(pieces):
        turns.push(whose, (whose, i))
    gone = data.draw(st.sets(st.sampled_from(range(len(pieces))))) if pieces else set()
    for i in gone:
        assert turns.remove(pieces[i][0], (pieces[i][0], i))
        assert not turns.remove(pieces[i][0], (pieces[i][0], i))
    assert {i for _, i in turns} == set(range(len(pieces))) - gone
    assert len(turns) == len(pieces) - len(gone)
