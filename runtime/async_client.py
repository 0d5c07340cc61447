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

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import zmq
import zmq.asyncio

from motion.clip import Clip
from motion.dialogue import Dialogue, Event, Thread
from motion.errors import MotionError, Unavailable
from motion.protocol import (
    ADDRESS,
    Close,
    CloseStream,
    Done,
    Frames,
    Generate,
    OpenStream,
    Ping,
    Pong,
    Roster,
    Statistics,
    Stats,
    Steer,
    Welcome,
    Who,
)
from motion.quat import F32
from motion.skeleton import Skeleton
from motion.viewing import Viewing
from runtime.address import with_port
from runtime.client import WINDOW
from runtime.keys import ClientKeys
from runtime.line import Line, backoff, keys_of
from runtime.result import Gathering, Result, pose_of, rig_of, skeleton_of
from runtime.watcher import subscribe

Answer = TypeVar("Answer", Pong, Statistics, Roster)
_TRY_S: Final = 2.0
_TICK_S: Final = 0.1
_LEAST_PATIENCE_S: Final = 5.0


class AsyncClient:
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
        self._dialogue = Dialogue(name, window, beats=True)
        self._context: Any = zmq.asyncio.Context()
        self._line = Line(self._context, address, self._keys)
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        try:
            await self._greet()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye; whatever is still under way stops."""
        await self._rest()
        if self._dialogue.welcome is not None and self._line.open:
            self._dialogue.say(Close())
            self._line.send(self._dialogue)
        self._line.hang_up(linger=200)
        self._context.destroy(linger=200)

    @property
    def welcome(self) -> Welcome:
        """What the server said of itself."""
        if self._dialogue.welcome is None:
            raise Unavailable(f"there is no connection to {self.address}: enter the client, or `await connect()`")
        return self._dialogue.welcome

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton that frames are for."""
        return skeleton_of(self.welcome)

    async def connect(self) -> None:
        """Connect anew, where the connection was lost."""
        await self._greet()

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
        variations: int = 1,
        caption: bool = False,
        deadline_s: float | None = None,
        rig: Skeleton | None = None,
    ) -> AsyncGeneration:
        """See `Client.generate`."""
        welcome = self.welcome
        skeleton = rig or skeleton_of(welcome)
        request = Generate(
            id="g",
            task=task,
            text=text,
            seconds=seconds,
            seed=seed,
            past=pose_of("past", past, skeleton, welcome.fps),
            future=pose_of("future", future, skeleton, welcome.fps),
            motion=pose_of("motion", motion, skeleton, welcome.fps),
            variations=variations,
            caption=caption,
            deadline_s=deadline_s,
            rig=rig_of(rig),
        )
        return AsyncGeneration(self, self._ask(request), skeleton)

    def live(
        self,
        text: str = "",
        *,
        seed: int | None = None,
        agents: int = 1,
        replan: int | None = None,
        publish: str | None = None,
        past: Clip | None = None,
        places: F32 | None = None,
        rig: Skeleton | None = None,
    ) -> AsyncLive:
        """See `Client.live`."""
        welcome = self.welcome
        skeleton = rig or skeleton_of(welcome)
        pose = pose_of("past", past, skeleton, welcome.fps)
        request = OpenStream("s", text, seed, agents, replan, publish, pose, places, rig_of(rig))
        return AsyncLive(self, self._ask(request), skeleton)

    async def watch(self, name: str) -> AsyncIterator[Frames]:
        """The newest frames of what is published under a name, as they come, until it ends."""
        viewing = Viewing(name)
        address = with_port(self.address, self.welcome.watch_port)
        socket = subscribe(self._context, address, viewing, self._keys)
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

    async def ping(self) -> float:
        """Seconds there and back."""
        asked = time.monotonic()
        self.say(Ping(asked))
        while (await self._answer(Pong)).asked != asked:
            pass
        return time.monotonic() - asked

    async def stats(self) -> Statistics:
        """The server's counters."""
        self.say(Stats())
        return await self._answer(Statistics)

    async def who(self) -> Roster:
        """The clients that are connected, and the live sessions that run."""
        self.say(Who())
        return await self._answer(Roster)

    def say(self, message: Steer | CloseStream | Ping | Stats | Who) -> None:
        """Send a message that begins nothing. Raises Unavailable without a connection."""
        assert self.welcome
        self._dialogue.say(message)
        self._line.send(self._dialogue)

    def flush(self) -> None:
        """Send what a thread has to say."""
        self._line.send(self._dialogue)

    async def next(self, thread: Thread) -> Event:
        """The next event of a thread. Raises what went wrong."""
        async with self._news:
            await self._news.wait_for(lambda: thread.waiting)
        event = thread.take()
        assert event is not None
        self.flush()
        return event

    def _ask(self, request: Generate | OpenStream) -> Thread:
        thread = self._dialogue.ask(request)
        self.flush()
        return thread

    async def _answer(self, kind: type[Answer]) -> Answer:
        def found() -> Answer | MotionError | None:
            answers = self._dialogue.answers
            one = next((one for one in answers if isinstance(one, (kind, MotionError))), None)
            if one is not None:
                answers.remove(one)
            if one is None and self._dialogue.welcome is None:
                return Unavailable(f"the connection to {self.address} is lost")
            return one

        answer: Answer | MotionError | None = None
        async with self._news:
            while (answer := found()) is None:
                await self._news.wait()
        if isinstance(answer, MotionError):
            raise answer
        return answer

    async def _greet(self) -> None:
        """Connect and say hello, where that is not done, again and again until `timeout`."""
        if self._dialogue.welcome is not None and self._line.open:
            return
        until, losses = time.monotonic() + self._timeout, self._line.losses
        for wait in backoff():
            await self._rest()
            self._line.connect()
            self._dialogue.hello()
            self._tasks = [asyncio.create_task(work()) for work in (self._read, self._observe, self._beat)]
            self.flush()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_TRY_S, max(0.01, until - time.monotonic()))), self._news:
                    await self._news.wait_for(self._settled)
            if self._dialogue.welcome is not None:
                return
            refusal = next((one for one in self._dialogue.answers if isinstance(one, MotionError)), None)
            if refusal is not None and not refusal.retry:
                raise refusal
            if time.monotonic() + wait > until:
                raise self._line.nobody(self._timeout, self._line.losses - losses)
            await asyncio.sleep(wait)

    def _settled(self) -> bool:
        return self._dialogue.welcome is not None or any(isinstance(one, MotionError) for one in self._dialogue.answers)

    async def _read(self) -> None:
        """Take in what arrives."""
        while True:
            parts = await self._line.socket.recv_multipart()
            try:
                self._dialogue.receive(parts, time.monotonic())
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
            if now - before > 1:  # the loop itself stood still
                self._dialogue.heard = max(self._dialogue.heard, now)
            before = now
            self._dialogue.tick(now)
            self.flush()
            promised = self._dialogue.patience()
            patience = min(self._timeout, max(promised, _LEAST_PATIENCE_S))
            if promised and now - self._dialogue.heard > patience:
                await self._lose(Unavailable(f"the server at {self.address} has not been heard of for {patience:g} s"))
                return

    async def _lose(self, error: MotionError) -> None:
        self._dialogue.lose(error)
        self._dialogue.answers.append(error)
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _rest(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Awaited:
    """One thing under way."""

    def __init__(self, client: AsyncClient, thread: Thread, skeleton: Skeleton) -> None:
        self.id = thread.id
        self.skeleton = skeleton
        """the one that frames are on"""
        self._client = client
        self._thread = thread

    @property
    def frames(self) -> int:
        """Frames handed to the caller."""
        return self._thread.taken

    def cancel(self) -> None:
        """Stop the work. Where it was not done yet, the next event raises Cancelled in the end."""
        self._thread.cancel()
        self._client.flush()


class AsyncGeneration(_Awaited):
    """One request under way: iterate it for its events, or await its `result`. Leaving an iteration cancels."""

    def __init__(self, client: AsyncClient, thread: Thread, skeleton: Skeleton) -> None:
        super().__init__(client, thread, skeleton)
        self._gathering = Gathering(skeleton)

    async def __aiter__(self) -> AsyncIterator[Event]:
        try:
            while self._thread.done is None:
                event = await self._client.next(self._thread)
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


class AsyncLive(_Awaited):
    """A live session: iterate it for its frames, steer it, close it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._thread.done is None:
            with suppress(Unavailable):
                self._client.say(CloseStream(self.id))

    async def __aiter__(self) -> AsyncIterator[Frames]:
        while self._thread.done is None:
            event = await self._client.next(self._thread)
            if isinstance(event, Frames):
                yield event

    def steer(
        self,
        text: str | None = None,
        *,
        agent: int | None = None,
        speed: float | None = None,
        heading: float | None = None,
        target: tuple[float, float] | None = None,
        free: bool = False,
        pause: bool | None = None,
        replan: int | None = None,
    ) -> None:
        """New orders; what is left out stays as it was. See `protocol.Steer`."""
        self._client.say(Steer(self.id, agent, text, speed, heading, target, free, pause, replan))

    async def close(self) -> Done:
        """End it; how it went."""
        self._client.say(CloseStream(self.id))
        while self._thread.done is None:
            await self._client.next(self._thread)
        return self._thread.done
