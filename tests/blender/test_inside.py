"""Every test in tests/blender/inside, in a real Blender of each version."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

import pytest

from runtime import keys
from tests.blender import environment
from tests.blender.conftest import Blender
from tools.measuring.server import Server

INSIDE = Path(__file__).parent / "inside"
pytestmark = [pytest.mark.blender, pytest.mark.slow]


def _tests() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for file in sorted(INSIDE.glob("*.py")):
        functions = [node for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
        found += [(file.stem, one.name) for one in functions if one.name.startswith("test_")]
    return found


def _source(module: str, test: str) -> str:
    text = (INSIDE / f"{module}.py").read_text("utf-8")
    node = next(node for node in ast.parse(text).body if getattr(node, "name", "") == test)
    return ast.get_source_segment(text, node) or ""


@pytest.mark.parametrize(("module", "test"), _tests(), ids=lambda part: part.removeprefix("test_"))
@pytest.mark.parametrize("version", environment.versions())
def test_inside(
    version: str, module: str, test: str, blenders: dict[str, Blender], bundle_folder: Path, tmp_path: Path
) -> None:
    given = {"folder": str(tmp_path)}
    source = _source(module, test)
    with contextlib.ExitStack() as stack:

        def serve(*flags: str) -> Server:
            server = stack.enter_context(
                Server(str(bundle_folder), "--step-s", "0.05", *flags, module="tests.runtime.recorded")
            )
            server.wait(lambda *_: None)
            return server

        if 'given["mortal"]' in source:  # a server of the test's own, to be killed
            server = serve()
            given |= {"mortal": server.address, "pid": str(server.process.pid)}
        if 'given["guarded"]' in source:  # one that lets in "ann" alone
            keys.make(tmp_path / "keys", ["ann"])
            given |= {"guarded": serve("--keys", str(tmp_path / "keys")).address}
        blenders[version].run(module, test, given)
