"""The service: one ROUTER socket, the sessions behind it, and the queue before the worker.

The socket belongs to the thread that calls `run`, which never waits for work. A client that is gone is found by
sending: the ROUTER refuses an identity without a connection, so every session is sent a ping now and then, and often
while the service works for it. libzmq's own heartbeats cut connections whose other end has stopped answering.
"""

from __future__ import annotations

import errno
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, Self

import zmq

import motion
from motion import protocol, wire
from motion.bundle import Manifest
from motion.errors import BadRequest, Busy, Cancelled, MotionError, TimedOut, Unavailable
from motion.protocol import (
    Accepted,
    Ack,
    Cancel,
    Close,
    Done,
    Error,
    Generate,
    Hello,
    Limits,
    Message,
    Ping,
    Pong,
    Progress,
    Statistics,
    Stats,
    Welcome,
)
from runtime import admission
from runtime.address import bind
from runtime.session import Job, Session
from runtime.worker import Worker

_log = logging.getLogger(__name__)

VERSION: Final = f"motus {motion.__version__}"
SESSIONS: Final = 256
ANSWERS: Final = 1000
"""answers a client may leave unread before it is taken for gone"""
STALLED_S: Final = 60.0
"""how long the rest of a clip waits for a client that takes nothing"""
_TURN: Final = 200  # messages read before the worker's are looked at again
_TICK_MS: Final = 50
_PROBE_BUSY_S: Final = 0.1  # so that work for a client that vanished stops within 0.2 s
_PROBE_IDLE_S: Final = 5.0


class Service:
    """Answers clients at `address` as PROTOCOL.md says. Raises BadConfig where the address cannot be had."""

    def __init__(self, manifest: Manifest, address: str, limits: Limits = admission.LIMITS) -> None:
        self._manifest = manifest
        self._limits = limits
        self._sessions: dict[bytes, Session] = {}
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._accepted = self._finished = self._cancelled = self._failed = 0
        self._started = time.monotonic()
        self._stopping = threading.Event()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._router = bind(self.context, address)
        except MotionError:
            self.context.term()
            raise

    @property
    def address(self) -> str:
        """Where clients connect, with the port that was really taken."""
        return self._router.getsockopt_string(zmq.LAST_ENDPOINT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.context.destroy(linger=200)  # also sockets of a worker that Ctrl-C caught half made

    def stop(self) -> None:
        """Make `run` return soon. Any thread may call this, and a signal handler."""
        self._stopping.set()

    def run(self, worker: Worker) -> None:
        """Serve until `stop` is called; then the work stops and every client that waits is told."""
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(worker.bell, zmq.POLLIN)
        while not self._stopping.is_set():
            poller.poll(_TICK_MS)
            self._receive(worker)
            for job, message in worker.collect():
                self._deliver(job, message)
            self._dispatch(worker)
            for session in list(self._sessions.values()):
                self._flush(session)
        stopped = _error("", Unavailable("the server is stopping; ask again when it is back"))
        for session in list(self._sessions.values()):
            for job in session.jobs.values():
                job.abandon(Error(job.request.id, stopped.code, stopped.message, stopped.retry))
            self._flush(session)

    def _receive(self, worker: Worker) -> None:
        for _ in range(_TURN):
            try:
                identity, parts = self._read()
            except zmq.Again:
                return
            request = ""
            try:
                envelope = wire.unseal(parts)
                request = envelope.id
                self._answer(identity, protocol.read(envelope), worker)
            except MotionError as error:
                _log.debug("refused: %s", error)
                session = self._sessions.get(identity) or Session(identity, "", 0)
                # an error that names a request ends it; one about a message to a request under way names none
                session.answers.append(_error("" if request in session.jobs else request, error))
                self._flush(session)

    def _read(self) -> tuple[bytes, list[bytes]]:
        """The next message; parts past what a message may have are thrown away, all but one that shows there were."""
        identity = self._router.recv(zmq.NOBLOCK)
        parts: list[bytes] = []
        while self._router.getsockopt(zmq.RCVMORE):
            part = self._router.recv()
            if len(parts) < wire.BUFFERS + 3:
                parts.append(part)
        return identity, parts

    def _answer(self, identity: bytes, message: Message, worker: Worker) -> None:
        session = self._sessions.get(identity)
        if isinstance(message, Hello):
            self._greet(identity, message)
        elif session is None:
            raise BadRequest(f"{protocol.kind(message)!r} came before 'hello'; say hello first")
        elif isinstance(message, Generate):
            self._accept(session, message)
            self._dispatch(worker)
        elif isinstance(message, Cancel):
            self._cancel(session, message.id)
        elif isinstance(message, Ack):
            if message.id in session.jobs:
                session.jobs[message.id].ack(message.frames)
        elif isinstance(message, Ping):
            session.answers.append(Pong(message.clock, time.monotonic()))
        elif isinstance(message, Stats):
            session.answers.append(self._statistics(worker))
        elif isinstance(message, Close):
            self._forget(session, "it said goodbye")
        elif not isinstance(message, Pong):
            raise BadRequest(f"{protocol.kind(message)!r} is for the server to send; a client does not")

    def _greet(self, identity: bytes, hello: Hello) -> None:
        if identity not in self._sessions and len(self._sessions) >= SESSIONS:
            raise Busy(f"{SESSIONS} clients are connected, which is all this server takes; try again later")
        if not 1 <= hello.window <= self._limits.window:
            raise BadRequest(f"'window' must be 1 to {self._limits.window} frames; got {hello.window}")
        session = self._sessions.setdefault(identity, Session(identity, hello.client[:100], hello.window))
        session.window = hello.window
        bundle, skeleton = self._manifest, self._manifest.skeleton
        session.answers.append(
            Welcome(
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
            )
        )

    def _accept(self, session: Session, request: Generate) -> None:
        admission.check(request, self._manifest, self._limits)
        if request.id in session.jobs:
            raise BadRequest(f"a request {request.id!r} is still under way; give each its own id")
        if len(session.jobs) >= self._limits.requests:
            raise Busy(f"{len(session.jobs)} requests of this client are under way; wait for one to be done")
        if len(self._waiting) >= self._limits.queue:
            raise Busy(f"{len(self._waiting)} requests are waiting, which is all this server holds; try again later")
        seed = secrets.randbelow(admission.SEEDS) if request.seed is None else request.seed
        job = Job(session, request, seed, time.monotonic())
        session.jobs[request.id] = job
        self._accepted += 1
        session.answers.append(Accepted(request.id, len(self._waiting) + (self._running is not None), seed))
        self._waiting.append(job)

    def _cancel(self, session: Session, request: str) -> None:
        job = session.jobs.get(request)
        if job is None:  # it was done before this came: the client has, or will find, its end
            return
        if job is not self._running:
            self._drop_waiting(job)
            job.abandon(_error(request, Cancelled("the request was cancelled")))
        job.cancelled.set()

    def _drop_waiting(self, job: Job) -> None:
        if job in self._waiting:
            self._waiting.remove(job)
            self._cancelled += 1
            self._tell_positions()

    def _dispatch(self, worker: Worker) -> None:
        if self._running is None and self._waiting:
            self._running = self._waiting.popleft()
            worker.start(self._running)
            self._tell_positions()

    def _tell_positions(self) -> None:
        for ahead, job in enumerate(self._waiting, 1):
            job.put(Progress(job.request.id, "queued", 0, 1, ahead))

    def _deliver(self, job: Job, message: Message) -> None:
        if isinstance(message, (Done, Error)):
            self._running = None
            if isinstance(message, Done):
                self._finished += 1
            elif message.code == Cancelled.code:
                self._cancelled += 1
            else:
                self._failed += 1
        if job.session.jobs.get(job.request.id) is job:
            if isinstance(message, Error) and message.code == Cancelled.code:
                job.abandon(message)
            else:
                job.put(message)

    def _flush(self, session: Session) -> None:
        """Send what may leave, and find out whether the client is still there."""
        while (queue := session.next()) is not None:
            if not self._send(session, protocol.pack(queue[0])):
                break
            session.leave(queue)
        now = time.monotonic()
        if now - session.told > (_PROBE_BUSY_S if session.jobs else _PROBE_IDLE_S):
            session.told = now
            self._send(session, protocol.pack(Ping(now)))
        if len(session.answers) > ANSWERS:
            self._forget(session, f"it left {ANSWERS} answers unread")
        for job in session.jobs.values():
            if job.outbox and not job.cancelled.is_set() and now - job.moved > STALLED_S:
                job.abandon(_error(job.request.id, TimedOut(f"no frame was taken for {STALLED_S:g} s")))

    def _send(self, session: Session, parts: Sequence[bytes]) -> bool:
        """Whether the message left; a session whose client is gone is forgotten."""
        try:
            self._router.send_multipart([session.identity, *parts], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
            self._forget(session, "its connection is gone")
            return False
        return True

    def _forget(self, session: Session, reason: str) -> None:
        if self._sessions.pop(session.identity, None) is None:
            return
        _log.info("client %r left: %s", session.client, reason)
        for job in session.jobs.values():
            self._drop_waiting(job)
            job.cancelled.set()
        session.jobs.clear()
        session.answers.clear()

    def _statistics(self, worker: Worker) -> Statistics:
        now = time.monotonic()
        return Statistics(
            clock=now,
            uptime_s=now - self._started,
            sessions=len(self._sessions),
            waiting=len(self._waiting),
            running=int(self._running is not None),
            accepted=self._accepted,
            finished=self._finished,
            cancelled=self._cancelled,
            failed=self._failed,
            tokens=worker.tokens,
            frames=worker.frames,
        )


def _error(request: str, error: MotionError) -> Error:
    return Error(request, error.code, str(error), error.retry)
