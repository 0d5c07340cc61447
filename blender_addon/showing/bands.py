"""The prompt timeline's sentences as bands on the scene's timeline: drawn over it, and in no file."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

_COLOURS = ((0.16, 0.42, 0.75, 0.85), (0.20, 0.55, 0.35, 0.85))
_CHOSEN = (0.85, 0.45, 0.10, 0.9)
_HEIGHT, _LEAST, _BOTTOM = 18, 8, 9  # pixels; below is the scroll bar
_RULER = 24  # pixels at the top, with the frames' numbers: UI_TIME_SCRUB_MARGIN_Y of Blender's UI_view2d.hh


@dataclass(frozen=True)
class Band:
    """One sentence where it is drawn, in pixels of the region."""

    left: float
    right: float
    text: str
    chosen: bool


def layout(scene: bpy.types.Scene, view: bpy.types.View2D) -> list[Band]:
    """The bands of a scene in a view, left to right."""
    settings = scene.motus
    made: list[Band] = []
    for index, segment in enumerate(settings.segments):
        left, right = (view.view_to_region(frame, 0, clip=False)[0] for frame in (segment.start, segment.end))
        made.append(Band(left, right, segment.name, index == settings.segment))
    return sorted(made, key=lambda band: band.left)


def rows(height: float, scale: float) -> tuple[float, float]:
    """Where bands begin and end in a region of this height, from below: under the ruler, where there is room."""
    low = _BOTTOM * scale
    room = height - _RULER * scale - low
    return low, low + min(max(room, _LEAST * scale), _HEIGHT * scale)


def draw() -> None:
    """Draw them; called by Blender for each timeline."""
    import blf
    import gpu
    from gpu_extras.batch import batch_for_shader

    context = bpy.context
    if not context.scene.motus.segments or context.region.type != "WINDOW":
        return
    scale = context.preferences.system.ui_scale
    low, high = rows(context.region.height, scale)
    letters = min(11 * scale, high - low - 2)
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    for index, band in enumerate(layout(context.scene, context.region.view2d)):
        left, right = band.left + 1, band.right - 1
        corners = ((left, low), (right, low), (right, high), (left, high))
        shader.uniform_float("color", _CHOSEN if band.chosen else _COLOURS[index % 2])
        batch_for_shader(shader, "TRIS", {"pos": corners}, indices=((0, 1, 2), (0, 2, 3))).draw(shader)
        blf.size(0, letters)
        blf.color(0, 1, 1, 1, 1)
        blf.enable(0, blf.CLIPPING)
        blf.clipping(0, left, low, right - 2, high)
        blf.position(0, left + 6 * scale, (low + high - 0.7 * letters) / 2, 0)
        blf.draw(0, band.text)
        blf.disable(0, blf.CLIPPING)
    gpu.state.blend_set("NONE")


def register() -> list[object]:
    """Draw from now on; what `unregister` takes back."""
    if bpy.app.background:
        return []
    return [bpy.types.SpaceDopeSheetEditor.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")]


def unregister(handles: list[object]) -> None:
    """Draw no longer."""
    for handle in handles:
        bpy.types.SpaceDopeSheetEditor.draw_handler_remove(handle, "WINDOW")
