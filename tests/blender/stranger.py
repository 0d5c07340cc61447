"""The other end of a connection, which says what a test tells it to: servers that are older, newer, or of nobody's."""

from __future__ import annotations

from typing import Any

import zmq

from motion import protocol
from motion.protocol import Limits, Task, Welcome
from motion.skeleton import SMPLX22


class Stranger:
    """A context manager around a ROUTER."""

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.bind("tcp://127.0.0.1:*")
        self.address = self._router.getsockopt_string(zmq.LAST_ENDPOINT)
        self._identity = b""

    def __enter__(self) -> Stranger:
        return self

    def __exit__(self, *exc: object) -> None:
        self._context.destroy(linger=0)

    def answer(self, *messages: list[bytes]) -> Any:
        """Wait for a message, answer it, and give it back."""
        assert self._router.poll(5000), "nothing came"
        heard = self._receive()
        self.say(*messages)
        return heard

    def hear(self) -> list[Any]:
        """What has come, without waiting for it."""
        heard: list[Any] = []
        while self._router.poll(0):
            heard.append(self._receive())
        return heard

    def say(self, *messages: list[bytes]) -> None:
        """Tell whoever spoke last."""
        for message in messages:
            self._router.send_multipart([self._identity, *message])

    def _receive(self) -> Any:
        self._identity, *parts = self._router.recv_multipart()
        return protocol.unpack(parts)


def welcome(*tasks: Task) -> Welcome:
    """A server whose bundle can do these tasks."""
    limits = Limits(200, 0.5, 60.0, 4, 3, 240)
    return Welcome(
        server="test 9.9",
        bundle="later",
        bundle_version="9.9",
        licence="CC0",
        tasks=tasks,
        fps=30.0,
        limits=limits,
        skeleton=SMPLX22.name,
        joints=SMPLX22.joints,
        parents=SMPLX22.parents,
        offsets=SMPLX22.offsets,
    )
