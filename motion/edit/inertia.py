"""Inertial blending: what a motion misses at a seam fades away, with the speed it had, and then nothing is left of it.

Bollo 2018, "Inertialization: high-performance animation transitions in Gears of War" (GDC), with a quintic for every
coordinate. Offsets are what has to be added: metres for places, rotation vectors in the parent's axes for rotations.
Both frames at the seam are met exactly, so that place and speed go on, at any frame rate.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from motion import quat
from motion.quat import F32

LEAST = 2
"""Frames over which an offset can fade at the least: it needs one to begin and one to keep its speed."""


def fade(now: F32, then: F32, frames: int) -> F32:
    """Offsets (frames, ...) that begin as `now` (...), are `then` (...) one frame later, and have ended, with no speed
    and no acceleration left, after `frames` frames."""
    whole, half = max(frames, LEAST), max(frames // 2, LEAST)
    still = np.array([1 - 10 * s**3 + 15 * s**4 - 6 * s**5 for s in np.arange(whole) / whole])
    # The speed ends in half the time: what a quick limb overshoots by grows with the time it is given.
    moving = np.array([s - 6 * s**3 + 8 * s**4 - 3 * s**5 for s in np.minimum(np.arange(whole) / half, 1)])
    speed = (then - now * still[1]) / moving[1]
    shape = (-1, *[1] * now.ndim)
    return (now * still.reshape(shape) + speed * moving.reshape(shape))[:frames].astype(np.float32)


def missing(goal: F32, source: F32) -> tuple[F32, F32]:
    """Rotation vectors (..., 3) that take the first two rotations of `source` (2, ..., 4) to those of `goal`; of
    the second's two ways round, the one nearest to the first."""
    exact = cast("tuple[F32, F32]", (goal.astype(np.float64), source.astype(np.float64)))
    turns = quat.mul(exact[0], quat.inv(exact[1]))
    turns = quat.unroll(turns * np.where(turns[:1, ..., :1] < 0, -1, 1))
    vectors = quat.to_vector(turns)
    return vectors[0], vectors[1]


def led(track: F32, goal: F32, frames: int) -> F32:
    """A track (T, ...) that begins with the two values of `goal` (2, ...) and is itself again after `frames`."""
    missing = goal - two(track)
    result = track.copy()
    result[:frames] += fade(missing[0], missing[1], frames)
    return result


def led_turns(rotations: F32, goal: F32, frames: int) -> F32:
    """Rotations (T, ..., 4) that begin with the two of `goal` (2, ..., 4) and are themselves again after `frames`."""
    result = rotations.copy()
    offsets = fade(*missing(goal, two(rotations)), frames)
    result[:frames] = quat.normalize(quat.mul(quat.from_vector(offsets), rotations[:frames]))
    return result


def two(track: F32) -> F32:
    """The first two values (2, ...) of a track (T, ...); of one value that value twice."""
    return np.concatenate([track[:1], track[:2][-1:]])


def ahead(track: F32) -> F32:
    """The next two values (2, ...) of a track (T, ...) that keeps the speed of its last two frames."""
    step = track[-1] - track[-2:][0]
    return np.stack([track[-1] + step, track[-1] + 2 * step])


def turns_ahead(rotations: F32) -> F32:
    """The next two rotations (2, ..., 4) of a motion (T, ..., 4) that keeps the speed of its last two frames."""
    step = quat.from_vector(speed(rotations[-2:]))
    following = quat.mul(step, rotations[-1])
    return quat.normalize(np.stack([following, quat.mul(step, following)]))


def speed(rotations: F32) -> F32:
    """The turn (..., 3) from the first to the last of one or two rotations (N, ..., 4), the short way."""
    turn = quat.mul(rotations[-1], quat.inv(rotations[0]))
    return quat.to_vector(np.where(turn[..., :1] < 0, -turn, turn))
