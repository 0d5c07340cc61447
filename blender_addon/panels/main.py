"""The connection, what is under way, and Generate."""

import bpy

from blender_addon import extension, session
from blender_addon.operators.refusal import here
from blender_addon.panels.tab import Tab, able, say, short
from blender_addon.talk.take import Take

# Keys' colours, since Blender has no lights: green, yellow, red.
_LIGHTS = {"open": "KEYTYPE_JITTER_VEC", "connecting": "KEYTYPE_KEYFRAME_VEC", "refused": "KEYTYPE_EXTREME_VEC"}


class MOTUS_PT_connect(Tab, bpy.types.Panel):  # noqa: N801
    """The server, and what it can do."""

    bl_label = "Connect"

    def draw_header(self, _context: bpy.types.Context) -> None:
        """The light: green for somebody, yellow while looking, red where the server will not have us."""
        link = session.current().desk.link
        self.layout.label(icon=_LIGHTS[link.state] if link else "RADIOBUT_OFF")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, running, settings = self.layout, session.current(), extension.preferences()
        link = running.desk.link
        if link is None:
            layout.operator("motus.connect", icon="LINKED")
            say(layout, context, f"Server: {settings.address}" if settings else "")
            if running.server.state == "stopped" and settings and settings.folder:
                layout.operator("motus.server_start", text="Start Local Server", icon="PLAY")
        else:
            say(layout, context, link.sentence, _LIGHTS[link.state])
            layout.operator("motus.disconnect", icon="UNLINKED")
        if running.server.state == "starting":
            say(layout, context, "The local server is loading its models", "SORTTIME")
        welcome = running.desk.welcome
        if welcome is not None:
            column = layout.column(align=True)
            column.scale_y = 0.8
            column.label(text=f"Weights: {welcome.licence}", icon="FAKE_USER_ON")
            say(layout, context, "Can do: " + ", ".join(task.name for task in welcome.tasks), "CHECKMARK")
            if welcome.capabilities:
                say(layout, context, "And: " + ", ".join(welcome.capabilities), "CHECKMARK")


class MOTUS_PT_take(Tab, bpy.types.Panel):  # noqa: N801
    """What is under way, and what has to be decided."""

    bl_label = "Take"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Where there is something to say."""
        running = session.current()
        return bool(running.desk.busy or running.error or running.shown(here(context)))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, running = self.layout, session.current()
        armature = here(context)
        shows = running.open_shows(armature)
        shown = running.shown(armature)
        if shown is not None and shown.take.clip is not None:  # first, so that it stays where it is when all is done
            row = layout.row(align=True)
            row.scale_y = 1.4
            row.operator("motus.accept", icon="CHECKMARK")
            row.operator("motus.reject", icon="X")
        if shown is not None and shown.take.hint:
            say(layout, context, shown.take.hint, "INFO")
        for take in running.desk.takes:
            if not take.ended:
                self._progress(layout, take)
        if running.desk.busy:
            layout.operator("motus.cancel", icon="CANCEL", text="Cancel (Esc)")
        if len(shows) > 1:
            column = layout.column(align=True)
            for index, show in enumerate(shows, 1):
                icon = "HIDE_OFF" if show is shown else "HIDE_ON"
                text = f"{index}. seed {show.take.seed}: {show.take.title}"
                column.operator("motus.choose", text=text, icon=icon, depress=show is shown).uid = show.take.uid
            layout.operator("motus.reject", text="Reject All", icon="X").every = True
        if running.error:
            say(layout, context, running.error, "ERROR")

    def _progress(self, layout: bpy.types.UILayout, take: Take) -> None:
        eta = take.eta_s
        words = take.sentence or (f"{short(eta)} left" if eta is not None else "")
        layout.progress(factor=take.progress, text=f"{take.title[:40]}  {words}")


class MOTUS_PT_generate(Tab, bpy.types.Panel):  # noqa: N801
    """From a sentence to motion."""

    bl_label = "Generate"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = self.layout, context.scene.motus
        layout.use_property_decorate = False
        row = layout.row(align=True)
        row.prop(settings, "prompt", text="", placeholder="a person walks forward and waves")
        row.menu("MOTUS_MT_history", text="", icon="TIME")
        column = layout.column(align=True)
        column.prop(settings, "seconds")
        row = column.row(align=True)
        row.prop(settings, "seed")
        row.prop(settings, "dice", text="", icon="FILE_REFRESH")
        row.operator("motus.dice", text="", icon="MOD_NOISE")
        column.prop(settings, "variations")
        layout.prop(settings, "armature")
        if here(context) is None:
            layout.operator("motus.character", icon="OUTLINER_OB_ARMATURE")
        flow = layout.column_flow(columns=2, align=True)
        for name in ("in_place", "loop", "at_playhead", "at_cursor", "append", "nla"):
            flow.prop(settings, name)
        tasks = ("prediction",) if settings.append else ("text-to-motion",)
        column = able(layout, context, *tasks)
        column.scale_y = 1.6
        column.operator_context = "INVOKE_DEFAULT"
        column.operator("motus.generate", icon="PLAY")


class MOTUS_MT_history(bpy.types.Menu):  # noqa: N801
    """Sentences that were asked for before."""

    bl_label = "History"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw it."""
        settings = extension.preferences()
        if settings is None or not settings.history:
            self.layout.label(text="Nothing was asked for yet")
            return
        for prompt in settings.history:
            self.layout.operator("motus.recall", text=prompt.name).prompt = prompt.name


CLASSES = (MOTUS_PT_connect, MOTUS_PT_generate, MOTUS_PT_take, MOTUS_MT_history)
