"""A line on the terminal that is rewritten while something goes on; elsewhere a new line now and then.

Standard library only.
"""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

_APART_S = 5.0  # between two lines where they cannot be rewritten


class Ticker:
    """The last line of the output."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._live = self._out.isatty()
        self._shown = ""
        self._last = time.monotonic()

    def show(self, text: str) -> None:
        """How things stand now; the next call replaces it."""
        if self._live:
            room = shutil.get_terminal_size().columns - 1
            self._write(text[:room])
        elif time.monotonic() - self._last > _APART_S:
            print(text, file=self._out, flush=True)
            self._last = time.monotonic()

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._live:
            self._write(text)
            self._shown = ""
            print(file=self._out, flush=True)
        else:
            print(text, file=self._out, flush=True)
        self._last = time.monotonic()

    def _write(self, text: str) -> None:
        print("\r" + text.ljust(len(self._shown)), end="", file=self._out, flush=True)
        self._shown = text


def bar(done: int, whole: int, width: int = 24) -> str:
    """`[######------]`"""
    filled = min(width, width * done // max(whole, 1))
    return f"[{'#' * filled}{'-' * (width - filled)}]"
