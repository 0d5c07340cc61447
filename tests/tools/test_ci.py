"""`.ci/run`, with a program of our own in place of Python, so that it does not run the tests that run it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.imports import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a script of bash")
SAYS = """\
#!/bin/sh
echo "ran $*"
echo "===== slowest 30 durations ====="
echo "61.02s call     tests/test_dawdle.py::test_it_dawdles"
echo "===== 1 passed in 61.50s ====="
echo "passed: format, lint, types, tests"
"""


def run(folder: Path, code: int, began_s: int = 0) -> subprocess.CompletedProcess[str]:
    """`began_s`: for how long it is to think it has run already."""
    python = folder / "python3"
    python.write_text(f"{SAYS}exit {code}\n")
    python.chmod(0o755)
    variables = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SECONDS": str(began_s)}
    command = ["bash", str(ROOT / ".ci" / "run"), "-k", "some"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", [0, 1])
def test_it_runs_the_check_passes_or_fails_as_that_does_and_says_how_long_it_took(tmp_path: Path, code: int) -> None:
    done = run(tmp_path, code)
    assert done.returncode == code, done.stderr
    assert "ran -m tools.check -k some" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(".ci/run took 0 min ")


def test_past_an_hour_it_fails_with_the_slowest_tests(tmp_path: Path) -> None:
    done = run(tmp_path, 0, began_s=3700)
    assert done.returncode == 1
    told = done.stdout.partition(".ci/run took 61 min ")[2].splitlines()[1:]
    assert told == [
        "that is more than 60 minutes; the slowest tests:",
        "61.02s call     tests/test_dawdle.py::test_it_dawdles",
    ]
