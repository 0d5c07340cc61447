"""Live: a character that moves without end, steered by typing."""

import bpy

from blender_addon import asking, session
from blender_addon.operators.refusal import Act
from blender_addon.showing.stream import Performance
from blender_addon.talk.live import Live
from motion.errors import BadRequest
from motion.protocol.wire import ID


class MotusLive(Act, bpy.types.Operator):
    """Let the character move without end, at what the sentence says; it is steered while it does"""

    bl_idname = "motus.live"
    bl_label = "Go Live"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where the server has live sessions and none is under way."""
        running = session.current()
        why = running.desk.lacks("streams")
        if why:
            cls.poll_message_set(why)
        return not why and running.performance is None

    def act(self, context: bpy.types.Context) -> None:
        """Begin."""
        running, settings = session.current(), context.scene.motus
        running.error = ""
        publish = settings.live_publish.strip()
        if publish and not ID.fullmatch(publish):
            raise BadRequest(f"{publish!r} is no name to be watched by: use letters, digits, '.', '_' and '-'")
        place = asking.stage(running, context)
        skeleton, welcome, link = running.desk.skeleton, running.desk.welcome, running.desk.link
        assert skeleton is not None, "poll() looked"
        assert welcome is not None, "poll() looked"
        assert link is not None, "poll() looked"
        live = Live(" ".join(settings.live_text.split()), skeleton, welcome.fps, link.clock, publish)
        armature, scene, seed = place.armature.session_uid, place.scene.session_uid, asking.seed_of(settings)
        running.go_live(Performance(live, place, armature, scene), seed)
        if settings.dice:
            settings.seed = seed


class WhileLive:
    """What is there while a live session is under way."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where a live session is under way."""
        return session.current().performance is not None


class MotusLiveStop(WhileLive, bpy.types.Operator):
    """Stop at once: nothing more is shown, and the server's work ends"""

    bl_idname = "motus.live_stop"
    bl_label = "Stop"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Stop."""
        session.current().leave_stage()
        return {"FINISHED"}


class MotusLiveRecord(WhileLive, bpy.types.Operator):
    """Record what is shown; press again, and the record becomes a take to accept or reject"""

    bl_idname = "motus.live_record"
    bl_label = "Record"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Begin to record, or make a take of the record."""
        running = session.current()
        assert running.performance is not None, "poll() looked"
        live = running.performance.live
        live.recording = not live.recording
        if not live.recording:
            running.keep_record()
        return {"FINISHED"}


class MotusLiveGo(WhileLive, bpy.types.Operator):
    """Walk to the 3D cursor"""

    bl_idname = "motus.live_go"
    bl_label = "To 3D Cursor"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Send it there."""
        running = session.current()
        assert running.performance is not None, "poll() looked"
        spot = running.performance.spot(context.scene.cursor.location)
        running.order(running.performance.live.steer(target=spot))
        return {"FINISHED"}


class MotusLiveFree(WhileLive, bpy.types.Operator):
    """Go wherever the motion goes"""

    bl_idname = "motus.live_free"
    bl_label = "Free"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Let it go."""
        running = session.current()
        assert running.performance is not None, "poll() looked"
        running.order(running.performance.live.steer(free=True))
        return {"FINISHED"}


CLASSES = (MotusLive, MotusLiveStop, MotusLiveRecord, MotusLiveGo, MotusLiveFree)
