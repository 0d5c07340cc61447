"""A live session: frames without end, held until they are due, recorded where that is wanted. No bpy.

Each frame carries the server's clock at which it is to be shown; `link.clock` says what that is by ours. A tenth of a
second is waited beyond that, so that a network that stutters is not seen.
"""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

from motion.clip import Clip, concatenate, cut
from motion.protocol import (
    Accepted,
    Cancel,
    CloseStream,
    Done,
    Error,
    Frames,
    Message,
    OpenStream,
    Steer,
    Steered,
)
from motion.protocol.clock import ClockOffset
from motion.skeleton import Skeleton

State = Literal["opening", "running", "ended"]
HELD_S: Final = 0.1
_KEPT: Final = 900  # frames that wait at most: half a minute


@dataclass(eq=False)
class Live:
    """One live session of one body."""

    text: str
    skeleton: Skeleton
    fps: float
    clock: ClockOffset
    publish: str = ""
    """the name under which others may watch; empty: nobody"""
    name: str = field(default_factory=lambda: f"live-{uuid.uuid4().hex[:8]}")
    state: State = "opening"
    sentence: str = ""
    lost: int = 0
    """frames that the server dropped, and those that waited here for too long"""
    recording: bool = False
    _waiting: deque[tuple[float, Clip]] = field(default_factory=lambda: deque[tuple[float, Clip]](maxlen=_KEPT))
    _record: list[Clip] = field(default_factory=list[Clip])

    def open(self, seed: int | None = None) -> OpenStream:
        """The message that begins it."""
        return OpenStream(self.name, self.text, seed, publish=self.publish or None)

    def steer(
        self,
        text: str | None = None,
        speed: float | None = None,
        target: tuple[float, float] | None = None,
        free: bool = False,
        pause: bool | None = None,
    ) -> Steer:
        """New orders; what is not named stays as it is."""
        return Steer(self.name, None, text, speed, None, target, free, pause)

    def close(self) -> Message:
        """The message that ends it: nothing more is shown from here on."""
        self._waiting.clear()
        opening = self.state == "opening"
        self.end("")
        return Cancel(self.name) if opening else CloseStream(self.name)

    def hear(self, message: Message) -> None:
        """Take in a message about it."""
        if self.state == "ended":
            return
        if isinstance(message, Accepted):
            self.state = "running"
        elif isinstance(message, Frames):
            self._take(message)
        elif isinstance(message, Steered):
            self.sentence = ""
        elif isinstance(message, Error):
            self.end(message.message)
        elif isinstance(message, Done):
            self.end("")

    def end(self, sentence: str) -> None:
        """Nothing more comes."""
        self.state, self.sentence = "ended", sentence

    def due(self, now: float) -> Clip | None:
        """The frame (T = 1) that is to be seen at `now`, if it is another than the last. Those passed over are recorded
        too, so that a record has no gaps."""
        shown: Clip | None = None
        while self._waiting and self.clock.ours(self._waiting[0][0]) + HELD_S <= now:
            shown = self._waiting.popleft()[1]
            if self.recording:
                self._record.append(shown)
        return shown

    def recorded(self) -> Clip | None:
        """What was shown since recording began, and an empty record from here on."""
        record, self._record = self._record, []
        return concatenate(record) if record else None

    def _take(self, message: Frames) -> None:
        block = Clip(self.skeleton, message.fps, message.rotations, message.root, message.contacts)
        self.lost += message.lost + max(0, len(self._waiting) + len(block) - _KEPT)
        for index in range(len(block)):
            self._waiting.append((message.clock + index / message.fps, cut(block, index, index + 1)))
