"""Connect and disconnect; start, stop and read a server of one's own."""

import bpy

from blender_addon import extension, session
from blender_addon.operators.refusal import Act
from motion.protocol import ADDRESS


class MotusConnect(Act, bpy.types.Operator):
    """Look for the server that is set in the preferences"""

    bl_idname = "motus.connect"
    bl_label = "Connect"

    def act(self, _context: bpy.types.Context) -> None:
        """Begin to look; the panel tells what comes of it."""
        running = session.current()
        running.error = ""
        running.connect()


class MotusDisconnect(bpy.types.Operator):
    """Leave the server; what is under way stops"""

    bl_idname = "motus.disconnect"
    bl_label = "Disconnect"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Leave."""
        session.current().desk.disconnect("Disconnected")
        return {"FINISHED"}


class MotusServerStart(Act, bpy.types.Operator):
    """Start a server of your own on this machine, and connect to it when it is ready"""

    bl_idname = "motus.server_start"
    bl_label = "Start"

    def act(self, _context: bpy.types.Context) -> None:
        """Start it; it is ready when its models are loaded."""
        running, settings = session.current(), extension.preferences()
        assert settings is not None, "an operator of ours runs while the extension is switched on"
        arguments = ["--address", settings.address or ADDRESS]
        if settings.bundle:
            arguments += ["--bundle", settings.bundle]
        running.server.start(bpy.path.abspath(settings.folder), bpy.path.abspath(settings.python), arguments)
        self.report({"INFO"}, "The server is starting; this takes half a minute")


class MotusServerStop(bpy.types.Operator):
    """Stop the server that was started here"""

    bl_idname = "motus.server_stop"
    bl_label = "Stop"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where one runs."""
        return session.current().server.state in ("starting", "ready")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Stop it."""
        session.current().server.stop()
        return {"FINISHED"}


class MotusServerLog(bpy.types.Operator):
    """Put everything the server has said into a text block"""

    bl_idname = "motus.server_log"
    bl_label = "Log"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where there is one."""
        return session.current().server.log.exists()

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Show it."""
        name = "Motus server log"
        text = bpy.data.texts.get(name) or bpy.data.texts.new(name)
        text.clear()
        text.write(session.current().server.log.read_text("utf-8", "replace"))
        self.report({"INFO"}, f"The log is in the text block {name!r}")
        return {"FINISHED"}


CLASSES = (MotusConnect, MotusDisconnect, MotusServerStart, MotusServerStop, MotusServerLog)
