"""What goes on from, between, or over motion that is there: timeline, in-between, continue, edit, describe, media."""

import bpy

from blender_addon import session
from blender_addon.operators.poses import selected
from blender_addon.operators.refusal import here
from blender_addon.panels.tab import Tab, able, say
from blender_addon.showing import preview


class MOTUS_UL_segments(bpy.types.UIList):  # noqa: N801
    """The sentences of the prompt timeline."""

    def draw_item(self, _context, layout, _data, item, _icon, _active, _property, _index) -> None:
        """One line."""
        split = layout.split(factor=0.65)
        split.prop(item, "name", text="", emboss=False)
        split.label(text=f"{item.start} - {item.end}")


class MOTUS_PT_timeline(Tab, bpy.types.Panel):  # noqa: N801
    """Several sentences, one after the other."""

    bl_label = "Prompt Timeline"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = self.layout, context.scene.motus
        row = layout.row()
        row.template_list("MOTUS_UL_segments", "", settings, "segments", settings, "segment", rows=3)
        column = row.column(align=True)
        column.operator("motus.segment_add", text="", icon="ADD")
        column.operator("motus.segment_remove", text="", icon="REMOVE")
        if settings.segment < len(settings.segments):
            chosen = settings.segments[settings.segment]
            layout.prop(chosen, "name", text="")
            row = layout.row(align=True)
            row.prop(chosen, "start")
            row.prop(chosen, "end")
        column = able(layout, context, "prediction")
        column.operator_context = "INVOKE_DEFAULT"
        column.operator("motus.timeline", icon="PLAY")


class MOTUS_PT_between(Tab, bpy.types.Panel):  # noqa: N801
    """Fill the time between poses."""

    bl_label = "In-between"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, marks = self.layout, context.scene.motus.marks
        row = layout.row(align=True)
        row.operator("motus.mark", icon="PMARKER_SEL")
        row.operator("motus.marks_clear", text="", icon="X")
        armature = here(context)
        if marks:
            frames, what = sorted(mark.frame for mark in marks), "marked poses"
        else:
            frames, what = (selected(armature) if armature else []), "selected keyframes"
        listed = ", ".join(f"{frame:g}" for frame in frames[:8]) + (" ..." if len(frames) > 8 else "")
        say(layout, context, f"{len(frames)} {what}" + (f": {listed}" if frames else ""), "KEYFRAME_HLT")
        column = able(layout, context, "in-betweening")
        column.operator_context = "INVOKE_DEFAULT"
        column.operator("motus.between", icon="PLAY")


class MOTUS_PT_continue(Tab, bpy.types.Panel):  # noqa: N801
    """Go on from the playhead."""

    bl_label = "Continue"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        settings = context.scene.motus
        column = able(self.layout, context, "prediction")
        column.prop(settings, "prompt", text="", placeholder="anything")
        column.prop(settings, "seconds")
        column.operator_context = "INVOKE_DEFAULT"
        column.operator("motus.continue", icon="PLAY").prompt = settings.prompt


class MOTUS_PT_edit(Tab, bpy.types.Panel):  # noqa: N801
    """Change motion by words."""

    bl_label = "Edit by Words"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        settings = context.scene.motus
        column = able(self.layout, context, "editing")
        column.prop(settings, "prompt", text="", placeholder="slower, with raised arms")
        column.operator_context = "INVOKE_DEFAULT"
        column.operator("motus.edit", icon="PLAY").prompt = settings.prompt


class MOTUS_PT_describe(Tab, bpy.types.Panel):  # noqa: N801
    """Say in words what the armature does."""

    bl_label = "Describe"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        column = able(self.layout, context, "motion-to-text")
        column.operator_context = "INVOKE_DEFAULT"
        column.operator("motus.describe", icon="TEXT")
        armature = here(context)
        action = preview.own(armature).action if armature else None
        if action is not None and action.motus.description:
            say(self.layout, context, f"{action.name}: {action.motus.description}", "OUTLINER_OB_SPEAKER")


class MOTUS_PT_media(Tab, bpy.types.Panel):  # noqa: N801
    """From video, music and speech, where the bundle can."""

    bl_label = "From Video and Audio"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Say what the bundle lacks."""
        desk = session.current().desk
        for what, task in (("Video", "video-to-motion"), ("Music", "music-to-dance"), ("Speech", "speech-to-gesture")):
            if desk.welcome is None:
                why = desk.why_not(task)
            elif desk.task(task) is None:
                why = f"the bundle {desk.welcome.bundle!r} has no {task}"
            else:
                why = f"this version of the extension cannot send {what.lower()} yet"
            say(self.layout, context, f"{what}: {why}", "INFO")


CLASSES = (
    MOTUS_UL_segments,
    MOTUS_PT_timeline,
    MOTUS_PT_between,
    MOTUS_PT_continue,
    MOTUS_PT_edit,
    MOTUS_PT_describe,
    MOTUS_PT_media,
)
