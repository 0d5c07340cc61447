"""Feet that stay where they stand, while the body goes its own way.

Heel and toe of each foot get a shift over the floor that takes back what they slide while they rest, and is let go
while they swing. The shift of a frame weighs four wishes against each other, over the frames from it to a few ahead:
a resting point keeps still, shifts stay small, they change smoothly, and heel and toe go together. Legs then reach for
the shifted feet; the root stays where it is, or comes down a little where a leg would have to grow. What was handed out
is never changed, so that pieces of any length give what the whole clip gives.

Metres, seconds, Y up, the ground is y = 0. Shapes: root (T, 3), rotations (T, J, 4) local, contacts (T, 4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from motion.clip import Clip
from motion.errors import BadClip
from motion.quat import F32
from motion.retargeting.legs import Leg, Legs, legs_of_smplx22
from motion.skeleton import SMPLX22, Skeleton

F64 = NDArray[np.float64]
_RATE = 30.0  # frames per second at which the weights below are meant


@dataclass(frozen=True)
class Hold:
    """How firmly feet are held. The weights were chosen on the validation split: decoded motion then slides less than
    the recordings do, its jitter falls, and its joints are as near to the recordings as before."""

    lookahead: float = 0.1
    """seconds of motion known before a frame leaves"""
    height: float = 0.04
    """metres above its standing height over which a point stops resting"""
    speed: float = 0.8
    """metres a second over which a point stops resting"""
    smooth: float = 0.1
    """weight of the shift's acceleration against that of a resting point's slide, at 30 frames per second"""
    leak: float = 0.001
    """weight of a resting point's shift"""
    release: float = 0.01
    """weight a swinging point's shift has besides"""
    limit: float = 0.08
    """metres at which `leak` has doubled; it grows with the fourth power of the shift"""
    rigid: float = 0.02
    """weight of the difference between the shifts of heel and toe"""


class FootLock:
    """Holds the feet of one motion as it comes in: `push` frames, take those that are ready, `flush` at the end."""

    def __init__(
        self,
        skeleton: Skeleton = SMPLX22,
        fps: float = _RATE,
        hold: Hold | None = None,
        legs: tuple[Leg, ...] | None = None,
    ) -> None:
        if legs is None and skeleton.joints != SMPLX22.joints:
            raise BadClip(f"say which joints of skeleton {skeleton.name!r} are its legs; only smplx22's are known")
        self._legs = legs_of_smplx22() if legs is None else legs
        self._body = Legs.of(skeleton, self._legs)
        self._fps = fps
        self._hold = Hold() if hold is None else hold
        self.lookahead = max(1, round(self._hold.lookahead * fps))
        """Frames that are held back until those after them are known."""
        self._wishes = [_Wishes.of(self._hold, fps, known) for known in range(1, self.lookahead + 2)]
        self._root = np.zeros((0, 3), np.float32)
        self._rotations = np.zeros((0, len(skeleton), 4), np.float32)
        self._moves = np.zeros((0, len(self._legs), 2, 2))  # x and z by which heels and toes come to waiting frames
        self._rest = np.zeros((0, len(self._legs), 2))  # how surely they rest meanwhile
        self._loose = np.zeros((0, len(self._legs), 2))  # how surely they do not rest in waiting frames
        self._last: tuple[F64, F64] | None = None  # the newest points, and how surely they rest
        self._shifts = np.zeros((2, len(self._legs), 2, 2))  # of the last two frames that left

    def follow(self, root: F32, rotations: F32) -> None:
        """Say, before the first push, which frame the motion goes on from: root (3,), rotations (J, 4)."""
        points = self._body.points(root[None], rotations[None])
        self._last = points[0], np.exp(-0.5 * (self._above(points)[0] / self._hold.height) ** 2)

    def push(self, root: F32, rotations: F32, contacts: F32 | None = None) -> tuple[F32, F32]:
        """Takes frames, and gives those that are ready: root and rotations, at most as many as were given and waited.

        contacts (T, 2 x legs): where it is known when heel and toe rest; otherwise seen from their height and speed.
        """
        if len(root):
            self._take(root, rotations, contacts)
        return self._give(len(self._root) - self.lookahead)

    def flush(self) -> tuple[F32, F32]:
        """The frames that still wait; the motion ends here."""
        return self._give(len(self._root))

    def stance(self) -> F64:
        """All that later frames depend on, as numbers, always as many; `resume` goes on from them."""
        counts = [float(len(self._root)), float(self._last is not None)]
        waiting = (self._root, self._rotations, self._moves, self._rest, self._loose)
        padded = [np.zeros((self.lookahead, *array.shape[1:])) for array in waiting]
        for room, array in zip(padded, waiting, strict=True):
            room[: len(array)] = array
        points = self._shifts.shape[1:-1]
        last = (np.zeros((*points, 3)), np.zeros(points)) if self._last is None else self._last
        return np.concatenate([counts, *(array.ravel() for array in (*padded, *last, self._shifts))])

    def resume(self, stance: F64) -> None:
        """Go on from a stance of the same skeleton, rate and settings."""
        at = 2

        def take(*shape: int) -> F64:
            nonlocal at
            at += int(np.prod(shape))
            return stance[at - int(np.prod(shape)) : at].reshape(shape)

        waiting, points = int(stance[0]), self._shifts.shape[1:-1]
        self._root = take(self.lookahead, 3)[:waiting].astype(np.float32)
        self._rotations = take(self.lookahead, *self._rotations.shape[1:])[:waiting].astype(np.float32)
        self._moves = take(self.lookahead, *points, 2)[:waiting]
        self._rest = take(self.lookahead, *points)[:waiting]
        self._loose = take(self.lookahead, *points)[:waiting]
        last = take(*points, 3), take(*points)
        self._last = last if stance[1] else None
        self._shifts = take(2, *points, 2)

    def _above(self, points: F64) -> F64:
        """Metres by which points (T, F, 2, 3) are above their standing height, at least 0."""
        heights = np.array([(leg.ankle_height, leg.toe_height) for leg in self._legs])
        return np.maximum(points[..., 1] - heights, 0)

    def _take(self, root: F32, rotations: F32, contacts: F32 | None) -> None:
        points = self._body.points(root, rotations)
        before = points[:1] if self._last is None else self._last[0][None]
        moves = np.diff(np.concatenate([before, points]), axis=0)[..., [0, 2]]  # (T, F, 2, 2)
        if contacts is not None:
            rest = contacts.reshape(len(root), -1, 2).astype(np.float64)
            for leg, points_of in zip(self._legs, np.moveaxis(rest, 1, 0), strict=True):
                if leg.toe is None:  # a foot that stands on its toes lifts its ankle
                    points_of[:, 1] = points_of[:, 0]
        else:
            speed = np.linalg.norm(moves, axis=-1) * self._fps
            rest = np.exp(-0.5 * (self._above(points) / self._hold.height) ** 2 - 0.5 * (speed / self._hold.speed) ** 2)
        earlier = rest[:1] if self._last is None else self._last[1][None]
        self._moves = np.concatenate([self._moves, moves])
        self._rest = np.concatenate([self._rest, np.minimum(rest, np.concatenate([earlier, rest[:-1]]))])
        self._loose = np.concatenate([self._loose, 1 - rest])
        self._root = np.concatenate([self._root, root])
        self._rotations = np.concatenate([self._rotations, rotations])
        self._last = points[-1], rest[-1]

    def _give(self, count: int) -> tuple[F32, F32]:
        count = max(0, count)
        shifts = np.zeros((count, *self._shifts.shape[1:]))
        for frame in range(count):
            known = slice(frame, frame + self.lookahead + 1)
            wishes = self._wishes[min(len(self._moves) - frame, self.lookahead + 1) - 1]
            shifts[frame] = wishes.meet(self._moves[known], self._rest[known], self._loose[known], self._shifts)
            self._shifts = np.stack([self._shifts[1], shifts[frame]])
        root, rotations = self._root[:count], self._rotations[:count]
        self._root, self._rotations = self._root[count:], self._rotations[count:]
        self._moves, self._rest, self._loose = self._moves[count:], self._rest[count:], self._loose[count:]
        return self._body.moved(root, rotations, shifts) if count else (root, rotations)


@dataclass(frozen=True)
class _Wishes:
    """The least squares that decide a frame's shifts, for as many frames H as are known from it on.

    Unknowns are the shifts of heel and toe in those frames, heel first: 2 H of them for each foot and direction.
    """

    hold: Hold
    rate: float
    """frame rate by that at which the weights are meant"""
    frames: int
    differences: F64
    """(H, H) of first differences over time, of a track whose past is subtracted elsewhere"""
    bends: F64
    """(H, H) of second differences, times their weight"""
    always: F64
    """(2 H, 2 H) normal equations of smoothness and of heel and toe going together"""
    resting: F64
    """(2 H, 2 H x 2 H) what a point that rests in one frame adds to them"""

    @staticmethod
    def of(hold: Hold, fps: float, frames: int) -> _Wishes:
        rate = fps / _RATE
        same = np.eye(frames)
        differences = same - np.eye(frames, k=-1)
        curves = differences - np.eye(frames, k=-1) + np.eye(frames, k=-2)
        two = np.eye(2)
        always = cast(F64, np.kron(two, hold.smooth * rate**2 * curves.T @ curves))
        always += hold.rigid / rate**2 * np.kron(np.array([[1, -1], [-1, 1]]), same)
        rows = np.kron(two, differences)
        return _Wishes(
            hold,
            rate,
            frames,
            differences,
            hold.smooth * rate**2 * curves,
            always,
            (rows[:, :, None] * rows[:, None]).reshape(2 * frames, -1),
        )

    def meet(self, moves: F64, rest: F64, loose: F64, before: F64) -> F64:
        """The first frame's shifts (F, 2, 2).

        moves (H, F, 2, 2), rest and loose (H, F, 2) of it and the frames known after it; before (2, F, 2, 2) are the
        shifts of the two frames that left last.
        """
        hold, frames, feet = self.hold, self.frames, moves.shape[1]
        size = 2 * frames
        held, free = (array.transpose(1, 2, 0) for array in (rest, loose))  # (F, 2, H)
        far = ((before[1] ** 2).sum(-1) / hold.limit**2) ** 2  # (F, 2)
        leak = ((hold.leak * (1 + far[..., None]) + hold.release * free) / self.rate**2).reshape(feet, size)
        system = self.always + (held.reshape(feet, size) @ self.resting).reshape(feet, size, size)
        diagonal = np.arange(size)
        system[:, diagonal, diagonal] += leak
        slide, curve = -moves, np.zeros_like(moves)  # (H, F, 2, 2)
        slide[0] += before[1]
        curve[0] = 2 * before[1] - before[0]
        if frames > 1:
            curve[1] = -before[1]
        wanted = self.differences.T @ (slide * rest[..., None]).reshape(frames, -1)
        wanted += self.bends.T @ curve.reshape(frames, -1)
        wanted = wanted.reshape(moves.shape).transpose(1, 2, 0, 3).reshape(feet, size, 2)
        return cast(F64, np.linalg.solve(system, wanted)).reshape(feet, 2, frames, 2)[:, :, 0]


def lock_feet(
    clip: Clip, contacts: F32 | None = None, hold: Hold | None = None, legs: tuple[Leg, ...] | None = None
) -> Clip:
    """The clip with feet that stay where they stand; contacts (T, 4) say when, otherwise height and speed do."""
    lock = FootLock(clip.skeleton, clip.fps, hold, legs)
    pieces = [lock.push(clip.root, clip.rotations, contacts), lock.flush()]
    root, rotations = (np.concatenate(both) for both in zip(*pieces, strict=True))
    return replace(clip, root=root, rotations=rotations)
