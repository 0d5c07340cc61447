"""One replica on Ray Serve: a worker inside one of Ray's processes.

An order comes through Ray Serve, which chooses the replica and counts the order as under way until it ends. What comes
of it goes straight to the front, over the same connection that worker processes use (runtime/transport/orders.py), and
so do its counters and the word that it shall stop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import zmq

from motion.errors import Unavailable
from runtime.generation.pipeline import Pipeline
from runtime.transport import orders
from runtime.transport.gate import throwaway
from runtime.transport.start import Start
from runtime.workers import logs
from runtime.workers.worker import open_worker

_log = logging.getLogger(__name__)
ALONE_S: Final = 60.0
"""how long a replica waits for a front that says nothing; the front says something each second"""


class Replica:
    """A worker in a process of Ray's. `start` is the one of all replicas: each makes a name and keys of its own."""

    def __init__(self, start: Start, open_pipeline: Callable[[Start, ExitStack], Pipeline]) -> None:
        own = throwaway()
        name = f"{start.name}.{uuid.uuid4().hex[:12]}"
        start = replace(start, name=name, own_public=own.public.decode(), own_secret=own.secret.decode())
        logs.start(start.log_level, start.log_format)
        self._stack = ExitStack()
        self._worker = open_worker(start, zmq.Context(), open_pipeline, self._stack)
        self._thread = threading.Thread(target=self._worker.serve, name="front", daemon=True)
        self._thread.start()

    async def work(self, parts: list[bytes]) -> None:
        """Do an order to its end."""
        under_way = asyncio.wrap_future(self._worker.begin(parts))
        try:
            await asyncio.shield(under_way)
        except asyncio.CancelledError:
            self._worker.halt(orders.kind_of(parts)[1])
            raise

    def check_health(self) -> None:
        """Ray's question. A replica whose front has gone without taking it down does so itself."""
        if time.monotonic() - self._worker.heard > ALONE_S:
            from ray import serve

            app = serve.get_replica_context().app_name
            _log.warning("the front has not been heard for %g s; application %s goes", ALONE_S, app)
            serve.delete(app, _blocking=False)
        if not self._thread.is_alive():
            raise Unavailable("the connection to the front has ended; this replica has to be started anew")

    def __del__(self) -> None:
        worker = getattr(self, "_worker", None)
        if worker is not None:
            worker.stopping.set()
            self._thread.join()
        self._stack.close()
