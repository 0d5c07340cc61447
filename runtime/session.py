"""What the service knows of one client: what it asked for, and what waits to go out to it.

Messages leave in two lanes. Answers (welcome, accepted, pong ...) go at once. What a request brings forth goes through
the request's own outbox: its frames wait there while `window` of them are under way and not yet acknowledged, so that
a client that stops reading stops only itself. Nothing is dropped; an outbox holds at most one clip, whose length is
limited. A newer progress takes the place of an older one that has not left.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from motion.protocol import Done, Error, Frames, Generate, Message, Progress

Outbox = deque[Message]


@dataclass(eq=False)
class Job:
    """One request: what is asked, what of it is done, what the client has taken."""

    session: Session
    request: Generate
    seed: int
    received: float
    """when it arrived, time.monotonic seconds"""
    cancelled: threading.Event = field(default_factory=threading.Event)
    outbox: Outbox = field(default_factory=Outbox)
    sent: int = 0
    """frames that left"""
    acked: int = 0
    """frames the client says it has taken"""
    moved: float = 0.0
    """when something last left the outbox or was acknowledged, time.monotonic seconds"""

    def put(self, message: Message) -> None:
        """Queue a message of this request."""
        if isinstance(message, Progress) and self.outbox and isinstance(self.outbox[-1], Progress):
            self.outbox.pop()
        if not self.outbox:
            self.moved = time.monotonic()
        self.outbox.append(message)

    def abandon(self, error: Error) -> None:
        """Stop the work and let `error` be all that still goes out."""
        self.cancelled.set()
        self.outbox.clear()
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


@dataclass(eq=False)
class Session:
    """One connected client."""

    identity: bytes
    client: str
    window: int
    answers: Outbox = field(default_factory=Outbox)
    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    told: float = 0.0
    """when something was last sent, time.monotonic seconds"""

    def next(self) -> Outbox | None:
        """The queue whose head may leave now, or None."""
        if self.answers:
            return self.answers
        return next((job.outbox for job in self.jobs.values() if job.clear), None)

    def leave(self, queue: Outbox) -> None:
        """The head of `queue` has left."""
        message = queue.popleft()
        self.told = time.monotonic()
        job = self.jobs.get(message.id) if isinstance(message, (Frames, Progress, Done, Error)) else None
        if job is None or job.outbox is not queue:
            return
        job.moved = self.told
        if isinstance(message, Frames):
            job.sent += len(message.root)
        if isinstance(message, (Done, Error)):
            del self.jobs[message.id]
