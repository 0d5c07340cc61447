"""Who does the work, as the service sees it: worker processes of its own, or replicas elsewhere.

Whoever works reports what comes of each job under its key, and counts what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import zmq

from motion import protocol
from motion.errors import MotionError, error_types
from motion.protocol import Done, Message
from motion.protocol.wire import Array
from runtime.transport import orders
from runtime.transport.orders import Plan, Planned, Pulse, Refused, Run

_SIZES: Final = 10_000  # of batches that are remembered until somebody takes them


@dataclass(frozen=True, eq=False)
class Report:
    """What came of a job: a message, a plan, or the error that ended it."""

    key: int
    said: Message | None = None
    planned: Planned | None = None
    resumes: dict[str, Array] | None = None
    error: MotionError | None = None

    @property
    def last(self) -> bool:
        """Whether the job has ended with it."""
        return self.error is not None or self.planned is not None or isinstance(self.said, Done)

    @staticmethod
    def of(kind: str, key: int, parts: list[bytes]) -> Report:
        """What a worker's message says. Raises BadMessage."""
        if kind == "said":
            return Report(key, said=protocol.unpack(parts[1:]))
        if kind == "planned":
            return Report(key, planned=orders.unpack(Planned, parts), resumes=orders.resumes_of(parts))
        return Report(key, error=error_of(orders.unpack(Refused, parts)))


def error_of(refused: Refused) -> MotionError:
    """The error that a worker told of."""
    return error_types().get(refused.code, MotionError)(refused.message)


@dataclass
class Tally:
    """What workers have done, by their names; those that are gone count on."""

    batches: list[int] = field(default_factory=list[int])
    """jobs that each engine call was for, until somebody takes them"""
    steps: list[int] = field(default_factory=list[int])
    """replies that each step of the language model was for, until somebody takes them"""
    _now: dict[bytes, Pulse] = field(default_factory=dict[bytes, Pulse])
    _past: tuple[int, int] = (0, 0)

    def hear(self, name: bytes, pulse: Pulse) -> None:
        """A worker's counters."""
        self._now[name] = pulse
        self.batches = [*self.batches, *pulse.batches][-_SIZES:]
        self.steps = [*self.steps, *pulse.steps][-_SIZES:]

    def gone(self, name: bytes) -> None:
        """A worker has ended."""
        pulse = self._now.pop(name, None)
        if pulse is not None:
            self._past = (self._past[0] + pulse.tokens, self._past[1] + pulse.frames)

    @property
    def tokens(self) -> int:
        """That the language model has written so far."""
        return self._past[0] + sum(pulse.tokens for pulse in self._now.values())

    @property
    def frames(self) -> int:
        """Frames made so far."""
        return self._past[1] + sum(pulse.frames for pulse in self._now.values())

    @property
    def gpu_bytes(self) -> tuple[int, ...]:
        """In use on each GPU that workers see, the newest worker's word."""
        return next((pulse.gpu_bytes for pulse in reversed(self._now.values()) if pulse.gpu_bytes), ())


class Backend(Protocol):
    """The seam between the service and those who work for it."""

    tally: Tally
    restarts: int
    """workers that had to be replaced"""
    took: Callable[[dict[str, Any]], None]
    """called with the models that are served from now on"""

    @property
    def bells(self) -> Sequence[zmq.Socket[bytes] | int]:
        """What is readable when there is something to collect."""
        ...

    @property
    def ready(self) -> bool:
        """Whether work can begin now."""
        ...

    @property
    def slots(self) -> int:
        """Clips that it takes at a time."""
        ...

    def run(self, key: int, order: Run) -> None:
        """Do a request."""
        ...

    def plan(self, key: int, order: Plan, resume: dict[str, Array]) -> None:
        """Make the next frames of a live session."""
        ...

    def cancel(self, key: int) -> None:
        """Stop a job; it ends with a report."""
        ...

    def reload(self, models: dict[str, Any]) -> None:
        """Go over to other models once they are warm."""
        ...

    def collect(self) -> list[Report]:
        """What has been reported since the last call."""
        ...

    def tick(self) -> None:
        """Look after those who work. Raises why nobody can."""
        ...
