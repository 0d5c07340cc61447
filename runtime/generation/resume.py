"""A resume point: all that the frames of a live session after a given one depend on.

The front keeps resume points and sends one with each order for more frames, so that workers remember nothing: any of
them can go on where another stopped, or from an earlier one when new orders make what came after it void.

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
    """A resume point."""

    codes: tuple[int, ...]
    out: int
    index: int
    tail: Float
    stance: NDArray[np.float64]
    turning: float


def to_arrays(resumes: Sequence[Resume]) -> dict[str, Array]:
    """Several resume points as arrays of one row each."""
    longest = max(len(resume.codes) for resume in resumes)
    fade = max(len(resume.tail) for resume in resumes)
    width = resumes[0].tail.shape[1]
    codes = np.zeros((len(resumes), _NUMBERS + longest), np.int64)
    tails = np.zeros((len(resumes), fade, width), np.float32)
    for row, tail, resume in zip(codes, tails, resumes, strict=True):
        row[:_NUMBERS] = len(resume.codes), resume.out, resume.index, len(resume.tail)
        row[_NUMBERS : _NUMBERS + len(resume.codes)] = resume.codes
        tail[: len(resume.tail)] = resume.tail
    stances = np.stack([np.append(resume.stance, resume.turning) for resume in resumes])
    return {"resume.codes": codes, "resume.tail": tails, "resume.stance": stances}


def row(arrays: Mapping[str, Array], index: int) -> dict[str, Array]:
    """The arrays of one resume point out of those of several."""
    return {name: array[index : index + 1] for name, array in arrays.items()}


def from_arrays(arrays: Mapping[str, Array]) -> Resume:
    """The resume point in arrays of one row."""
    codes, tail, stance = (arrays[f"resume.{name}"][0] for name in ("codes", "tail", "stance"))
    count, out, index, fade = (int(number) for number in codes[:_NUMBERS])
    return Resume(
        codes=tuple(int(code) for code in codes[_NUMBERS : _NUMBERS + count]),
        out=out,
        index=index,
        tail=np.array(tail[:fade], np.float32),
        stance=np.array(stance[:-1], np.float64),
        turning=float(stance[-1]),
    )
