"""The Python client: one class that asks, others that are iterated for what comes.

    clip = Client().generate("a person bows").result().clip         # in one line

    with Client() as client:
        for event in client.generate("a person waves", seconds=4):
            ...                                             # Accepted, Progress, Frames, Text, Done
        with client.live("a person walks") as live:
            for frames in live:
                ...                                         # one frame each thirtieth of a second, without end
                live.steer(text="a person runs", heading=1.5)

numpy, pyzmq and the standard library only; runtime.client.async_client is the same for asyncio. A client keeps its
heartbeats on a thread of its own. Whatever goes wrong is a MotionError: the server's own errors are raised as the
class of their code, a server that is not there or falls silent as Unavailable. What was under way is lost with the
connection; the next request connects anew, waiting longer before each try.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from motion.clip import Clip
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
from motion.protocol.clock import ClockOffset
from motion.protocol.dialogue import Event, Thread
from motion.protocol.sockets import ClientKeys
from motion.skeleton import Skeleton
from runtime.client.asking import Asking, Steering
from runtime.client.connection_thread import ConnectionThread
from runtime.client.result import Gathering, Result
from runtime.client.watcher import Watcher, watch_address
from runtime.keys import keys_of

WINDOW: Final = 120
"""frames under way that the caller has not taken yet: four seconds"""

__all__ = ["WINDOW", "Client", "Event", "Generation", "Live", "Result"]


class Client(Asking["Generation", "Live"]):
    """A connection to a server. `timeout` is how many seconds of silence are put up with, also while connecting; `keys`
    is the folder that `python -m runtime.keys` made for this client."""

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
        self._connection = ConnectionThread(address, name, window, timeout, self._keys)
        weakref.finalize(self, self._connection.close)

    def __enter__(self) -> Self:
        self._connection.greet()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye; whatever is still under way stops. What is asked afterwards connects anew."""
        self._connection.close()

    @property
    def welcome(self) -> Welcome:
        """What the server said of itself: version, bundle, licence, tasks, skeleton, limits. Raises Unavailable where
        it cannot be reached."""
        self._connection.greet()
        welcome = self._connection.dialogue.welcome
        if welcome is None:
            raise Unavailable(f"the connection to {self.address} was lost at once; ask again")
        return welcome

    @property
    def clock(self) -> ClockOffset:
        """How far the server's clock is ahead of time.monotonic, by the pings so far."""
        return self._connection.dialogue.clock

    def _generate(self, request: Generate, skeleton: Skeleton) -> Generation:
        return Generation(self, self._connection, self._connection.ask(request), skeleton)

    def _open(self, request: OpenStream, skeleton: Skeleton) -> Live:
        return Live(self, self._connection, self._connection.ask(request), skeleton)

    def watch(self, name: str) -> Watcher:
        """See what is published under a name; it needs no live session of one's own. Raises Unavailable where the
        server shows nothing."""
        return Watcher(watch_address(self.address, self.welcome), name, self._keys, self._timeout)

    def ping(self) -> float:
        """Seconds there and back."""
        self._connection.greet()
        asked = time.monotonic()
        self._connection.say(Ping(asked))
        while self._connection.answer(Pong).asked != asked:
            pass
        return time.monotonic() - asked

    def stats(self) -> Statistics:
        """The server's counters."""
        self._connection.greet()
        self._connection.say(Stats())
        return self._connection.answer(Statistics)

    def who(self) -> Roster:
        """The clients that are connected, and the live sessions that run."""
        self._connection.greet()
        self._connection.say(Who())
        return self._connection.answer(Roster)


class _Iterated:
    """One thing under way: iterate it for its events. Leaving an iteration early stops it."""

    def __init__(self, client: Client, connection: ConnectionThread, thread: Thread, skeleton: Skeleton) -> None:
        self.id = thread.id
        self.skeleton = skeleton
        """the one that frames are on"""
        self._client = client  # which would else close the connection when nobody else holds it
        self._connection = connection
        self._thread = thread

    def poll(self, timeout: float = 0.0) -> Event | None:
        """The next event, or None where none comes within `timeout` seconds. Raises what went wrong."""
        with self._connection.lock:
            self._connection.wait(lambda: self._thread.waiting, timeout)
            event = self._thread.take()
            self._connection.nudge()
        return event

    def cancel(self) -> None:
        """Stop the work. Where it was not done yet, `poll` raises Cancelled in the end."""
        with self._connection.lock:
            self._thread.cancel()
            self._connection.nudge()

    @property
    def frames(self) -> int:
        """Frames handed to the caller."""
        return self._thread.taken

    @property
    def waiting(self) -> bool:
        """Whether something has arrived that `poll` would give at once."""
        return self._thread.waiting

    def _next(self) -> Event:
        """The next event, however long it takes: the connection fails what is under way when the server is lost."""
        while (event := self.poll(1.0)) is None:
            pass
        return event


class Generation(_Iterated):
    """One request under way: iterate it for its events, or ask for its `result`. Leaving an iteration cancels."""

    def __init__(self, client: Client, connection: ConnectionThread, thread: Thread, skeleton: Skeleton) -> None:
        super().__init__(client, connection, thread, skeleton)
        self._gathering = Gathering(skeleton)

    def __iter__(self) -> Iterator[Event]:
        try:
            while self._thread.done is None:
                yield self._next()
        finally:
            if self._thread.done is None:
                self.cancel()

    def poll(self, timeout: float = 0.0) -> Event | None:
        """The next event, or None where none comes within `timeout` seconds. Raises what went wrong."""
        event = super().poll(timeout)
        if event is not None:
            self._gathering.add(event)
        return event

    def result(self) -> Result:
        """Wait for the end; everything as one."""
        for _ in self:
            pass
        assert self._thread.done is not None
        return self._gathering.result(self._thread.done)

    @property
    def clip(self) -> Clip | None:
        """The frames of the first motion handed out so far as one clip, or None while there are none."""
        return self._gathering.clip

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The same for all motions."""
        return self._gathering.clips


class Live(_Iterated, Steering):
    """A live session: iterate it for its frames, steer it, close it. Frames of several agents follow each other."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._thread.done is None:
            self._connection.say(CloseStream(self.id))

    def __iter__(self) -> Iterator[Frames]:
        while self._thread.done is None:
            event = self._next()
            if isinstance(event, Frames):
                yield event

    def _say(self, message: Message) -> None:
        self._connection.say(message)

    def close(self) -> Done:
        """End it; how it went."""
        self._connection.say(CloseStream(self.id))
        while self._thread.done is None:
            self._next()
        return self._thread.done
