"""Feet that stay where they stand: the root takes back what a resting foot would slide.

A decoded root moves by steps that add up, a decoded leg by a pose; where the two do not quite agree the foot slides.
While a foot is low and slow, its slide is taken off the root, so that legs carry the body. Works frame by frame on
what is past, so that a stream can use it. Metres, seconds, Y up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from motion.quat import F32
from motion.skeleton import ANKLE_HEIGHT, TOE_HEIGHT

_REST = np.array([ANKLE_HEIGHT, TOE_HEIGHT, ANKLE_HEIGHT, TOE_HEIGHT], np.float32)
# How surely a foot rests falls off over 3 cm above its standing height and over 0.4 m/s: on walks of the
# validation split these bring the slide of refined motion (19 cm/s) to the recordings' (10 cm/s).
_HEIGHT, _SPEED = 0.03, 0.4
_CALM = 0.7  # share of the newest frame in the correction; the rest is what went before


@dataclass
class Planter:
    """Carries the correction from one piece of a motion to the next."""

    fps: float
    last: F32 | None = None
    """(4, 3) where ankles and feet were before the next frame, without correction; None: the motion begins."""
    _slide: F32 = field(default_factory=lambda: np.zeros(3, np.float32))
    _sum: F32 = field(default_factory=lambda: np.zeros(3, np.float32))

    def push(self, feet: F32) -> F32:
        """What to add to the root, (T, 3), for uncorrected feet (T, 4, 3) in the order of `motion.contacts.JOINTS`."""
        if not len(feet):
            return np.zeros((0, 3), np.float32)
        before = feet[:1] if self.last is None else self.last[None]
        moves = np.diff(np.concatenate([before, feet]), axis=0) * np.array([1, 0, 1], np.float32)
        height = np.maximum(feet[..., 1] - _REST, 0)
        speed = np.linalg.norm(moves, axis=-1) * self.fps
        rest = np.exp(-0.5 * (height / _HEIGHT) ** 2 - 0.5 * (speed / _SPEED) ** 2)  # (T, 4)
        mean = (rest[..., None] * moves).sum(1) / np.maximum(rest.sum(1), 1e-6)[:, None]
        slides = rest.max(1)[:, None] * mean
        result = np.zeros((len(feet), 3), np.float32)
        for frame, slide in enumerate(slides):
            self._slide = (_CALM * slide + (1 - _CALM) * self._slide).astype(np.float32)
            self._sum = self._sum - self._slide
            result[frame] = self._sum
        self.last = feet[-1]
        return result
