"""The worker process: it owns the models, and does what the front of the service orders.

    python -m runtime.workers.worker    started by the front alone; its first line of standard input says what to load

Clips and plans of live sessions run on threads of their own, so that the language model's steps and the engines' calls
are shared; while a plan runs, clips wait at their next step, for a moment each time. Whatever happens here is said to
the front as a report; when the front is gone, the worker ends.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final, Self

import zmq

from motion.errors import Internal, MotionError
from motion.protocol import Done
from motion.protocol.sockets import join
from runtime.generation.batching import BatchedEngine
from runtime.generation.pipeline import Pipeline
from runtime.generation.planner import Planner
from runtime.transport import orders
from runtime.transport.address import readable
from runtime.transport.orders import Plan, Pulse, Ready, Refused, Run
from runtime.transport.start import Start
from runtime.workers import logs
from runtime.workers.gpu import Gpus

_log = logging.getLogger(__name__)
Socket = zmq.Socket[bytes]
_REPORTS: Final = "inproc://reports"
_PULSE_BUSY_S: Final = 0.25
_PULSE_IDLE_S: Final = 0.5
_LOOK_MS: Final = 50
_YIELD_S: Final = 0.05  # how long a step of a clip waits for plans of live sessions at most


class Worker:
    """Does orders that come over `front`, a DEALER, with the models of a pipeline."""

    def __init__(self, pipeline: Pipeline, context: zmq.Context[Socket], front: Socket, slots: int, plans: int) -> None:
        self._pipeline = pipeline
        self._planner = Planner(pipeline)
        self._front = front
        self._context = context
        self._reports = self._context.socket(zmq.PULL)
        self._reports.setsockopt(zmq.RCVHWM, 0)
        self._reports.bind(_REPORTS)
        self._local = threading.local()
        self._senders: list[Socket] = []
        self._clips = ThreadPoolExecutor(slots, "clip")
        self._plans = ThreadPoolExecutor(plans, "plan")
        self._jobs: dict[int, threading.Event] = {}
        self._gpu = Gpus()
        self.heard = time.monotonic()
        """when the front last said something"""
        for engine in pipeline.engines:
            if isinstance(engine, BatchedEngine):
                engine.crowd = self._jobs.__len__
        self._urgent = 0
        self._calm = threading.Condition()
        self.stopping = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stopping.set()
        for halted in list(self._jobs.values()):
            halted.set()
        for pool in (self._clips, self._plans):
            pool.shutdown(wait=True, cancel_futures=True)
        for socket in (*self._senders, self._reports):  # whose threads have ended
            socket.close(linger=0)

    def serve(self) -> None:
        """Do orders until the front says stop."""
        poller = zmq.Poller()
        for socket in (self._front, self._reports):
            poller.register(socket, zmq.POLLIN)
        pulsed, busy = 0.0, False
        while not self.stopping.is_set():
            poller.poll(_LOOK_MS)
            while readable(self._front):
                self.heard = time.monotonic()
                self._obey(self._front.recv_multipart())
            while readable(self._reports):
                self._front.send_multipart(self._reports.recv_multipart(copy=False), copy=False)
            now = time.monotonic()
            busy, ended = bool(self._jobs), busy and not self._jobs
            if ended or now - pulsed > (_PULSE_BUSY_S if busy else _PULSE_IDLE_S):
                pulsed = now
                self._tell(self._pulse())

    def _pulse(self) -> list[bytes]:
        shared = [engine for engine in self._pipeline.engines if isinstance(engine, BatchedEngine)]
        sizes = tuple(size for engine in shared for size in engine.take_sizes())
        steps = tuple(self._pipeline.model.take_sizes())
        return orders.pack(
            "pulse", 0, Pulse(self._pipeline.tokens, self._pipeline.frames, sizes, steps, self._gpu.used)
        )

    def _tell(self, parts: Sequence[bytes]) -> None:
        self._front.send_multipart(parts)

    def _obey(self, parts: list[bytes]) -> None:
        kind, key = orders.kind_of(parts)
        if kind == "stop":
            self.stopping.set()
        elif kind == "cancel":
            self.halt(key)
        elif kind in ("run", "plan"):
            self.begin(parts)

    def begin(self, parts: list[bytes]) -> Future[None]:
        """Do an order, on a thread of its kind; done when nothing is done for it any more. Any thread may call this."""
        kind, key = orders.kind_of(parts)
        halted = self._jobs[key] = threading.Event()
        if kind == "plan":
            return self._plans.submit(self._plan, key, parts, halted)
        return self._clips.submit(self._clip, key, parts, halted, time.monotonic())

    def halt(self, key: int) -> None:
        """Have a job stop at its next step. Any thread may call this."""
        halted = self._jobs.get(key)
        if halted is not None:
            halted.set()

    def _clip(self, key: int, parts: list[bytes], halted: threading.Event, came: float) -> None:
        def gate() -> bool:
            if self._urgent and not halted.is_set():
                with self._calm:
                    self._calm.wait_for(lambda: not self._urgent, _YIELD_S)
            return halted.is_set()

        def work() -> None:
            order = orders.unpack(Run, parts)
            for message in self._pipeline.run(order.request, order.seed, came - order.age_s, gate):
                if isinstance(message, Done):  # whoever asks after it finds the work counted
                    self._report(self._pulse())
                self._report(orders.pack_said(key, message))

        self._do(key, work)

    def _plan(self, key: int, parts: list[bytes], halted: threading.Event) -> None:
        def work() -> None:
            order = orders.unpack(Plan, parts)
            course = self._planner.plan(order, orders.resumes_of(parts), halted.is_set)
            self._report(orders.pack("planned", key, course.planned, course.resumes))

        with self._calm:
            self._urgent += 1
        try:
            self._do(key, work)
        finally:
            with self._calm:
                self._urgent -= 1
                self._calm.notify_all()

    def _do(self, key: int, work: Callable[[], None]) -> None:
        try:
            work()
        except MotionError as error:
            self._report(self._pulse())
            self._report(orders.pack("refused", key, Refused(error.code, str(error), error.retry)))
        except Exception as error:  # noqa: BLE001  a bug met by one request must not take the others' service away
            _log.exception("job %d failed", key)
            internal = Internal(f"the server failed at this request ({type(error).__name__}); its log says where")
            self._report(orders.pack("refused", key, Refused(internal.code, str(internal), internal.retry)))
        finally:
            self._jobs.pop(key, None)

    def _report(self, parts: list[bytes]) -> None:
        if not hasattr(self._local, "socket"):  # a socket of ZeroMQ belongs to one thread
            socket = self._context.socket(zmq.PUSH)
            socket.setsockopt(zmq.SNDHWM, 0)
            socket.connect(_REPORTS)
            self._local.socket = socket
            self._senders.append(socket)
        self._local.socket.send_multipart(parts)


def open_worker(
    start: Start,
    context: zmq.Context[Socket],
    open_pipeline: Callable[[Start, ExitStack], Pipeline],
    stack: ExitStack,
) -> Worker:
    """A warm worker, of whom the front has been told. Raises MotionError, of which it has been told too."""
    front = context.socket(zmq.DEALER)
    front.setsockopt(zmq.IDENTITY, start.name.encode())
    front.setsockopt(zmq.SNDHWM, 0)
    join(front, start.own, start.server)
    front.connect(start.address)
    stack.callback(context.destroy, linger=500)
    try:
        begun = time.monotonic()
        pipeline = open_pipeline(start, stack)
        _log.info("warming up")
        pipeline.warm_up()
    except Exception as error:  # a process's last word: the front says in one sentence why there is no service
        if not isinstance(error, MotionError):
            _log.exception("the first generation failed")
            error = Internal(f"the models could not be opened: {error!r}")
        front.send_multipart(orders.pack("refused", 0, Refused(error.code, str(error), error.retry)))
        raise error from None
    worker = stack.enter_context(Worker(pipeline, context, front, start.slots, start.plans))
    front.send_multipart(orders.pack("ready", 0, Ready(time.monotonic() - begun)))
    return worker


def work(open_pipeline: Callable[[Start, ExitStack], Pipeline]) -> int:
    """The worker's program around what opens its models. The exit code."""
    start = Start.read(sys.stdin.buffer)
    logs.start(start.log_level, start.log_format)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the front says what to do
    leash = threading.Thread(target=_watch_front, daemon=True)
    leash.start()
    with ExitStack() as stack:
        try:
            worker = open_worker(start, zmq.Context(), open_pipeline, stack)
        except MotionError:
            return 2
        worker.serve()
    return 0


def _watch_front() -> None:
    """The front holds the other end of standard input: when it is gone, however it ended, so is the worker."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


def main() -> int:
    """The exit code."""
    from runtime.generation.loading import open_pipeline

    return work(open_pipeline)


if __name__ == "__main__":
    sys.exit(main())
