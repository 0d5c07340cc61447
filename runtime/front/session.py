"""What the service knows of one client: what it asked for, and what waits to go out to it.

Messages leave in two lanes. Answers (welcome, accepted, pong ...) go at once. What a request brings forth goes through
the request's own outbox: its frames wait there while `window` of them are under way and not yet acknowledged, so that
a client that stops reading stops only itself. Nothing is dropped; an outbox holds at most one request's motions, whose
length is limited. A newer progress takes the place of an older one that has not left.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from motion.protocol import Done, Error, Frames, Generate, Message, Progress, Text
from runtime.front.rate_limit import RateLimit

Outbox = deque[Message]


@dataclass(eq=False)
class Account:
    """Whoever is behind one or more connections: a client key, or a single connection where there are no keys."""

    name: Hashable
    rate_limit: RateLimit
    sessions: int = 0
    jobs: int = 0
    streams: int = 0


@dataclass(eq=False)
class Unit:
    """One variation of a request: what a worker is given."""

    job: Job
    variation: int
    key: int
    started: float | None = None
    """when a worker got it, time.monotonic seconds"""
    progress: tuple[int, int] = (0, 0)
    done: Done | None = None


@dataclass(eq=False)
class Job:
    """One request: what is asked, what of it is done, what the client has taken."""

    session: Session
    request: Generate
    seed: int
    received: float
    """when it arrived, time.monotonic seconds"""
    name: str = ""
    """of its answer in the cache"""
    units: list[Unit] = field(default_factory=list[Unit])
    outbox: Outbox = field(default_factory=Outbox)
    kept: list[Message] | None = None
    """what it brought forth, for the cache"""
    sent: int = 0
    """frames that left"""
    acked: int = 0
    """frames the client says it has taken"""
    moved: float = 0.0
    """when something last left the outbox or was acknowledged, time.monotonic seconds"""
    stopping: bool = False
    """whether its client wants it stopped, and workers are still at it"""
    ended: bool = False
    """whether its last message is in the outbox, or has left"""

    def put(self, message: Message) -> None:
        """Queue a message of this request."""
        if self.ended:
            return
        if isinstance(message, Progress) and self.outbox and isinstance(self.outbox[-1], Progress):
            self.outbox.pop()
        if not self.outbox:
            self.moved = time.monotonic()
        self.outbox.append(message)
        self.ended = isinstance(message, (Done, Error))
        if self.kept is not None and isinstance(message, (Frames, Text, Done)):
            self.kept.append(message)

    def hear(self, unit: Unit, message: Message) -> None:
        """What a unit brought forth, told as the whole request's."""
        if isinstance(message, (Frames, Text)):
            self.put(replace(message, variation=unit.variation) if unit.variation else message)
        elif isinstance(message, Progress):
            if message.stage == "tokens":
                unit.progress = (message.done, message.total)
                done, total = (sum(one.progress[i] for one in self.units) for i in (0, 1))
                message = replace(message, done=done, total=total)
            self.put(message)
        elif isinstance(message, Done):
            unit.done = message
            if all(one.done is not None for one in self.units):
                self.put(self._done([one.done for one in self.units if one.done is not None]))

    def abandon(self, error: Error) -> None:
        """Let `error` be all that still goes out."""
        if self.ended and not self.outbox:
            return
        self.outbox.clear()
        self.ended = False
        self.kept = None
        self.put(error)

    def ack(self, frames: int) -> None:
        """The client has taken `frames` frames, all told; more than were sent is not believed."""
        self.acked = max(self.acked, min(frames, self.sent))
        self.moved = time.monotonic()

    @property
    def clear(self) -> bool:
        """Whether the head of the outbox may leave: frames only while the window has room, or nothing is under way."""
        head = self.outbox[0] if self.outbox else None
        if isinstance(head, Frames):
            under_way = self.sent - self.acked
            return under_way == 0 or under_way + len(head.root) <= self.session.window
        return head is not None

    def _done(self, all_done: list[Done]) -> Done:
        first = all_done[0]
        if len(all_done) == 1:
            return first
        seconds = sum(done.realtime_factor * (done.total_s - done.queued_s) for done in all_done)
        queued, total = min(done.queued_s for done in all_done), max(done.total_s for done in all_done)
        return Done(
            id=first.id,
            tokens=sum(done.tokens for done in all_done),
            frames=sum(done.frames for done in all_done),
            text=first.text,
            queued_s=queued,
            first_token_s=min(done.first_token_s for done in all_done),
            first_output_s=min(done.first_output_s for done in all_done),
            total_s=total,
            realtime_factor=seconds / max(total - queued, 1e-9),
            captions=tuple(caption for done in all_done for caption in done.captions),
            task=first.task,
            familiar=first.familiar,
            nearest=first.nearest,
        )


@dataclass(eq=False)
class Session:
    """One connected client."""

    identity: bytes
    client: str
    window: int
    account: Account
    beats: bool = False
    """whether it is to be taken for gone when it says nothing"""
    answers: Outbox = field(default_factory=Outbox)
    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    streams: set[str] = field(default_factory=set[str])
    """ids of its live sessions"""
    since: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    told: float = 0.0
    """when something was last sent, time.monotonic seconds"""
    frames: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    refused: int = 0

    def next(self) -> Outbox | None:
        """The queue whose head may leave now, or None."""
        if self.answers:
            return self.answers
        return next((job.outbox for job in self.jobs.values() if job.clear), None)

    def leave(self, queue: Outbox) -> None:
        """The head of `queue` has left."""
        message = queue.popleft()
        self.told = time.monotonic()
        if isinstance(message, Frames):
            self.frames += len(message.root)
        job = self.jobs.get(message.id) if isinstance(message, (Frames, Progress, Text, Done, Error)) else None
        if job is None or job.outbox is not queue:
            return
        job.moved = self.told
        if isinstance(message, Frames):
            job.sent += len(message.root)
        if isinstance(message, (Done, Error)):
            del self.jobs[message.id]
            self.account.jobs -= 1
