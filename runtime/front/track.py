"""One body of a live session: the frames planned for it, and which of them is shown now.

Frames are numbered in the motion's own time from 0; `at` is the one to be shown next, and need not be whole: speed and
pause let the motion pass faster or slower, easing over a third of a second, with poses between frames. Frames before
`at` are gone for good and are never made again; new orders leave the next `replan` of them as they are.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from motion import quat
from motion.protocol import OpenStream, Pose
from motion.protocol.wire import Array
from motion.quat import F32
from runtime.generation.resume import row
from runtime.transport.orders import Plan, Planned

AHEAD: Final = 24
"""frames that are made ahead of those that new orders leave as they are"""
_TOKENS: Final = (2, 4, 8)  # of the first plan, of one that is waited for, of any other: few are made sooner
_SHORT: Final = 16  # frames ahead below which a plan is waited for
_EASE_S: Final = 1 / 3
_PAST: Final = 64  # frames behind the one shown that are kept, for models that take over
_LEAST: Final = 4
_LAST: Final = 3  # frames over which the motion slows down when no more are there


@dataclass(frozen=True, eq=False)
class _Block:
    first: int
    root: F32
    rotations: F32
    contacts: F32


@dataclass(frozen=True, eq=False)
class Shown:
    """One frame."""

    root: F32
    rotations: F32
    contacts: F32


class Track:
    """One body's frames; `place` is where it begins."""

    def __init__(self, request: OpenStream, index: int, seed: int, place: F32, past: Pose | None, fps: float) -> None:
        self.index = index
        self.text = request.text
        self.heading: float | None = None
        self.target: tuple[float, ...] | None = None
        self.goal = 1.0
        """how fast the motion is to pass"""
        self.key: int | None = None
        """of the plan under way"""
        self.failures = 0
        """plans that came to nothing, one after the other"""
        self._request = request
        self._seed = seed
        self._place = place
        self._past = past
        self._step = 1 / (_EASE_S * fps)
        self._rate = 1.0
        self._at = 0.0
        self._made = 0
        self._blocks: deque[_Block] = deque()
        self._marks: deque[tuple[int, dict[str, Array]]] = deque()
        self._resume: dict[str, Array] = {}
        self._fresh = False

    @property
    def ahead(self) -> float:
        """Frames made and not yet shown."""
        return self._made - self._at

    @property
    def begun(self) -> bool:
        """Whether there is a frame to show."""
        return self._made > 0

    def wants(self, replan: int) -> bool:
        """Whether more frames should be made now."""
        standing = self.goal == 0 and self._rate == 0
        return self.key is None and self.ahead < replan + (0 if standing else AHEAD)

    def order(self) -> tuple[Plan, dict[str, Array]]:
        """What a worker is to make next, and the resume point it goes on from."""
        first, waited_for, other = _TOKENS
        begins = not self._resume
        tokens = (first if self._past is None else waited_for) if begins else other
        if not begins and self.ahead < _SHORT:
            tokens = waited_for
        plan = Plan(
            seed=self._seed,
            text=self.text,
            tokens=tokens,
            fresh=self._fresh,
            heading=self.heading,
            target=self.target,
            place=self._place if begins else None,
            past=self._past if begins else None,
            rig=self._request.rig,
        )
        return plan, self._resume

    def take(self, planned: Planned, rows: dict[str, Array]) -> None:
        """Frames that a worker made."""
        self.key, self.failures, self._fresh = None, 0, False
        if planned.arrived:
            self.target = None
        self._blocks.append(_Block(self._made, planned.root, planned.rotations, planned.contacts))
        for i, end in enumerate(planned.ends):
            self._marks.append((self._made + end, row(rows, i)))
        self._made += len(planned.root)
        self._resume = self._marks[-1][1]

    def turn(self, replan: int) -> int:
        """New orders: what was made for the time after the next `replan` frames is void. The first frame that will
        follow them."""
        self.key = None
        self._fresh = True
        if not self._marks:
            return 0
        keep = math.ceil(self._at) + replan
        frame, self._resume = next((mark for mark in self._marks if mark[0] >= keep), self._marks[-1])
        while self._marks[-1][0] > frame:
            self._marks.pop()
        while self._blocks and self._blocks[-1].first >= frame:
            self._blocks.pop()
        if self._blocks:
            last = self._blocks.pop()
            count = frame - last.first
            self._blocks.append(_Block(last.first, last.root[:count], last.rotations[:count], last.contacts[:count]))
        self._made = frame
        return frame

    def rebase(self, replan: int) -> None:
        """Other models make what comes next: they are told of the last frames instead of their codes."""
        self.turn(replan)
        self._fresh = False
        if not self._blocks:
            return
        blocks = list(self._blocks)
        rotations = np.concatenate([block.rotations for block in blocks])[-_PAST:]
        root = np.concatenate([block.root for block in blocks])[-_PAST:]
        spare = len(root) % _LEAST  # a whole number of tokens
        if len(root) >= _LEAST:
            self._past, self._resume = Pose(rotations[spare:], root[spare:]), {}

    def until(self, frame: int) -> int:
        """How many frames will be shown before this one, at the present speed."""
        return math.ceil((frame - self._at) / max(self.goal, 0.05) - 1e-6)

    def show(self) -> Shown:
        """The next frame; the last one again where no more are there."""
        self._rate += max(-self._step, min(self._step, self.goal - self._rate))
        at = min(self._at, self._made - 1.0)
        low = int(at)
        shown = self._frame(low)
        part = at - low
        if part > 1e-4:
            shown = _between(shown, self._frame(low + 1), np.float32(part))
        left = max(0.0, self._made - 1 - self._at)
        self._rate = min(self._rate, left / _LAST + 1e-9) if left < _LAST else self._rate
        self._at = min(self._at + self._rate, float(self._made))
        self._forget()
        return shown

    def _frame(self, frame: int) -> Shown:
        block = next(block for block in self._blocks if frame < block.first + len(block.root))
        row = slice(frame - block.first, frame - block.first + 1)
        return Shown(block.root[row], block.rotations[row], block.contacts[row])

    def _forget(self) -> None:
        gone = min(int(self._at), self._made - 1)
        while len(self._blocks) > 1 and self._blocks[1].first <= gone - _PAST:
            self._blocks.popleft()
        while len(self._marks) > 1 and self._marks[0][0] < gone:
            self._marks.popleft()


def _between(one: Shown, other: Shown, part: np.float32) -> Shown:
    return Shown(
        (one.root + part * (other.root - one.root)).astype(np.float32),
        quat.slerp(one.rotations, other.rotations, float(part)),
        one.contacts if part < 0.5 else other.contacts,
    )
