"""A watcher's side of a published live session, without a socket.

Whoever has a SUB socket subscribes to `topics`, in their order, and gives what arrives to `receive`. Frames are then
taken with `take`: the newest of each body, or all that came, and how many were lost is counted either way.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence

from motion import protocol
from motion.errors import BadMessage
from motion.protocol import Beat, Ended, Frames, Scene
from motion.protocol.wire import ID
from motion.skeleton import Skeleton

MOST = 64
"""frames of each body that are kept for whoever wants all of them"""


class Viewing:
    """What a watcher knows of the live session published as `name`."""

    def __init__(self, name: str) -> None:
        if not ID.fullmatch(name):
            raise BadMessage(f"nothing is published as {name[:64]!r}: names have letters, digits, '.', '_' and '-'")
        self.name = name
        self.scene: Scene | None = None
        """None until it is known that there is something to see"""
        self.ended: Ended | None = None
        """why nothing more comes, or nothing is there"""
        self.heard = 0.0
        """when anything last arrived"""
        self.lost = 0
        """frames that did not arrive, or were passed over for newer ones"""
        self._nonce = secrets.token_hex(8)
        self._newest: dict[int, int] = {}  # sequence of the newest frames of each body
        self._waiting: dict[int, deque[Frames]] = {}

    @property
    def topics(self) -> tuple[bytes, ...]:
        """What to subscribe to."""
        return f"stream/{self.name}/".encode(), b"beat", f"join/{self.name}/{self._nonce}".encode()

    @property
    def skeleton(self) -> Skeleton | None:
        """The one that frames are on."""
        scene = self.scene
        return None if scene is None else Skeleton(scene.skeleton, scene.joints, scene.parents, scene.offsets)

    def receive(self, parts: Sequence[bytes], now: float) -> Scene | Frames | Ended | Beat | None:
        """Take in what arrived, topic first; what is new of it. Raises BadMessage and BadVersion."""
        self.heard = now
        message = protocol.unpack(parts[1:])
        if isinstance(message, Scene):
            if self.scene is None or message.clock > self.scene.clock:
                self.scene, self.ended = message, None
                self._newest.clear()
                for waiting in self._waiting.values():
                    while waiting:
                        self._lose(waiting.popleft())
            return message
        if isinstance(message, Ended):
            self.ended = message
            return message
        if isinstance(message, Frames):
            return self._frames(message)
        return message if isinstance(message, Beat) else None

    def take(self, every: bool = False) -> list[Frames]:
        """The newest frames of each body since this was last asked; with `every`, all that came since, in order."""
        taken: list[Frames] = []
        for waiting in self._waiting.values():
            if not every:
                while len(waiting) > 1:
                    self._lose(waiting.popleft())
            taken.extend(waiting)
            waiting.clear()
        return sorted(taken, key=lambda frames: (frames.sequence, frames.agent))

    def _frames(self, message: Frames) -> Frames | None:
        before = self._newest.get(message.agent)
        if before is not None and message.sequence <= before:
            return None  # the pose that was sent on joining, once more
        if before is not None:
            self.lost += message.sequence - before - 1
        self._newest[message.agent] = message.sequence
        waiting = self._waiting.setdefault(message.agent, deque())
        waiting.append(message)
        while len(waiting) > MOST:
            self._lose(waiting.popleft())
        return message

    def _lose(self, frames: Frames) -> None:
        self.lost += len(frames.root)
