"""A take: what was asked for in one go, and what has come of it so far.

A take is one or several steps, each a request of its own: a plain sentence is one step, a prompt timeline a step for
each sentence, of which each goes on from the frames before it. Frames are on the server's skeleton and at its rate, in
the character's own space: metres, Y up, facing +Z, standing over the origin. No bpy, no socket.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from motion.clip import Clip, concatenate, cut
from motion.protocol import Accepted, Done, Error, Frames, Generate, Pose, Progress, Text
from motion.protocol.hint import hint
from motion.skeleton import Skeleton

State = Literal["waiting", "running", "done", "failed", "cancelled"]
ENDED: Final = ("done", "failed", "cancelled")
PAST_S: Final = 2.0
"""how much of what went before a step is told to it"""
Event = Accepted | Progress | Frames | Text | Done | Error


@dataclass(frozen=True)
class Step:
    """One request. A step without a task makes no request: its lead is all there is of it."""

    task: str = ""
    text: str = ""
    seconds: float | None = None
    past: Clip | None = None
    future: Clip | None = None
    motion: Clip | None = None
    carry: bool = False
    """whether the frames made so far are its past"""
    lead: Clip | None = None
    """frames that stand before its own"""


@dataclass(eq=False)
class Take:
    """One result under way or done."""

    title: str
    steps: Sequence[Step]
    seed: int
    skeleton: Skeleton
    fps: float
    uid: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    state: State = "waiting"
    sentence: str = ""
    """what there is to say of it: how far it is, or what went wrong"""
    text: str = ""
    """words that came instead of motion"""
    hint: str = ""
    """what the bundle could have done better, where a sentence lies far from what it learned"""
    made: float = field(default_factory=time.time)
    """when it was asked for, seconds since 1970"""
    version: int = 0
    """grows with every change of its frames"""
    _step: int = 0
    _blocks: list[Clip] = field(default_factory=list[Clip])
    _part: float = 0.0
    _began: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDED

    @property
    def clip(self) -> Clip | None:
        """All frames so far, or None while there are none."""
        if len(self._blocks) > 1:
            self._blocks = [concatenate(self._blocks)]
        return self._blocks[0] if self._blocks else None

    @property
    def progress(self) -> float:
        """How much of it is done, 0 to 1."""
        return 1.0 if self.state == "done" else (self._step + self._part) / max(len(self.steps), 1)

    @property
    def eta_s(self) -> float | None:
        """How many seconds it will still take, by the server's speed so far; None while that cannot be told."""
        if self.state != "running" or self.progress <= 0 or not self._began:
            return None
        return (time.monotonic() - self._began) * (1 - self.progress) / self.progress

    def request(self) -> Generate | None:
        """The request of the step that is due, or None where all are done. Steps without a task are passed."""
        while self._step < len(self.steps):
            step = self.steps[self._step]
            if step.lead is not None:
                self._add(step.lead)
            if step.task:
                break
            self._step += 1
        else:
            self.state = "done"
            return None
        self._part = 0.0
        past = self._tail() if step.carry else step.past
        return Generate(
            id=f"{self.uid}-{self._step}",
            task=step.task,
            text=step.text,
            seconds=step.seconds,
            seed=(self.seed + self._step) % 2**32,
            past=_pose(past),
            future=_pose(step.future),
            motion=_pose(step.motion),
        )

    def hear(self, event: Event) -> bool:
        """Take in a message about the step that is under way; whether the step is done."""
        if isinstance(event, Accepted):
            self.state = "running"
            self.sentence = f"{event.position} ahead in the queue" if event.position else "Reading"
            self._begin(event.position)
        elif isinstance(event, Progress):
            self._tell(event)
        elif isinstance(event, Frames):
            self._add(Clip(self.skeleton, event.fps, event.rotations, event.root, event.contacts))
        elif isinstance(event, Text):
            self.text += event.text
            self.version += 1
        elif isinstance(event, Error):
            self.end("cancelled" if event.code == "cancelled" else "failed", event.message)
        else:
            self.text = event.text or self.text
            self.hint = self.hint or hint(event)
            self._step, self._part = self._step + 1, 0.0
        return isinstance(event, Done)

    def end(self, state: State, sentence: str) -> None:
        """Nothing more will come of it, and why."""
        self.state, self.sentence = state, sentence

    def _begin(self, ahead: int) -> None:
        if not ahead:  # waiting in a queue says nothing of how long the work takes
            self._began = self._began or time.monotonic()

    def _tell(self, event: Progress) -> None:
        self._begin(event.position)
        if event.stage == "queued":
            self.sentence = f"{event.position} ahead in the queue"
        elif event.stage == "tokens":
            self._part = min(event.done / max(event.total, 1), 1.0)
            self.sentence = ""
        elif event.stage == "reading":
            self.sentence = "Reading"

    def _add(self, clip: Clip) -> None:
        self._blocks.append(clip)
        self.version += 1

    def _tail(self) -> Clip | None:
        clip = self.clip
        return None if clip is None else cut(clip, max(0, len(clip) - round(PAST_S * self.fps)), len(clip))


def _pose(clip: Clip | None) -> Pose | None:
    return None if clip is None else Pose(clip.rotations, clip.root)
