"""The manual's script does what the manual says."""

from __future__ import annotations

import re
import sys
from ctypes.util import find_library
from pathlib import Path

import bpy

from tests.blender.inside.studio import Skipped, folder, last_take


def test_the_manuals_script_renders_a_clip_to_a_film() -> None:
    if find_library("EGL") is None:
        raise Skipped("rendering needs EGL (Debian: libegl1, libgl1-mesa-dri)")
    page = (Path(__file__).parents[3] / "docs" / "blender.md").read_text("utf-8")
    code = re.search(r"```python\n(import sys.*?)```", page, re.DOTALL)
    assert code is not None
    out = folder() / "film.mp4"
    before = sys.argv
    sys.argv = ["blender", str(out)]
    try:
        script = code[1].replace("seconds=4", "seconds=0.5").replace("640, 360", "64, 36")
        exec(compile(script, "blender.md", "exec"), {})
    finally:
        sys.argv = before
    assert last_take().title == "a person walks forward and waves"
    films = list(folder().glob("film*.mp4"))
    assert films, list(folder().iterdir())
    assert films[0].stat().st_size > 1000
    assert bpy.context.scene.frame_end > bpy.context.scene.frame_start
