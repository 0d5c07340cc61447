"""Live: the stage, the orders, the record, and the way out."""

import bpy

from blender_addon import session
from blender_addon.panels.tab import Tab, say


class MOTUS_PT_live(Tab, bpy.types.Panel):  # noqa: N801
    """A character that moves without end."""

    bl_label = "Live"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, running, settings = self.layout, session.current(), context.scene.motus
        why = running.desk.lacks("streams")
        if why:
            say(layout, context, why, "INFO")
        column = layout.column()
        column.enabled = not why
        column.prop(settings, "live_text", text="", placeholder="a person walks")
        performance = running.performance
        if performance is None:
            if not running.desk.lacks("watching"):
                column.prop(settings, "live_publish")
            column.operator("motus.live", icon="PLAY")
            return
        live = performance.live
        column.prop(settings, "live_speed", slider=True)
        column.prop(settings, "live_pause", toggle=True, icon="PAUSE")
        row = column.row(align=True)
        row.operator("motus.live_go", icon="CURSOR")
        row.operator("motus.live_free", icon="ORIENTATION_GLOBAL")
        text = "Stop Recording" if live.recording else "Record"
        column.operator("motus.live_record", text=text, icon="REC", depress=live.recording)
        if live.publish:
            say(column, context, f"Published as {live.publish}", "HIDE_OFF")
        column = layout.column()
        column.scale_y = 1.6
        column.alert = True
        column.operator("motus.live_stop", icon="CANCEL", text="Stop (Esc)")
        if live.lost:
            say(layout, context, f"{live.lost} frames came too late", "ERROR")


CLASSES = (MOTUS_PT_live,)
