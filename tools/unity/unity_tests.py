"""Tests of the Unity package: `python -m tools.unity.unity_tests [part of a test's name]`.

Fetches the C# tools into out/unity where they are not there (tools/unity/toolchain.py), compiles the package and its
tests, and runs everything of Runtime/Core under NUnit on mono and on dotnet. `--on dotnet` or `--on mono` runs one of
them.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.setup import bootstrap, lock

if TYPE_CHECKING:
    from tools.unity import toolchain

EXTRAS = ("train", "view", "dev", "unity")
ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "unity_bridge"
TESTS = ROOT / "tests" / "unity"
RUNTIMES = ("dotnet", "mono")


def sources(*folders: Path) -> list[Path]:
    """Every C# file below some folders."""
    return sorted(path for folder in folders for path in folder.rglob("*.cs"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    from motion.errors import MotionError
    from tools import gen_csharp
    from tools.unity import toolchain

    parser = argparse.ArgumentParser(
        prog="python -m tools.unity.unity_tests", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("only", nargs="?", default="", help="part of the name of the tests to run")
    parser.add_argument("--on", choices=RUNTIMES, help="only this runtime")
    options = parser.parse_args(arguments)
    if gen_csharp.main(["--check"]):
        return 1
    try:
        tools = toolchain.ensure(lambda text: print(f"tools.unity.unity_tests: {text}", flush=True))
        tests = build(tools)
    except MotionError as error:
        print(f"tools.unity.unity_tests: {error}", file=sys.stderr)
        return 1
    return max(run(tools, on, tests, options.only) for on in RUNTIMES if options.on in (None, on))


def build(tools: toolchain.Toolchain) -> Path:
    """The assembly of the tests, with all that it needs beside it; made once for the same sources."""
    from tests.unity import fixtures

    written = sources(TESTS / "core", PACKAGE / "Tests" / "Runtime" / "Core")
    own, runner = sources(PACKAGE / "Runtime" / "Core"), sources(TESTS / "runner")
    compared = sorted(path for folder in ("motion", "tests") for path in (ROOT / folder).rglob("*.py"))
    out = tools.home / "build" / _digest([*own, *written, *runner, *compared])
    with _made_once(tools.home, out / "made") as wanted:
        if wanted:
            with ThreadPoolExecutor(2) as pool:
                program = pool.submit(tools.compile, out / "Program.dll", runner, [tools.nunit], program=True)
                core = tools.compile(out / "Motus.Core.dll", own)
                tools.compile(out / "Motus.Core.Tests.dll", written, [core, tools.nunit])
            program.result()
            for library in (tools.nunit, *(PACKAGE / "Runtime" / "Plugins" / "Linux" / "x86_64").glob("*.so")):
                shutil.copy(library, out)
            fixtures.write(out / "fixtures")
    return out / "Motus.Core.Tests.dll"


def build_host(tools: toolchain.Toolchain, out: Path) -> None:
    """Compiles what stands on UnityEngine against the stand-in, assembly by assembly as Unity does, into `out`."""
    core, standin = out / "Motus.Core.dll", TESTS / "standin"
    parts = [PACKAGE / "Runtime" / "Unity", PACKAGE / "Runtime" / "Timeline", PACKAGE / "Editor", PACKAGE / "Samples~"]
    tests = [PACKAGE / "Tests" / "Runtime" / "Unity", PACKAGE / "Tests" / "Editor"]
    with _made_once(tools.home, out / _digest(sources(standin, *parts, *tests))) as wanted:
        if not wanted:
            return
        engine = tools.compile(out / "UnityEngine.CoreModule.dll", [standin / "CoreModule.cs"])
        rest = tools.compile(out / "UnityEngine.dll", [standin / "OtherModules.cs"], [engine, tools.nunit])
        host = [core, engine, rest]
        unity = tools.compile(out / "Motus.dll", sources(parts[0]), host)
        editor = tools.compile(out / "Motus.Editor.dll", sources(parts[2]), [*host, unity], defines=["UNITY_EDITOR"])
        jobs: list[tuple[str, Path, list[Path]]] = [
            ("Motus.Timeline.dll", parts[1], []),
            ("Motus.Samples.dll", parts[3], []),
            ("Motus.Tests.dll", tests[0], [tools.nunit]),
            ("Motus.Editor.Tests.dll", tests[1], [editor, tools.nunit]),
        ]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda job: tools.compile(out / job[0], sources(job[1]), [*host, unity, *job[2]]), jobs))


def run(tools: toolchain.Toolchain, on: str, tests: Path, only: str) -> int:
    """Runs the tests; the exit code."""
    variables = {"MOTUS_ROOT": str(ROOT), "MOTUS_PYTHON": sys.executable}
    if on == "dotnet":
        return tools.on_dotnet(tests.parent / "Program.dll", [str(tests), only], variables)
    return tools.nunit_on_mono(tests, only, variables)


@contextmanager
def _made_once(home: Path, mark: Path) -> Iterator[bool]:
    """Whether something is still to be made; `mark` says that it was. One process at a time."""
    mark.parent.mkdir(parents=True, exist_ok=True)
    with lock.hold(home / "build.lock", lambda: None):
        yield not mark.exists()
        mark.touch()


def _digest(paths: list[Path]) -> str:
    """A name for the contents of some files."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


if __name__ == "__main__":
    bootstrap.ensure(*EXTRAS)
    sys.exit(main(sys.argv[1:]))
