"""The server program: `python -m runtime.serve`.

It fails early: first the bundle is verified and the ports are taken, then a worker process reads the models and runs a
first generation through them, and only then does the ready line appear.
"""

from __future__ import annotations

import hashlib
import json
import logging
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import zmq

from motion.bundles.bundle import Bundle
from motion.bundles.manifest import Manifest
from motion.errors import BadConfig, MotionError
from runtime import settings
from runtime.front.cache import Cache
from runtime.front.endpoint import Endpoint
from runtime.front.service import Service, pages
from runtime.generation.loading import find, open_pipeline
from runtime.generation.pipeline import Pipeline
from runtime.settings import ServeConfig
from runtime.transport.gate import Gate
from runtime.transport.start import Start
from runtime.workers import logs
from runtime.workers.cluster import Scale
from runtime.workers.replicas import Replicas
from runtime.workers.worker_processes import WorkerProcesses

__all__ = ["find", "main", "run", "serve", "stopping_waits"]

_log = logging.getLogger(__name__)
WORKER: Final = (sys.executable, "-m", "runtime.workers.worker")
PLANS: Final = 4
"""plans of live sessions that are made at a time"""
_MIB: Final = 2**20


@dataclass(frozen=True)
class Work:
    """What is served: a bundle, and what a worker is told to load."""

    source: Bundle
    models: dict[str, Any]

    @property
    def manifest(self) -> Manifest:
        """The bundle's."""
        return self.source.manifest

    @property
    def name(self) -> str:
        """For people."""
        return f"bundle {self.manifest.name} {self.manifest.version} ({self.manifest.licence})"

    @property
    def fingerprint(self) -> str:
        """Tells it from all others: the files' hashes, and how they are run."""
        facts = json.dumps([dict(self.manifest.files), self.models], sort_keys=True, default=str)
        return hashlib.sha256(facts.encode()).hexdigest()


def serve(
    config: ServeConfig,
    work: Work,
    stack: ExitStack,
    worker: Sequence[str] = WORKER,
    again: Callable[[], Work] | None = None,
    must_have_http: bool = True,
    heartbeat_s: float = 1.0,
    opener: Callable[[Start, ExitStack], Pipeline] = open_pipeline,
) -> None:
    """Take the ports, warm up, say that it is ready, and answer until SIGINT or SIGTERM. `again` finds what to serve
    after SIGHUP. `worker` starts a process that opens the models, `opener` opens them in a replica. Raises MotionError
    where it cannot start."""
    with stopping_waits():
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.destroy, linger=200)
        gate = None if config.keys is None else stack.enter_context(Gate(context, config.keys))
        answers = Cache(config.cache_mb * _MIB, config.cache_folder)
        service = stack.enter_context(
            Service(work.manifest, config.address, config.limits, gate, context, config.watch, answers, heartbeat_s)
        )
        if config.http is not None:
            _open_http(service, config.http, must_have_http, stack)
        backend = stack.enter_context(_backend(config, work.models, worker, opener))
    serving = [work]
    said: list[str] = []

    def took(models: dict[str, Any]) -> None:
        """A worker with these models serves from now on."""
        now = next(one for one in reversed(serving) if one.models == models)
        serving[:] = [now]
        service.changed(now.manifest, now.fingerprint)
        if not said:
            said.append(now.name)
            sys.stdout.write(f"ready {service.address} {now.name}\n")
            sys.stdout.flush()
        _log.info("serving %s at %s, watchers at %s", now.name, service.address, service.watch_address)

    def reload() -> None:
        assert again is not None
        try:
            serving.append(again())
        except MotionError as error:
            _log.error("what was served is served on: %s", error)
            return
        _log.info("going over to %s", serving[-1].name)
        backend.reload(serving[-1].models)

    backend.took = took
    _on_signal(service, config.drain_s, None if again is None else reload)
    service.run(backend)
    _log.info("stopped")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""

    def find_work() -> Work:
        config = settings.read(arguments)
        return Work(find(config.bundle), config.table())

    def program(stack: ExitStack) -> None:
        config = settings.read(arguments)
        logs.start(config.log_level, config.log_format)
        _log.info("checking bundle %s", config.bundle)
        serve(config, find_work(), stack, again=find_work, must_have_http=settings.asked_for_http(arguments))

    return run(program)


def run(program: Callable[[ExitStack], None]) -> int:
    """The exit code of a server program: 0 after a stop that was asked for, 2 where it could not start."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            program(stack)
    except KeyboardInterrupt:
        return 0
    except MotionError as error:
        sys.stderr.write(f"runtime.serve: {error}\n")
        return 2
    return 0


@contextmanager
def stopping_waits() -> Generator[None]:
    """A stop that is asked for meanwhile takes effect behind it. In the middle of making a socket it would leave one
    that nobody knows to close, and the context would wait for it for ever."""
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: asked.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in asked:
        signal.raise_signal(number)


def _backend(
    config: ServeConfig,
    models: dict[str, Any],
    worker: Sequence[str],
    opener: Callable[[Start, ExitStack], Pipeline],
) -> WorkerProcesses | Replicas:
    longest = config.limits.seconds_most
    start = Start(models, config.slots, PLANS, longest, config.log_level, config.log_format)
    if config.ray is None:
        return WorkerProcesses(worker, start)
    scale = Scale(config.ray, config.replicas, config.replicas_most, config.replica_cpus, config.replica_gpus)
    return Replicas(opener, start, scale)


def _open_http(service: Service, address: str, must_have: bool, stack: ExitStack) -> None:
    try:
        stack.enter_context(Endpoint(address, pages(service)))
    except BadConfig as error:
        if must_have:
            raise
        _log.warning("no metrics and health: %s", error)


def _on_signal(service: Service, drain_s: float, reload: Callable[[], None] | None) -> None:
    def stop(number: int, _frame: FrameType | None) -> None:
        service.stop(drain_s if number == signal.SIGTERM else 0.0)

    def again(_number: int, _frame: FrameType | None) -> None:
        if reload is not None:
            service.soon(reload)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, again)


if __name__ == "__main__":
    sys.exit(main())
