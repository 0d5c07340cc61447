"""What drives a connection in an event loop: the asyncio twin of runtime.client.connection_thread.

Three tasks of the loop turn the connection when something has arrived, when it is lost, and ten times a second for the
heartbeats, so that the server lets go of the client soon after the loop stopped. Where the connection is lost,
everything under way fails with it and the tasks end; `greet` makes a new connection, waiting longer before each try.
After `close` it may be used again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import zmq
import zmq.asyncio

from motion.errors import MotionError, Unavailable
from motion.protocol import Generate, Message, OpenStream, Welcome
from motion.protocol.connection import Connection
from motion.protocol.dialogue import Dialogue, Event, Thread
from motion.protocol.sockets import ClientKeys
from runtime.client.connection_thread import Answer

_TICK_S: Final = 0.1


class AsyncConnection:
    """One client's. `timeout` is how many seconds of silence are put up with, also while connecting."""

    def __init__(self, address: str, name: str, window: int, timeout: float, keys: ClientKeys | None) -> None:
        self.address = address
        self.timeout = timeout
        self.dialogue = Dialogue(name, window, beats=True)
        self._connection = Connection(zmq, zmq.asyncio.Context, address, self.dialogue, keys, timeout)
        self._greeting = asyncio.Lock()  # one task connects at a time
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = 0

    async def greet(self) -> None:
        """Connect and say hello, where that is not done, again and again until `timeout`. Raises MotionError."""
        closed, until = self._closed, time.monotonic() + self.timeout
        async with self._greeting:
            while self.dialogue.welcome is None:
                await self._connect()
                await self._wait(lambda: self.dialogue.settled or self._closed != closed, until)
                error = self.dialogue.lost or self._connection.nobody()
                again = max(self._connection.again, time.monotonic())
                if self._closed != closed:
                    raise Unavailable(f"the client of {self.address} was closed while it connected")
                if self.dialogue.welcome is None and (not error.retry or again > until):
                    await self._rest()
                    self._connection.close(0)
                    raise error
                if self.dialogue.welcome is None:
                    await self._wait(lambda: self._closed != closed, again)

    @property
    def welcome(self) -> Welcome:
        """What the server said of itself. Raises Unavailable without a connection."""
        if self.dialogue.welcome is None:
            raise Unavailable(f"there is no connection to {self.address}: enter the client, or `await connect()`")
        return self.dialogue.welcome

    def say(self, message: Message) -> None:
        """Send a message that begins nothing. Raises Unavailable without a connection."""
        assert self.welcome
        self.dialogue.say(message)
        self.flush()

    def ask(self, message: Generate | OpenStream) -> Thread:
        """Begin a request or a live session."""
        thread = self.dialogue.ask(message)
        self.flush()
        return thread

    def flush(self) -> None:
        """Send what the dialogue has to say."""
        self._connection.send()
        if not self._connection.open:
            self._tell()

    async def next(self, thread: Thread) -> Event:
        """The next event of a thread. Raises what went wrong."""
        await self._wait(lambda: thread.waiting)
        event = thread.take()
        assert event is not None
        self.flush()
        return event

    async def answer(self, kind: type[Answer]) -> Answer:
        """The next answer of this kind, however long it takes. Raises what the server objects to, and Unavailable
        where the connection is lost."""
        while (answer := self._found(kind)) is None:
            await self._news.wait()
        if isinstance(answer, MotionError):
            raise answer
        return answer

    async def close(self) -> None:
        """Say goodbye; whatever is still under way stops."""
        self._closed += 1
        await self._rest()
        self._connection.close()
        self._tell()

    async def _connect(self) -> None:
        await self._rest()
        self._tell()  # and wait by this loop, which may be another than before
        self._connection.connect(time.monotonic())
        drivers = self._watch(self._connection.socket), self._watch(self._connection.monitor), self._beat()
        self._tasks = [asyncio.create_task(driver) for driver in drivers]
        self.flush()

    def _found(self, kind: type[Answer]) -> Answer | MotionError | None:
        answers = self.dialogue.answers
        one = next((one for one in answers if isinstance(one, (kind, MotionError))), None)
        if one is None:
            return self.dialogue.lost
        answers.remove(one)
        return one

    def _turn(self) -> None:
        if self._connection.turn(time.monotonic()) or not self._connection.open:
            self._tell()

    async def _watch(self, socket: Any) -> None:
        """Take in what arrives."""
        while not socket.closed:
            await socket.poll()
            self._turn()
            while self._connection.more:
                await asyncio.sleep(0)  # others come in between, whatever a server sends
                self._turn()

    async def _beat(self) -> None:
        """Keep the promise of heartbeats, and notice when the server does not keep its own."""
        while self._connection.open:
            self._turn()
            while self._connection.more:
                await asyncio.sleep(0)
                self._turn()
            await asyncio.sleep(_TICK_S)

    async def _wait(self, ready: Callable[[], bool], until: float | None = None) -> None:
        """Wait for something to be so, looking again whenever there is news; no longer than to a time, if given."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(0.01, until - time.monotonic())):
                while not ready():
                    await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _rest(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
