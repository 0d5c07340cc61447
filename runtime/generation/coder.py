"""A bundle's tokenizer by itself: clips through its codes and back, whatever kind of tokenizer it is.

Frames (T, D) in the bundle's feature layout <-> codes (K, ...) int64, or latents (K, C) where they are continuous. Long
clips go through in windows that overlap, of which the middles are kept.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from motion import clip as clips
from motion import features
from motion.bundles.bundle import Bundle
from motion.camera import watching
from motion.clip import Clip
from motion.features import h36m17
from motion.quat import F32
from motion.retargeting.retarget import retarget
from motion.skeleton import SMPLX22
from runtime.engines.device import Device

WINDOW: Final = 256  # frames; no tokenizer here was trained on longer clips, and one has no places beyond
OVERLAP: Final = 48  # frames that a window shares with its neighbour


class Coder:
    """Encoder, decoder and, where the bundle has one, refiner. Raises BadBundle, MissingPart."""

    def __init__(self, bundle: Bundle, device: str = "cpu", threads: int = 2, seed: int = 0) -> None:
        packed = bundle.manifest.motion
        self.layout = features.find(packed.layout)
        self.unit = packed.frames_per_token
        self._rng = np.random.default_rng(seed)
        place = Device(device, threads)
        with ExitStack() as stack:
            self._encoder = stack.enter_context(place.open(bundle.path(packed.files.encoder)))
            self._decoder = stack.enter_context(place.open(bundle.path(packed.files.decoder)))
            refiner = packed.files.refiner
            self._refiner = None if refiner is None else stack.enter_context(place.open(bundle.path(refiner)))
            self._stack = stack.pop_all()

    def encode(self, frames: F32) -> NDArray[Any]:
        """Features (T, D), T a multiple of `unit` and twice that or more -> codes (K, ...)."""
        return self._encoder.run({"features": frames[None]})[0]

    def decode(self, codes: NDArray[Any]) -> F32:
        """Codes (K, ...) -> features (T, D), refined where the bundle refines."""
        plain = self._decoder.run({"codes": codes[None]})
        if self._refiner is None:
            return plain[0]
        noise = self._rng.standard_normal(plain.shape).astype(np.float32)
        return self._refiner.run({"codes": codes[None], "features": plain, "noise": noise})[0]

    def frames(self, frames: F32) -> F32:
        """Features (T, D) of any length through codes and back."""
        length = len(frames)
        if length <= WINDOW:
            return self._window(frames)
        step = (WINDOW - 2 * OVERLAP) // self.unit * self.unit
        pieces: list[F32] = []
        for start in range(0, length, step):
            low = max(0, start - OVERLAP // self.unit * self.unit)
            given = frames[low : min(length, start + step + OVERLAP)].copy()
            if low and self.layout.name == "smplx":  # the first frame of a clip tells where it is
                place = self.layout.layout["translation"]
                given[0, place] = frames[: low + 1, place].sum(axis=0)
            pieces.append(self._window(given)[start - low : start - low + step])
        return np.concatenate(pieces)

    def _window(self, frames: F32) -> F32:
        whole = max(2, -(-len(frames) // self.unit)) * self.unit
        padded = np.concatenate([frames, np.repeat(frames[-1:], whole - len(frames), axis=0)])
        return self.decode(self.encode(padded))[: len(frames)]

    def clip(self, clip: Clip) -> Clip:
        """A clip of any humanoid through codes and back: on `smplx22`, or on the 17 joints of a picture, at the
        tokenizer's rate, where the clip stood. Raises what retargeting raises."""
        if clip.skeleton.joints != SMPLX22.joints or not np.allclose(clip.skeleton.offsets[1:], SMPLX22.offsets[1:]):
            clip = retarget(clip)
        clip = clips.resample(replace(clip, contacts=None), self.layout.fps)
        if self.layout.name == h36m17.NAME:
            camera = watching(h36m17.marks(clip))
            return h36m17.decode(self.frames(h36m17.encode(clip, camera)), clip.name, camera)
        made = self.layout.decode(self.frames(self.layout.encode(clip)))
        return replace(clips.placed_as(made, clip), name=clip.name)

    def close(self) -> None:
        """Gives back what it holds."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
