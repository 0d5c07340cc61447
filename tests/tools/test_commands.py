"""The commands that pip installs, where all extras are there. tests/test_wheel.py has them where none is."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from motion.errors import MissingPart
from tests.imports import ROOT
from tools.setup import extras

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
WALK = ROOT / "tests" / "fixtures" / "kaykit-walk.bvh"


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_command_reaches_its_program(name: str) -> None:
    assert run(name, "--help").startswith("usage: ")


def test_a_clip_is_drawn(tmp_path: Path) -> None:
    out = tmp_path / "walk.png"
    assert run("motus-view", str(WALK), "--out", str(out), "--columns", "2").startswith(str(out))
    assert out.stat().st_size > 1000


def test_all_extras_that_are_missing_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "MODULES", {"serve": ("no_such_module",), "view": ("no_such_one",), "rest": ("sys",)})
    with pytest.raises(MissingPart, match=r'the extra serve and the extra view, .* "\.\[serve,view\]"'):
        extras.need("it", "serve", "view", "rest")


def run(name: str, *arguments: str) -> str:
    module, function = SCRIPTS[name].split(":")
    program = f"import sys; from {module} import {function}; sys.exit({function}())"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
