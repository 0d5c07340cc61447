"""Peers of a real server that say whatever they like, and wait for what they expect."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final, TypeVar

import zmq

from motion import protocol
from motion.protocol import Accepted, Done, Error, Frames, Hello, Message, Pong, Welcome
from motion.protocol.sockets import join
from runtime.client import Client
from runtime.keys import ClientKeys

M = TypeVar("M", bound=Message)
TOLD = (Accepted, Done, Error, Frames, Pong, Welcome)


class Raw:
    """A peer on a DEALER of its own."""

    def __init__(self, address: str, keys: ClientKeys | None = None, name: bytes = b"") -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        if name:
            self.socket.setsockopt(zmq.IDENTITY, name)
        if keys is not None:
            join(self.socket, keys.own, keys.server)
        self.socket.connect(address)

    def send(self, *parts: bytes) -> None:
        self.socket.send_multipart(parts)

    def say(self, message: Message) -> None:
        self.send(*protocol.pack(message))

    def hear(self, *kinds: type[M], within: float = 10.0) -> M:
        """The next message of these kinds; others, such as pings and progress, are passed over."""
        until = time.monotonic() + within
        while self.socket.poll(max(0, round(1000 * (until - time.monotonic())))):
            message = protocol.unpack(self.socket.recv_multipart())
            if isinstance(message, kinds or TOLD):
                return message  # type: ignore[return-value]
        raise AssertionError(f"nothing came in {within:g} s while waiting for {kinds}")

    def silent(self, within: float) -> bool:
        """Whether nothing at all comes for so long."""
        return not self.socket.poll(round(1000 * within))

    def close(self) -> None:
        self.socket.close(linger=0)
        self._context.term()


@contextmanager
def peer(address: str, greet: bool = True, window: int = 120, keys: ClientKeys | None = None) -> Iterator[Raw]:
    """A peer that has said hello, unless it is not to."""
    raw = Raw(address, keys)
    try:
        if greet:
            raw.say(Hello("test", window))
            raw.hear(Welcome)
        yield raw
    finally:
        raw.close()


ASKER = """
import sys
from motion.protocol import Frames
from runtime.client import Client
with Client(sys.argv[1]) as client:
    for event in client.generate(sys.argv[2], seconds=60.0, seed=1):
        if isinstance(event, Frames):
            print("moving", flush=True)
"""
"""asks the server at its first argument for a minute of its second, and says of each piece that it has come"""


@contextmanager
def child(program: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A process that runs a Python program until the block ends, and what it prints."""
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


@contextmanager
def program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], IO[str], IO[str]]]:
    """A Python module that runs until the block ends, what it prints, and what it logs."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process, process.stdout, process.stderr
        finally:
            process.kill()


def eventually(holds: Callable[[], bool], within: float = 10.0, what: str = "it") -> float:
    """Ask again and again until something holds; how many seconds that took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within, f"{what} did not come about within {within:g} s"
    return time.monotonic() - begun


BUSY_S: Final = 1.5
"""how much later things may come on a machine whose cores other tests share"""


def assert_work_stops(address: str, within: float) -> None:
    """The counter of language-model steps comes to stand still in that time, and nothing is under way any more."""
    until = time.monotonic() + within + BUSY_S
    with Client(address) as client:
        while time.monotonic() < until and _under_way(client):
            pass
        steps = client.stats().tokens
        eventually(lambda: not _under_way(client), what="the end of the work")
        for _ in range(100):
            client.ping()
        assert client.stats().tokens == steps, f"the work went on for more than {within} s"


def _under_way(client: Client) -> int:
    stats = client.stats()
    return stats.running + stats.streams


def still_serves(address: str) -> None:
    with Client(address) as client:
        assert client.generate("walk", seconds=0.5, seed=0).result().done.frames == 15
