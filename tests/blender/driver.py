"""Runs inside a Blender with a window (`blender --python driver.py -- FOLDER`): does what files in FOLDER say.

    FOLDER/order.py     Python to run, with `bpy` and `click(x, y)`, `key(type)` at hand; removed when it is read
    FOLDER/answer.txt   what it printed, and after a line "!" the traceback where it failed

Orders are looked for by an app timer, so that between them Blender lives its own life.
"""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
from pathlib import Path

import bpy

FOLDER = Path(sys.argv[sys.argv.index("--") + 1])


def click(x: int, y: int) -> None:
    """The left mouse button, pressed and let go at a place of the window."""
    window = bpy.context.window_manager.windows[0]
    for kind, value in (("MOUSEMOVE", "NOTHING"), ("LEFTMOUSE", "PRESS"), ("LEFTMOUSE", "RELEASE")):
        window.event_simulate(type=kind, value=value, x=x, y=y)


def move(x: int, y: int) -> None:
    """The mouse, moved to a place of the window."""
    bpy.context.window_manager.windows[0].event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)


def key(kind: str, ctrl: bool = False, x: int = 400, y: int = 500) -> None:
    """A key, pressed and let go with the mouse over a place of the window."""
    window = bpy.context.window_manager.windows[0]
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type=kind, value=value, ctrl=ctrl, x=x, y=y)


def look() -> float:
    """Do what there is to do; when to look again, seconds."""
    order = FOLDER / "order.py"
    if order.exists():
        code = order.read_text("utf-8")
        order.unlink()
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            try:
                exec(code, {"bpy": bpy, "click": click, "key": key, "move": move})
            except BaseException:  # noqa: BLE001  the one who ordered it is told; this process goes on
                said.write("\n!\n" + traceback.format_exc())
        part = FOLDER / "answer.part"
        part.write_text(said.getvalue(), "utf-8")
        part.rename(FOLDER / "answer.txt")
    return 0.02


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(look, first_interval=1.0, persistent=True)
