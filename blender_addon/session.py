"""What goes on while Blender runs: the desk, which take is shown where, and the last thing there was to say.

One session lives from the extension's being switched on to its being switched off; `step` is one turn of it, called by
the app timer, or by hand where there is none. Data-blocks are looked up anew each turn, for undo and file loads replace
them.
"""

import time
from collections.abc import Sequence

import bpy

from blender_addon import extension
from blender_addon.armature.rig import held
from blender_addon.showing import bands, preview, verdict
from blender_addon.showing.descriptions import Descriptions
from blender_addon.showing.ghost import Ghosts
from blender_addon.showing.show import Show
from blender_addon.showing.status_bar import StatusBar
from blender_addon.showing.stream import Performance
from blender_addon.talk.desk import Desk
from blender_addon.talk.link import Link, check, load_keys, sentence
from blender_addon.talk.server import LocalServer
from blender_addon.talk.take import Step, Take
from motion.errors import MotionError
from motion.protocol import Message

_REDRAW_S = 0.1


class Session:
    """Everything that is under way."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.shows: dict[str, Show] = {}
        self.front: dict[int, str] = {}
        """armature -> the take that is shown on it"""
        self.error = ""
        """the last thing that went wrong, for the panel"""
        self.status = StatusBar()
        self.descriptions = Descriptions()
        self.ghosts = Ghosts()
        self._bands = bands.register()
        self.server = LocalServer(extension.folder() / "server.log")
        """a server of the user's own"""
        self.performance: Performance | None = None
        """the live session that is under way"""
        self._versions: dict[str, tuple[int, bool]] = {}
        self._next: dict[str, float] = {}
        self._drawn = 0.0
        self._said = ("", "")
        self._begun = False

    def connect(self, address: str = "") -> None:
        """Look for the server of the preferences, or at `address`. Raises BadConfig."""
        settings = extension.preferences()
        address = address or settings.address
        check(address, bpy.app.online_access)
        keys = load_keys(bpy.path.abspath(settings.keys) if settings.keys else "")
        self.desk.connect(Link(address, extension.CLIENT, keys))
        self._begun = False

    def close(self) -> None:
        """Stop everything and put all armatures back as they were."""
        self.leave_stage()
        preview.hide_all()
        self.ghosts.clear()
        bands.unregister(self._bands)
        self.server.stop()
        self.desk.disconnect("The extension was switched off")
        self.shows.clear()
        self.front.clear()

    def ask_all(self, shows: Sequence[Show]) -> None:
        """Put takes in the queue, and let the first be seen as soon as there is something to see."""
        for show in shows:
            self.shows[show.take.uid] = show
            self.desk.ask(show.take)
        self.choose(shows[0])
        scene, armature = shows[0].find_scene(), shows[0].find()
        if scene is not None and scene.motus.dice:
            scene.motus.seed = shows[0].take.seed
        names = [] if armature is None else held(armature, shows[0].rig)
        if names:
            some = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
            self.say(f"{len(names)} bones are held by constraints and may not move ({some}): mute these, or bake")
        if extension.read_only():
            self.say(f"{bpy.path.basename(bpy.data.filepath)} is read-only: save it under another name to keep takes")

    def describe(self, take: Take, action: bpy.types.Action | None, name: str) -> None:
        """Put a take in the queue whose words belong to an action, or to what is called `name`."""
        self.descriptions.expect(take, action, name)
        self.desk.ask(take)

    def say(self, error: MotionError | str) -> str:
        """Keep a sentence for the panel, and give it back."""
        self.error = error if isinstance(error, str) else sentence(error)
        self.status.refresh()
        return self.error

    def open_shows(self, armature: bpy.types.Object | None = None) -> list[Show]:
        """Takes nobody has decided about, oldest first; of one armature, or all."""
        return [
            show
            for uid, show in self.shows.items()
            if self._open(uid) and (armature is None or show.armature == armature.session_uid)
        ]

    def shown(self, armature: bpy.types.Object | None) -> Show | None:
        """The open take that is, or is about to be, shown on an armature."""
        return None if armature is None else self._open(self.front.get(armature.session_uid, ""))

    def step(self) -> bool:
        """One turn: hear the server, show what has come; whether there was anything."""
        heard = self.desk.poll()
        heard = self._serve() or heard
        heard = self._mind_link() or heard
        self._write_down()
        self._tidy()
        if not bpy.app.is_job_running("RENDER"):
            heard = self._perform() or heard
            for show in list(self.shows.values()):
                heard = self._refresh(show) or heard
        self.status.show(next((take for take in self.desk.takes if not take.ended), None), self.error)
        now = time.monotonic()
        if heard or (self.desk.busy and now - self._drawn > _REDRAW_S):
            self._drawn = now
            redraw()
        return heard

    def choose(self, show: Show) -> None:
        """Show this take on its armature in place of another."""
        self.front[show.armature] = show.take.uid
        self._versions.pop(show.take.uid, None)

    def forget(self, show: Show) -> None:
        """A take is of no more use."""
        self.shows.pop(show.take.uid, None)
        if show.take in self.desk.takes:
            self.desk.drop(show.take)

    def begin(self) -> None:
        """What is done once Blender is up: connect where that is wanted."""
        settings = extension.preferences()
        if settings is None or not settings.auto_connect or bpy.app.background or self.desk.link is not None:
            return
        try:
            self.connect()
        except MotionError as error:
            self.say(error)
        self._begun = True

    def again(self) -> None:
        """Armatures were put back: what is to be seen on them is shown again in the next turn."""
        self._versions.clear()
        self._next.clear()

    def leave(self) -> None:
        """Another file is about to be opened: what is under way for this one stops."""
        self.leave_stage()
        for show in list(self.shows.values()):
            self.forget(show)
        self.front.clear()
        self.ghosts.clear()
        self.error = ""

    def repair(self) -> None:
        """After undo, redo or a file load: put armatures back that show what is not to be shown, and show the rest
        anew."""
        self.again()
        for armature in preview.shown():
            if self.performance is not None and armature.motus.showing == self.performance.live.name:
                continue
            show = self._open(armature.motus.showing)
            if show is None or self.front.get(armature.session_uid) != show.take.uid:
                preview.hide(armature)

    def _open(self, uid: str) -> Show | None:
        show = self.shows.get(uid)
        scene = None if show is None else show.find_scene()
        if show is None or scene is None or verdict.decided(scene, uid):
            return None
        return show

    def go_live(self, performance: Performance, seed: int) -> None:
        """Begin a live session."""
        self.performance = performance
        self.desk.live = performance.live
        self.order(performance.live.open(seed))

    def order(self, message: Message) -> None:
        """Tell the server something about the live session."""
        if self.desk.link is not None:
            self.desk.link.send(message)

    def leave_stage(self) -> None:
        """End the live session at once; what was recorded becomes a take."""
        performance, self.performance, self.desk.live = self.performance, None, None
        if performance is None:
            return
        if performance.live.state != "ended":
            self.order(performance.live.close())
        armature = performance.find()
        if armature is not None:
            preview.hide(armature)
        if performance.live.recording:
            self.keep_record(performance)
        self.again()

    def keep_record(self, performance: Performance | None = None) -> None:
        """Make a take of what was recorded of the live session."""
        performance = performance or self.performance
        clip = None if performance is None else performance.live.recorded()
        if performance is None or clip is None:
            return
        take = Take(performance.live.text or "Live", [Step(lead=clip)], 0, clip.skeleton, clip.fps)
        take.request()
        self.shows[take.uid] = performance.record(take)
        self.choose(self.shows[take.uid])

    def _perform(self) -> bool:
        """Show what is due of the live session; whether anything was."""
        performance = self.performance
        if performance is None:
            return False
        live = performance.live
        if live.state == "ended":
            self.leave_stage()
            if live.sentence:
                self.say(live.sentence)
            return True
        frame = live.due(time.monotonic())
        if frame is None:
            return False
        try:
            there = performance.show(frame)
        except MotionError as error:
            self.say(error)
            there = False
        if not there:
            self.leave_stage()
        return True

    def _mind_link(self) -> bool:
        """Say why the server that the user asked for does not answer; whether there is news of it."""
        link = self.desk.link
        said = ("", "") if link is None else (link.state, link.sentence)
        news, self._said = said != self._said, said
        if news and link is not None and link.troubled and not self._begun:
            self.say(link.sentence)
        return news

    def _serve(self) -> bool:
        """Look after the user's own server; connect to it once it is ready."""
        if not self.server.poll():
            return False
        if self.server.state == "ready":
            self.connect(self.server.address)
        elif self.server.state == "failed":
            self.say("The server ended: " + " ".join(self.server.last_lines(1) or ["it said nothing"]))
        return True

    def _write_down(self) -> None:
        """Put words that came into a text block and on their action."""
        for take in self.descriptions.write():
            if take in self.desk.takes:
                self.desk.drop(take)
            if take.state == "failed":
                self.say(take.sentence)

    def _tidy(self) -> None:
        """Takes that ended with nothing to show say why, and go."""
        for uid, show in list(self.shows.items()):
            take = show.take
            if take.ended and take.clip is None and not take.text:
                if take.state == "failed":
                    self.say(take.sentence)
                self.forget(show)
            elif take.state == "failed" and self._versions.get(uid, (0, False)) != (take.version, True):
                self.say(take.sentence)

    def _refresh(self, show: Show) -> bool:
        """Show what is new of a take."""
        if self.performance is not None and self.performance.armature == show.armature:
            return False
        take = show.take
        state = (take.version, take.ended)
        if self.front.get(show.armature) != take.uid or self._versions.get(take.uid) == state or take.clip is None:
            return False
        if self._open(take.uid) is None or (not take.ended and time.monotonic() < self._next.get(take.uid, 0.0)):
            return False
        armature = show.find()
        self._versions[take.uid] = state
        if armature is None:
            self.say("The armature was deleted: undo (Ctrl Z) brings it back, and the take with it")
            return True
        began = time.monotonic()
        try:
            preview.check(armature)
            channels, frames = show.channels(armature, preview.own(armature), take.ended)
            preview.show(armature, take.uid, channels, frames, show.wish.keep)
        except MotionError as error:
            self.say(error)
        # A long clip takes longer to show: never more than a fifth of the time is spent on it.
        self._next[take.uid] = time.monotonic() + max(0.1, 4 * (time.monotonic() - began))
        return True


def redraw() -> None:
    """Let the sidebars and what shows animation be drawn anew."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "DOPESHEET_EDITOR", "GRAPH_EDITOR", "NLA_EDITOR", "TIMELINE"):
                area.tag_redraw()


_current: Session | None = None


def current() -> Session:
    """The session, while the extension is switched on."""
    assert _current is not None, "the extension is switched off"
    return _current


def tell(text: str | None = None, speed: float | None = None, pause: bool | None = None) -> None:
    """New orders for the live session, where one is under way."""
    if _current is not None and _current.performance is not None:
        live = _current.performance.live
        live.text = text or live.text
        _current.order(live.steer(text=text or None, speed=speed, pause=pause))


def begin() -> Session:
    """Start the session."""
    global _current
    _current = Session()
    return _current


def end() -> None:
    """End the session."""
    global _current
    if _current is not None:
        _current.close()
        _current = None
