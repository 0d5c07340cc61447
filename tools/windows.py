"""What streaming costs in quality: frames decoded in windows against the same codes decoded at once.

For each look-ahead: how far joints are from where decoding at once puts them, and how much larger the joints'
accelerations are, where windows that do not meet would show. Codes are the language model's own.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass

import numpy as np

from motion import features
from motion.clip import positions
from runtime.engines.onnx import OnnxEngine
from runtime.llm import MotionLanguageModel
from runtime.serve import find
from runtime.stream import Codes, CodeStream, Decode, Features, Windows
from tools.latency import SENTENCES
from tools.ticker import Ticker, bar

TOKENS = 45
"""six seconds"""


@dataclass(frozen=True)
class Seams:
    """Of one look-ahead, over all sentences."""

    lookahead: int
    apart_mm: float
    """mean distance of joints, root brought together, from where decoding at once puts them"""
    acceleration: float
    """mean joint acceleration over that of decoding at once"""


@dataclass(frozen=True)
class Streaming:
    """The figures."""

    bundle: str
    context: int
    packed_lookahead: int
    refined: bool
    seams: list[Seams]

    def table(self) -> str:
        """For people."""
        rows = [f"{'look-ahead':>10}  {'apart':>10}  {'acceleration':>12}"]
        for row in self.seams:
            mark = "  <- packed" if row.lookahead == self.packed_lookahead else ""
            rows.append(f"{row.lookahead:>10}  {row.apart_mm:>7.2f} mm  {100 * (row.acceleration - 1):>+10.1f} %{mark}")
        return "\n".join(rows)

    def record(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def measure(name: str, refine: bool, sentences: int) -> Streaming:
    """Decode the same codes at once and in windows. Raises MotionError."""
    ticker = Ticker()
    source = find(name)
    facts = source.manifest.tokens
    with ExitStack() as stack:
        model = stack.enter_context(MotionLanguageModel.load(source))
        refined = refine and source.has("refiner.onnx")
        decoder = stack.enter_context(OnnxEngine(source.path("decoder.onnx"), 1))
        refiner = stack.enter_context(OnnxEngine(source.path("refiner.onnx"), 1)) if refined else None

        def decode(codes: Codes, noise: Features) -> Features:
            frames = decoder.run({"codes": codes[None]})
            if refiner is not None:
                frames = refiner.run({"codes": codes[None], "features": frames, "noise": noise[None]})
            return frames[0]

        written: list[list[int]] = []
        for i in range(sentences):
            text = SENTENCES[i % len(SENTENCES)]
            written.append(list(model.motion("text-to-motion", text, TOKENS, None, None, i + 1)))
            ticker.show(f"codes    {bar(i + 1, sentences)} {i + 1} of {sentences}")
        seams = [
            _seams(decode, written, Windows(facts.context, lookahead), facts.frames_per_token)
            for lookahead in (0, 1, 2, 3, 4, 6, 8)
        ]
    return Streaming(source.manifest.name, facts.context, facts.lookahead, refined, seams)


def _seams(decode: Decode, written: list[list[int]], windows: Windows, rate: int) -> Seams:
    apart: list[float] = []
    ratio: list[float] = []
    for seed, codes in enumerate(written):
        noise = np.random.default_rng(seed).standard_normal((len(codes) * rate, features.WIDTH), np.float32)
        once = _joints(decode(np.array(codes, np.int64), noise))
        stream = CodeStream(decode, windows, rate, features.WIDTH, seed)
        blocks = [block for code in codes if (block := stream.push(code)) is not None]
        streamed = _joints(np.concatenate([*blocks, stream.finish()]))
        apart.append(1000 * float(np.linalg.norm(streamed - once, axis=-1).mean()))
        ratio.append(_acceleration(streamed) / _acceleration(once))
    return Seams(windows.lookahead, round(float(np.mean(apart)), 3), round(float(np.mean(ratio)), 4))


def _joints(frames: Features) -> Features:
    """Joint positions (T, J, 3) with the root over the origin."""
    joints = positions(features.decode(frames))
    return (joints - joints[:, :1] * np.array([1, 0, 1])).astype(np.float32)


def _acceleration(joints: Features) -> float:
    return float(np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1).mean())
