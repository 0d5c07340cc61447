"""The client's side of a conversation with a server, without a socket.

Whoever has a socket gives what arrives to `receive`, sends what `outgoing` holds, and calls `tick` now and then
(motion/protocol/connection.py does); times are of one monotonic clock, seconds. What comes of a request is taken from
its `Thread`, which acknowledges frames as they are taken.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from motion import protocol
from motion.errors import BadMessage, BadVersion, MotionError, NoSession, Unavailable, error_types
from motion.protocol import (
    Accepted,
    Ack,
    Cancel,
    Done,
    Error,
    Frames,
    Generate,
    Hello,
    Message,
    OpenStream,
    Ping,
    Pong,
    Progress,
    Roster,
    Statistics,
    Steered,
    Text,
    Welcome,
    wire,
)
from motion.protocol.clock import ClockOffset

Event = Accepted | Progress | Steered | Frames | Text | Done
Answer = Pong | Statistics | Roster
_ACK_S: Final = 0.05
_PING_S: Final = 1.0  # for the clocks, where the server asks for no heartbeats
_UNREAD: Final = 1000
"""answers nobody asked for that are kept"""


class Thread:
    """One request or live session: what came of it and was not yet taken.

    A server sends no more frames than there is credit for. Of one that does, a live session keeps the newest and
    counts the others in `lost`, and a request fails: it would have gaps.
    """

    def __init__(self, dialogue: Dialogue, request: Generate | OpenStream, window: int) -> None:
        self.id = request.id
        self.taken = 0
        """frames handed out"""
        self.acked = 0
        """frames that the server was told of"""
        self.lost = 0
        """frames that the server dropped, or that were dropped here because nobody took them"""
        self.done: Done | None = None
        """once it was handed out"""
        self._dialogue = dialogue
        self._live = isinstance(request, OpenStream)
        self._room = 2 * (window + (request.agents if isinstance(request, OpenStream) else 0))
        self._untaken = 0  # frames
        self._arrived: deque[Event] = deque()
        self._error: MotionError | None = None

    @property
    def waiting(self) -> bool:
        """Whether there is something to take, or to raise."""
        return bool(self._arrived) or self._error is not None

    def take(self) -> Event | None:
        """The next event, or None where none has arrived. Raises what went wrong."""
        if not self._arrived:
            if self._error is not None:
                raise self._error
            return None
        event = self._arrived.popleft()
        if isinstance(event, Frames):
            self._untaken -= len(event.root)
            self.taken += len(event.root)
            self._dialogue.took(self)
        if isinstance(event, Done):
            self.done = event
        return event

    def cancel(self) -> None:
        """Have it stopped. Where it was not done yet, `take` raises Cancelled in the end."""
        self._dialogue.cancel(self)

    def put(self, event: Event) -> None:
        """The dialogue's: an event arrived."""
        if isinstance(event, Frames):
            self._make_room(event)
        if self._error is None:
            self._arrived.append(event)

    def fail(self, error: MotionError) -> None:
        """The dialogue's: nothing more will come."""
        self._error = self._error or error

    def _make_room(self, frames: Frames) -> None:
        self.lost += frames.lost
        self._untaken += len(frames.root)
        while self._live and self._untaken > max(self._room, len(frames.root)):
            oldest = next(event for event in self._arrived if isinstance(event, Frames))
            self._arrived.remove(oldest)
            self._untaken -= len(oldest.root)
            self.lost += len(oldest.root)
        if self._error is None and self._untaken > max(self._room, len(frames.root)):
            self.fail(
                BadMessage(
                    f"the server sent {self._untaken} frames of {self.id} that nobody took, beyond the window of this "
                    "client: those that follow are lost; report a bug of the server"
                )
            )
            self.cancel()


class Dialogue:
    """One client's. `beats` promises a message each `heartbeat_s`, which `tick` then keeps."""

    def __init__(self, name: str, window: int, beats: bool = False) -> None:
        self.outgoing: deque[list[bytes]] = deque()
        """messages to be sent, in their order"""
        self.welcome: Welcome | None = None
        self.greeted = False
        """whether the last hello was answered with a welcome"""
        self.lost: MotionError | None = None
        """why there is no conversation any more, since the last hello"""
        self.fault: BadMessage | None = None
        """what was wrong with the last message that was passed over"""
        self.answers: deque[Answer | MotionError] = deque(maxlen=_UNREAD)
        """to `ping`, `stats` and `who`, and errors that name no request"""
        self.clock = ClockOffset()
        """of the server"""
        self.heard = 0.0
        """when anything last arrived"""
        self._hello = Hello(name, window, beats)
        self._begun = False
        self._told = self._acked = 0.0
        self._untold: set[Thread] = set()  # who took frames that the server was not told of
        self._ids = itertools.count(1)
        self._threads: dict[str, Thread] = {}

    @property
    def settled(self) -> bool:
        """Whether the greeting has been answered, or come to nothing."""
        return self.welcome is not None or self.lost is not None

    def hello(self, now: float = 0.0) -> None:
        """Begin, on a connection that is new: what was under way before is forgotten."""
        self.lose(Unavailable("the client greeted the server again"))
        self.lost = self.fault = None
        self.answers.clear()
        self.clock = ClockOffset()
        self.heard = now
        self.greeted, self._begun = False, True
        self.say(self._hello)

    def say(self, message: Message) -> None:
        """Send a message that begins nothing; without a connection it goes nowhere, and `lost` says why."""
        if self._begun:
            self.outgoing.append(protocol.pack(message))

    def ask(self, message: Generate | OpenStream) -> Thread:
        """Begin a request or a live session; its id is chosen here."""
        return self.begin(replace(message, id=f"{'s' if isinstance(message, OpenStream) else 'g'}{next(self._ids)}"))

    def begin(self, message: Generate | OpenStream) -> Thread:
        """Begin a request or a live session under the id that it has."""
        thread = Thread(self, message, self._hello.window)
        if self._begun:
            self.say(message)
            self._threads[message.id] = thread
        else:
            thread.fail(self.lost or Unavailable("there is no connection to a server yet"))
        return thread

    def find(self, name: str) -> Thread | None:
        """What is under way by this id."""
        return self._threads.get(name)

    def receive(self, parts: Sequence[bytes], now: float) -> Message | None:
        """Take in what arrived; None for what is no message, or one that only a newer version knows."""
        self.heard = now
        try:
            envelope = wire.unseal(parts)
            message = protocol.read(envelope) if envelope.kind in protocol.kinds() else None
        except BadVersion as error:
            self.lose(error)
            return None
        except BadMessage as error:
            self.fault = error
            return None
        if message is not None:
            self._take_in(message, now)
        return message

    def tick(self, now: float) -> None:
        """Keep the promise of heartbeats, and the offset of the clocks."""
        if self._untold and now - self._acked >= _ACK_S:
            self._acked = now
            for thread in list(self._untold):
                self._ack(thread)
        if self.welcome is not None and now - self._told >= min(self.welcome.heartbeat_s / 2 or _PING_S, _PING_S):
            self._told = now
            self.say(Ping(now))

    def patience(self) -> float:
        """Seconds of silence after which the server is lost; 0 where it made no promise."""
        return 0.0 if self.welcome is None else self.welcome.heartbeat_s * self.welcome.missed

    def lose(self, error: MotionError) -> None:
        """The connection is gone: everything under way comes to this error."""
        self.welcome = None
        self.outgoing.clear()
        self._untold.clear()
        for thread in self._threads.values():
            thread.fail(error)
        self._threads.clear()
        if self._begun:
            self._begun, self.lost = False, error

    def took(self, thread: Thread) -> None:
        """A thread's: frames were handed out. The server is told at once when an eighth of the window is taken, of
        fewer at the next `tick`: live frames come one by one."""
        if thread.taken - thread.acked >= self._hello.window / 8:
            self._ack(thread)
        else:
            self._untold.add(thread)

    def cancel(self, thread: Thread) -> None:
        """A thread's: it is to stop."""
        if thread.id in self._threads:
            self.say(Cancel(thread.id))

    def _take_in(self, message: Message, now: float) -> None:
        if isinstance(message, Welcome):
            self.welcome, self.greeted = message, True
        elif isinstance(message, Ping):
            self.say(Pong(message.clock, now, now))
        elif isinstance(message, Error):
            self._error(message)
        elif isinstance(message, (Accepted, Progress, Steered, Frames, Text, Done)):
            thread = self._threads.get(message.id)
            if thread is not None:
                thread.put(message)
            if isinstance(message, Done):
                self._threads.pop(message.id, None)
        elif isinstance(message, (Pong, Statistics, Roster)):
            if isinstance(message, Pong):
                received = message.clock if message.received is None else message.received
                self.clock.add(message.asked, received, message.clock, now)
            self.answers.append(message)

    def _ack(self, thread: Thread) -> None:
        self._untold.discard(thread)
        if thread.id in self._threads:
            thread.acked = thread.taken
            self.say(Ack(thread.id, thread.taken))

    def _error(self, message: Error) -> None:
        unknown = Unavailable if message.retry else MotionError  # of a newer version: its flag says what to make of it
        error = error_types().get(message.code, unknown)(message.message)
        thread = self._threads.pop(message.id, None)
        if isinstance(error, NoSession) or (self.welcome is None and not message.id):
            self.lose(error)
        elif thread is not None:
            thread.fail(error)
        elif not message.id:
            self.answers.append(error)
