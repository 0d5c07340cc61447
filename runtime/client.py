"""The Python client: one class that asks, one that is iterated for what comes.

    with Client() as client:
        for event in client.generate("a person waves", seconds=4):
            ...                                             # Accepted, Progress, Frames, Text, Done
        clip = client.generate("a person bows").result().clip

numpy, pyzmq and the standard library only. A client belongs to one thread. Whatever goes wrong is a MotionError: the
server's own errors are raised as the class of their code, a server that is not there or falls silent as Unavailable.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeVar

import numpy as np
import zmq

from motion import protocol
from motion.clip import Clip
from motion.errors import BadRequest, MotionError, Unavailable, error_types
from motion.protocol import (
    ADDRESS,
    Accepted,
    Ack,
    Cancel,
    Close,
    Done,
    Error,
    Frames,
    Generate,
    Hello,
    Message,
    Ping,
    Pong,
    Pose,
    Progress,
    Statistics,
    Stats,
    Text,
    Welcome,
)
from motion.skeleton import Skeleton

Event = Accepted | Progress | Frames | Text | Done
Answer = TypeVar("Answer", Welcome, Pong, Statistics)
WINDOW: Final = 120
"""frames under way that the caller has not taken yet: four seconds"""


@dataclass(frozen=True)
class Result:
    """All that a request brought forth."""

    clip: Clip | None
    """None where the task gives text"""
    text: str
    done: Done


class Client:
    """A connection to a server. `timeout` is how many seconds of silence are put up with."""

    def __init__(
        self, address: str = ADDRESS, name: str = "python", window: int = WINDOW, timeout: float = 10.0
    ) -> None:
        self.address = address
        self._name = name
        self._window = window
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._welcome: Welcome | None = None
        self._heard = 0.0
        self._answers: deque[Message] = deque()
        self._generations: dict[str, Generation] = {}
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket, self._monitor, self._poller = self._make_socket()

    def __enter__(self) -> Self:
        try:
            self._greet()
        except MotionError:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye; whatever is still under way stops."""
        if self._welcome is not None:
            self._send(Close())
        self._hang_up(linger=200)
        self._context.term()

    @property
    def welcome(self) -> Welcome:
        """What the server said of itself: version, bundle, licence, tasks, skeleton, limits."""
        assert self._welcome is not None, "the client is used before `with` entered it"
        return self._welcome

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton that frames are for."""
        welcome = self.welcome
        return Skeleton(welcome.skeleton, welcome.joints, welcome.parents, welcome.offsets)

    def generate(
        self,
        text: str = "",
        *,
        task: str = "text-to-motion",
        seconds: float | None = None,
        seed: int | None = None,
        past: Clip | None = None,
        future: Clip | None = None,
        motion: Clip | None = None,
    ) -> Generation:
        """Ask for `task`; what comes of it is read from the Generation. Clips are on the server's skeleton and rate."""
        self._greet()
        request = Generate(
            id=f"g{next(self._ids)}",
            task=task,
            text=text,
            seconds=seconds,
            seed=seed,
            past=self._pose("past", past),
            future=self._pose("future", future),
            motion=self._pose("motion", motion),
        )
        self._send(request)
        generation = Generation(self, request.id, self.skeleton)
        self._generations[request.id] = generation
        return generation

    def ping(self) -> float:
        """Seconds there and back."""
        self._greet()
        asked = time.monotonic()
        self._send(Ping(asked))
        self._answer(Pong)
        return time.monotonic() - asked

    def stats(self) -> Statistics:
        """The server's counters."""
        self._greet()
        self._send(Stats())
        return self._answer(Statistics)

    def _make_socket(self) -> tuple[zmq.Socket[bytes], zmq.Socket[bytes], zmq.Poller]:
        """A DEALER, what tells of its lost connection, and what waits for either."""
        dealer = self._context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.HEARTBEAT_IVL, 1000)
        dealer.setsockopt(zmq.HEARTBEAT_TIMEOUT, 5000)
        dealer.setsockopt(zmq.SNDHWM, 0)  # acknowledgements are small; a send never waits
        dealer.setsockopt(zmq.IPV6, int("[" in self.address))
        monitor = dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        poller = zmq.Poller()
        poller.register(dealer, zmq.POLLIN)
        poller.register(monitor, zmq.POLLIN)
        return dealer, monitor, poller

    def _hang_up(self, linger: int) -> None:
        self._welcome = None
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._monitor.close()
            self._socket.close(linger)

    def _greet(self) -> None:
        """Connect and say hello, where that is not done."""
        if self._welcome is not None:
            return
        if self._socket.closed:
            self._socket, self._monitor, self._poller = self._make_socket()
        try:
            self._socket.connect(self.address)
            self._answers.clear()
            self._send(Hello(self._name, self._window))
            self._welcome = self._answer(Welcome)
        except zmq.ZMQError as error:
            self._hang_up(linger=0)
            raise Unavailable(f"{self.address!r} is no address: {error.strerror}; write tcp://HOST:PORT") from error
        except Unavailable as error:
            self._hang_up(linger=0)
            raise Unavailable(
                f"no server answers at {self.address} within {self._timeout:g} s: start one with "
                "`python -m runtime.serve`, or wait until it says that it is ready"
            ) from error
        except MotionError:
            self._hang_up(linger=0)
            raise

    def _pose(self, name: str, clip: Clip | None) -> Pose | None:
        if clip is None:
            return None
        if clip.skeleton.joints != self.welcome.joints:
            raise BadRequest(
                f"{name!r} is on skeleton {clip.skeleton.name!r} and the server works on {self.welcome.skeleton!r}: "
                "motion.retarget takes it there"
            )
        if abs(clip.fps - self.welcome.fps) > 1e-3:
            raise BadRequest(
                f"{name!r} has {clip.fps:g} frames a second and the server {self.welcome.fps:g}: "
                "motion.clip.resample takes it there"
            )
        return Pose(clip.rotations, clip.root)

    def _send(self, message: Message) -> None:
        self._socket.send_multipart(protocol.pack(message))

    def _answer(self, kind: type[Answer]) -> Answer:
        """The next answer of this kind. Raises what the server objects to, and Unavailable after silence."""
        since = time.monotonic()
        while True:
            while self._answers:
                message = self._answers.popleft()
                if isinstance(message, Error):
                    raise _raised(message)
                if isinstance(message, kind):
                    return message
            self.pump(0.1)
            self.check_silence(since)

    def check_silence(self, since: float) -> None:
        """Raises Unavailable where the server was silent since then for longer than is put up with."""
        if time.monotonic() - max(since, self._heard) > self._timeout:
            raise Unavailable(f"the server at {self.address} has not been heard of for {self._timeout:g} s")

    def pump(self, timeout: float) -> None:
        """Take in what has arrived, waiting at most `timeout` seconds for something."""
        ready = dict(self._poller.poll(max(0, round(timeout * 1000))))
        if self._socket in ready:
            self._heard = time.monotonic()
            while self._socket.poll(0):
                self._route(protocol.unpack(self._socket.recv_multipart()))
        elif self._monitor in ready:
            self._hang_up(linger=0)  # the server keeps no session across connections: the next request greets it anew
            lost = Unavailable(f"the server at {self.address} closed the connection; it stopped, or was stopped")
            for generation in self._generations.values():
                generation.fail(lost)
            self._generations.clear()
            raise lost

    def take(self, generation: Generation, message: Event) -> None:
        """Acknowledge what the caller was handed, while there is somebody to tell."""
        if isinstance(message, Frames) and generation.id in self._generations:
            self._send(Ack(generation.id, generation.frames))

    def stop(self, generation: Generation) -> None:
        """Ask the server to stop a request."""
        if generation.id in self._generations:
            self._send(Cancel(generation.id))

    def _route(self, message: Message) -> None:
        name = message.id if isinstance(message, (Accepted, Progress, Frames, Text, Done, Error)) else ""
        generation = self._generations.get(name)
        if generation is None:
            if isinstance(message, (Welcome, Pong, Statistics)) or (isinstance(message, Error) and not name):
                self._answers.append(message)
            return
        if isinstance(message, (Done, Error)):
            del self._generations[name]
        if isinstance(message, Error):
            generation.fail(_raised(message))
        elif isinstance(message, (Accepted, Progress, Frames, Text, Done)):
            generation.put(message)


class Generation:
    """One request under way: iterate it for its events, or ask for its `result`. Leaving an iteration cancels."""

    def __init__(self, client: Client, name: str, skeleton: Skeleton) -> None:
        self.id = name
        self.frames = 0
        """frames handed to the caller"""
        self._client = client
        self._skeleton = skeleton
        self._arrived: deque[Event] = deque()
        self._error: MotionError | None = None
        self._blocks: list[Frames] = []
        self._done: Done | None = None

    def __iter__(self) -> Iterator[Event]:
        try:
            while self._done is None:
                since = time.monotonic()
                while (event := self.poll(0.1)) is None:
                    self._client.check_silence(since)
                yield event
        finally:
            if self._done is None:
                self.cancel()

    def poll(self, timeout: float = 0.0) -> Event | None:
        """The next event, or None where none comes within `timeout` seconds. Raises what went wrong."""
        if not self._arrived and self._error is None:
            self._client.pump(timeout)
        if not self._arrived:
            if self._error is not None:
                raise self._error
            return None
        event = self._arrived.popleft()
        if isinstance(event, Frames):
            self.frames += len(event.root)
            self._blocks.append(event)
        if isinstance(event, Done):
            self._done = event
        self._client.take(self, event)
        return event

    def cancel(self) -> None:
        """Stop the work. Where it was not done yet, `poll` and `result` raise Cancelled."""
        self._client.stop(self)

    def result(self) -> Result:
        """Wait for the end; everything as one."""
        for _ in self:
            pass
        assert self._done is not None
        return Result(self.clip, self._done.text, self._done)

    @property
    def clip(self) -> Clip | None:
        """The frames handed out so far as one clip, or None while there are none."""
        if not self._blocks:
            return None
        return Clip(
            self._skeleton,
            self._blocks[0].fps,
            np.concatenate([block.rotations for block in self._blocks]),
            np.concatenate([block.root for block in self._blocks]),
            np.concatenate([block.contacts for block in self._blocks]),
        )

    def put(self, event: Event) -> None:
        """The client's: an event arrived."""
        self._arrived.append(event)

    def fail(self, error: MotionError) -> None:
        """The client's: no more events will come."""
        self._error = error


def _raised(error: Error) -> MotionError:
    return error_types().get(error.code, MotionError)(error.message)
