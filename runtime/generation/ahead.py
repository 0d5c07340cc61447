"""Items of a generator made on a thread of their own, a few ahead of whoever takes them.

The language model writes the next codes while the last ones become frames: both leave cores idle where they run one
after the other. At first nothing is made before it is asked for, since the first frame waits for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """An iterator over `items`. `start` lets it go ahead; `close` stops it within the item that is being made."""

    def __init__(self, items: Generator[T, None, None]) -> None:
        self._items = items
        self._ready: deque[T] = deque()
        self._turn = threading.Condition()
        self._most = 0
        self._over = False
        self._closed = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self, most: int) -> None:
        """From here on, up to `most` items are made ahead."""
        if self._thread is None and not self._closed:
            self._most = most
            self._thread = threading.Thread(target=self._make, name="ahead", daemon=True)
            self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._thread is None:
            return next(self._items)
        with self._turn:
            self._turn.wait_for(lambda: self._ready or self._over)
            if self._ready:
                item = self._ready.popleft()
                self._turn.notify_all()
                return item
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        """Nothing more is made; returns when nothing is being made."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._items.close()

    def _make(self) -> None:
        try:
            while True:
                with self._turn:
                    self._turn.wait_for(lambda: self._closed or len(self._ready) < self._most)
                    if self._closed:
                        return
                item = next(self._items, None)
                with self._turn:
                    if item is None:
                        return
                    self._ready.append(item)
                    self._turn.notify_all()
        except BaseException as error:  # noqa: BLE001  it is raised where the items are taken
            self._error = error
        finally:
            with self._turn:
                self._over = True
                self._turn.notify_all()
