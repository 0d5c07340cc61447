"""Generate: from a sentence to an action on the armature.

Pressed in the window, `motus.generate` asks and returns at once; called from a script it waits until the clip is on the
armature.
"""

import time

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from blender_addon import asking, extension, session
from blender_addon.operators.refusal import asked, refuse
from blender_addon.showing import verdict
from blender_addon.showing.show import Show
from motion.errors import BadRequest, MotionError, TimedOut, Unavailable

_CONNECT_S = 5.0
_WAIT_S = 600.0


class MotusGenerate(bpy.types.Operator):
    """Make motion of the sentence and show it on the armature as it comes"""

    bl_idname = "motus.generate"
    bl_label = "Generate"

    prompt: StringProperty(name="Prompt", description="What the character should do; empty: the sidebar's")
    seconds: FloatProperty(name="Seconds", description="Length; 0: the sidebar's")
    seed: IntProperty(name="Seed", description="-1: the sidebar's, or a new one", default=-1, min=-1)
    armature: StringProperty(name="Armature", description="Name of the object; empty: the sidebar's")
    address: StringProperty(name="Server", description="Only for scripts; empty: that of the preferences")
    wait: BoolProperty(name="Wait", description="Return when the clip is on the armature", default=True)

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
                finish(context, self._shows(context, 1)[0])
            else:
                running.ask_all(self._shows(context, context.scene.motus.variations))
        except MotionError as error:
            return refuse(self, error, loud=self.wait)
        return asked(self)

    def _shows(self, context: bpy.types.Context, variations: int) -> list[Show]:
        running, settings = session.current(), context.scene.motus
        asking.need(running, "text-to-motion")
        armature = None
        if self.armature:
            armature = context.scene.objects.get(self.armature)
            if armature is None or armature.type != "ARMATURE":
                raise BadRequest(f"There is no armature {self.armature!r} in this scene")
        prompt, seconds = self.prompt or settings.prompt, self.seconds or settings.seconds
        place = asking.stage(running, context, armature)
        seed = asking.seed_of(settings) if self.seed < 0 else self.seed
        if settings.append:
            shows = asking.onward(running, asking.at_end(place), prompt, seconds, seed, variations)
        else:
            shows = asking.generate(running, place, prompt, seconds, seed, variations)
        history = extension.preferences()
        if history is not None and not self.wait:
            history.remember(" ".join(prompt.split()))
        return shows


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


CLASSES = (MotusGenerate,)
