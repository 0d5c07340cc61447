"""What pip is doing, in a line that moves: which package of how many, what is fetched, how many are unpacked.

Reads pip's own words: "Collecting NAME==VERSION", "Downloading FILE (SIZE)", "Installing collected packages: ...".
Standard library only.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable
from typing import IO

from tools.setup.ticker import Ticker

TICK = 0.5
"""Seconds between two looks at the clock while pip says nothing."""

_COLLECTING = re.compile(r"Collecting ([A-Za-z0-9_.\-]+)(?:==([^\s;]+))?")
_FETCHING = re.compile(r"\s+Downloading \S+ \(([\d.]+ [kMG]?B)\)")


class Progress:
    """Shows how runs of pip get on, one after another; `installed` counts the packages that are there."""

    def __init__(self, ticker: Ticker, installed: Callable[[], int]) -> None:
        self._ticker = ticker
        self._installed = installed
        self._started = time.monotonic()

    def follow(self, lines: IO[str], log: IO[str], packages: int) -> list[str]:
        """Show pip's lines as they come, copy them to `log`, and return them when pip has closed its output.

        `packages` is about how many it is to collect.
        """
        self._packages, self._collected, self._unpacking = packages, 0, 0
        self._before = self._installed()
        self._step = "asking pip"
        arriving: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=self._read, args=(lines, arriving), daemon=True)
        reader.start()
        said: list[str] = []
        while True:
            try:
                line = arriving.get(timeout=TICK)
            except queue.Empty:
                self._ticker.show(self._text())
                continue
            if line is None:
                break
            log.write(line)
            said.append(line.rstrip())
            self._hear(line)
        reader.join()
        return said

    def fail(self) -> None:
        """Leave the last line where it is."""
        self._ticker.say(f"{self._text()}: failed")

    @staticmethod
    def _read(lines: IO[str], arriving: queue.Queue[str | None]) -> None:
        for line in lines:
            arriving.put(line)
        arriving.put(None)

    def _hear(self, line: str) -> None:
        collecting, fetching = _COLLECTING.match(line), _FETCHING.match(line)
        if line.startswith("Ignoring ") or (line.startswith("Requirement already") and "(from -r" in line):
            self._packages -= 1  # for another system, or there already
        elif collecting:
            self._collected += 1
            self._packages = max(self._packages, self._collected)
            self._step = f"{self._collected}/{self._packages} {' '.join(filter(None, collecting.groups()))}"
        elif fetching:
            self._step += f", fetching {fetching[1]}"
        elif line.startswith("Installing collected packages:"):
            self._unpacking = line.count(",") + 1
        if fetching and fetching[1].endswith(("MB", "GB")):
            self._ticker.say(self._text())
        else:
            self._ticker.show(self._text())

    def _text(self) -> str:
        if self._unpacking:
            self._step = f"{self._installed() - self._before}/{self._unpacking} packages unpacked"
        return f"motus: {time.monotonic() - self._started:4.0f} s  {self._step}"
