"""The client's side of a conversation with a server, without a socket.

Whoever has a socket gives what arrives to `receive`, sends what `outgoing` holds, and calls `tick` now and then; times
are of one monotonic clock, seconds. What comes of a request is taken from its `Thread`, which acknowledges frames as
they are taken. Blocking, asyncio and polling clients all stand on this.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from motion import protocol
from motion.errors import MotionError, NoSession, Unavailable, error_types
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
)
from motion.protocol.clock import ClockOffset

Event = Accepted | Progress | Steered | Frames | Text | Done
Answer = Pong | Statistics | Roster
_ACK_S: Final = 0.05
_UNREAD: Final = 1000
"""answers nobody asked for that are kept"""


class Thread:
    """One request or live session: what came of it and was not yet taken."""

    def __init__(self, dialogue: Dialogue, name: str) -> None:
        self.id = name
        self.taken = 0
        """frames handed out"""
        self.acked = 0
        """frames that the server was told of"""
        self.done: Done | None = None
        """once it was handed out"""
        self._dialogue = dialogue
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
        self._arrived.append(event)

    def fail(self, error: MotionError) -> None:
        """The dialogue's: nothing more will come."""
        self._error = error


class Dialogue:
    """See above. `beats` promises a message each `heartbeat_s`, which `tick` then keeps."""

    def __init__(self, name: str, window: int, beats: bool = False) -> None:
        self.outgoing: deque[list[bytes]] = deque()
        """messages to be sent, in their order"""
        self.welcome: Welcome | None = None
        self.answers: deque[Answer | MotionError] = deque(maxlen=_UNREAD)
        """to `ping`, `stats` and `who`, and errors that name no request"""
        self.clock = ClockOffset()
        """of the server"""
        self.heard = 0.0
        """when anything last arrived"""
        self._hello = Hello(name, window, beats)
        self._told = self._acked = 0.0
        self._untold: set[Thread] = set()  # who took frames that the server was not told of
        self._ids = itertools.count(1)
        self._threads: dict[str, Thread] = {}

    @property
    def settled(self) -> bool:
        """Whether the greeting has been answered, with a welcome or with an error."""
        return self.welcome is not None or any(isinstance(one, MotionError) for one in self.answers)

    @property
    def refusal(self) -> MotionError | None:
        """An error that came instead of a welcome, and that trying again would not mend."""
        return next((one for one in self.answers if isinstance(one, MotionError) and not one.retry), None)

    def hello(self) -> None:
        """Begin, on a connection that is new: what was under way before is forgotten."""
        self.welcome = None
        self.outgoing.clear()
        self.answers.clear()
        self.say(self._hello)

    def say(self, message: Message) -> None:
        """Send a message that begins nothing."""
        self.outgoing.append(protocol.pack(message))

    def ask(self, message: Generate | OpenStream) -> Thread:
        """Begin a request or a live session; its id is chosen here."""
        message = replace(message, id=f"{'s' if isinstance(message, OpenStream) else 'g'}{next(self._ids)}")
        thread = Thread(self, message.id)
        self.say(message)
        self._threads[message.id] = thread
        return thread

    def receive(self, parts: Sequence[bytes], now: float) -> Message:
        """Take in what arrived. Raises BadMessage and BadVersion."""
        message = protocol.unpack(parts)
        self.heard = now
        if isinstance(message, Welcome):
            self.welcome = message
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
        return message

    def tick(self, now: float) -> None:
        """Keep the promise of heartbeats, and the offset of the clocks."""
        if self._untold and now - self._acked >= _ACK_S:
            self._acked = now
            for thread in list(self._untold):
                self._ack(thread)
        if self.welcome is None or not self.welcome.heartbeat_s:
            return
        if now - self._told >= self.welcome.heartbeat_s / 2:
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

    def _ack(self, thread: Thread) -> None:
        self._untold.discard(thread)
        if thread.id in self._threads:
            thread.acked = thread.taken
            self.say(Ack(thread.id, thread.taken))

    def _error(self, message: Error) -> None:
        unknown = Unavailable if message.retry else MotionError  # of a newer version: its flag says what to make of it
        error = error_types().get(message.code, unknown)(message.message)
        thread = self._threads.pop(message.id, None)
        if isinstance(error, NoSession):
            self.lose(error)
            self.answers.append(error)
        elif thread is not None:
            thread.fail(error)
        elif not message.id:
            self.answers.append(error)
