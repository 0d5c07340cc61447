"""What Prometheus is told. One registry for each service; nothing is global."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_WAITS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LATENESS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
_BATCHES: Final = (1, 2, 4, 8, 16)
_RATE_S: Final = 2.0  # over which tokens and frames a second are counted


class Metrics:
    """Counts as things happen; `gauge` is told how things are, a few times a second."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "motus_requests", "Requests that ended, by task and outcome", ["task", "outcome"], registry=registry
        )
        self._refused = Counter("motus_refused", "Messages refused, by error code", ["code"], registry=registry)
        self._cancelled = Counter("motus_cancelled", "Requests and streams stopped, by why", ["why"], registry=registry)
        self._failed = Counter(
            "motus_failed", "Requests and streams failed, by error code", ["code"], registry=registry
        )
        self._cached = Counter("motus_cached", "Requests answered from the cache", registry=registry)
        self._first = Histogram(
            "motus_first_frame_seconds",
            "From a request's arrival to its first frames",
            registry=registry,
            buckets=_WAITS,
        )
        self._queued = Histogram(
            "motus_queued_seconds", "From a request's arrival to its work", registry=registry, buckets=_WAITS
        )
        self._late = Histogram(
            "motus_frame_late_seconds", "By how much frames of live sessions left late", registry=registry,
            buckets=_LATENESS,
        )  # fmt: skip
        self._batch = Histogram(
            "motus_batch_size", "Jobs that an engine call was for", registry=registry, buckets=_BATCHES
        )
        self._steps = Histogram(
            "motus_step_size", "Replies that a step of the language model was for", registry=registry, buckets=_BATCHES
        )
        self._tokens = Counter("motus_tokens", "Tokens that the language model wrote", registry=registry)
        self._frames = Counter("motus_frames", "Frames made", registry=registry)
        self._lost = Counter("motus_frames_lost", "Frames of live sessions that slow owners lost", registry=registry)
        self._restarts = Counter("motus_worker_restarts", "Workers that had to be replaced", registry=registry)
        self._strangers = Counter("motus_handshakes_refused", "Connections with an unknown key", registry=registry)
        self._now = {
            name: Gauge(f"motus_{name}", text, registry=registry)
            for name, text in {
                "ready": "Whether requests are worked on",
                "sessions": "Clients that are connected",
                "streams": "Live sessions that run",
                "watchers": "Subscriptions to live sessions",
                "queue_length": "Requests that wait",
                "queue_age_seconds": "How long the oldest of them has waited",
                "running": "Requests that are worked on",
                "tokens_per_second": "Tokens that the language model wrote, lately",
                "frames_per_second": "Frames made, lately",
            }.items()
        }
        self._gpu = Gauge("motus_gpu_memory_bytes", "Memory in use on each GPU", ["gpu"], registry=registry)
        self._totals = {"tokens": 0, "frames": 0, "lost": 0, "restarts": 0, "strangers": 0}
        self._rated = (time.monotonic(), 0, 0)

    def ended(self, task: str, outcome: str) -> None:
        """A request ended: "done", "cancelled", or an error's code."""
        self._requests.labels(task, outcome).inc()

    def cancelled(self, why: str) -> None:
        """Work was stopped: "asked", "gone", "silent", "deadline", "stalled", "stopping"."""
        self._cancelled.labels(why).inc()

    def failed(self, code: str) -> None:
        """Work came to an error."""
        self._failed.labels(code).inc()

    def refused(self, code: str) -> None:
        """A message was refused."""
        self._refused.labels(code).inc()

    def cached(self) -> None:
        """A request was answered from the cache."""
        self._cached.inc()

    def first_frame(self, seconds: float, queued: float) -> None:
        """A request's first frames are there."""
        self._first.observe(seconds)
        self._queued.observe(queued)

    def late(self, seconds: float) -> None:
        """A frame of a live session left."""
        self._late.observe(seconds)

    def batches(self, calls: Iterable[int], steps: Iterable[int]) -> None:
        """Engine calls and steps of the language model were made, each for so many."""
        for size in calls:
            self._batch.observe(size)
        for size in steps:
            self._steps.observe(size)

    def totals(self, **counts: int) -> None:
        """Counts kept elsewhere, which only grow: tokens, frames, lost, restarts, strangers."""
        counters = {
            "tokens": self._tokens, "frames": self._frames, "lost": self._lost, "restarts": self._restarts,
            "strangers": self._strangers,
        }  # fmt: skip
        for name, count in counts.items():
            counters[name].inc(max(0, count - self._totals[name]))
            self._totals[name] = max(count, self._totals[name])
        now = time.monotonic()
        since, tokens, frames = self._rated
        if now - since >= _RATE_S:
            self.gauge(
                tokens_per_second=(self._totals["tokens"] - tokens) / (now - since),
                frames_per_second=(self._totals["frames"] - frames) / (now - since),
            )
            self._rated = (now, self._totals["tokens"], self._totals["frames"])

    def gauge(self, **values: float) -> None:
        """How things are now, by the names above."""
        for name, value in values.items():
            self._now[name].set(value)

    def gpus(self, used: Iterable[int]) -> None:
        """Bytes in use on each GPU."""
        for index, count in enumerate(used):
            self._gpu.labels(str(index)).set(count)

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self._registry)
