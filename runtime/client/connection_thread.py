"""A thread that drives a connection, so that heartbeats are kept whatever the program does.

Dialogue and connection are touched under `lock`. Where the connection is lost, everything under way fails with it, the
thread ends, and `greet` makes a new connection, waiting longer before each try. After `close` it may be used again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import zmq

from motion.errors import MotionError, Unavailable
from motion.protocol import Generate, Message, OpenStream, Pong, Roster, Statistics
from motion.protocol.connection import Connection
from motion.protocol.dialogue import Dialogue, Thread
from motion.protocol.sockets import ClientKeys
from runtime.transport.address import readable

Socket = zmq.Socket[bytes]
Answer = TypeVar("Answer", Pong, Statistics, Roster)
_TICK_MS: Final = 50


class ConnectionThread:
    """One client's. `timeout` is how many seconds of silence are put up with, also while connecting."""

    def __init__(self, address: str, name: str, window: int, timeout: float, keys: ClientKeys | None) -> None:
        self.address = address
        self.timeout = timeout
        self.lock = threading.Condition(threading.RLock())
        self.dialogue = Dialogue(name, window, beats=True)
        self._connection = Connection(zmq, zmq.Context, address, self.dialogue, keys, timeout)
        self._greeting = threading.Lock()  # one program's thread connects or closes at a time
        self._bell: Socket | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._closed = 0
        self._rounds = 0

    def greet(self) -> None:
        """Connect and say hello, where that is not done, again and again until `timeout`. Raises MotionError."""
        if self.dialogue.welcome is not None:
            return
        closed, until = self._closed, time.monotonic() + self.timeout
        with self._greeting:
            while self.dialogue.welcome is None:
                self._connect()
                self.wait(lambda: self.dialogue.settled or self._closed != closed, until - time.monotonic())
                with self.lock:
                    error = self.dialogue.lost or self._connection.nobody()
                    again = max(self._connection.again, time.monotonic())
                    greeted = self.dialogue.welcome is not None
                if self._closed != closed:
                    raise Unavailable(f"the client of {self.address} was closed while it connected")
                if not greeted and (not error.retry or again > until):
                    self._end()
                    self._connection.close(0)
                    raise error
                if not greeted:
                    self.wait(lambda: self._closed != closed, again - time.monotonic())

    def say(self, message: Message) -> None:
        """Send a message that begins nothing; it goes nowhere where the connection is lost."""
        with self.lock:
            self.dialogue.say(message)
            self._ring()

    def ask(self, message: Generate | OpenStream) -> Thread:
        """Begin a request or a live session."""
        with self.lock:
            thread = self.dialogue.ask(message)
            self._ring()
        return thread

    def answer(self, kind: type[Answer]) -> Answer:
        """The next answer of this kind. Raises what the server objects to, and Unavailable after silence."""
        answers = self.dialogue.answers
        until = time.monotonic() + self.timeout
        while self.wait(lambda: bool(answers or self.dialogue.lost), max(0.0, until - time.monotonic())):
            with self.lock:
                message = answers.popleft() if answers else self.dialogue.lost
            if isinstance(message, MotionError):
                raise message
            if isinstance(message, kind):
                return message
        raise Unavailable(f"the server at {self.address} has not answered for {self.timeout:g} s")

    def nudge(self) -> None:
        """The dialogue has something to say; the lock is held."""
        if self.dialogue.outgoing:
            self._ring()

    def wait(self, ready: Callable[[], bool], timeout: float) -> bool:
        """Wait for something to be so, looking again whenever there is news; whether it is."""
        with self.lock:
            return self.lock.wait_for(ready, timeout)

    def close(self) -> None:
        """Say goodbye; whatever is still under way stops."""
        with self.lock:
            self._closed += 1
            self.lock.notify_all()
        with self._greeting:
            self._end()
            with self.lock:
                self._connection.close()
                self.lock.notify_all()

    def _connect(self) -> None:
        self._end()
        with self.lock:
            self._connection.connect(time.monotonic())
            self._rounds += 1
            try:
                ours, theirs = (self._connection.context.socket(zmq.PAIR) for _ in range(2))
                theirs.bind(f"inproc://bell-{self._rounds}")
                ours.connect(f"inproc://bell-{self._rounds}")
            except zmq.ZMQError as error:
                self._connection.close(0)
                raise Unavailable(f"there can be no connection to {self.address}: {error.strerror}") from error
            self._stopping = False
            self._bell = ours
        self._thread = threading.Thread(target=self._drive, args=(theirs,), name="motus client", daemon=True)
        self._thread.start()

    def _end(self) -> None:
        """Let the thread send what is left, and end; the connection is this thread's then."""
        thread, self._thread = self._thread, None
        with self.lock:
            self._stopping = True
            self._ring()
        if thread is not None:
            thread.join()
        with self.lock:
            if self._bell is not None:
                self._bell.close(linger=0)
                self._bell = None

    def _ring(self) -> None:
        if self._bell is not None:
            try:
                self._bell.send(b"", zmq.NOBLOCK)
            except zmq.Again:  # a thousand rings are waiting, or the thread has ended
                return

    def _drive(self, bell: Socket) -> None:
        """The thread."""
        connection = self._connection
        poller = zmq.Poller()
        for socket in (connection.socket, connection.monitor, bell):
            poller.register(socket, zmq.POLLIN)
        while True:
            with self.lock:
                heard = connection.turn(time.monotonic())
                if heard or not connection.open:
                    self.lock.notify_all()
                if self._stopping or not connection.open:
                    break
            poller.poll(0 if connection.more else _TICK_MS)  # without the lock: others come in between
            while readable(bell):
                bell.recv()
        bell.close(linger=0)
