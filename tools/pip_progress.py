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
from typing import IO

TICK = 0.5
"""Seconds between two looks at the clock on a terminal."""
BEAT = 15.0
"""Seconds between two lines about the same step where there is no terminal."""

_COLLECTING = re.compile(r"Collecting ([A-Za-z0-9_.\-]+)(?:==([^\s;]+))?")
_SIZE = re.compile(r"\s+(Downloading|Using cached) \S+ \(([\d.]+ [kMG]?B)\)")


class Progress:
    """Follows one run of pip that is to collect about `packages` packages and shows it on `out`."""

    def __init__(self, out: IO[str], packages: int) -> None:
        self._out = out
        self._packages = packages
        self._terminal = out.isatty()
        self._started = time.monotonic()
        self._shown = self._started
        self._collected = 0
        self._step = "asking pip"
        self._width = 0

    def follow(self, lines: IO[str], log: IO[str]) -> list[str]:
        """Show the lines of pip as they come, copy them to `log`, and return them when pip has closed its output."""
        arriving: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=self._read, args=(lines, arriving), daemon=True)
        reader.start()
        said: list[str] = []
        while True:
            try:
                line = arriving.get(timeout=TICK)
            except queue.Empty:
                self._tick()
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
        collecting, size = _COLLECTING.match(line), _SIZE.match(line)
        if line.startswith("Ignoring "):  # its marker is for another system
            self._packages -= 1
        elif collecting:
            self._collected += 1
            self._packages = max(self._packages, self._collected)
            self._change(f"{self._collected}/{self._packages} {' '.join(filter(None, collecting.groups()))}")
        elif size and size[1] == "Downloading":
            self._change(f"{self._step}, fetching {size[2]}", always=size[2].endswith(("MB", "GB")))
        elif line.startswith("Installing collected packages:"):
            self._change(f"unpacking {line.count(',') + 1} packages", always=True)

    def _change(self, step: str, always: bool = False) -> None:
        self._step = step
        self._show(always)

    def _tick(self) -> None:
        self._show(always=False)

    def _show(self, always: bool) -> None:
        now = time.monotonic()
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
