"""The package as somebody else gets it: a wheel, installed beside numpy and pyzmq alone, away from this repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import motion
from motion.io import bvh, glb
from tests.imports import ROOT
from tests.runtime.conftest import start
from tests.runtime.recorded import make_bundle
from tools.setup.environment import Environment

WALK = ROOT / "tests" / "fixtures" / "kaykit-walk.bvh"
PARTS = ("motion", "models", "export", "runtime", "tools", "pyproject.toml", "README.md", "LICENSE", "NOTICE")
CLIENT = """
import json, sys
from pathlib import Path
import motion
from motion.io import bvh
from motion.retargeting.retarget import retarget
from runtime.client import Client

clip = retarget(bvh.read(Path(sys.argv[1])))
with Client(sys.argv[2]) as client:
    made = client.generate("a person walks", seconds=1).result().clip
heavy = [name for name in ("torch", "onnxruntime", "scipy", "PIL", "rich") if name in sys.modules]
print(json.dumps([motion.__file__, len(clip), len(made), heavy]))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since building leaves folders beside the sources."""
    copy = tmp_path_factory.mktemp("sources")
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    ran(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", ".", cwd=copy)
    return next((copy / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that has the wheel, and what base.txt names; skipped where that cannot be had."""
    environment = Environment(tmp_path_factory.mktemp("elsewhere") / "environment")
    environment.create()
    pip = [str(environment.python), "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    base = [*pip, "-r", str(ROOT / "requirements" / "base.txt")]
    fetched = subprocess.run(base, capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"numpy and pyzmq cannot be had: {fetched.stderr.strip().splitlines()[-1]}")
    ran(*pip, "--no-index", str(wheel), cwd=wheel.parent)
    return environment


def test_the_wheel_has_every_module_and_recipe_and_the_bundles(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    kinds = ("*.py", "*.toml", "*.onnx", "*.safetensors")
    found = {path for part in PARTS[:5] for kind in kinds for path in (ROOT / part).rglob(kind)}
    assert not {path.relative_to(ROOT).as_posix() for path in found} - names
    assert wheel.name == f"motus-{motion.__version__}-py3-none-any.whl"


def test_with_numpy_and_pyzmq_alone_a_client_reads_a_file_and_talks_to_a_server(
    elsewhere: Environment, tmp_path: Path
) -> None:
    (tmp_path / "bundle").mkdir()
    with start(str(make_bundle(tmp_path / "bundle").folder)) as server:
        said = ran(str(elsewhere.python), "-c", CLIENT, str(WALK), server.address, cwd=tmp_path).stdout
    where, read, made, heavy = json.loads(said)
    assert Path(where).is_relative_to(elsewhere.path)
    assert (read, made, heavy) == (len(bvh.read(WALK)), 30, [])


def test_with_numpy_and_pyzmq_alone_files_are_converted(elsewhere: Environment, tmp_path: Path) -> None:
    out = tmp_path / "walk.glb"
    ran(command(elsewhere, "motus-convert"), str(WALK), str(out), "--skeleton", "smplx22", cwd=tmp_path)
    assert len(glb.read(out)) == len(bvh.read(WALK))
    refused = asked(command(elsewhere, "motus-convert"), str(WALK), str(out), "--through", "base", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert 'pip install ".[serve]"' in refused.stderr


@pytest.mark.parametrize(
    ("name", "arguments", "extras"),
    [
        ("motus-serve", [], "serve"),
        ("motus-demo", ["a person waves"], "serve,view"),
        ("motus-view", ["walk.bvh", "--out", "walk.png"], "view"),
        ("motus-top", [], "view"),
    ],
)
def test_a_command_whose_extra_is_missing_says_in_one_sentence_which(
    elsewhere: Environment, tmp_path: Path, name: str, arguments: list[str], extras: str
) -> None:
    said = asked(command(elsewhere, name), *arguments, cwd=tmp_path)
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1)
    assert said.stderr.startswith(f"{name}: it needs ")
    assert f'pip install ".[{extras}]"' in said.stderr


def command(environment: Environment, name: str) -> str:
    """The program that pip made of a console script."""
    return str(environment.python.with_name(name + (".exe" if os.name == "nt" else "")))


def asked(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(arguments, cwd=cwd, env=outside, capture_output=True, text=True, check=False)


def ran(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = asked(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
