"""Items made ahead: in their order, no farther ahead than allowed, and nothing once it is closed."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.generation.ahead import Ahead


class Source:
    """Counts, and notes what was made, whether it was closed, and on which thread."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.made = 0
        self.closed = False
        self.threads: set[int] = set()
        self._count, self._fail_at = count, fail_at

    def items(self) -> Generator[int, None, None]:
        try:
            for i in range(self._count):
                if i == self._fail_at:
                    raise ValueError("the source failed")
                self.made += 1
                self.threads.add(threading.get_ident())
                yield i
        finally:
            self.closed = True


@given(count=st.integers(0, 30), begin=st.integers(0, 30), most=st.integers(1, 9))
def test_every_item_comes_once_and_in_its_order(count: int, begin: int, most: int) -> None:
    source = Source(count)
    ahead = Ahead(source.items())
    found: list[int] = []
    for item in ahead:
        found.append(item)
        if item == begin:
            ahead.start(most)
        assert source.made <= len(found) + most + 1
    ahead.close()
    assert found == list(range(count))


def test_nothing_is_made_ahead_before_it_may_be() -> None:
    source = Source(9)
    ahead = Ahead(source.items())
    assert source.made == 0
    for _ in range(3):
        next(ahead)
    assert source.made == 3
    assert source.threads == {threading.get_ident()}
    ahead.close()
    assert source.closed


def test_closing_stops_the_source() -> None:
    source = Source(1000)
    ahead = Ahead(source.items())
    next(ahead)
    ahead.start(4)
    next(ahead)
    ahead.close()
    made = source.made
    assert made <= 2 + 4 + 1
    assert source.closed
    assert source.made == made
    ahead.start(4)
    assert source.made == made, "what is closed stays closed"


def test_an_error_comes_where_the_item_would_have_come() -> None:
    ahead = Ahead(Source(9, fail_at=4).items())
    ahead.start(8)
    found: list[int] = []
    with pytest.raises(ValueError, match="the source failed"):
        found.extend(ahead)
    assert found in ([], [0, 1, 2, 3])
    ahead.close()
