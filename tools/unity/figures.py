"""Measures the Unity package's core: `python -m tools.unity.figures` writes docs/figures/unity.json.

    buffer      the jitter buffer on simulated networks, a minute each, against one of a fixed 100 ms
    cost        bytes of a frame, and microseconds to read one and to show one on a character, on dotnet and on mono
    soak        ten minutes of a live session of a real server: frames, and the heap as it goes

All but `soak` take a minute together; `soak` is run where it is named, and its last figures are kept otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.setup import bootstrap

EXTRAS = ("train", "view", "dev", "unity")
ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "figures" / "unity.json"
SOAK_S = 600


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    from motion.errors import MotionError
    from tools.unity import toolchain, unity_tests

    parser = argparse.ArgumentParser(
        prog="python -m tools.unity.figures", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", action="append", choices=("buffer", "cost", "soak"), help="may be given again")
    options = parser.parse_args(arguments)
    try:
        tools = toolchain.ensure()
        tests = unity_tests.build(tools)
        figures: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
        figures["command"] = "python -m tools.unity.figures"
        for what in options.only or ("buffer", "cost"):
            figures[what] = measure(tools, tests, what)
            shown = json.dumps(figures[what])
            print(f"{what}: {shown if len(shown) < 200 else f'{shown[:200]}...'}", flush=True)
    except MotionError as error:
        print(f"tools.unity.figures: {error}", file=sys.stderr)
        return 1
    FILE.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(tools: Any, tests: Path, what: str) -> Any:
    """What one measurement gives."""
    arguments = ["--figures", str(tests), what, str(SOAK_S)]
    program = tests.parent / "Program.dll"
    variables = {"MOTUS_ROOT": str(ROOT), "MOTUS_PYTHON": sys.executable}
    if what == "buffer":
        return read(tools.output(program, arguments, variables))
    if what == "soak":
        return read(tools.output(program, arguments, variables))[0]
    on_mono = tests.parent / "Program.exe"
    shutil.copy(program, on_mono)
    return {
        "machine": f"{platform.machine()}, load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores",
        "dotnet": read(tools.output(program, arguments, variables))[0],
        "mono": read(tools.output(on_mono, arguments, variables, mono=True))[0],
    }


def read(text: str) -> list[dict[str, Any]]:
    """The lines of JSON in what a program says."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


if __name__ == "__main__":
    bootstrap.ensure(*EXTRAS)
    sys.exit(main())
