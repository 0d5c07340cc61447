"""The one thread that owns the models.

It takes jobs one at a time, runs them through the pipeline, and delivers their messages; the last of each job is a
Done or an Error. Sockets of ZeroMQ belong to one thread each, so the thread has an end of an inproc pair of its own,
on which it only knocks: the messages themselves travel through a queue.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Self

import zmq

from motion.errors import Internal, MotionError
from motion.protocol import Error, Message
from runtime.pipeline import Pipeline
from runtime.session import Job

_log = logging.getLogger(__name__)
_KNOCK = "inproc://worker"


class Worker:
    """Runs jobs on a thread of its own. `bell` is readable when there is something to `collect`."""

    def __init__(self, pipeline: Pipeline, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._pipeline = pipeline
        self._context = context
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Job, Message]] = queue.SimpleQueue()
        self._warm = threading.Event()
        self._stopping = threading.Event()
        self._failure: MotionError | None = None
        self.bell = context.socket(zmq.PAIR)
        self.bell.bind(_KNOCK)
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread and wait until a first short generation has gone through it."""
        try:
            self._thread.start()
            while not self._warm.wait(0.1):  # a wait without end would not let Ctrl-C through on Windows
                pass
            if self._failure is not None:
                raise self._failure
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        self._jobs.put(None)
        if self._thread.ident is not None:
            self._thread.join()
        self.bell.close(linger=0)

    @property
    def tokens(self) -> int:
        """Steps of the language model done so far."""
        return self._pipeline.tokens

    @property
    def frames(self) -> int:
        """Frames made so far."""
        return self._pipeline.frames

    def start(self, job: Job) -> None:
        """Hand over a job; it runs when those before it are done."""
        self._jobs.put(job)

    def collect(self) -> list[tuple[Job, Message]]:
        """Everything delivered since the last call."""
        while self.bell.poll(0):
            self.bell.recv()
        return [self._results.get() for _ in range(self._results.qsize())]

    def _run(self) -> None:
        knocker = self._context.socket(zmq.PAIR)
        knocker.connect(_KNOCK)
        try:
            self._failure = self._attempt_warm_up()
            self._warm.set()
            while (job := self._jobs.get()) is not None:
                self._work(job, knocker)
        finally:
            self._warm.set()
            knocker.close(linger=0)

    def _attempt_warm_up(self) -> MotionError | None:
        try:
            self._pipeline.warm_up(self._stopping.is_set)
        except MotionError as error:
            return error
        except Exception as error:  # noqa: BLE001
            _log.exception("the first generation failed")
            return Internal(f"the first generation failed: {error!r}")
        return None

    def _work(self, job: Job, knocker: zmq.Socket[bytes]) -> None:
        try:
            for message in self._pipeline.run(job.request, job.seed, job.received, job.cancelled.is_set):
                self._deliver(job, message, knocker)
        except MotionError as error:
            self._deliver(job, Error(job.request.id, error.code, str(error), error.retry), knocker)
        except Exception as error:  # noqa: BLE001  a bug met by one request must not take the others' service away
            _log.exception("request %s of %r failed", job.request.id, job.session.client)
            internal = Internal(f"the server failed at this request ({type(error).__name__}); its log says where")
            self._deliver(job, Error(job.request.id, internal.code, str(internal), internal.retry), knocker)

    def _deliver(self, job: Job, message: Message, knocker: zmq.Socket[bytes]) -> None:
        self._results.put((job, message))
        try:
            knocker.send(b"", zmq.NOBLOCK)
        except zmq.Again:  # a thousand knocks are waiting: it will look
            return
