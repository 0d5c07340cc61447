"""The pictures of docs/blender.md: `python -m tests.blender.pictures --address ADDRESS`.

ADDRESS is that of a server with the shipped bundle. Each panel is drawn alone in the sidebar and cut out of a
screenshot; then the clip is rendered and its frames laid side by side.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.blender import desktop
from tests.blender.glass import SIZE, TIMELINE, Glass
from tools import build_addon

PROMPT = "a person waves with the left hand"
STRIP = "a person walks and turns left"
_EXTENSION = "bl_ext.user_default.motus"
_OPEN = f"""
import {_EXTENSION}.parts as parts
wanted = WANTED
panels = [kind for part in parts._PARTS for kind in part.CLASSES if issubclass(kind, bpy.types.Panel)]
for kind in panels:
    if kind.is_registered:
        bpy.utils.unregister_class(kind)
for kind in panels:
    if wanted is None or kind.__name__ in wanted:
        kind.bl_options = set()
        bpy.utils.register_class(kind)
"""
_SIDEBAR = """
import json
window = bpy.context.window_manager.windows[0]
area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
region = next(region for region in area.regions if region.type == "UI")
print(json.dumps([region.x, region.y, region.width, region.height]))
"""
_NAMES = """
import math
scene = bpy.context.scene
camera, character = scene.camera, bpy.data.objects["Character"]
"""
_STUDIO = (
    _NAMES
    + """
floor = bpy.data.meshes.new("Floor")
floor.from_pydata([(-30, -30, 0), (30, -30, 0), (30, 30, 0), (-30, 30, 0)], [], [(0, 1, 2, 3)])
scene.collection.objects.link(bpy.data.objects.new("Floor", floor))
sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
sun.data.energy, sun.rotation_euler = 4.0, (0.7, 0.2, -0.5)
scene.collection.objects.link(sun)
scene.render.engine = "BLENDER_EEVEE_NEXT"
scene.eevee.taa_render_samples = 8
scene.render.resolution_x, scene.render.resolution_y = 320, 400
"""
)
_VIEW = """
import math, mathutils
window = bpy.context.window_manager.windows[0]
for area in window.screen.areas:
    if area.type == "VIEW_3D":
        view = area.spaces.active.region_3d
        view.view_distance, view.view_location = {distance}, {place}
        view.view_rotation = mathutils.Euler((math.radians(78), 0, math.radians({turn}))).to_quaternion()
        area.spaces.active.overlay.show_cursor = False
"""


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--address", required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    programs = desktop.ensure()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        zip_file = build_addon.build(folder / "dist", [build_addon.PLATFORMS[-1]])[0]
        for place, prepare, pictures in (("a", "", _window), ("b", _OPEN.replace("WANTED", "None"), _panels)):
            (folder / place).mkdir()
            with Glass(programs, folder / place, zip_file, prepare) as window:
                _begin(window, options.address)
                pictures(window, options.out)


def _begin(window: Glass, address: str) -> None:
    window.do(
        f"bpy.context.preferences.addons[{_EXTENSION!r}].preferences.address = {address!r}\n"
        "bpy.ops.motus.connect()\nbpy.data.objects.remove(bpy.data.objects['Cube'])\n"
        "bpy.context.scene.render.fps, bpy.context.scene.frame_end = 30, 180\n"
    )
    window.until(lambda: window.ask("session.desk.welcome is not None") == "True")


def _character(window: Glass) -> None:
    window.do("bpy.ops.motus.character()")
    window.do(_VIEW.format(distance=6.0, place=(0.4, -1.2, 0.9), turn=-35))
    window.do(f"s = bpy.context.scene.motus\ns.prompt, s.seconds, s.seed, s.dice = {PROMPT!r}, 6.0, 7, False")


def _window(window: Glass, out: Path) -> None:
    """The window as it is found, while a take arrives; then its rendered frames."""
    _character(window)
    window.do("bpy.context.scene.motus.seconds = 30.0")
    window.press("generate")
    window.until(lambda: window.ask("any(take.clip and len(take.clip) > 60 for take in session.desk.takes)") == "True")
    window.do("bpy.context.scene.frame_set(50)")
    _settle(window, 1)
    window.shot(out / "blender-window.webp")
    window.do("bpy.ops.motus.cancel()\nbpy.ops.motus.reject()\nbpy.context.scene.frame_set(1)")
    window.do(f"bpy.ops.motus.generate(prompt={STRIP!r}, seconds=6.0, seed=7)")
    _strip(window, out)


def _panels(window: Glass, out: Path) -> None:
    """Each panel alone."""
    window.do(_SIDEBAR + "area.spaces.active.overlay.show_overlays = False")
    _panel(window, out, "connect", "MOTUS_PT_connect")
    _character(window)
    _panel(window, out, "generate", "MOTUS_PT_generate")
    window.do("s = bpy.context.scene.motus\ns.variations, s.seed, s.seconds = 3, 20, 30.0")
    window.do("bpy.ops.motus.generate(wait=False)")
    window.until(lambda: window.ask("session.shown(bpy.data.objects['Character']).take.clip is not None") == "True")
    _panel(window, out, "take", "MOTUS_PT_take")
    window.do("bpy.ops.motus.cancel()\nbpy.ops.motus.reject(every=True)")
    window.do("s = bpy.context.scene.motus\ns.variations, s.seconds = 1, 6.0")
    window.do(f"bpy.context.scene.frame_set(1)\nbpy.ops.motus.generate(prompt={PROMPT!r}, seconds=6.0, seed=7)")
    window.do("bpy.ops.motus.describe()")
    _rest_of_the_panels(window, out)


def _rest_of_the_panels(window: Glass, out: Path) -> None:
    for start, end, text in ((1, 90, "a person walks forward"), (90, 180, "a person waves with the right hand"),
                             (180, 270, "a person turns left")):  # fmt: skip
        window.do(f"s = bpy.context.scene.motus.segments.add()\ns.name, s.start, s.end = {text!r}, {start}, {end}\n")
    _panel(window, out, "timeline", "MOTUS_PT_timeline")
    x, y, width, height = json.loads(window.do(TIMELINE))
    window.shot().crop((x, SIZE[1] - y - height, x + width, SIZE[1] - y)).save(out / "blender-bands.png")
    for frame in (1, 60, 120):
        window.do(f"bpy.context.scene.frame_set({frame})\nbpy.ops.motus.mark()")
    _panel(window, out, "between", "MOTUS_PT_between")
    window.do("bpy.context.scene.motus.prompt = 'a person sits down'")
    _panel(window, out, "continue", "MOTUS_PT_continue", "MOTUS_PT_edit")
    _panel(window, out, "describe", "MOTUS_PT_describe")
    _panel(window, out, "media", "MOTUS_PT_media")
    window.do("bpy.ops.motus.map()")
    _panel(window, out, "retarget", "MOTUS_PT_retarget")
    _panel(window, out, "body", "MOTUS_PT_body")
    window.do(
        "actions = list(bpy.data.actions)\n"
        "bpy.context.scene.motus.take = next(i for i, one in enumerate(actions) if one.motus.uid)"
    )
    _panel(window, out, "library", "MOTUS_PT_library")
    window.do("s = bpy.context.scene.motus\ns.live_text, s.live_publish = 'a person walks forward', 'hero'")
    window.do("bpy.ops.motus.live()")
    window.until(lambda: window.ask("session.performance.live.state") == "running")
    window.do(_VIEW.format(distance=6.0, place=(40, 40, 0.9), turn=-35))
    _panel(window, out, "live", "MOTUS_PT_live")
    window.do("bpy.ops.motus.live_stop()")
    window.do(
        f"""
window = bpy.context.window_manager.windows[0]
area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
area.ui_type = "PREFERENCES"
bpy.context.preferences.active_section = "ADDONS"
bpy.context.window_manager.addon_search = "Motus"
with bpy.context.temp_override(window=window, area=area):
    bpy.ops.preferences.addon_expand(module={_EXTENSION!r})
"""
    )
    window.do(f"bpy.context.preferences.addons[{_EXTENSION!r}].preferences.property_unset('address')")
    _settle(window)
    window.shot().crop((172, 280, 1322, 800)).save(out / "blender-preferences.png")


def _panel(window: Glass, out: Path, name: str, *panels: str) -> None:
    """A picture of panels alone in the sidebar."""
    window.do(_OPEN.replace("WANTED", repr(panels)))
    _settle(window)
    x, y, width, height = json.loads(window.do(_SIDEBAR))
    image = window.shot().crop((x, SIZE[1] - y - height, x + width - 22, SIZE[1] - y))
    image.crop((0, 0, image.width, _bottom(image))).save(out / f"blender-{name}.png")


def _bottom(image: Image.Image) -> int:
    """Where the panels end: below, there is the view, which has a grid but no letters."""
    grey = image.convert("L")
    rows = np.asarray(grey).max(axis=1)
    return min(grey.height, int(np.flatnonzero(rows > 105)[-1]) + 14)


def _settle(window: Glass, times: int = 3) -> None:
    """Let everything be drawn."""
    for _ in range(times):
        window.do("[area.tag_redraw() for area in bpy.context.window_manager.windows[0].screen.areas]")
        time.sleep(0.7)


def _strip(window: Glass, out: Path) -> None:
    """Frames of the clip side by side, rendered."""
    frames = (10, 40, 70, 100, 130, 160)
    window.do(_STUDIO)
    for index, frame in enumerate(frames):
        window.do(
            f"""
scene.frame_set({frame})
hips = character.matrix_world @ character.pose.bones["pelvis"].head
camera.location = (hips.x + 2.6, hips.y - 3.4, 1.5)
camera.rotation_euler = (math.radians(80), 0, math.radians(37))
scene.render.filepath = "{window.folder}/frame{index}.png"
bpy.ops.render.render(write_still=True)
""".replace("scene.frame_set", _NAMES + "scene.frame_set"),
            seconds=300.0,
        )
    images = [Image.open(window.folder / f"frame{index}.png").convert("RGB") for index in range(len(frames))]
    strip = Image.new("RGB", (sum(image.width for image in images), images[0].height))
    for index, image in enumerate(images):
        strip.paste(image, (index * image.width, 0))
    strip.save(out / "blender-strip.webp")


if __name__ == "__main__":
    main()
