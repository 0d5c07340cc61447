"""Codes become frames while more codes are still to come.

A decoder looks some tokens to either side of the frames it makes. So codes are decoded in windows that overlap: to send
the frames of tokens [a, b), tokens [a - context, b + lookahead) go through the engine. Context costs work, look-ahead
costs time to the first frame: each token of it is waited for. Where a window ends, the next `fade` tokens are known
twice, with less future and with more; their frames pass from the one to the other, so that windows meet without a jump.
Where context reaches as far back as the decoder does, and look-ahead less fade as far ahead, the frames are the very
ones that decoding all codes at once gives. What was handed out is never changed.

Shapes: codes (K,) int64, noise and features (T, D) float32 with T = K * frames_per_token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadConfig

Codes = NDArray[np.int64]
Features = NDArray[np.float32]
Decode = Callable[[Codes, Features], Features]
"""(codes (K,), noise (T, D)) -> features (T, D)"""


@dataclass(frozen=True)
class Windows:
    """How codes are cut into windows; lengths in tokens."""

    context: int
    """decoded again before each window"""
    lookahead: int
    """waited for and decoded after each window"""
    first: int = 1
    """new tokens in the first window: as few as can be, since somebody waits for them; each next one has twice as many,
    so that its frames are there before those of the last are played"""
    later: int = 16
    """new tokens in a window at most: more of them cost fewer engine calls a second"""
    fade: int = 1
    """tokens over which one window passes into the next, where the look-ahead has as many: without it joints are
    accelerated by 8 m/s2 more at a seam than in all codes decoded at once, with it by 0.3 (tools.bench windows)"""

    def __post_init__(self) -> None:
        if min(self.context, self.lookahead, self.fade) < 0 or min(self.first, self.later) < 1:
            raise BadConfig(f"windows need context, lookahead and fade from 0, first and later from 1; got {self}")


class CodeStream:
    """The codes of one motion on their way to features.

    `before` are codes already known to precede the motion: they are context, and their frames are not handed out. The
    noise of a frame depends on the seed and the frame's place alone, so that overlapping windows refine the same noise.
    """

    last_before: Features | None = None
    """the last frame of `before` as it was decoded, (1, D); known when the first frames are, if there is context"""
    first_after: Features | None = None
    """the first frame of what follows as it was decoded, (1, D); known when `finish` was given codes that follow"""

    def __init__(
        self, decode: Decode, windows: Windows, frames_per_token: int, width: int, seed: int, before: Sequence[int] = ()
    ) -> None:
        self._decode = decode
        self._windows = windows
        self._rate = frames_per_token
        self._random = np.random.default_rng(seed)
        self._noise = np.zeros((0, width), np.float32)
        self._codes = list(before)
        self._out = len(before)  # tokens whose frames are out or belong to `before`
        self._tail = np.zeros((0, width), np.float32)  # frames past the last window, made with less future
        self._fresh = min(windows.first, windows.later)  # new tokens in the next window
        self._first = True

    def push(self, code: int) -> Features | None:
        """Take one more code; the next frames where a window is full."""
        self._codes.append(code)
        end = self._out + self._fresh
        if len(self._codes) < end + self._windows.lookahead:
            return None
        self._fresh = min(2 * self._fresh, self._windows.later)
        return self._window(end)

    def finish(self, after: Sequence[int] = ()) -> Features:
        """All frames not handed out yet; `after` are codes known to follow, as context."""
        end = len(self._codes)
        self._codes.extend(after)
        return self._window(end, closing=True)

    def _window(self, end: int, closing: bool = False) -> Features:
        if end == self._out:
            return np.zeros((0, self._noise.shape[1]), np.float32)
        start = max(0, self._out - self._windows.context)
        stop = min(len(self._codes), end + (self._windows.context if closing else self._windows.lookahead))
        features = self._decode(np.array(self._codes[start:stop], np.int64), self._noise_of(start, stop))
        new = np.array(features[(self._out - start) * self._rate :])
        if self._first and start < self._out:
            self.last_before = features[(self._out - start) * self._rate - 1][None]
        seam = min(len(self._tail), len(new))
        weight = (np.arange(1, seam + 1, dtype=np.float32) / (seam + 1))[:, None]
        new[:seam] = (1 - weight) * self._tail[:seam] + weight * new[:seam]
        count = (end - self._out) * self._rate
        self._out, self._first = end, False
        if closing and len(new) > count:
            self.first_after = new[count : count + 1]
        self._tail = new[count : count + self._windows.fade * self._rate]
        return new[:count]

    def _noise_of(self, start: int, stop: int) -> Features:
        missing = stop * self._rate - len(self._noise)
        if missing > 0:
            fresh = self._random.standard_normal((missing, self._noise.shape[1]), np.float32)
            self._noise = np.concatenate([self._noise, fresh])
        return self._noise[start * self._rate : stop * self._rate]
