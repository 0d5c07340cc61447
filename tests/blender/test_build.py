"""The extension's zip: imports made relative, a manifest for each platform, nothing of ours left behind."""

from __future__ import annotations

import ast
import hashlib
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from motion.errors import BadFile
from tools import build_addon
from tools.build_addon import PLATFORMS, manifest, relative, sources

_FORBIDDEN = {
    "torch", "threading", "concurrent", "asyncio", "multiprocessing", "pip", "ensurepip", "http", "requests",
}  # fmt: skip


def test_imports_of_ours_become_relative_to_where_the_file_lies_and_others_stay() -> None:
    source = "from motion.io import bvh\nfrom blender_addon import link\nimport numpy as np\nfrom zmq.auth import x\n"
    assert relative(source, "motion/io/glb.py").splitlines() == [
        "from ...motion.io import bvh",
        "from ... import link",
        "import numpy as np",
        "from zmq.auth import x",
    ]
    assert relative("from blender_addon.panels import main\n", "operators/x.py") == "from ..panels import main\n"
    assert relative("from motion import quat\n", "rig.py") == "from .motion import quat\n"


def test_an_import_that_cannot_be_made_relative_is_refused_by_file_and_line() -> None:
    with pytest.raises(BadFile, match=r"pose\.py, line 2: write `from motion"):
        relative("import bpy\nimport motion\n", "pose.py")


def test_no_file_in_the_zip_imports_motion_or_the_extension_by_an_absolute_name() -> None:
    files = dict(sources())
    assert {"__init__.py", "talk/link.py", "motion/quat.py", "motion/io/glb.py", "LICENSE"} <= files.keys()
    for name, body in files.items():
        for node in ast.walk(ast.parse(body)) if name.endswith(".py") else ():
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] not in build_addon.OURS, name
            if isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & set(build_addon.OURS), name


def test_nothing_in_the_zip_needs_torch_runs_a_thread_or_fetches_anything() -> None:
    for name, body in sources():
        for node in ast.walk(ast.parse(body)) if name.endswith(".py") else ():
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            names.append(node.module or "" if isinstance(node, ast.ImportFrom) else "")
            assert not _FORBIDDEN & {one.split(".")[0] for one in names}, name


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda one: one.name)
def test_the_manifest_names_the_platform_its_wheels_and_what_it_may_do(platform: build_addon.Platform) -> None:
    wheels = [
        Path(f"pyzmq-26.4.0-cp311-cp311-{platform.tag}.whl"),
        Path(f"pyzmq-26.4.0-cp313-cp313-{platform.tag}.whl"),
    ]
    told = tomllib.loads(manifest(platform, wheels))
    assert told["id"] == "motus"
    assert told["platforms"] == [platform.name]
    assert told["wheels"] == [f"./wheels/{wheel.name}" for wheel in wheels]
    assert told["blender_version_min"] == "4.2.0"
    assert set(told["permissions"]) == {"network", "files"}
    assert all(len(why) <= 64 and not why.endswith(".") for why in told["permissions"].values())


@pytest.mark.blender
@pytest.mark.slow
def test_the_zip_holds_pyzmqs_wheels_as_the_index_has_them_and_names_them(zip_file: Path) -> None:
    known = re.findall(r"sha256:([0-9a-f]{64})", (build_addon.ADDON / "wheels.txt").read_text("utf-8"))
    with zipfile.ZipFile(zip_file) as archive:
        told = tomllib.loads(archive.read("blender_manifest.toml").decode())
        wheels = sorted(name for name in archive.namelist() if name.endswith(".whl"))
        assert sorted(name.removeprefix("./") for name in told["wheels"]) == wheels
        assert len(wheels) == 2
        for name in wheels:
            assert hashlib.sha256(archive.read(name)).hexdigest() in known, name
