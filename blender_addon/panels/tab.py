"""What all panels share: the tab, sentences that wrap, and parts that are grey and say why."""

import textwrap

import bpy

from blender_addon import session


class Tab:
    """A panel of the tab Motus in the sidebar of the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Motus"


def say(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: str = "NONE") -> None:
    """A sentence over as many lines as the sidebar's width makes of it."""
    scale = context.preferences.system.ui_scale
    width = context.region.width / scale if context.region else 260
    lines = textwrap.wrap(sentence, max(int((width - 60) / 6.4), 16), break_on_hyphens=False) or [""]
    column = layout.column(align=True)
    column.scale_y = 0.8
    for index, line in enumerate(lines):
        column.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE")


def able(layout: bpy.types.UILayout, context: bpy.types.Context, *tasks: str) -> bpy.types.UILayout:
    """A column that is grey, under the reason, where none of these tasks can be done."""
    why = session.current().desk.why_not(*tasks)
    if why:
        say(layout, context, why, "INFO")
    column = layout.column()
    column.enabled = not why
    return column


def short(seconds: float) -> str:
    """A duration as people say it."""
    return f"{seconds:.0f} s" if seconds >= 1 else "1 s"
