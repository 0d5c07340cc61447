"""A server of our own for as long as a program needs one: `python -m runtime.serve` as a child process.

It takes a free port, and never outlives the program: leaving the `with` block stops it, and so does the program's end
of any kind, since the server hangs on a leash (see tools.measuring.leash). Standard library only.
"""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from motion.errors import Unavailable

ROOT = Path(__file__).resolve().parents[2]
_READY = re.compile(r"ready (\S+)\s*(.*)")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d [\d:,.]+ [A-Z]+ [\w.]+: ")  # what logging writes before the words
_STOP_S = 5.0


class Server:
    """A context manager around the process."""

    def __init__(
        self, *arguments: str, module: str = "runtime.serve", environment: dict[str, str] | None = None
    ) -> None:
        self._environment = dict(os.environ) if environment is None else environment
        self._arguments = [module, *arguments, "--address", "tcp://127.0.0.1:0"]
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._said: deque[str] = deque(maxlen=30)
        self._process: subprocess.Popen[str] | None = None
        self.address = ""
        """known once it is ready"""
        self.about = ""
        """what the ready line says of the bundle"""

    @property
    def process(self) -> subprocess.Popen[str]:
        """The running server."""
        assert self._process is not None, "the server is used before `with` started it"
        return self._process

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.measuring.leash", *self._arguments],
            cwd=ROOT,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the program alone, which then stops the server
        )
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def wait(self, loading: Callable[[str, float], None]) -> None:
        """Returns once it answers. `loading` is called with each line it says, and about four times a second with "",
        and the seconds gone by. Raises Unavailable with its own words where it cannot start."""
        started = time.monotonic()
        while True:
            try:
                line = self._lines.get(timeout=0.25)
            except queue.Empty:
                line = ""
            if line is None:
                raise Unavailable(f"the server could not start: {self.last_words()}")
            ready = _READY.fullmatch(line)
            if ready:
                self.address, self.about = ready[1], ready[2]
                return
            loading(_STAMP.sub("", line), time.monotonic() - started)

    def last_words(self) -> str:
        """The last line it said."""
        words = [line for line in self._said if line.strip()]
        return _STAMP.sub("", words[-1]).removeprefix("runtime.serve: ") if words else "it said nothing"

    def _read(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self._said.append(line.rstrip())
                self._lines.put(line.rstrip())
        self._lines.put(None)
