"""Blenders that stay up over many tests, a server with a recorded walk, and the extension's zip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender import MARK, environment
from tests.mocap import MOCAP
from tests.runtime.recorded import make_bundle
from tools import build_addon
from tools.measuring.server import Server

PLATFORM = next(platform for platform in build_addon.PLATFORMS if platform.name == "linux-x64")


class Blender:
    """A process in which tests run."""

    def __init__(self, version: str, zip_file: Path, home: Path, given: dict[str, Any]) -> None:
        self._command = [str(environment.ensure(version)), "-m", "tests.blender.worker", str(zip_file)]
        self._home = home
        self._given = given
        self._process: subprocess.Popen[str] | None = None

    def run(self, module: str, test: str, given: dict[str, Any]) -> None:
        """Run one test; fails with its traceback, and where Blender wrote an exception to its console."""
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps({"module": module, "test": test, "given": {**self._given, **given}}) + "\n")
        process.stdin.flush()
        self._hear(process, f"{module}.{test}")

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            self._command,
            cwd=environment.ROOT,
            env={**os.environ, "BLENDER_USER_RESOURCES": str(self._home), "PYTHONPATH": "", "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._hear(self._process, "installing the extension")
        return self._process

    def _hear(self, process: subprocess.Popen[str], what: str) -> None:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            if line.startswith(MARK):
                result = json.loads(line.removeprefix(MARK))
                log = "".join(said)
                assert result["ok"], f"{result['why']}\n{log}"
                assert "Traceback" not in log, f"Blender's console has an exception:\n{log}"
                if "skipped" in result:
                    pytest.skip(result["skipped"])
                return
            said.append(line)
        self.close()
        pytest.fail(f"Blender ended during {what}:\n{''.join(said[-60:])}")


@pytest.fixture(scope="session")
def zip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_addon.build(tmp_path_factory.mktemp("dist"), [PLATFORM])[0]


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle")).folder


@pytest.fixture(scope="session")
def servers(bundle_folder: Path) -> Iterator[dict[str, str]]:
    """Addresses: `quick` makes 200 codes a second, `slow` 10."""
    folder = str(bundle_folder)
    with (
        Server(folder, "--step-s", "0.005", module="tests.runtime.recorded") as quick,
        Server(folder, "--step-s", "0.1", module="tests.runtime.recorded") as slow,
    ):
        for server in (quick, slow):
            server.wait(lambda *_: None)
        yield {"quick": quick.address, "slow": slow.address, "mocap": str(MOCAP), "python": sys.executable}


@pytest.fixture(scope="session")
def blenders(
    zip_file: Path, servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Blender]]:
    made = {
        version: Blender(version, zip_file, tmp_path_factory.mktemp("blender"), servers)
        for version in environment.versions()
    }
    yield made
    for blender in made.values():
        blender.close()
