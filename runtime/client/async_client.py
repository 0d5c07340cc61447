"""The asyncio client: the same conversation as runtime.client, awaited.

    async with AsyncClient() as client:
        async for event in client.generate("a person waves", seconds=4):
            ...
        clip = (await client.generate("a person bows").result()).clip
        async with client.live("a person walks", publish="stage") as live:
            async for frames in live:
                ...

It beats while its event loop turns, so that the server lets go of it soon after it stopped.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import zmq
import zmq.asyncio

from motion.errors import Unavailable
from motion.protocol import (
    ADDRESS,
    CloseStream,
    Done,
    Frames,
    Generate,
    Message,
    OpenStream,
    Ping,
    Pong,
    Roster,
    Statistics,
    Stats,
    Welcome,
    Who,
)
from motion.protocol.dialogue import Event, Thread
from motion.protocol.sockets import ClientKeys
from motion.protocol.viewing import Viewing
from motion.skeleton import Skeleton
from runtime.client.asking import Asking, Steering
from runtime.client.async_connection import AsyncConnection
from runtime.client.client import WINDOW
from runtime.client.result import Gathering, Result
from runtime.client.watcher import subscribe, watch_address
from runtime.keys import keys_of


class AsyncClient(Asking["AsyncGeneration", "AsyncLive"]):
    """A connection to a server, in one event loop; see `runtime.client.Client`."""

    def __init__(
        self,
        address: str = ADDRESS,
        name: str = "python",
        window: int = WINDOW,
        timeout: float = 10.0,
        keys: ClientKeys | Path | str | None = None,
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._keys = keys_of(keys)
        self._connection = AsyncConnection(address, name, window, timeout, self._keys)

    async def __aenter__(self) -> Self:
        await self._connection.greet()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye; whatever is still under way stops. `connect` begins anew."""
        await self._connection.close()

    @property
    def welcome(self) -> Welcome:
        """What the server said of itself. Raises Unavailable without a connection."""
        return self._connection.welcome

    async def connect(self) -> None:
        """Connect anew, where the connection was lost."""
        await self._connection.greet()

    def _generate(self, request: Generate, skeleton: Skeleton) -> AsyncGeneration:
        return AsyncGeneration(self._connection, self._connection.ask(request), skeleton)

    def _open(self, request: OpenStream, skeleton: Skeleton) -> AsyncLive:
        return AsyncLive(self._connection, self._connection.ask(request), skeleton)

    async def watch(self, name: str) -> AsyncIterator[Frames]:
        """The newest frames of what is published under a name, as they come, until it ends. Raises Unavailable
        where the server shows nothing, or falls silent."""
        viewing = Viewing(name)
        address = watch_address(self.address, self.welcome)
        context = zmq.asyncio.Context()
        socket = subscribe(context, address, viewing, self._keys)
        try:
            while viewing.ended is None:
                if not await socket.poll(round(1000 * self._timeout)):
                    raise Unavailable(f"nothing has been heard from {address} for {self._timeout:g} s")
                while await socket.poll(0):
                    viewing.receive(await socket.recv_multipart(), time.monotonic())
                for frames in viewing.take():
                    yield frames
        finally:
            socket.close(linger=0)
            context.term()

    async def ping(self) -> float:
        """Seconds there and back."""
        asked = time.monotonic()
        self._connection.say(Ping(asked))
        while (await self._connection.answer(Pong)).asked != asked:
            pass
        return time.monotonic() - asked

    async def stats(self) -> Statistics:
        """The server's counters."""
        self._connection.say(Stats())
        return await self._connection.answer(Statistics)

    async def who(self) -> Roster:
        """The clients that are connected, and the live sessions that run."""
        self._connection.say(Who())
        return await self._connection.answer(Roster)


class _Awaited:
    """One thing under way."""

    def __init__(self, connection: AsyncConnection, thread: Thread, skeleton: Skeleton) -> None:
        self.id = thread.id
        self.skeleton = skeleton
        """the one that frames are on"""
        self._connection = connection
        self._thread = thread

    @property
    def frames(self) -> int:
        """Frames handed to the caller."""
        return self._thread.taken

    def cancel(self) -> None:
        """Stop the work. Where it was not done yet, the next event raises Cancelled in the end."""
        self._thread.cancel()
        self._connection.flush()


class AsyncGeneration(_Awaited):
    """One request under way: iterate it for its events, or await its `result`. Leaving an iteration cancels."""

    def __init__(self, connection: AsyncConnection, thread: Thread, skeleton: Skeleton) -> None:
        super().__init__(connection, thread, skeleton)
        self._gathering = Gathering(skeleton)

    async def __aiter__(self) -> AsyncIterator[Event]:
        try:
            while self._thread.done is None:
                event = await self._connection.next(self._thread)
                self._gathering.add(event)
                yield event
        finally:
            if self._thread.done is None:
                self.cancel()

    async def result(self) -> Result:
        """Wait for the end; everything as one."""
        async for _ in self:
            pass
        assert self._thread.done is not None
        return self._gathering.result(self._thread.done)


class AsyncLive(_Awaited, Steering):
    """A live session: iterate it for its frames, steer it, close it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._thread.done is None:
            with suppress(Unavailable):
                self._connection.say(CloseStream(self.id))

    async def __aiter__(self) -> AsyncIterator[Frames]:
        while self._thread.done is None:
            event = await self._connection.next(self._thread)
            if isinstance(event, Frames):
                yield event

    def _say(self, message: Message) -> None:
        self._connection.say(message)

    async def close(self) -> Done:
        """End it; how it went."""
        self._connection.say(CloseStream(self.id))
        while self._thread.done is None:
            await self._connection.next(self._thread)
        return self._thread.done
