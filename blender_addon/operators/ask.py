"""What operators that ask the server share: pressed in the window they return at once, a script waits for them."""

import time
from typing import ClassVar

import bpy
from bpy.props import BoolProperty

from blender_addon import session
from blender_addon.operators.refusal import asked, connected, refuse
from blender_addon.showing import verdict
from blender_addon.showing.show import Show
from motion.errors import BadRequest, MotionError, TimedOut, Unavailable

_CONNECT_S = 5.0
_WAIT_S = 600.0


class Ask:
    """An operator that asks for takes; its class says with `shows` for which."""

    TASKS: ClassVar[tuple[str, ...]] = ()
    """what the bundle must be able to do"""
    address = ""
    """of the server; empty: that of the preferences"""
    wait: BoolProperty(name="Wait", description="Return when what was asked for is there", default=True)

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Where the bundle can; a script may still have to connect."""
        return bpy.app.background or all(connected(cls, task) for task in cls.TASKS)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Pressed by somebody: never wait."""
        self.wait = False
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask; then, unless this is a script's call, return at once."""
        running = session.current()
        running.error = ""
        try:
            if self.wait:
                connect(running, self.address)
            self.ask(context, running)
        except MotionError as error:
            return refuse(self, error, loud=self.wait)
        return asked(self)

    def ask(self, context: bpy.types.Context, running: session.Session) -> None:
        """Put the takes in the queue; for a script, wait for the first and keep it."""
        shows = self.shows(context, running)
        if self.wait:
            finish(context, shows[0])
            if shows[0].take.hint:
                self.report({"INFO"}, shows[0].take.hint)
        else:
            running.ask_all(shows)

    def shows(self, _context: bpy.types.Context, _running: session.Session) -> list[Show]:
        """The takes to ask for. Raises MotionError."""
        raise AssertionError("each operator has its own")


def connect(running: session.Session, address: str = "") -> None:
    """Wait until a server answers. Raises Unavailable or BadConfig. Only for scripts."""
    if running.desk.link is None or (address and running.desk.link.address != address):
        running.connect(address)
    link = running.desk.link
    assert link is not None, "connect() made one"
    until = time.monotonic() + _CONNECT_S
    while link.state != "open":
        link.wait(0.1)
        running.desk.poll()
        if link.state == "refused" or time.monotonic() > until:
            raise Unavailable(link.sentence)


def finish(context: bpy.types.Context, show: Show) -> None:
    """Ask, wait until the take is done, and put it on the armature. Raises what went wrong. Only for scripts."""
    running, take = session.current(), show.take
    running.ask_all([show])
    until = time.monotonic() + _WAIT_S
    while not take.ended:
        assert running.desk.link is not None, "a take under way has a link"
        running.desk.link.wait(0.1)
        running.desk.poll()
        if time.monotonic() > until:
            running.desk.cancel(take)
            raise TimedOut(f"The server was not done within {_WAIT_S:g} s")
    if take.state != "done":
        running.forget(show)
        raise Unavailable(take.sentence)
    armature = show.find()
    if armature is None:
        raise BadRequest("The armature was deleted while its motion was made")
    verdict.accept(context.scene, show, armature, running.desk.welcome)
    if not bpy.app.background:
        bpy.ops.ed.undo_push(message="Motus")
