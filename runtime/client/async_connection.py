"""What carries a dialogue over a line in an event loop: the asyncio twin of runtime.client.connection_thread.

Three tasks of the loop read, watch the connection and keep the heartbeats, so that the server lets go of the client
soon after the loop stopped. Where the connection is lost, everything under way fails with it and the tasks end;
`greet` makes a new connection, waiting longer before each try.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

import zmq
import zmq.asyncio

from motion.errors import MotionError, Unavailable
from motion.protocol import Close, Generate, Message, OpenStream, Welcome
from motion.protocol.dialogue import Dialogue, Event, Thread
from runtime.client.connection import TRY_S, Connection, backoff
from runtime.client.connection_thread import Answer
from runtime.keys import ClientKeys

_TICK_S: Final = 0.1
_BLINK_S: Final = 1.0  # a loop that took longer to come round stood still itself, and blames nobody for silence


class AsyncConnection:
    """See above. `timeout` is how many seconds of silence are put up with, also while connecting."""

    def __init__(self, address: str, name: str, window: int, timeout: float, keys: ClientKeys | None) -> None:
        self.address = address
        self.timeout = timeout
        self.dialogue = Dialogue(name, window, beats=True)
        self.context: Any = zmq.asyncio.Context()
        self._line = Connection(self.context, address, keys)
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    async def greet(self) -> None:
        """Connect and say hello, where that is not done, again and again until `timeout`. Raises MotionError."""
        if self.dialogue.welcome is not None and self._line.open:
            return
        until, losses = time.monotonic() + self.timeout, self._line.losses
        for wait in backoff():
            await self._rest()
            self._line.connect()
            self.dialogue.hello()
            self._tasks = [asyncio.create_task(work()) for work in (self._read, self._observe, self._beat)]
            self.flush()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(TRY_S, max(0.01, until - time.monotonic()))), self._news:
                    await self._news.wait_for(lambda: self.dialogue.settled)
            if self.dialogue.welcome is not None:
                return
            refusal = self.dialogue.refusal
            if refusal is not None:
                raise refusal
            if time.monotonic() + wait > until:
                raise self._line.nobody(self.timeout, self._line.losses - losses)
            await asyncio.sleep(wait)

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
        self._line.send(self.dialogue)

    async def next(self, thread: Thread) -> Event:
        """The next event of a thread. Raises what went wrong."""
        async with self._news:
            await self._news.wait_for(lambda: thread.waiting)
        event = thread.take()
        assert event is not None
        self.flush()
        return event

    async def answer(self, kind: type[Answer]) -> Answer:
        """The next answer of this kind, however long it takes. Raises what the server objects to, and Unavailable
        where the connection is lost."""
        async with self._news:
            while (answer := self._found(kind)) is None:
                await self._news.wait()
        if isinstance(answer, MotionError):
            raise answer
        return answer

    async def close(self) -> None:
        """Say goodbye; whatever is still under way stops."""
        await self._rest()
        if self.dialogue.welcome is not None and self._line.open:
            self.say(Close())
        self._line.hang_up(linger=200)
        self.context.destroy(linger=200)

    def _found(self, kind: type[Answer]) -> Answer | MotionError | None:
        answers = self.dialogue.answers
        one = next((one for one in answers if isinstance(one, (kind, MotionError))), None)
        if one is not None:
            answers.remove(one)
        elif self.dialogue.welcome is None:
            return Unavailable(f"the connection to {self.address} is lost")
        return one

    async def _read(self) -> None:
        """Take in what arrives."""
        while True:
            parts = await self._line.socket.recv_multipart()
            try:
                self.dialogue.receive(parts, time.monotonic())
            except MotionError as error:
                await self._lose(error)
                return
            self.flush()
            await self._tell()

    async def _observe(self) -> None:
        """Find out that the connection is lost."""
        await self._lose(self._line.loss(await self._line.monitor.recv_multipart()))

    async def _beat(self) -> None:
        """Keep the promise of heartbeats, and notice when the server does not keep its own."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            if now - before > _BLINK_S:
                self.dialogue.heard = max(self.dialogue.heard, now)
            before = now
            self.dialogue.tick(now)
            self.flush()
            error = self._line.silence(self.dialogue, self.timeout, now)
            if error is not None:
                await self._lose(error)
                return

    async def _lose(self, error: MotionError) -> None:
        self.dialogue.lose(error)
        self.dialogue.answers.append(error)
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _rest(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
