"""The queue before the workers: bounded, and fair between clients.

Clients take turns, whatever number of pieces of work each has waiting; the pieces of one client keep their order. A
client that comes anew is served after those whose turn it already is.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Pieces of work by whose they are."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, deque[T]] = OrderedDict()  # in the order in which it is their turn

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __iter__(self) -> Iterator[T]:
        """All of them, in the order in which they will be taken if nobody else comes."""
        rounds = max(map(len, self._waiting.values()), default=0)
        for turn in range(rounds):
            for pieces in self._waiting.values():
                if turn < len(pieces):
                    yield pieces[turn]

    def push(self, whose: Hashable, piece: T) -> None:
        """One more, behind the others of the same client."""
        self._waiting.setdefault(whose, deque()).append(piece)

    def pop(self) -> T:
        """The next one; its client goes to the end of the queue. Not while it is empty."""
        whose, pieces = next(iter(self._waiting.items()))
        piece = pieces.popleft()
        del self._waiting[whose]
        if pieces:
            self._waiting[whose] = pieces
        return piece

    def remove(self, whose: Hashable, piece: T) -> bool:
        """Take one out of the queue; whether it was there."""
        pieces = self._waiting.get(whose)
        if pieces is None or piece not in pieces:
            return False
        pieces.remove(piece)
        if not pieces:
            del self._waiting[whose]
        return True
