"""One program at a time: a file's lock that the operating system lets go of when its last holder ends, however it ends.

Standard library only, and no syntax newer than Python 3.8's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

POLL = 0.2
"""Seconds between two tries for a lock that another program holds."""


@contextmanager
def hold(path: Path, waiting: Callable[[], None]) -> Iterator[IO[str]]:
    """Hold the lock of the file `path`, made when it is missing; call `waiting` once if another program has it.

    A child that inherits the file's descriptor holds the lock too (POSIX). Raises OSError when it cannot be written.
    """
    with open(path, "a", encoding="utf-8") as file:
        if not _take(file):
            waiting()
            while not _take(file):
                time.sleep(POLL)
        yield file


if os.name == "nt":
    import msvcrt

    def _take(file: IO[str]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _take(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
