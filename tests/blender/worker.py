"""Runs inside a Blender: installs the extension's zip, then runs the tests it is told to, one line of JSON each.

    python -m tests.blender.worker ZIP
    <- {"module": "generate", "test": "test_...", "given": {...}}
    -> @@motus {"ok": true} | {"ok": false, "why": traceback}

Everything else on standard output is Blender's own talk, which the other side looks through for exceptions.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback

import bpy

from tests.blender import MARK


def main() -> None:
    """Serves until standard input ends."""
    answer(attempt(lambda: install(sys.argv[1])))
    for line in sys.stdin:
        order = json.loads(line)

        def run(order: dict[str, object] = order) -> None:
            module = importlib.import_module(f"tests.blender.inside.{order['module']}")
            studio = importlib.import_module("tests.blender.inside.studio")
            studio.fresh(order["given"])
            getattr(module, str(order["test"]))()

        answer(attempt(run))
    sys.stdout.flush()
    os._exit(0)  # a registered timer or class makes bpy crash or hang on its way out


def install(zip_file: str) -> None:
    """Install and enable the extension as a user would."""
    done = bpy.ops.extensions.package_install_files(filepath=zip_file, repo="user_default", enable_on_install=True)
    assert done == {"FINISHED"}, done
    assert "bl_ext.user_default.motus" in bpy.context.preferences.addons, "the extension was not enabled"


def attempt(what: object) -> dict[str, object]:
    """Whether it went well, and if not, why."""
    try:
        what()  # type: ignore[operator]
    except BaseException as error:  # noqa: BLE001  a test may end by anything; the next is still to run
        if type(error).__name__ == "Skipped":
            return {"ok": True, "skipped": str(error)}
        return {"ok": False, "why": traceback.format_exc()}
    return {"ok": True}


def answer(result: dict[str, object]) -> None:
    """One line to the other side."""
    sys.stderr.flush()
    sys.stdout.write(f"\n{MARK}{json.dumps(result)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
