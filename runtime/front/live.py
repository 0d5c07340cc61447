"""A live session: bodies that move without end, at a steady rate, steered while they do.

Frames leave one by one when they are due: frame n at `begun + n / fps` of the server's clock. Plans are made ahead by
workers; where these fall behind, the last pose stands. What its owner has no credit for is dropped and counted.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from motion.protocol import Done, Frames, OpenStream, Pose, Rig, Show, Steer
from motion.quat import F32
from motion.skeleton import Skeleton
from runtime.front.session import Session
from runtime.front.track import Track

_APART: Final = 1.2  # metres between bodies that are given no places
_LATE: Final = 0.5  # seconds behind after which the clock of the session is set anew rather than caught up with
_PHASES: Final = 4  # of a frame's time in which sessions are served, so that one wake-up serves many


@dataclass(frozen=True, eq=False)
class Cast:
    """The skeleton that frames are on."""

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: F32

    @staticmethod
    def of(skeleton: Skeleton, rig: Rig | None) -> Cast:
        """The rig where there is one, else the bundle's skeleton."""
        source = skeleton if rig is None else rig
        return Cast(source.name, source.joints, source.parents, source.offsets)


class Live:
    """One live session: its bodies, its clock, what its owner has taken. Times are time.monotonic seconds."""

    def __init__(self, session: Session, request: OpenStream, seed: int, replan: int, cast: Cast, fps: float) -> None:
        self.session = session
        self.request = request
        self.going = True
        self.id = request.id
        self.publish = request.publish
        self.replan = replan
        self.fps = fps
        self.cast = cast
        self.received = time.monotonic()
        self.tokens = 0
        self.sent = 0
        """frames so far, of each body"""
        self.delivered: int = 0
        """frames of all bodies that left for the owner"""
        self.acked: int = 0
        self.moved = self.received
        """when the owner last took something"""
        self.tracks = [
            Track(request, i, (seed + i) % 2**32, _place(request, i), self._past(request, i), fps)
            for i in range(request.agents)
        ]
        self.lost = [0] * request.agents
        """frames of each body that the owner did not get since the last one it got"""
        self._begun: float | None = None
        self._first_s = 0.0
        self._late: deque[tuple[float, float]] = deque()

    @property
    def due(self) -> float | None:
        """When the next frame is to leave; None before there is one."""
        if self._begun is None:
            return None
        return self._begun + self.sent / self.fps

    def begin(self, now: float) -> None:
        """Start the clock once every body has a frame to show."""
        if self._begun is None and all(track.begun for track in self.tracks):
            grid = 1 / (self.fps * _PHASES)
            self._begun = math.ceil(now / grid) * grid
            self._first_s = self._begun - self.received

    def frames(self, now: float) -> Iterator[Frames]:
        """The next frame of each body, which is due now."""
        due = self.due
        assert due is not None
        assert self._begun is not None
        if now - due > _LATE:  # this process stood still: go on from here instead of sending what is over
            self._begun += now - due
            due = now
        self._late.append((now, now - due))
        while self._late and self._late[0][0] < now - 1:
            self._late.popleft()
        index = self.sent
        self.sent += 1
        for track in self.tracks:
            shown = track.show()
            yield Frames(
                self.id, index, index, self.fps, due, shown.root, shown.rotations, shown.contacts, agent=track.index
            )

    def steer(self, order: Steer) -> Iterator[tuple[Track, int]]:
        """Take new orders; each body they are about, and the first frame that follows them."""
        if order.replan is not None:
            self.replan = order.replan
        for track in self.tracks:
            if order.agent not in (None, track.index):
                continue
            anew = self._orders(track, order)
            if order.pause is not None:
                track.goal = 0.0 if order.pause else 1.0
            if order.speed is not None:
                track.goal = order.speed
            frame = self.sent + (track.until(track.turn(self.replan)) if anew else 0)
            yield track, frame

    def left(self, agent: int, sent: bool) -> None:
        """A frame of one body left for the owner, or was lost to it."""
        if sent:
            if self.delivered == self.acked:
                self.moved = time.monotonic()
            self.delivered += 1
            self.lost[agent] = 0
        else:
            self.lost[agent] += 1

    def credit(self, count: int) -> bool:
        """Whether the owner may be sent that many frames more."""
        under_way = self.delivered - self.acked
        return under_way == 0 or under_way + count <= self.session.window

    def ack(self, frames: int) -> None:
        """The owner has taken `frames` frames, all told."""
        self.acked = max(self.acked, min(frames, self.delivered))
        self.moved = time.monotonic()

    def done(self) -> Done:
        """How it went."""
        total = time.monotonic() - self.received
        frames = self.sent * len(self.tracks)
        first = self._first_s or total
        return Done(self.id, self.tokens, frames, "", 0.0, first, first, total, frames / self.fps / max(total, 1e-9))

    def show(self, watchers: int) -> Show:
        """Its row in the roster."""
        ahead = min(track.ahead for track in self.tracks)
        late = max((late for _, late in self._late), default=0.0)
        return Show(
            self.publish or "", self.session.client, len(self.tracks), self.fps, self.sent, max(0, int(ahead)),
            round(1000 * late, 2), watchers,
        )  # fmt: skip

    def _orders(self, track: Track, order: Steer) -> bool:
        """Give a body its new orders; whether frames have to be made anew for them."""
        anew = False
        if order.text is not None:
            track.text, anew = order.text, True
        if order.free:
            track.heading = track.target = None
            anew = True
        if order.heading is not None:
            track.heading, track.target, anew = order.heading, None, True
        if order.target is not None:
            track.target, track.heading, anew = order.target, None, True
        return anew

    @staticmethod
    def _past(request: OpenStream, index: int) -> Pose | None:
        return request.past if index == 0 else None


def _place(request: OpenStream, index: int) -> F32:
    if request.places is not None:
        return np.array(request.places[index], np.float32)
    return np.array([(index - (request.agents - 1) / 2) * _APART, 0, 0], np.float32)
