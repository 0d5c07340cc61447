"""What pip is doing, as one line that moves (a terminal) or a line now and then (a file): package, size, seconds.

Reads pip's own words: "Collecting NAME==VERSION", "Downloading FILE (SIZE)", "Installing collected packages: ...".
Standard library only.
"""

from __future__ import annotations

import queue
import re
import shutil
import threading
import time
from collections.abc import Callable
from typing import IO

TICK = 0.5
"""Seconds between two looks at the clock on a terminal."""
BEAT = 15.0
"""Seconds between two lines about the same step where there is no terminal."""

_COLLECTING = re.compile(r"Collecting ([A-Za-z0-9_.\-]+)(?:==([^\s;]+))?")
_FETCHING = re.compile(r"\s+Downloading \S+ \(([\d.]+ [kMG]?B)\)")


class Progress:
    """Shows on `out` how runs of pip get on, one after another; `installed` counts the packages that are there."""

    def __init__(self, out: IO[str], installed: Callable[[], int]) -> None:
        self._out = out
        self._installed = installed
        self._terminal = out.isatty()
        self._started = self._shown = time.monotonic()
        self._width = 0

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
                self._show(always=False)
                continue
            if line is None:
                break
            log.write(line)
            said.append(line.rstrip())
            self._hear(line)
        reader.join()
        if self._terminal:
            self._rewrite("")
            self._out.write("\r")
        return said

    @staticmethod
    def _read(lines: IO[str], arriving: queue.Queue[str | None]) -> None:
        for line in lines:
            arriving.put(line)
        arriving.put(None)

    def _hear(self, line: str) -> None:
        collecting, fetching = _COLLECTING.match(line), _FETCHING.match(line)
        if line.startswith("Ignoring "):  # its marker is for another system
            self._packages -= 1
        elif collecting:
            self._collected += 1
            self._packages = max(self._packages, self._collected)
            self._step = f"{self._collected}/{self._packages} {' '.join(filter(None, collecting.groups()))}"
            self._show(always=False)
        elif fetching:
            self._step += f", fetching {fetching[1]}"
            self._show(always=fetching[1].endswith(("MB", "GB")))
        elif line.startswith("Installing collected packages:"):
            self._unpacking = line.count(",") + 1
            self._show(always=True)

    def _show(self, always: bool) -> None:
        now = time.monotonic()
        if self._unpacking:
            self._step = f"{self._installed() - self._before}/{self._unpacking} unpacked"
        text = f"motus: {now - self._started:4.0f} s  {self._step}"
        if self._terminal:
            self._rewrite(text)
        elif always or now - self._shown >= BEAT:
            print(text, file=self._out, flush=True)
            self._shown = now

    def _rewrite(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self._out.write("\r" + text.ljust(self._width))
        self._out.flush()
        self._width = len(text)
