"""The extension's preferences: which server, with which keys, a server of one's own, and what clips begin as."""

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from blender_addon import extension, session
from blender_addon.properties import ROOTS
from motion.protocol import ADDRESS

RATES = (
    ("SCENE", "The scene's", "A key on each of the scene's frames"),
    (
        "SERVER",
        "The server's",
        "Keys as they are made, 30 a second, which may stand between the scene's frames",
    ),
)
_REMEMBERED = 30
_ICONS = {"stopped": "RADIOBUT_OFF", "starting": "SORTTIME", "ready": "CHECKMARK", "failed": "ERROR"}


class MotusPrompt(bpy.types.PropertyGroup):
    """A sentence that was asked for before."""

    name: StringProperty(name="Prompt")


class MotusPreferences(bpy.types.AddonPreferences):
    """What is set once."""

    bl_idname = extension.NAME

    address: StringProperty(name="Server", description="Where the server listens: tcp://HOST:PORT", default=ADDRESS)
    keys: StringProperty(
        name="Keys",
        description="The folder hand-out/NAME that the server's owner gave you; empty for a server on this machine",
        subtype="DIR_PATH",
    )
    auto_connect: BoolProperty(
        name="Connect at start", description="Look for the server when Blender starts", default=True
    )
    folder: StringProperty(
        name="Motus' folder", description="The folder that holds runtime/serve.py", subtype="DIR_PATH"
    )
    python: StringProperty(
        name="Python", description="The Python to run it with; empty: the one its set-up made", subtype="FILE_PATH"
    )
    bundle: StringProperty(name="Bundle", description="Name or folder of the bundle to serve; empty: base")
    rate: EnumProperty(name="Key rate", items=RATES, description="How many keys a second an action gets")
    seconds: FloatProperty(name="Seconds", description="Length in new files", default=4.0, min=0.5, max=60.0, step=50)
    variations: IntProperty(name="Variations", description="How many in new files", default=1, min=1, max=8)
    nla: BoolProperty(name="NLA strip", description="Whether new files make a strip of an accepted take")
    root_on: EnumProperty(name="Root motion", items=ROOTS, description="Of armatures that Motus has not met before")
    history: CollectionProperty(type=MotusPrompt)

    def remember(self, prompt: str) -> None:
        """Put a sentence on top of the history."""
        found = self.history.find(prompt)
        if found >= 0:
            self.history.remove(found)
        self.history.add().name = prompt
        self.history.move(len(self.history) - 1, 0)
        while len(self.history) > _REMEMBERED:
            self.history.remove(len(self.history) - 1)
        bpy.context.preferences.is_dirty = True

    def draw(self, _context: bpy.types.Context) -> None:
        """The preferences' page."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        box = layout.box()
        box.label(text="Server", icon="URL")
        box.prop(self, "address")
        box.prop(self, "keys")
        box.prop(self, "auto_connect")
        self._draw_local(layout.box())
        box = layout.box()
        box.label(text="New clips", icon="ACTION")
        for name in ("rate", "seconds", "variations", "root_on", "nla"):
            box.prop(self, name)

    def _draw_local(self, box: bpy.types.UILayout) -> None:
        server = session.current().server
        box.label(text="A server on this machine", icon="CONSOLE")
        box.prop(self, "folder")
        box.prop(self, "python")
        box.prop(self, "bundle")
        row = box.row()
        row.operator("motus.server_start", icon="PLAY")
        row.operator("motus.server_stop", icon="SNAP_FACE")
        row.operator("motus.server_log", icon="TEXT")
        where = f" at {server.address}" if server.address else ""
        box.label(text=f"{server.state.capitalize()}{where}", icon=_ICONS[server.state])
        for line in server.last_lines(4):
            box.label(text=line[:120])


CLASSES = (MotusPrompt, MotusPreferences)
