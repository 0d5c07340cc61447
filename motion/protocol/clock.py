"""Two clocks that know nothing of each other's zero: how far one is ahead, from questions and answers (as NTP does).

Seconds. An exchange is (t1, t2, t3, t4): asked by our clock, received and answered by theirs, arrived by ours. Theirs
is ahead by ((t2 - t1) + (t3 - t4)) / 2, and that is wrong by at most half of the time on the way.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

_MEMORY_S: Final = 60.0  # clocks drift: some 50 millionths, 3 ms a minute
_EXCHANGES: Final = 64
_ROUNDING_S: Final = 1e-6


@dataclass(frozen=True)
class Exchange:
    """One question and its answer."""

    at: float
    """when the answer arrived, by our clock"""
    offset: float
    error: float
    """how wrong `offset` may be"""


@dataclass
class ClockOffset:
    """How far another clock is ahead of ours, by the best exchange of the last minute."""

    _exchanges: deque[Exchange] = field(default_factory=lambda: deque[Exchange](maxlen=_EXCHANGES))

    def add(self, asked: float, received: float, answered: float, arrived: float) -> None:
        """One more exchange; one that cannot be (an answer before its question) does not count."""
        way = (arrived - asked) - (answered - received)
        if way < -_ROUNDING_S or answered < received:
            return
        offset = ((received - asked) + (answered - arrived)) / 2
        self._exchanges.append(Exchange(arrived, offset, max(way, 0.0) / 2))
        while self._exchanges[0].at < arrived - _MEMORY_S:
            self._exchanges.popleft()

    @property
    def best(self) -> Exchange | None:
        """The exchange to believe, or None before the first."""
        return min(self._exchanges, key=lambda exchange: exchange.error, default=None)

    def ours(self, theirs: float) -> float:
        """A time of the other clock by ours; unchanged while nothing is known."""
        return theirs - self.best.offset if self.best is not None else theirs
