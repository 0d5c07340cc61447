"""A virtual environment and its stamp, which says what was installed in it and whether that came to its end.

The stamp is the file motus.json inside it: {"state": "installing" | "ready", "python": "3.11", "requirements":
{file name: SHA-256 of its text}}. An environment without one was made by somebody else. Standard library only, and no
syntax newer than Python 3.8's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Stamp:
    """What stands in the stamp; `requirements` maps a file's name to the SHA-256 of its text."""

    state: str = "installing"
    python: str = ""
    requirements: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """The virtual environment in the folder `path`, which need not be there yet."""

    path: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "Scripts" / "python.exe" if os.name == "nt" else self.path / "bin" / "python"

    @property
    def log(self) -> Path:
        """All that pip said when it was last filled."""
        return self.path / "motus-install.log"

    @property
    def active(self) -> bool:
        """Whether the running Python is its own."""
        return Path(sys.prefix).resolve() == self.path.resolve()

    def packages(self) -> int:
        """Count the packages that are installed in it."""
        library = "Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"
        return sum(1 for _ in self.path.glob(f"{library}/*.dist-info"))

    def version(self) -> str | None:
        """Return "3.11" as its interpreter says it, or None when that has gone, does not run, or has no pip."""
        if self.active:
            return "{}.{}".format(*sys.version_info)
        command = [str(self.python), "-I", "-c", "import pip, sys; print('{}.{}'.format(*sys.version_info))"]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return None

    def stamp(self) -> Stamp | None:
        """Return its stamp, or None when it has none. A stamp that was cut short reads as "installing"."""
        try:
            return Stamp(**json.loads((self.path / "motus.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError):
            return Stamp()

    def write(self, stamp: Stamp) -> None:
        """Put `stamp` in place of the one it has."""
        (self.path / "motus.json").write_text(json.dumps(asdict(stamp), indent=1), encoding="utf-8")

    def holds(self, requirements: dict[str, str]) -> bool:
        """Whether all of `requirements` were installed, to the end, for the Python that it still has."""
        stamp = self.stamp()
        if stamp is None or stamp.state != "ready" or not requirements.items() <= stamp.requirements.items():
            return False
        return stamp.python == self.version()

    def foreign(self) -> bool:
        """Whether something stands at `path` that is neither a virtual environment nor was begun as one by us."""
        if not self.path.is_dir():
            return self.path.exists()
        return not (self.path / "pyvenv.cfg").is_file() and self.stamp() is None and any(self.path.iterdir())

    def create(self) -> None:
        """Make it anew with the running Python and that Python's own pip. Raises OSError, CalledProcessError."""
        import venv  # not in every Debian's Python

        if self.path.exists():
            shutil.rmtree(self.path)
        self.path.mkdir(parents=True)
        self.write(Stamp())
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(self.path)
