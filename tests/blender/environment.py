"""Blenders as Python modules, each in a virtual environment of its own under out/blender, made when it is first needed.

4.2 LTS is what the test command makes by itself (about 1 GB); the others are used where their environment is there, or
made where MOTUS_BLENDERS names them: MOTUS_BLENDERS="4.2 4.5 5.0".
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.setup import lock

ROOT = Path(__file__).resolve().parent.parent.parent
HOME = ROOT / "out" / "blender"
VERSIONS = {"4.2": "4.2.23", "4.5": "4.5.15", "5.0": "5.0.1"}
"""Blender -> the wheel of bpy; all of them are for Python 3.11"""
LIBRARIES = "libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1 libgomp1 libxxf86vm1"
"""Debian's, which bpy links to"""
_DEFAULT = "4.2"


def versions() -> list[str]:
    """The Blenders to test in."""
    named = os.environ.get("MOTUS_BLENDERS", "").split()
    return named or [version for version in VERSIONS if version == _DEFAULT or python(version).exists()]


def python(version: str) -> Path:
    """The interpreter of a Blender's environment, which need not be there yet."""
    return HOME / version / "bin" / "python"


def ensure(version: str) -> Path:
    """The interpreter of a Blender's environment, made if it is not there. Skips where Python 3.11 is not at hand."""
    HOME.mkdir(parents=True, exist_ok=True)
    with lock.hold(HOME / f"{version}.lock", lambda: None):
        if not python(version).exists():
            _make(version)
    end = "import os, sys; sys.stdout.flush(); os._exit(0)"
    tried = subprocess.run([python(version), "-c", f"import bpy; {end}"], capture_output=True, text=True, check=False)
    if tried.returncode and "cannot open shared object file" in tried.stderr:
        pytest.skip(f"{tried.stderr.strip().splitlines()[-1]}: bpy needs {LIBRARIES}")
    return python(version)


def _make(version: str) -> None:
    maker = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if maker is None:
        pytest.skip("bpy is for Python 3.11, which is not installed here")
    folder = HOME / f"{version}.part"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([maker, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    subprocess.run([*pip, f"bpy=={VERSIONS[version]}"], check=True)
    folder.rename(HOME / version)
