"""Every script of the course runs against a real server, says what it promises, and stands in the list."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from runtime.keys import make
from tests.runtime.conftest import Server, start
from tests.runtime.recorded import make_bundle

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "examples").glob("s*.py"))
OPEN = [script for script in SCRIPTS if script != "s11_over_the_network"]
SAYS = {
    "s01_hello": r"90 frames, 3 s, on smplx22",
    "s02_frames_as_they_come": r"frames 0 to \d+(.|\n)*done, [\d.]+ times(.|\n)*the work stopped \d+ ms",
    "s03_variations": r"seed 12: .* described as 'a person walks in an arc'\n(.|\n)*: True",
    "s04_before_and_after": r"begins [0-9.]+ cm(.|\n)*45 frames between",
    "s05_your_rig": r"child: 22 joints, rotations \(90, 22, 4\)",
    "s06_live": r"frame 150: a person waves(.|\n)*frames in 1\d\.\d s",
    "s07_crowd": r"body 2 was [\d.]+ m",
    "s08_watch": r"1 body on smplx22, 30 fps(.|\n)*frames lost: \d+",
    "s09_many_at_once": r"a person turns left: 60 frames",
    "s10_when_things_go_wrong": r"bad_request: 'seconds' must lie(.|\n)*unknown_task(.|\n)*deadline(.|\n)*60 frames",
    "s11_over_the_network": r"lets us in, [\d.]+ ms(.|\n)*without keys: ",
    "s12_any_language": r"22 joints, root 'pelvis'(.|\n)*'frames': 60",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle")).folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with start(str(folder), "--step-s", "0.002", "--slots", "4") as running:
        yield running


def run(script: str, *arguments: str, where: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"examples.{script}", *arguments],
        capture_output=True, text=True, timeout=60, check=False, cwd=where,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def said(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[str]]]:
    """What the scripts say, four at a time, for most of them wait for frames to come at their pace."""
    with ThreadPoolExecutor(4) as pool:
        yield {
            script: pool.submit(run, script, server.address, where=tmp_path_factory.mktemp(script))
            for script in sorted(OPEN, key="s06_live s07_crowd s08_watch".find, reverse=True)
        }


@pytest.mark.parametrize("script", OPEN)
def test_a_script_says_what_it_promises(script: str, said: dict[str, Future[str]]) -> None:
    assert re.search(SAYS[script], said[script].result())


def test_the_script_with_keys_is_let_in_with_them_alone(folder: Path, tmp_path: Path) -> None:
    make(tmp_path / "keys", ["ann"])
    with start(str(folder), "--keys", str(tmp_path / "keys")) as guarded:
        said = run("s11_over_the_network", guarded.address, str(tmp_path / "keys" / "hand-out" / "ann"), where=tmp_path)
    assert "lets us in" in said


def test_the_list_names_every_script_in_its_order() -> None:
    listed = re.findall(r"^\| `(s\d\d_\w+)` \|", (ROOT / "examples" / "README.md").read_text(), re.MULTILINE)
    assert listed == SCRIPTS == sorted(SAYS)
