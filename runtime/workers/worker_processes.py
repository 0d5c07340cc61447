"""The worker processes as the front sees them: started, watched, replaced, retired.

One worker serves at a time. When it dies, or says nothing for `SILENCE_S`, its jobs are lost and another is started,
later each time it fails. When the bundle changes, the next worker is started beside it and takes over once it is warm;
the old one finishes what it was given. Nothing here waits: `tick` is called again and again.
"""

from __future__ import annotations

import itertools
import logging
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import zmq

from motion.errors import MotionError, Unavailable, WorkLost
from motion.protocol.wire import Array
from runtime.transport import orders
from runtime.transport.exchange import Exchange
from runtime.transport.gate import throwaway
from runtime.transport.orders import Plan, Pulse, Ready, Refused, Run
from runtime.transport.start import Start
from runtime.workers.backend import Report, Tally, error_of
from runtime.workers.logs import about

_log = logging.getLogger(__name__)
SILENCE_S: Final = 10.0
"""a worker that says nothing for so long is wedged: its control thread reports twice a second"""
_START_S: Final = 300.0  # and one that is not warm after so long will not be
_RETRY_S: Final = (0.2, 30.0)  # from the first to the longest wait before a worker that failed is started again
_STOP_S: Final = 5.0


@dataclass(eq=False)
class _Worker:
    """One worker process."""

    name: bytes
    process: subprocess.Popen[bytes]
    models: dict[str, Any]
    heard: float
    ready: bool = False
    retiring: bool = False
    stopped: float | None = None
    jobs: set[int] = field(default_factory=set[int])


class WorkerProcesses:
    """The backend on processes of this machine. `command` starts a worker; `start` is what all of them are told, and
    what the first one loads."""

    def __init__(self, command: Sequence[str], start: Start) -> None:
        self.slots = start.slots
        self.restarts = 0
        """workers that had to be replaced"""
        self.failure: MotionError | None = None
        """why the last worker could not start"""
        self.took: Callable[[dict[str, Any]], None] = lambda _: None
        """called with its models when a worker takes over"""
        self.tally = Tally()
        self._command = list(command)
        self._start = start
        self._exchange = Exchange()
        self._names = (f"worker-{number}".encode() for number in itertools.count(1))
        self._workers: dict[bytes, _Worker] = {}
        self._at_work: _Worker | None = None
        self._reports: list[Report] = []
        self._failures = 0
        self._proven = False  # whether any worker was ever ready
        self._again: float | None = None
        self._ticked = time.monotonic()

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        for worker in self._workers.values():
            self._stop(worker)
        until = time.monotonic() + _STOP_S
        for worker in self._workers.values():
            try:
                worker.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            self._let_go(worker)
        self._exchange.close()

    @property
    def bells(self) -> Sequence[zmq.Socket[bytes] | int]:
        """What is readable when there is something to collect."""
        return (self._exchange.socket,)

    @property
    def ready(self) -> bool:
        """Whether a warm worker is there."""
        return self._at_work is not None

    def run(self, key: int, order: Run) -> None:
        """Do a request."""
        self._give(key, orders.pack("run", key, order))

    def plan(self, key: int, order: Plan, resume: dict[str, Array]) -> None:
        """Make the next frames of a live session."""
        self._give(key, orders.pack("plan", key, order, resume))

    def cancel(self, key: int) -> None:
        """Stop a job."""
        worker = next((worker for worker in self._workers.values() if key in worker.jobs), None)
        if worker is not None:
            self._send(worker, orders.pack("cancel", key))

    def reload(self, models: dict[str, Any]) -> None:
        """Start a worker with other models; it takes over when it is warm."""
        for worker in list(self._workers.values()):
            if not worker.ready:
                self._retire(worker)
        self._start = replace(self._start, models=models)
        self._failures = 0
        self._open()

    def collect(self) -> list[Report]:
        """What has been reported since the last call."""
        for name, parts in self._exchange.read():
            worker = self._workers.get(name)
            if worker is not None:
                worker.heard = time.monotonic()
                self._hear(worker, parts)
        reports, self._reports = self._reports, []
        return reports

    def tick(self) -> None:
        """Replace who is gone or wedged, let go of who has finished. Raises why the very first worker cannot start."""
        now = time.monotonic()
        gap, self._ticked = now - self._ticked, now
        for worker in list(self._workers.values()):
            if gap > 1:  # it was this process that stood still: nobody could be heard meanwhile
                worker.heard += gap
            code = worker.process.poll()
            if code is not None:
                self._lose(worker, f"ended with {code}")
            elif now - worker.heard > (SILENCE_S if worker.ready else _START_S):
                self._lose(worker, f"said nothing for {now - worker.heard:.0f} s")
            elif worker.retiring and not worker.jobs and worker.stopped is None:
                self._stop(worker)
            elif worker.stopped is not None and now - worker.stopped > _STOP_S:
                worker.process.kill()
        if not self._proven and self.failure is not None:
            raise self.failure
        if self._again is not None and now >= self._again:
            self._again = None
            self._open()

    def _open(self) -> None:
        name, own = next(self._names), throwaway()
        start = replace(
            self._start,
            name=name.decode(),
            address=self._exchange.address,
            own_public=own.public.decode(),
            own_secret=own.secret.decode(),
            server_public=self._exchange.public.decode(),
        )
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stdin is not None
        try:
            process.stdin.write(start.line())
            process.stdin.flush()
        except BrokenPipeError:  # it is gone already; the next tick says so
            pass
        self._workers[name] = _Worker(name, process, start.models, time.monotonic())
        _log.info("started a worker", extra=about(worker=name.decode(), pid=process.pid))

    def _hear(self, worker: _Worker, parts: list[bytes]) -> None:
        kind, key = orders.kind_of(parts)
        if kind == "pulse":
            self.tally.hear(worker.name, orders.unpack(Pulse, parts))
        elif kind == "ready":
            self._take_over(worker, orders.unpack(Ready, parts).seconds)
        elif kind == "refused" and key == 0:
            refused = orders.unpack(Refused, parts)
            self.failure = error_of(refused)
            _log.error("a worker cannot start: %s", refused.message, extra=about(worker=worker.name.decode()))
        elif key in worker.jobs:
            report = Report.of(kind, key, parts)
            if report.last:
                worker.jobs.discard(key)
            self._reports.append(report)

    def _take_over(self, worker: _Worker, seconds: float) -> None:
        _log.info("first generation took %.1f s", seconds, extra=about(worker=worker.name.decode()))
        worker.ready = True
        self._failures, self.failure, self._proven = 0, None, True
        before, self._at_work = self._at_work, worker
        if before is not None:
            self._retire(before)
        self.took(worker.models)

    def _retire(self, worker: _Worker) -> None:
        worker.retiring = True
        if self._at_work is worker:
            self._at_work = None

    def _stop(self, worker: _Worker) -> None:
        worker.stopped = time.monotonic()
        self._send(worker, orders.pack("stop", 0))
        if worker.process.stdin is not None and not worker.ready:
            worker.process.stdin.close()  # it listens to nothing else before it is warm

    def _lose(self, worker: _Worker, how: str) -> None:
        expected = worker.retiring or worker.stopped is not None
        if worker.process.poll() is None:
            worker.process.kill()
            worker.process.wait()
        self._let_go(worker)
        del self._workers[worker.name]
        self.tally.gone(worker.name)
        lost = WorkLost("the process that worked on this ended before it was done; ask again")
        self._reports += [Report(key, error=lost) for key in worker.jobs]
        if expected and not worker.jobs:
            _log.info("a worker has retired", extra=about(worker=worker.name.decode()))
            return
        _log.error("a worker %s", how, extra=about(worker=worker.name.decode(), jobs=len(worker.jobs)))
        if self._at_work is worker or not worker.ready:
            self._at_work = None if self._at_work is worker else self._at_work
            if worker.ready:
                self.restarts += 1
            self.failure = self.failure or Unavailable(f"the worker {how}; the log above may say why")
            self._again = time.monotonic() + min(_RETRY_S[0] * 2**self._failures, _RETRY_S[1])
            self._failures += 1

    def _let_go(self, worker: _Worker) -> None:
        if worker.process.stdin is not None:
            worker.process.stdin.close()

    def _give(self, key: int, parts: list[bytes]) -> None:
        worker = self._at_work
        if worker is None or not self._send(worker, parts):
            self._reports.append(Report(key, error=Unavailable("nobody works just now; ask again")))
            return
        worker.jobs.add(key)

    def _send(self, worker: _Worker, parts: list[bytes]) -> bool:
        """Whether it left; where not, the worker is gone or not there yet, and the next tick finds out."""
        return self._exchange.send(worker.name, parts)
