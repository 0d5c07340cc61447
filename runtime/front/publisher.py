"""What anybody may watch: live sessions on an XPUB socket, as PROTOCOL.md section 7 says.

Each subscription arrives here too: a watcher that joins under a name of its own is sent skeleton and current pose on a
topic that nobody else has. A watcher that does not read loses messages in libzmq, and nobody waits for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import zmq

from motion import protocol
from motion.protocol import Beat, Ended, Frames, Message, Scene, wire
from runtime.transport.address import readable

_JOINS: Final = 64  # that are answered in one turn: joining costs more than anything else that a stranger can ask
_WAITING: Final = 1000
_UNKNOWN: Final = "nothing is published under this name"


@dataclass(eq=False)
class _Published:
    scene: Scene
    topic: bytes
    newest: dict[int, list[bytes]] = field(default_factory=dict[int, list[bytes]])
    """the parts of the last frames of each body"""


class Publisher:
    """Owns what is said on `socket`; `clock` times are time.monotonic seconds."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self._published: dict[str, _Published] = {}
        self._watchers: Counter[bytes] = Counter()
        self._joins: list[tuple[str, bytes]] = []

    @property
    def watchers(self) -> int:
        """Subscriptions to live sessions, of those that are there and those that are not."""
        return sum(self._watchers.values())

    @property
    def joining(self) -> bool:
        """Whether somebody still waits to be let in."""
        return bool(self._joins)

    def has(self, name: str) -> bool:
        """Whether something is published under this name."""
        return name in self._published

    def watching(self, name: str | None) -> int:
        """Subscriptions to one live session."""
        return self._watchers[_topic(name)] if name else 0

    def open(self, scene: Scene) -> None:
        """Something begins."""
        published = self._published[scene.id] = _Published(scene, _topic(scene.id))
        self._send(published.topic, scene)

    def show(self, name: str, frames: Frames, parts: Sequence[bytes]) -> None:
        """The newest frames under a name; `parts` are theirs."""
        published = self._published[name]
        published.newest[frames.agent] = named = wire.renamed(parts, frames.id, name)
        if self._watchers[published.topic]:
            self._socket.send_multipart([published.topic, *named], zmq.NOBLOCK)

    def close(self, name: str, reason: str) -> None:
        """Nothing more comes under a name."""
        published = self._published.pop(name)
        self._send(published.topic, Ended(name, reason))

    def beat(self, clock: float) -> None:
        """The server is alive."""
        self._send(b"beat", Beat(clock))

    def listen(self, clock: float) -> None:
        """Take in subscriptions, and let in who joins."""
        while readable(self._socket):
            self._subscribed(self._socket.recv_multipart()[0])
        joins, self._joins = self._joins[:_JOINS], self._joins[_JOINS:]
        for name, topic in joins:
            self._join(name, topic, clock)

    def _subscribed(self, said: bytes) -> None:
        topic = said[1:]
        if said[:1] not in (b"\0", b"\1"):
            return
        kind, _, rest = topic.decode("ascii", "replace").partition("/")
        if kind == "stream":
            self._watchers[topic] += 1 if said[:1] == b"\1" else -1
            if self._watchers[topic] <= 0:
                del self._watchers[topic]
        name, _, nonce = rest.partition("/")
        if kind == "join" and said[:1] == b"\1" and wire.ID.fullmatch(name) and wire.ID.fullmatch(nonce):
            del self._joins[_WAITING:]
            self._joins.append((name, topic))

    def _join(self, name: str, topic: bytes, clock: float) -> None:
        published = self._published.get(name)
        if published is None:
            self._send(topic, Ended(name, _UNKNOWN))
            return
        self._send(topic, replace(published.scene, clock=clock))
        for parts in published.newest.values():
            self._socket.send_multipart([topic, *parts], zmq.NOBLOCK)

    def _send(self, topic: bytes, message: Message) -> None:
        self._socket.send_multipart([topic, *protocol.pack(message)], zmq.NOBLOCK)


def _topic(name: str) -> bytes:
    return f"stream/{name}/".encode()
