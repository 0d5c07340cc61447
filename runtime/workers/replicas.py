"""Replicas on Ray Serve as the front sees them: the same workers, on as many processes and hosts as the queue asks for.

Ray Serve places them, starts another where one dies, adds and removes some as requests pile up, and chooses who gets
each order; the front hands out what they have room for and a little more, which is what tells Ray that there is too
much. What comes of orders arrives over `runtime.transport.exchange`, as from worker processes. When the bundle changes,
a second application is deployed beside the first, takes over once a replica of it is warm, and the first goes when its
orders are done.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import zmq

from motion.errors import Cancelled, MotionError, Unavailable, WorkLost
from motion.protocol import Done, Frames
from motion.protocol.wire import Array
from runtime.generation.pipeline import Pipeline
from runtime.transport import orders
from runtime.transport.exchange import Exchange
from runtime.transport.orders import Plan, Pulse, Ready, Refused, Run
from runtime.transport.start import Start
from runtime.workers.backend import Report, Tally, error_of
from runtime.workers.cluster import Cluster, Scale
from runtime.workers.logs import about

_log = logging.getLogger(__name__)
_SILENCE_S: Final = 10.0  # after which a replica does not count: its control thread reports twice a second
_GREET_S: Final = 1.0
_DOOR_S: Final = 0.1  # for which a clip waits at most for the one before to begin
_LATE_S: Final = 5.0  # between the end of an order and its last message, which come by two ways
_LOST: Final = "the replica that worked on this ended before it was done; ask again"


@dataclass(eq=False)
class _App:
    """One application of Ray Serve: replicas of one bundle."""

    name: str
    models: dict[str, Any]
    replicas: dict[bytes, float] = field(default_factory=dict[bytes, float])
    """warm replicas, and when each was last heard"""
    jobs: set[int] = field(default_factory=set[int])
    handle: Any = None
    failure: MotionError | None = None
    retiring: bool = False


@dataclass(eq=False)
class _Job:
    app: _App
    given: float
    lease: Future[None] | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    replica: bytes = b""
    """the replica that said something about it"""
    waited: float = 0.0
    """seconds until then"""
    ended: float | None = None
    """when Ray said that it had come to an end"""
    stopping: bool = False


class Replicas:
    """The backend on Ray Serve. In each replica, `open_pipeline` opens the models that `start` names."""

    def __init__(
        self,
        open_pipeline: Callable[[Start, ExitStack], Pipeline],
        start: Start,
        scale: Scale,
    ) -> None:
        self.restarts = 0
        self.took: Callable[[dict[str, Any]], None] = lambda _: None
        self.tally = Tally()
        self._open = open_pipeline
        self._start = start
        self._cluster, self._most = Cluster(scale), scale.most
        self._names = (f"motus-{number}" for number in itertools.count(1))
        self._apps: dict[str, _App] = {}
        self._at_work: _App | None = None
        self._jobs: dict[int, _Job] = {}
        self._reports: list[Report] = []
        self._ended: deque[tuple[int, Future[None]]] = deque()
        self._greeted = 0.0
        self._door = asyncio.Lock()
        self._calls = ThreadPoolExecutor(thread_name_prefix="ray")
        self._ending = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ray", daemon=True)
        self._bell, self._ringer = socket.socketpair()
        for end in (self._bell, self._ringer):
            end.setblocking(False)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._cluster)
            self._exchange = Exchange(f"tcp://{self._cluster.host}:*")
            stack.callback(self._exchange.close)
            self._thread.start()
            self._deploy()
            self._opened = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        for job in self._jobs.values():
            if job.lease is not None:
                job.lease.cancel()
        self._ending.set()
        self._calls.shutdown()
        for app in self._apps.values():
            self._cluster.delete(app.name)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._opened.close()
        self._bell.close()
        self._ringer.close()

    @property
    def bells(self) -> Sequence[zmq.Socket[bytes] | int]:
        """What is readable when there is something to collect."""
        return (self._exchange.socket, self._bell.fileno())

    @property
    def ready(self) -> bool:
        """Whether a warm replica is there."""
        return self._at_work is not None and bool(self._at_work.replicas)

    @property
    def slots(self) -> int:
        """Clips that all replicas together take at a time, and those of one more, if there may be one."""
        replicas = 0 if self._at_work is None else len(self._at_work.replicas)
        return self._start.slots * min(replicas + 1, self._most)

    def run(self, key: int, order: Run) -> None:
        """Do a request."""
        self._give(key, orders.pack("run", key, order))

    def plan(self, key: int, order: Plan, resume: dict[str, Array]) -> None:
        """Make the next frames of a live session."""
        self._give(key, orders.pack("plan", key, order, resume))

    def cancel(self, key: int) -> None:
        """Stop a job: the replica that works on it is told and says when it has stopped; one that has not begun is
        taken out of Ray's hands."""
        job = self._jobs.get(key)
        if job is None:
            return
        job.stopping = True
        if job.replica:
            self._exchange.send(job.replica, orders.pack("cancel", key))
        elif job.lease is not None:
            job.lease.cancel()

    def reload(self, models: dict[str, Any]) -> None:
        """Deploy other models beside those that serve; they take over once a replica is warm."""
        for app in self._apps.values():
            app.retiring = app is not self._at_work
        self._start = replace(self._start, models=models)
        self._deploy()

    def collect(self) -> list[Report]:
        """What has been reported since the last call."""
        for name, parts in self._exchange.read():
            app = self._apps.get(name.decode("ascii", "replace").partition(".")[0])
            if app is not None:
                self._hear(app, name, parts)
        with suppress(BlockingIOError):
            while self._bell.recv(4096):
                pass
        while self._ended:
            self._let_go(*self._ended.popleft())
        reports, self._reports = self._reports, []
        return reports

    def tick(self) -> None:
        """Greet replicas, miss those that say nothing, end what nobody works on. Raises why none can start."""
        now = time.monotonic()
        greet = now - self._greeted > _GREET_S
        self._greeted = now if greet else self._greeted
        for app in list(self._apps.values()):
            for name, heard in list(app.replicas.items()):
                if now - heard > _SILENCE_S:
                    self._miss(app, name, "says nothing")
                elif greet:
                    self._exchange.send(name, orders.pack("greet", 0))
            if app.failure is not None and not app.replicas:
                self._give_up(app, app.failure)
            elif app.retiring and not app.jobs:
                self._retire(app)
        for key, job in list(self._jobs.items()):
            if job.ended is not None and now - job.ended > _LATE_S:
                self._lose(key)

    def _deploy(self) -> None:
        app = _App(next(self._names), self._start.models)
        self._apps[app.name] = app
        public = self._exchange.public.decode()
        start = replace(self._start, name=app.name, address=self._exchange.address, server_public=public)
        self._calls.submit(self._run_app, app, start)
        _log.info("deploying", extra=about(app=app.name))

    def _run_app(self, app: _App, start: Start) -> None:
        """On a thread of its own, for Ray takes its time."""
        try:
            app.handle = self._cluster.run(app.name, start, self._open, self._ending)
        except Exception as error:  # noqa: BLE001  Ray wraps whatever happened in many kinds of its own
            app.failure = app.failure or Unavailable(f"Ray Serve could not start {app.name}: {error}")

    def _hear(self, app: _App, name: bytes, parts: list[bytes]) -> None:
        kind, key = orders.kind_of(parts)
        now = time.monotonic()
        if name in app.replicas:
            app.replicas[name] = now
        if kind == "pulse":
            self.tally.hear(name, orders.unpack(Pulse, parts))
            app.replicas.setdefault(name, now)
        elif kind == "ready":
            app.replicas[name] = now
            took = orders.unpack(Ready, parts).seconds
            _log.info("first generation took %.1f s", took, extra=about(replica=name.decode()))
        elif kind == "refused" and key == 0:
            app.failure = error_of(orders.unpack(Refused, parts))
            _log.error("a replica cannot start: %s", app.failure, extra=about(replica=name.decode()))
        elif key in self._jobs:
            self._take(key, name, Report.of(kind, key, parts))
        if app.replicas and app.handle is not None and self._at_work is not app and not app.retiring:
            self._take_over(app)

    def _take(self, key: int, name: bytes, report: Report) -> None:
        """A replica's word about a job, told in this machine's time: theirs may be another's."""
        job, now = self._jobs[key], time.monotonic()
        if not job.replica:
            job.replica, job.waited = name, now - job.given
            self._loop.call_soon_threadsafe(job.begun.set)
            if job.stopping:
                self._exchange.send(name, orders.pack("cancel", key))
        said = report.said
        if isinstance(said, Frames):
            report = replace(report, said=replace(said, clock=now))
        elif isinstance(said, Done):
            times = ("queued_s", "first_token_s", "first_output_s", "total_s")
            report = replace(report, said=replace(said, **{one: getattr(said, one) + job.waited for one in times}))
        if report.last:
            self._forget(key)
        self._reports.append(report)

    def _take_over(self, app: _App) -> None:
        before, self._at_work = self._at_work, app
        if before is not None:
            before.retiring = True
        self.took(app.models)

    def _give_up(self, app: _App, failure: MotionError) -> None:
        if self._at_work is None:
            raise failure
        if app is not self._at_work:
            _log.error("what was served is served on: %s", failure)
            self._retire(app)

    def _retire(self, app: _App) -> None:
        del self._apps[app.name]
        for name in app.replicas:
            self.tally.gone(name)
        self._calls.submit(self._cluster.delete, app.name)
        _log.info("an application has retired", extra=about(app=app.name))

    def _miss(self, app: _App, name: bytes, how: str) -> None:
        if app.replicas.pop(name, None) is not None:
            self.tally.gone(name)
            _log.info("a replica %s", how, extra=about(replica=name.decode()))

    def _give(self, key: int, parts: list[bytes]) -> None:
        app = self._at_work
        if app is None:
            self._reports.append(Report(key, error=Unavailable("nobody works just now; ask again")))
            return
        app.jobs.add(key)
        job = self._jobs[key] = _Job(app, time.monotonic())
        job.lease = asyncio.run_coroutine_threadsafe(self._lease(job, parts), self._loop)
        job.lease.add_done_callback(lambda lease: self._tell_end(key, lease))

    async def _lease(self, job: _Job, parts: list[bytes]) -> None:
        """From when Ray gets an order until it ends.

        Clips go through the door one after the other, each when a replica has begun with the one before: of several at
        once Ray gives too many to one replica, for it looks only now and then at how busy each is.
        """
        response: Any = None
        try:
            async with self._door if parts[0].startswith(b"run") else nullcontext():
                response = job.app.handle.work.remote(parts)
                with suppress(TimeoutError):
                    await asyncio.wait_for(job.begun.wait(), _DOOR_S)
            await response
        except asyncio.CancelledError:
            if response is not None:
                response.cancel()
            raise

    def _tell_end(self, key: int, lease: Future[None]) -> None:
        """On Ray's thread, or on that of who cancelled."""
        self._ended.append((key, lease))
        with suppress(BlockingIOError):  # it has rung often enough
            self._ringer.send(b"\0")

    def _let_go(self, key: int, lease: Future[None]) -> None:
        """Ray says that a job has come to an end."""
        job = self._jobs.get(key)
        if job is None:
            return
        if lease.cancelled():
            self._forget(key)
            self._reports.append(Report(key, error=Cancelled("the request was cancelled")))
        elif (error := lease.exception()) is not None:
            self._lose(key, error)
        else:
            job.ended = time.monotonic()

    def _lose(self, key: int, error: BaseException | None = None) -> None:
        job = self._forget(key)
        _log.error("an order was lost: %s", error, extra=about(replica=job.replica.decode()))
        if job.replica in job.app.replicas:
            self._miss(job.app, job.replica, "has died")
            self.restarts += 1
        self._reports.append(Report(key, error=WorkLost(_LOST)))

    def _forget(self, key: int) -> _Job:
        job = self._jobs.pop(key)
        job.app.jobs.discard(key)
        return job
