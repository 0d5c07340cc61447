"""Requests: let in, queued, handed to workers, answered.

A request is one unit of work for each of its variations. Units wait in one bounded queue in which clients take turns;
as many are under way as the workers take. What comes of them goes into the request's outbox, from where it leaves as
the client takes it.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from motion.bundles.manifest import Manifest
from motion.errors import BadRequest, Busy, Cancelled, DeadlinePassed, MotionError, TimedOut, Unavailable
from motion.protocol import Accepted, Done, Error, Frames, Generate, Limits, Message, Progress, Text
from runtime.front import admission, cache
from runtime.front.cache import Cache
from runtime.front.fair_queue import FairQueue
from runtime.front.metrics import Metrics
from runtime.front.session import Job, Session, Unit
from runtime.transport.orders import Run
from runtime.workers.backend import Backend, Report
from runtime.workers.logs import about

_log = logging.getLogger(__name__)
STALLED_S: Final = 60.0
"""how long the rest of a motion waits for a client that takes nothing"""


class Requests:
    """The requests of all clients. `touch` is called with each session for which something may leave."""

    def __init__(
        self,
        backend: Backend,
        keys: itertools.count[int],
        limits: Limits,
        answers: Cache,
        metrics: Metrics,
        touch: Callable[[Session], None],
    ) -> None:
        self.accepted = self.finished = self.cancelled = self.failed = self.cached = 0
        self._backend = backend
        self._keys = keys
        self._limits = limits
        self._answers = answers
        self._metrics = metrics
        self._touch = touch
        self._queue: FairQueue[Unit] = FairQueue()
        self._running: dict[int, Unit] = {}
        self._jobs: set[Job] = set()

    @property
    def waiting(self) -> int:
        """Requests none of whose units has begun."""
        return len({unit.job for unit in self._queue if not self._begun(unit.job)})

    @property
    def running(self) -> int:
        """Requests that are worked on."""
        return len({unit.job for unit in self._running.values()})

    @property
    def oldest(self) -> float:
        """How long the first in the queue has waited, seconds."""
        return time.monotonic() - min((unit.job.received for unit in self._queue), default=time.monotonic())

    def accept(self, session: Session, request: Generate, manifest: Manifest, bundle: str) -> None:
        """Let a request in. Raises BadRequest, UnknownTask and Busy; `bundle` is what its answer depends on."""
        admission.check(request, manifest, self._limits)
        if request.id in session.jobs or request.id in session.streams:
            raise BadRequest(f"a request {request.id!r} is still under way; give each its own id")
        if session.account.jobs >= self._limits.requests:
            raise Busy(f"{session.account.jobs} requests of this client are under way; wait for one to be done")
        seed = secrets.randbelow(admission.SEEDS) if request.seed is None else request.seed
        job = Job(session, request, seed, time.monotonic(), moved=time.monotonic())
        name = cache.key(bundle, request, seed)
        answer = self._answers.find(name) if request.seed is not None else None
        if answer is None and self.waiting >= self._limits.queue:
            raise Busy(f"{self.waiting} requests are waiting, which is all this server holds; try again later")
        self.accepted += 1
        session.account.jobs += 1
        session.jobs[request.id] = job
        self._jobs.add(job)
        _log.info("accepted %s", request.task, extra=about(request=request.id, client=session.client))
        if answer is not None:
            session.answers.append(Accepted(request.id, 0, seed))
            self._replay(job, answer)
            return
        session.answers.append(Accepted(request.id, self.waiting + self.running, seed))
        job.kept, job.name = [], name
        for variation in range(request.variations):
            job.units.append(Unit(job, variation, next(self._keys)))
            self._queue.push(session.account.name, job.units[-1])
        self._touch(session)
        self.dispatch()

    def dispatch(self) -> None:
        """Hand to the workers what they have room for."""
        moved = False
        while self._queue and self._backend.ready and len(self._running) < self._backend.slots:
            unit = self._queue.pop()
            self._begin(unit)
            moved = True
        if moved:
            self._tell_positions()

    def hear(self, report: Report) -> bool:
        """Take in what came of a unit; whether it was one."""
        unit = self._running.get(report.key)
        if unit is None:
            return False
        job = unit.job
        if report.error is not None or isinstance(report.said, Done):
            del self._running[report.key]
        if job.stopping:
            if not self._works_for(job):
                self._stop(job, Cancelled("the request was cancelled"), "asked")
        elif report.error is not None:
            if not job.ended:
                level = logging.DEBUG if isinstance(report.error, BadRequest) else logging.WARNING
                _log.log(level, "%s", report.error, extra=about(request=job.request.id, client=job.session.client))
                self._stop(job, report.error, "asked" if isinstance(report.error, Cancelled) else "")
        elif report.said is not None and not job.ended:
            self._observe(unit, report.said)
            job.hear(unit, report.said)
            if job.ended:
                self._end(job, "done")
                if job.kept is not None:
                    self._answers.keep(job.name, job.kept)
        self._touch(job.session)
        return True

    def cancel(self, session: Session, name: str) -> bool:
        """The client wants a request stopped; whether there is one of this name. It is told that it is once no work is
        done for it any more."""
        job = session.jobs.get(name)
        if job is None:  # it was done before this came: the client has, or will find, its end
            return False
        if self._works_for(job):
            job.stopping = True
            job.outbox.clear()
            self._halt(job)
        else:
            self._stop(job, Cancelled("the request was cancelled"), "asked")
        self._touch(session)
        return True

    def leave(self, session: Session, why: str) -> None:
        """A session has ended: its requests stop."""
        for job in list(session.jobs.values()):
            self._stop(job, Cancelled("its client is gone"), why)

    def stop(self) -> None:
        """The service stops: every request that is not done is told so."""
        for job in list(self._jobs):
            self._stop(job, Unavailable("the server is stopping; ask again when it is back"), "stopping")
            self._touch(job.session)

    def watch(self, now: float, gap: float, sessions: Iterable[Session]) -> None:
        """See to deadlines, and to clients that take nothing, but for the `gap` seconds in which this process stood
        still itself."""
        for job in [job for session in sessions for job in session.jobs.values()]:
            job.moved += gap
            deadline = job.request.deadline_s
            if deadline is not None and not job.ended and now > job.received + deadline:
                late = DeadlinePassed(f"it was not done within {deadline:g} s; ask again, or give it longer")
                self._stop(job, late, "deadline")
            elif job.outbox and now - job.moved > STALLED_S:
                self._stop(job, TimedOut(f"no frame was taken for {STALLED_S:g} s"), "stalled")
            else:
                continue
            self._touch(job.session)

    def _begin(self, unit: Unit) -> None:
        unit.started = time.monotonic()
        self._running[unit.key] = unit
        job = unit.job
        request = replace(job.request, variations=1, deadline_s=None)
        self._backend.run(
            unit.key, Run((job.seed + unit.variation) % admission.SEEDS, unit.started - job.received, request)
        )

    def _works_for(self, job: Job) -> bool:
        return any(unit.key in self._running for unit in job.units)

    def _halt(self, job: Job) -> None:
        for unit in job.units:
            if unit.key in self._running:
                self._backend.cancel(unit.key)
            else:
                self._queue.remove(job.session.account.name, unit)

    def _stop(self, job: Job, error: MotionError, why: str) -> None:
        self._halt(job)
        ended = job.ended
        job.abandon(Error(job.request.id, error.code, str(error), error.retry))
        if not ended:
            self._end(job, "cancelled" if why else error.code, why)
        self._tell_positions()

    def _end(self, job: Job, outcome: str, why: str = "") -> None:
        self._jobs.discard(job)
        self._metrics.ended(job.request.task, outcome)
        if outcome == "done":
            self.finished += 1
        elif why:
            self.cancelled += 1
            self._metrics.cancelled(why)
        else:
            self.failed += 1
            self._metrics.failed(outcome)
        _log.info("%s: %s", job.request.task, outcome, extra=about(request=job.request.id, client=job.session.client))

    def _observe(self, unit: Unit, message: Message) -> None:
        if isinstance(message, Frames) and message.sequence == 0 and unit.variation == 0 and unit.started is not None:
            received = unit.job.received
            self._metrics.first_frame(time.monotonic() - received, unit.started - received)

    def _replay(self, job: Job, answer: cache.Answer) -> None:
        self.cached += 1
        self._metrics.cached()
        for message in answer:
            if isinstance(message, Done):
                took = time.monotonic() - job.received
                times = {"queued_s": 0.0, "first_token_s": 0.0, "first_output_s": took, "total_s": took}
                message = replace(message, id=job.request.id, cached=True, **times)
            elif isinstance(message, (Frames, Text)):
                message = replace(message, id=job.request.id)
            job.put(message)
        self._end(job, "done")
        self._touch(job.session)

    def _tell_positions(self) -> None:
        running = self.running
        told: set[Job] = set()
        for unit in self._queue:
            job = unit.job
            if job not in told and not self._begun(job):
                job.put(Progress(job.request.id, "queued", 0, 1, running + len(told)))
                self._touch(job.session)
                told.add(job)

    def _begun(self, job: Job) -> bool:
        return any(unit.started is not None for unit in job.units)
