"""The whole window: the tab is opened, Generate is clicked, frames arrive, Esc and Cancel stop it, Accept keeps it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from motion.errors import MissingPart
from tests.blender import desktop
from tests.blender.glass import SIZE, TIMELINE, Glass

pytestmark = [pytest.mark.blender, pytest.mark.slow]
_KEYS = """
def keys():
    data = bpy.data.objects["Character"].animation_data
    return 0 if data is None or data.action is None else int(data.action.frame_range[1])
print(keys())
"""


@pytest.fixture(scope="module")
def window(zip_file: Path, servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Glass]:
    try:
        programs = desktop.ensure()
    except MissingPart as missing:
        pytest.skip(str(missing))
    with Glass(programs, tmp_path_factory.mktemp("glass"), zip_file) as opened:
        opened.do(
            f"""
bpy.context.preferences.addons["bl_ext.user_default.motus"].preferences.address = {servers["slow"]!r}
bpy.ops.motus.connect()
bpy.data.objects.remove(bpy.data.objects["Cube"])
bpy.ops.motus.character()
settings = bpy.context.scene.motus
settings.prompt, settings.seconds = "a person walks", 60.0
"""
        )
        opened.until(lambda: opened.ask("session.desk.welcome is not None") == "True")
        yield opened


@pytest.fixture(autouse=True)
def idle(window: Glass) -> Iterator[None]:
    yield
    window.do("bpy.ops.motus.cancel() if bpy.ops.motus.cancel.poll() else None")
    window.do("bpy.ops.motus.reject(every=True) if bpy.ops.motus.reject.poll() else None")
    assert "Traceback" not in window.log, window.log


def frames(window: Glass) -> int:
    return int(window.do(_KEYS))


def test_generate_is_clicked_and_frames_arrive_while_the_window_goes_on(window: Glass) -> None:
    window.press("generate")
    window.until(lambda: frames(window) > 1)
    some = frames(window)
    window.until(lambda: frames(window) > some)
    assert window.ask("session.desk.busy") == "True"
    assert window.find("cancel"), "no button to cancel with is seen"
    assert window.find("accept"), "no button to accept with is seen"


def test_cancel_is_clicked_and_accept_keeps_what_has_come(window: Glass) -> None:
    window.press("generate")
    window.until(lambda: frames(window) > 20)
    window.press("cancel")
    window.until(lambda: window.ask("session.desk.busy") == "False")
    count = frames(window)
    window.press("accept")
    window.until(
        lambda: window.do("print(bpy.data.objects['Character'].animation_data.action.name)") == "a person walks"
    )
    assert frames(window) == count
    window.until(lambda: window.find("accept") is None and window.find("cancel") is None)


def test_esc_over_the_view_stops_the_work_and_ctrl_z_takes_an_accepted_take_back_in_one_step(window: Glass) -> None:
    def decided() -> int:
        return int(window.do("print(len(bpy.context.scene.motus.decisions))"))

    window.do("bpy.data.objects['Character'].animation_data_clear()\nbpy.ops.ed.undo_push(message='bare')")
    before = decided()
    window.press("generate")
    window.until(lambda: frames(window) > 1)
    window.do("key('ESC')")
    window.until(lambda: window.ask("session.desk.busy") == "False")
    window.press("accept")
    window.until(lambda: decided() == before + 1)
    window.do("key('Z', ctrl=True)")
    window.until(lambda: decided() == before)
    window.until(lambda: bool(window.find("accept")))
    window.press("reject")
    window.until(lambda: decided() == before + 1)
    window.until(lambda: window.do("print(bpy.data.objects['Character'].animation_data)") == "None")


_POSE = """
hips = bpy.data.objects["Character"].pose.bones["pelvis"]
print(bpy.context.scene.frame_current, *hips.location, *hips.rotation_quaternion)
"""


def test_a_live_session_goes_on_while_the_timeline_plays_and_stops_at_once(window: Glass) -> None:
    def now() -> tuple[int, str]:
        frame, _, pose = window.do(_POSE).partition(" ")
        return int(frame), pose

    still = now()[1]
    window.do("bpy.ops.motus.live()")
    window.until(lambda: now()[1] != still)
    window.do(
        "w = bpy.context.window_manager.windows[0]\nwith bpy.context.temp_override(window=w): "
        "bpy.ops.screen.animation_play()"
    )
    seen: set[tuple[int, str]] = set()

    def moves() -> bool:
        seen.add(now())
        return len({frame for frame, _ in seen}) > 3 and len({pose for _, pose in seen} - {still}) > 3

    window.until(moves)
    window.do("key('ESC')")
    window.until(lambda: window.ask("session.performance") == "None")
    assert now()[1] == still
    window.do(
        "w = bpy.context.window_manager.windows[0]\nwith bpy.context.temp_override(window=w): "
        "bpy.ops.screen.animation_cancel() if w.screen.is_animation_playing else None"
    )


def blue(window: Glass) -> tuple[int, int]:
    """How wide and how high what is drawn in the colour of a prompt timeline's sentence is, pixels."""
    x, y, width, height = json.loads(window.do(TIMELINE))
    pixels = np.asarray(window.shot().crop((x, SIZE[1] - y - height, x + width, SIZE[1] - y)), np.int16)
    r, g, b = (pixels[..., index] for index in range(3))
    rows, columns = np.nonzero((abs(r - 42) < 8) & (abs(g - 98) < 8) & (abs(b - 170) < 12))
    return (int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1) if len(rows) > 50 else (0, 0)


def test_sentences_are_seen_as_bands_in_the_timeline(window: Glass) -> None:
    before = blue(window)
    window.do(
        """
s = bpy.context.scene.motus
for text, start, end in (("a person walks", 1, 90), ("a person bows", 90, 130)):
    one = s.segments.add()
    one.name, one.start, one.end = text, start, end
s.segment = 1
[area.tag_redraw() for area in bpy.context.window_manager.windows[0].screen.areas]
"""
    )
    window.until(lambda: blue(window) != before)
    width, height = blue(window)
    assert 8 <= height <= 18, "it is no band"
    window.do("bpy.context.scene.motus.segments[0].end = 45")
    window.until(lambda: 0 < blue(window)[0] < 0.6 * width)
    window.do("bpy.context.scene.motus.segments.clear()")


def test_the_manuals_script_renders_a_film_in_a_blender_without_a_window(
    window: Glass, servers: dict[str, str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "blender.md").read_text("utf-8")
    code = re.search(r"```python\n(import sys.*?)```", page, re.DOTALL)
    assert code is not None
    short = code[1].replace("seconds=4", f"seconds=0.5, address={servers['quick']!r}").replace("640, 360", "64, 36")
    script = window.folder / "film.py"
    script.write_text(short, "utf-8")
    said = window.background(script, str(window.folder / "film.mp4"))
    films = list(window.folder.glob("film*.mp4"))
    assert films, said
    assert films[0].stat().st_size > 1000, said
    assert "Traceback" not in said, said


def test_every_panel_is_drawn_without_an_exception(window: Glass) -> None:
    window.do(
        """
import bl_ext.user_default.motus.parts as parts
for part in parts._PARTS:
    for kind in part.CLASSES:
        if issubclass(kind, bpy.types.Panel):
            bpy.utils.unregister_class(kind)
            kind.bl_options = set()
            bpy.utils.register_class(kind)
"""
    )
    window.until(lambda: window.do("print(1)") == "1")
    for state in (
        "bpy.ops.motus.map()",
        "[bpy.ops.motus.segment_add() for _ in range(2)]",
        "bpy.ops.motus.mark()",
        "bpy.ops.motus.disconnect()",
        "bpy.context.scene.motus.armature = None; bpy.data.objects.remove(bpy.data.objects['Character'])",
        "bpy.ops.wm.read_homefile(use_empty=True)",
    ):
        window.do(state)
        window.do("[area.tag_redraw() for area in bpy.context.window_manager.windows[0].screen.areas]")
        window.shot()
        assert window.do("print('drawn')") == "drawn"
        assert "Traceback" not in window.log, window.log
