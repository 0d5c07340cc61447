"""A trail: all that the frames of a live session after a given one depend on.

The front keeps trails and sends one with each order for more frames, so that workers remember nothing: any of them can
go on where another stopped, or from an earlier trail when new orders make what came after it void.

    codes     (K,) the last codes whose frames are out, then those drafted beyond
    out       how many of them are out
    index     which code of the session codes[0] is
    tail      (F, D) features that would come next, for the new ones to grow out of
    stance    where and how the body stands, as runtime.generation.placement knows it
    turning   radians a frame that the path is being bent by
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motion.protocol.wire import Array

Codes = NDArray[np.int64]
Float = NDArray[np.float32]
_NUMBERS: Final = 4  # K, out, index, F


@dataclass(frozen=True, eq=False)
class Resume:
    """See above."""

    codes: tuple[int, ...]
    out: int
    index: int
    tail: Float
    stance: NDArray[np.float64]
    turning: float


def to_arrays(trails: Sequence[Resume]) -> dict[str, Array]:
    """Several trails as arrays of one row each."""
    longest = max(len(trail.codes) for trail in trails)
    fade = max(len(trail.tail) for trail in trails)
    width = trails[0].tail.shape[1]
    codes = np.zeros((len(trails), _NUMBERS + longest), np.int64)
    tails = np.zeros((len(trails), fade, width), np.float32)
    for row, tail, trail in zip(codes, tails, trails, strict=True):
        row[:_NUMBERS] = len(trail.codes), trail.out, trail.index, len(trail.tail)
        row[_NUMBERS : _NUMBERS + len(trail.codes)] = trail.codes
        tail[: len(trail.tail)] = trail.tail
    stances = np.stack([np.append(trail.stance, trail.turning) for trail in trails])
    return {"trail.codes": codes, "trail.tail": tails, "trail.stance": stances}


def row(arrays: Mapping[str, Array], index: int) -> dict[str, Array]:
    """The arrays of one trail out of those of several."""
    return {name: array[index : index + 1] for name, array in arrays.items()}


def from_arrays(arrays: Mapping[str, Array]) -> Resume:
    """The trail in arrays of one row."""
    codes, tail, stance = (arrays[f"trail.{name}"][0] for name in ("codes", "tail", "stance"))
    count, out, index, fade = (int(number) for number in codes[:_NUMBERS])
    return Resume(
        codes=tuple(int(code) for code in codes[_NUMBERS : _NUMBERS + count]),
        out=out,
        index=index,
        tail=np.array(tail[:fade], np.float32),
        stance=np.array(stance[:-1], np.float64),
        turning=float(stance[-1]),
    )
