"""Real servers, each in a process of its own, on a free port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from motion.bundle import Bundle
from tests.runtime.recorded import make_bundle

STEP_S = 0.005
"""what the recording takes for a code: 200 a second"""


@dataclass(frozen=True)
class Server:
    address: str
    process: subprocess.Popen[str]
    ready: str


@contextmanager
def start(*arguments: str, module: str = "tests.runtime.recorded") -> Iterator[Server]:
    """A server until the block ends; everything before its ready line is what it says while it starts."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if line.startswith("ready "):
                yield Server(line.split()[1], process, line.strip())
                break
        else:
            raise AssertionError(f"the server ended with {process.wait()} before it was ready:\n{said}")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle")).folder


@pytest.fixture(scope="session")
def recorded_bundle(bundle_folder: Path) -> Bundle:
    from motion import bundle

    return bundle.load(bundle_folder)


@pytest.fixture(scope="module")
def server(bundle_folder: Path) -> Iterator[Server]:
    with start(str(bundle_folder), "--step-s", str(STEP_S), "--fail-at", "3") as running:
        yield running
