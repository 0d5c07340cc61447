"""The desk: all takes of this session, the link they go through, and whose turn it is. No bpy.

`poll` sends what is due and hands what came to the take it is for. As many requests as the server allows one client are
under way at once; the other takes wait here.
"""

from __future__ import annotations

from collections.abc import Sequence

from blender_addon.talk.link import Link, Lost
from blender_addon.talk.live import Live
from blender_addon.talk.take import Take
from motion.protocol import Accepted, Cancel, Done, Error, Frames, Message, Progress, Task, Text, Welcome
from motion.skeleton import Skeleton

_TURN = 8  # the answers of that many requests at once, where the server does not say


class Desk:
    """Takes and the link to the server. The link may come and go."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.takes: list[Take] = []
        self.live: Live | None = None
        self._under_way: dict[str, Take] = {}

    @property
    def welcome(self) -> Welcome | None:
        """What the server said of itself, while there is one."""
        return None if self.link is None else self.link.welcome

    @property
    def skeleton(self) -> Skeleton | None:
        """The skeleton that frames are for."""
        welcome = self.welcome
        return None if welcome is None else Skeleton(welcome.skeleton, welcome.joints, welcome.parents, welcome.offsets)

    @property
    def busy(self) -> bool:
        """Whether anything is under way or waits."""
        return self.live is not None or any(not take.ended for take in self.takes)

    def connect(self, link: Link) -> None:
        """Talk through this link from now on."""
        self.disconnect("The connection was changed")
        self.link = link

    def disconnect(self, sentence: str) -> None:
        """Let go of the link; what was under way ends."""
        if self.link is not None:
            self.link.close()
            self.link = None
        self._fail(sentence)

    def task(self, name: str) -> Task | None:
        """The task of this name, if the bundle can do it."""
        welcome = self.welcome
        return None if welcome is None else next((task for task in welcome.tasks if task.name == name), None)

    def why_not(self, *tasks: str) -> str:
        """Why none of these tasks can be done now, in a sentence; "" where one can."""
        if self.welcome is None:
            return "Not connected" if self.link is None else self.link.sentence
        if any(self.task(name) for name in tasks):
            return ""
        can = ", ".join(task.name for task in self.welcome.tasks)
        return f"The bundle {self.welcome.bundle!r} has no {' or '.join(tasks)}; it can do {can}"

    def lacks(self, capability: str) -> str:
        """Why the server cannot do something that goes beyond the first protocol, in a sentence; "" where it can."""
        if self.welcome is None:
            return "Not connected" if self.link is None else self.link.sentence
        if capability in self.welcome.capabilities:
            return ""
        can = ", ".join(self.welcome.capabilities) or "nothing beyond single requests"
        return f"The server {self.welcome.server!r} has no {capability}; it has {can}"

    def ask(self, take: Take) -> None:
        """Put a take in the queue."""
        self.takes.append(take)
        self._dispatch()

    def cancel(self, take: Take) -> None:
        """Stop a take, here at once and at the server within its next step."""
        for name in [name for name, one in self._under_way.items() if one is take]:
            if self.link is not None:
                self.link.send(Cancel(name))
            del self._under_way[name]
        if not take.ended:
            take.end("cancelled", "Cancelled")

    def drop(self, take: Take) -> None:
        """Forget a take altogether."""
        self.cancel(take)
        self.takes.remove(take)

    def poll(self) -> bool:
        """Take in what has come; whether anything has."""
        if self.link is None:
            return False
        events: Sequence[Message | Lost] = self.link.poll()
        for event in events:
            if isinstance(event, Lost):
                self._fail(f"{event.sentence}; ask again when it is back")
            elif self.live is not None and getattr(event, "id", None) == self.live.name:
                self.live.hear(event)
            elif isinstance(event, (Accepted, Progress, Frames, Text, Done, Error)):
                self._hand(event)
        if self.link.state == "refused":
            self._fail(self.link.sentence)
        self._dispatch()
        return bool(events)

    def _hand(self, event: Accepted | Progress | Frames | Text | Done | Error) -> None:
        take = self._under_way.get(event.id)
        if take is None or self.link is None:
            return
        done = take.hear(event)
        if done or take.ended:
            del self._under_way[event.id]
        if done:
            self._send(take)

    def _dispatch(self) -> None:
        if self.welcome is None:
            return
        room = (self.welcome.limits.requests or _TURN) - len(self._under_way)
        for take in [take for take in self.takes if take.state == "waiting" and take not in self._under_way.values()]:
            if room > 0:
                self._send(take)
                room -= 1

    def _send(self, take: Take) -> None:
        request = take.request()
        if request is not None and self.link is not None:
            self._under_way[request.id] = take
            self.link.send(request)

    def _fail(self, sentence: str) -> None:
        for take in self.takes:
            if not take.ended:
                take.end("failed", sentence)
        self._under_way.clear()
        if self.live is not None:
            self.live.end(sentence)
