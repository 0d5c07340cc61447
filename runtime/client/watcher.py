"""Watching a live session: whoever may connect may see what is published.

    with Client() as client, client.watch("stage") as watcher:
        for frames in watcher:                              # the newest pose, about thirty times a second
            ...

A watcher that is slow passes over old frames and counts them in `lost`; it delays nobody. Where the server goes away
and comes back, it is joined again by itself.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from typing import Any, Final, Self

import zmq

from motion.errors import BadMessage, BadVersion, Unavailable
from motion.protocol import Frames, Scene, Welcome
from motion.protocol.sockets import WATCHER, ClientKeys, prepare
from motion.protocol.viewing import Viewing
from motion.skeleton import Skeleton
from runtime.transport.address import with_port

_MESSAGES: Final = 1000  # read in one go, so that a flood holds nobody up


def watch_address(address: str, welcome: Welcome) -> str:
    """Where watchers connect, at the server of this address. Raises Unavailable where it shows nothing."""
    if not welcome.watch_port:
        raise Unavailable(f"the server at {address} publishes nothing; it may be of an older version")
    return with_port(address, welcome.watch_port)


def subscribe(context: Any, address: str, viewing: Viewing, keys: ClientKeys | None) -> Any:
    """A SUB at the address of watchers, which hears what `viewing` wants to hear."""
    socket = context.socket(zmq.SUB)
    prepare(zmq, socket, address, keys, WATCHER)
    for topic in viewing.topics:
        socket.setsockopt(zmq.SUBSCRIBE, topic)
    socket.connect(address)
    return socket


class Watcher:
    """Watches `name` at the address of watchers. `timeout` is how many seconds of silence are put up with."""

    def __init__(self, address: str, name: str, keys: ClientKeys | None, timeout: float) -> None:
        self.address = address
        self._viewing = Viewing(name)
        self._timeout = timeout
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._finish = weakref.finalize(self, context.destroy, 0)
        self._socket = subscribe(context, address, self._viewing, keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Watch no longer."""
        self._finish()

    @property
    def scene(self) -> Scene:
        """What is to be seen. Raises Unavailable where nothing is published under the name."""
        since = time.monotonic()
        while self._viewing.scene is None and self._viewing.ended is None:
            self._pump(0.1, since)
        if self._viewing.scene is None:
            raise Unavailable(f"nothing is published as {self._viewing.name!r} at {self.address} now")
        return self._viewing.scene

    @property
    def skeleton(self) -> Skeleton:
        """The one that frames are on. Raises Unavailable where nothing is published under the name."""
        scene = self.scene
        return Skeleton(scene.skeleton, scene.joints, scene.parents, scene.offsets)

    @property
    def lost(self) -> int:
        """Frames that did not arrive, or were passed over for newer ones."""
        return self._viewing.lost

    def __iter__(self) -> Iterator[Frames]:
        """The newest frames of each body, as they come, until the live session ends."""
        since = time.monotonic()
        while True:
            for frames in self.poll(0.1):
                since = time.monotonic()
                yield frames
            if self._viewing.ended is not None:
                return
            self._check_silence(since)

    def poll(self, timeout: float = 0.0, every: bool = False) -> list[Frames]:
        """The newest frames of each body since the last call, waiting at most `timeout` seconds for some; with `every`,
        all that came. None come before somebody publishes under the name, or after."""
        taken = self._viewing.take(every)
        if not taken:
            self._pump(timeout, None)
            taken = self._viewing.take(every)
        return taken

    def _pump(self, timeout: float, since: float | None) -> None:
        if self._socket.closed:
            raise Unavailable(f"{self.address} is watched no longer: this watcher was closed")
        wait = max(0, round(timeout * 1000))
        try:
            for _ in range(_MESSAGES):
                if not self._socket.poll(wait):
                    break
                self._viewing.receive(self._socket.recv_multipart(), time.monotonic())
                wait = 0
        except (BadMessage, BadVersion) as error:
            raise Unavailable(f"what is published at {self.address} cannot be read: {error}") from error
        except zmq.ZMQError as error:  # closed meanwhile by another thread
            raise Unavailable(f"{self.address} is watched no longer: {error.strerror}") from error
        if since is not None:
            self._check_silence(since)

    def _check_silence(self, since: float) -> None:
        if time.monotonic() - max(since, self._viewing.heard) > self._timeout:
            raise Unavailable(f"nothing has been heard from {self.address} for {self._timeout:g} s")
