"""The service: its sockets, and the loop that everything else hangs on.

The sockets belong to the thread that calls `run`, which never waits for work, nor for geometry: that is the workers'.
Each turn of the loop takes in what clients, watchers and workers said, sends the frames that are due, and lets leave
what may leave; a few times a second it looks after sessions, deadlines and workers. Clients that send without end get
a few milliseconds of a turn together, so that frames stay on time.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Self

import zmq

import motion
from motion import protocol
from motion.bundles.manifest import Manifest
from motion.errors import BadRequest, Internal, MotionError, NoSession, Unavailable
from motion.protocol import (
    Ack,
    Cancel,
    Close,
    CloseStream,
    Generate,
    Hello,
    Limits,
    Message,
    OpenStream,
    Ping,
    Pong,
    Roster,
    Statistics,
    Stats,
    Steer,
    Welcome,
    Who,
    wire,
)
from runtime.front import admission
from runtime.front.cache import Cache
from runtime.front.endpoint import Page
from runtime.front.live_sessions import LiveSessions
from runtime.front.metrics import Metrics
from runtime.front.publisher import Publisher
from runtime.front.reception import HEARTBEAT_S, MISSED, Reception
from runtime.front.requests import Requests
from runtime.front.session import Session
from runtime.transport.address import beside, bind_publisher, bind_router, bound, port_of
from runtime.transport.gate import Gate
from runtime.workers.backend import Backend, Report
from runtime.workers.logs import about

_log = logging.getLogger(__name__)

VERSION: Final = f"motus {motion.__version__}"
_READ_S: Final = (0.001, 0.004)  # for which clients' messages are read at least, though a frame is due, and at most
_TICK_S: Final = 0.05
_BLINK_S: Final = 1.0  # a loop that took longer stood still itself, and blames nobody for silence
_ALIVE_S: Final = 5.0  # without a turn of the loop, after which it is called wedged


class Service:
    """Answers clients at `address` as PROTOCOL.md says. Raises BadConfig where the address cannot be had."""

    def __init__(
        self,
        manifest: Manifest,
        address: str,
        limits: Limits = admission.LIMITS,
        gate: Gate | None = None,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
        watch: str | None = None,
        answers: Cache | None = None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self.metrics = Metrics()
        self.context: zmq.Context[zmq.Socket[bytes]] = context or zmq.Context()
        self._manifest = manifest
        self._limits = limits
        self._gate = gate
        self._answers = answers or Cache(0)
        self._bundle = ""
        self._started = time.monotonic()
        self._turned = self._started
        self._beaten = self._looked = 0.0
        self._keys = itertools.count(1)
        self._stopping = threading.Event()
        self._calls: deque[Callable[[], None]] = deque()
        self._drain_until: float | None = None
        self._drain_s: float | None = None
        self._ready = False
        guard = None if gate is None else gate.guard
        try:
            self._router = bind_router(self.context, address, guard)
            self._publisher_socket = bind_publisher(self.context, watch or beside(address), guard)
        except MotionError:
            self.context.destroy(linger=0)
            raise
        self.reception = Reception(self._router, limits, gate, heartbeat_s)
        self.publisher = Publisher(self._publisher_socket)

    @property
    def address(self) -> str:
        """Where clients connect, with the port that was really taken."""
        return bound(self._router)

    @property
    def watch_address(self) -> str:
        """Where watchers connect."""
        return bound(self._publisher_socket)

    @property
    def alive(self) -> bool:
        """Whether the loop turns."""
        return time.monotonic() - self._turned < _ALIVE_S

    @property
    def ready(self) -> bool:
        """Whether requests are worked on; any thread may ask."""
        return self._ready and self.alive

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.context.destroy(linger=200)

    def stop(self, drain_s: float = 0.0) -> None:
        """Make `run` return soon: let nobody in, and give what is under way so many seconds. Any thread may call this,
        and a signal handler; again, with less, it hurries."""
        self._drain_s = drain_s
        self._stopping.set()

    def soon(self, call: Callable[[], None]) -> None:
        """Have the loop call this between two of its turns. Any thread may ask, and a signal handler."""
        self._calls.append(call)

    def run(self, backend: Backend) -> None:
        """Serve until `stop` is called; then every client whose work is not done is told."""
        requests = self._requests = Requests(
            backend, self._keys, self._limits, self._answers, self.metrics, self.reception.touch
        )
        lives = self._lives = LiveSessions(
            backend, self._keys, self._limits, self.metrics, self.reception, self.publisher
        )
        self.reception.left += [requests.leave, lives.leave]
        poller = zmq.Poller()
        for socket in (self._router, self._publisher_socket, *backend.bells):
            poller.register(socket, zmq.POLLIN)
        while not self._over():
            due = lives.due
            now = self._turned = time.monotonic()
            wait = _TICK_S if due is None else min(_TICK_S, max(0.0, due - now))
            rung = dict(poller.poll(math.ceil(wait * 1000)))
            if self._router in rung:
                self._receive(backend, due)
                self.reception.flush()
            if self._publisher_socket in rung or self.publisher.joining:
                self.publisher.listen(time.monotonic())
            for report in backend.collect():
                self._hear(report)
            lives.tick(time.monotonic())
            requests.dispatch()
            self.reception.flush()
            self._look_after(backend)
        lives.stop()
        requests.stop()
        self.reception.flush()

    def changed(self, manifest: Manifest, bundle: str) -> None:
        """Another bundle serves from now on: everybody is told, live sessions go on. `bundle` tells it from others."""
        anew = self._bundle not in ("", bundle)
        self._manifest, self._bundle = manifest, bundle
        if anew:
            self._lives.change(manifest)
            for session in self.reception.sessions.values():
                session.answers.append(self._welcome())
                self.reception.touch(session)

    def _hear(self, report: Report) -> None:
        if not self._requests.hear(report):
            self._lives.hear(report)

    def _over(self) -> bool:
        if not self._stopping.is_set():
            return False
        assert self._drain_s is not None
        now = time.monotonic()
        if self._drain_until is None:
            _log.info("stopping: what is under way has %g s", self._drain_s)
            self._lives.stop()
        until = now + self._drain_s if self._drain_until is None else min(self._drain_until, now + self._drain_s)
        self._drain_until = until
        busy = any(session.jobs for session in self.reception.sessions.values())
        return now >= until or not busy

    def _look_after(self, backend: Backend) -> None:
        now = time.monotonic()
        if now - self._looked < _TICK_S:
            return
        gap = now - self._looked if self._looked else 0.0
        gap, self._looked = gap if gap > _BLINK_S else 0.0, now
        while self._calls:
            self._calls.popleft()()
        backend.tick()
        self._ready = backend.ready and not self._stopping.is_set()
        self.reception.watch(now, gap)
        self._requests.watch(now, gap, list(self.reception.sessions.values()))
        self._lives.watch(now, gap)
        if now - self._beaten >= self.reception.heartbeat_s:
            self._beaten = now
            self.publisher.beat(now)
        self._measure(backend)

    def _measure(self, backend: Backend) -> None:
        requests, metrics = self._requests, self.metrics
        metrics.gauge(
            ready=self._ready,
            sessions=len(self.reception.sessions),
            streams=len(self._lives),
            watchers=self.publisher.watchers,
            queue_length=requests.waiting,
            queue_age_seconds=max(0.0, requests.oldest),
            running=requests.running,
        )
        metrics.totals(
            tokens=backend.tally.tokens,
            frames=backend.tally.frames,
            lost=self._lives.lost,
            restarts=backend.restarts,
            strangers=0 if self._gate is None else self._gate.refused,
        )
        tally = backend.tally
        metrics.batches(tally.batches, tally.steps)
        tally.batches, tally.steps = [], []
        metrics.gpus(backend.tally.gpu_bytes)

    def _receive(self, backend: Backend, due: float | None) -> None:
        """Answer what clients said, until the next frame is due, more or less."""
        least, most = (time.monotonic() + seconds for seconds in _READ_S)
        until = most if due is None else max(least, min(due, most))
        while (came := self.reception.read(until)) is not None:
            identity, session, parts = came
            request = ""
            try:
                envelope = wire.unseal(parts)
                request = envelope.id
                self._answer(identity, session, protocol.read(envelope), backend)
            except MotionError as error:
                _log.debug("refused: %s", error)
                self._refuse(identity, request, error)
            except Exception as error:  # noqa: BLE001  a bug met by one message must not take the others' service away
                _log.exception("a message could not be answered", extra=about(request=request))
                self._refuse(identity, request, Internal(f"the server failed at this message ({type(error).__name__})"))

    def _refuse(self, identity: bytes, request: str, error: MotionError) -> None:
        self.metrics.refused(error.code)
        self.reception.refuse(identity, self.reception.sessions.get(identity), request, error)

    def _answer(self, identity: bytes, session: Session | None, message: Message, backend: Backend) -> None:
        if isinstance(message, Hello):
            session = self.reception.greet(identity, message)
            session.answers.append(self._welcome())
        elif session is None:
            name = protocol.kind(message)
            raise NoSession(f"{name!r} came before 'hello', or after too long a silence; say hello first")
        elif isinstance(message, Ack):
            if message.id in session.jobs:
                session.jobs[message.id].ack(message.frames)
            else:
                self._lives.ack(session, message.id, message.frames)
        elif isinstance(message, Generate):
            self._admit()
            self._requests.accept(session, message, self._manifest, self._bundle)
        elif isinstance(message, OpenStream):
            self._admit()
            self._lives.open(session, message, self._manifest)
        elif isinstance(message, Steer):
            self._lives.steer(session, message)
        elif isinstance(message, CloseStream):
            self._lives.close(session, message)
        elif isinstance(message, Cancel):
            if not self._requests.cancel(session, message.id):
                self._lives.cancel(session, message.id)
        elif isinstance(message, Ping):
            session.answers.append(Pong(message.clock, time.monotonic(), session.heard))
        elif isinstance(message, Stats):
            session.answers.append(self._statistics(backend))
        elif isinstance(message, Who):
            session.answers.append(Roster(self.reception.peers(time.monotonic()), self._lives.shows()))
        elif isinstance(message, Close):
            self.reception.forget(session, "it said goodbye")
            return
        elif not isinstance(message, Pong):
            raise BadRequest(f"{protocol.kind(message)!r} is for the server to send; a client does not")
        self.reception.touch(session)

    def _admit(self) -> None:
        if self._stopping.is_set():
            raise Unavailable("the server is stopping; ask again when it is back")

    def _welcome(self) -> Welcome:
        bundle, skeleton = self._manifest, self._manifest.skeleton
        return Welcome(
            server=VERSION,
            bundle=bundle.name,
            bundle_version=bundle.version,
            licence=bundle.licence,
            tasks=bundle.tasks,
            fps=bundle.fps,
            limits=self._limits,
            skeleton=skeleton.name,
            joints=skeleton.joints,
            parents=skeleton.parents,
            offsets=skeleton.offsets,
            capabilities=_capabilities(bundle),
            heartbeat_s=self.reception.heartbeat_s,
            missed=MISSED,
            watch_port=port_of(self.watch_address),
        )

    def _statistics(self, backend: Backend) -> Statistics:
        now, requests = time.monotonic(), self._requests
        return Statistics(
            clock=now,
            uptime_s=now - self._started,
            sessions=len(self.reception.sessions),
            waiting=requests.waiting,
            running=requests.running + self._lives.stopping,
            accepted=requests.accepted,
            finished=requests.finished,
            cancelled=requests.cancelled,
            failed=requests.failed,
            tokens=backend.tally.tokens,
            frames=backend.tally.frames,
            streams=len(self._lives),
            watchers=self.publisher.watchers,
            refused=self.reception.refused,
            cached=requests.cached,
            lost=self._lives.lost,
            restarts=backend.restarts,
        )


def _capabilities(bundle: Manifest) -> tuple[str, ...]:
    names = {task.name for task in bundle.tasks}
    lacking: set[str] = set()
    if "prediction" not in names or not names & {"text-to-motion", "unconditional"}:
        lacking |= {"streams", "watching"}
    if "motion-to-text" not in names:
        lacking.add("captions")
    return tuple(name for name in admission.CAPABILITIES if name not in lacking)


def pages(service: Service) -> dict[str, Page]:
    """What the HTTP port serves."""

    def said(well: bool) -> tuple[bool, bytes]:
        return well, b"ok\n" if well else b"not now\n"

    return {
        "/healthz": lambda: said(service.alive),
        "/readyz": lambda: said(service.ready),
        "/metrics": lambda: (True, service.metrics.text()),
    }
