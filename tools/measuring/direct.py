"""A bundle's models without a server around them: what the bench compares engines by.

As in the service, codes are decoded in windows while later ones are still to come; features are what comes out, and
nothing is placed or sent. `eager` is plain torch in float32, node by node, on the same bundle.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from models.packing import Precision
from motion import features
from motion.quat import F32
from runtime.engines import Engine
from runtime.engines.device import Device
from runtime.generation.loading import find
from runtime.generation.stream import Codes, CodeStream, Features, Windows
from runtime.language.llm import MotionLanguageModel, engine_folder, language_device

Kind = Literal["onnx", "torch", "eager"]


@dataclass(frozen=True)
class Request:
    """One motion to make."""

    text: str
    tokens: int
    seed: int


@dataclass(frozen=True)
class Made:
    """One motion that was made; seconds from the beginning of the work."""

    frames: F32
    """features (T, D)"""
    first_s: float
    whole_s: float


class Direct:
    """A bundle's models, loaded."""

    def __init__(
        self,
        bundle: str,
        kind: Kind,
        precision: Precision | None,
        threads: int,
        refine: bool = True,
        device: str = "cpu",
        one_code: bool = False,
    ) -> None:
        """`device`: what graphs run on where they do not run in torch; one_code: each code by a run of the language
        model. Raises MotionError."""
        source = find(bundle)
        packed = source.manifest.motion
        self.fps = packed.fps
        self.rate = packed.frames_per_token
        self._width = features.find(packed.layout).width
        self._windows = Windows(packed.context, packed.lookahead)
        self._stack = ExitStack()
        wanted = "fp32" if kind == "eager" else precision
        engine = "onnx" if kind == "onnx" else "torch"
        graphs = Device("torch" if kind == "eager" else device, threads, engine_folder())

        def graph(name: str | None) -> Engine:
            return self._stack.enter_context(graphs.open(source.path(name)))

        self.decoder = graph(packed.files.decoder)
        self.refiner = graph(packed.files.refiner) if refine and packed.files.refiner is not None else None
        where = language_device(graphs.found)
        loaded = MotionLanguageModel.load(source, None, threads, engine, wanted, where, one_code)
        self.model = self._stack.enter_context(loaded)
        self.about = f"graphs on {graphs.found}, language model in {loaded.about}"
        """what runs where"""

    def make(self, requests: Sequence[Request]) -> list[Made]:
        """Motions side by side: they take turns at the language model, and so share its runs."""
        started = time.perf_counter()
        replies = [self.model.motion("text-to-motion", one.text, one.tokens, None, None, one.seed) for one in requests]
        streams = [CodeStream(self.decode, self._windows, self.rate, self._width, one.seed) for one in requests]
        blocks: list[list[F32]] = [[] for _ in requests]
        firsts, wholes = [0.0] * len(requests), [0.0] * len(requests)
        for step in range(max(one.tokens for one in requests)):
            for i, one in enumerate(requests):
                if step >= one.tokens:
                    continue
                block = streams[i].push(next(replies[i]))
                if step + 1 == one.tokens:
                    rest = streams[i].finish()
                    block = rest if block is None else np.concatenate([block, rest])
                if block is not None:
                    wholes[i] = time.perf_counter() - started
                    firsts[i] = firsts[i] or wholes[i]
                    blocks[i].append(block)
        return [
            Made(np.concatenate(made), first, whole) for made, first, whole in zip(blocks, firsts, wholes, strict=True)
        ]

    def decode(self, codes: Codes, noise: Features) -> Features:
        """Features of a window of codes."""
        frames = self.decoder.run({"codes": codes[None]})
        if self.refiner is not None:
            frames = self.refiner.run({"codes": codes[None], "features": frames, "noise": noise[None]})
        return frames[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
