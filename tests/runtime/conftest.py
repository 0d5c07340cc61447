"""Real servers, each in a process of its own, on a free port."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from motion.bundles.bundle import Bundle
from tests.runtime.recorded import make_bundle

STEP_S = 0.005
"""what the recording takes for a code: 200 a second"""


@dataclass(frozen=True)
class Server:
    address: str
    process: subprocess.Popen[str]
    ready: str
    log: IO[str]

    def said(self) -> str:
        """Everything it logged so far."""
        self.log.seek(0)
        return self.log.read()


@contextmanager
def start(*arguments: str, module: str = "tests.runtime.recorded", first: str = "") -> Iterator[Server]:
    """A server from its ready line until the block ends. `first` is Python that its process runs before."""
    program = ["-c", f"import sys; {first}; from {module} import main; sys.exit(main(sys.argv[1:]))"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, *(program if first else ("-m", module)), *arguments],
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            if not ready.startswith("ready "):
                code = process.wait()
                log.seek(0)
                raise AssertionError(f"the server ended with {code} before it was ready:\n{log.read()}")
            yield Server(ready.split()[1], process, ready.strip(), log)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle")).folder


@pytest.fixture(scope="session")
def recorded_bundle(bundle_folder: Path) -> Bundle:
    from motion.bundles import bundle

    return bundle.load(bundle_folder)


@pytest.fixture(scope="module")
def server(bundle_folder: Path) -> Iterator[Server]:
    with start(str(bundle_folder), "--step-s", str(STEP_S), "--fail-at", "3") as running:
        yield running
