"""A thread that carries a dialogue over a line, so that heartbeats are kept whatever the program does.

The dialogue is touched under `lock`; the sockets belong to the thread. Where the connection is lost, everything under
way fails with it, the thread ends, and `greet` makes a new connection, waiting longer before each try.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import zmq

from motion.errors import MotionError, Unavailable
from motion.protocol import Close, Generate, Message, OpenStream, Pong, Roster, Statistics
from motion.protocol.dialogue import Dialogue, Thread
from runtime.client.connection import TRY_S, Connection, backoff
from runtime.keys import ClientKeys

Socket = zmq.Socket[bytes]
Answer = TypeVar("Answer", Pong, Statistics, Roster)
_TICK_MS: Final = 50
_BLINK_S: Final = 1.0  # a thread that took longer to come round stood still itself, and blames nobody for silence


class ConnectionThread:
    """See above. `timeout` is how many seconds of silence are put up with, also while connecting."""

    def __init__(self, address: str, name: str, window: int, timeout: float, keys: ClientKeys | None) -> None:
        self.address = address
        self.timeout = timeout
        self.lock = threading.Condition(threading.RLock())
        self.dialogue = Dialogue(name, window, beats=True)
        self.context: zmq.Context[Socket] = zmq.Context()
        self._line = Connection(self.context, address, keys)
        self._bell: Socket | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._rounds = 0

    def greet(self) -> None:
        """Connect and say hello, where that is not done, again and again until `timeout`. Raises MotionError."""
        if self.dialogue.welcome is not None:
            return
        until, losses = time.monotonic() + self.timeout, self._line.losses
        for wait in backoff():
            self._connect()
            self.wait(lambda: self.dialogue.settled, min(TRY_S, max(0.01, until - time.monotonic())))
            with self.lock:
                if self.dialogue.welcome is not None:
                    return
                refusal = self.dialogue.refusal
            if refusal is not None:
                self._end()
                raise refusal
            if time.monotonic() + wait > until:
                self._end()
                raise self._line.nobody(self.timeout, self._line.losses - losses)
            time.sleep(wait)

    def say(self, message: Message) -> None:
        """Send a message that begins nothing."""
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
        while self.wait(lambda: bool(answers), max(0.0, until - time.monotonic())):
            message = answers.popleft()
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
        if self.dialogue.welcome is not None:
            self.say(Close())
        self._end()
        self.context.destroy(linger=200)

    def _connect(self) -> None:
        self._end()
        self._line.connect()
        self._rounds += 1
        ours, theirs = (self.context.socket(zmq.PAIR) for _ in range(2))
        theirs.bind(f"inproc://bell-{self._rounds}")
        ours.connect(f"inproc://bell-{self._rounds}")
        with self.lock:
            self._stopping = False
            self._bell = ours
            self.dialogue.hello()
        self._thread = threading.Thread(target=self._carry, args=(theirs,), name="motus client", daemon=True)
        self._thread.start()

    def _end(self) -> None:
        """Let the thread send what is left, and end."""
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
            except zmq.Again:  # a thousand rings are waiting: it will look
                return

    def _carry(self, bell: Socket) -> None:
        """The thread."""
        line, dialogue = self._line, self.dialogue
        poller = zmq.Poller()
        for socket in (line.socket, line.monitor, bell):
            poller.register(socket, zmq.POLLIN)
        error: MotionError | None = None
        before = time.monotonic()
        while error is None:
            now = time.monotonic()
            with self.lock:
                if now - before > _BLINK_S:
                    dialogue.heard = max(dialogue.heard, now)
                before = now
                dialogue.tick(now)
                line.send(dialogue)
                if self._stopping:
                    break
                error = line.silence(dialogue, self.timeout, now)
            ready = dict(poller.poll(_TICK_MS))
            if bell in ready:
                while bell.poll(0):
                    bell.recv()
            try:
                if line.socket in ready:
                    self._take_in()
                elif line.monitor in ready:
                    error = line.loss(line.monitor.recv_multipart())
            except MotionError as what:  # the server speaks another version, or nonsense
                error = what
        line.hang_up(linger=200)
        bell.close(linger=0)
        if error is not None:
            with self.lock:
                dialogue.lose(error)
                dialogue.answers.append(error)
                self.lock.notify_all()

    def _take_in(self) -> None:
        while self._line.socket.poll(0):
            parts = self._line.socket.recv_multipart()
            with self.lock:
                self.dialogue.receive(parts, time.monotonic())
                self.lock.notify_all()
