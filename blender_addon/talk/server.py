"""A server of the user's own, started and stopped from the preferences.

It is a process of the user's Python, with everything it says in a log file that is looked at each turn; no thread
reads it. It ends with Blender: where Motus' folder has tools/measuring/leash.py the server hangs on it, and dies with
whoever holds the other end of its standard input.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import IO, Literal

from motion.errors import BadConfig

State = Literal["stopped", "starting", "ready", "failed"]
_READY = re.compile(r"^ready (\S+)(.*)$", re.MULTILINE)
_LINES = 12


class LocalServer:
    """`python -m runtime.serve` as a child of Blender's."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.state: State = "stopped"
        self.address = ""
        """where it listens, once it is ready"""
        self._process: subprocess.Popen[bytes] | None = None
        self._file: IO[bytes] | None = None
        self._said = ""
        self._at = 0  # how much of the log was read

    def start(self, folder: str, python: str, arguments: list[str]) -> None:
        """Start it. Raises BadConfig where folder or Python are not what they should be."""
        self.stop()
        place = Path(folder)
        if not folder or not (place / "runtime" / "serve.py").is_file():
            raise BadConfig(f"{folder or 'Nothing'} is not Motus' folder: choose the one that holds runtime/serve.py")
        program = Path(python) if python else interpreter(place)
        if not program.is_file():
            raise BadConfig(
                f"there is no Python at {program}: run `python3 -m tools.demo` in {place} once, which makes it, or "
                "choose another one"
            )
        command = [str(program), "-m", "runtime.serve", *arguments]
        if (place / "tools" / "leash.py").is_file():
            command = [str(program), "-m", "tools.measuring.leash", "runtime.serve", *arguments]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.log, "w+b")  # noqa: SIM115  held as long as the server runs
        hidden = {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        try:
            self._process = subprocess.Popen(
                command,
                cwd=place,
                env={**variables, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
                stdin=subprocess.PIPE,
                stdout=self._file,
                stderr=subprocess.STDOUT,
                **hidden,
            )
        except OSError as error:
            self._let_go()
            raise BadConfig(f"{program} cannot be run: {error.strerror}; choose the Python of Motus' folder") from error
        self.state, self.address, self._said, self._at = "starting", "", "", 0

    def stop(self) -> None:
        """Stop it, without waiting longer than a moment."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._let_go()
        self.state, self.address = "stopped", ""

    def poll(self) -> bool:
        """Look at what it has said since; whether its state changed."""
        if self._process is None:
            return False
        before = self.state
        self._said = (self._said + self._read())[-8000:]
        found = _READY.search(self._said)
        if self.state == "starting" and found:
            self.state, self.address = "ready", found[1]
        if self._process.poll() is not None:
            self._said = (self._said + self._read())[-8000:]
            self._let_go()
            self.state = "failed"
        return self.state != before

    def last_lines(self, count: int = _LINES) -> list[str]:
        """What it said last."""
        return [line for line in self._said.splitlines() if line.strip()][-count:]

    def _read(self) -> str:
        try:
            with open(self.log, "rb") as file:
                file.seek(self._at)
                new = file.read(65_536)
        except OSError:
            return ""
        self._at += len(new)
        return new.decode("utf-8", "replace")

    def _let_go(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._file is not None:
            self._file.close()
        self._process = self._file = None


def interpreter(folder: Path) -> Path:
    """The Python that Motus' own set-up makes in its folder."""
    inside = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    return folder / ".venv" / inside[0] / inside[1]
