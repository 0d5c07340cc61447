"""What streaming costs in quality: frames decoded in windows against the same codes decoded at once.

For each look-ahead and fade: how far joints are from where decoding at once puts them, how much larger the joints'
accelerations are, and how much larger the largest of them is where windows meet: seams would show there. Codes are the
language model's own; bodies are brought together in place and heading.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from motion.bundles.manifest import Manifest
from motion.clip import positions
from motion.features import Layout
from runtime.engines.onnx import OnnxEngine
from runtime.generation.placement import layout_of
from runtime.generation.stream import Codes, CodeStream, Decode, Features, Windows
from runtime.language.llm import MotionLanguageModel
from runtime.serve import find
from tools.measuring.latency import SENTENCES
from tools.setup.ticker import Ticker, bar

TOKENS = 45
"""six seconds"""
SETTINGS = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 1), (4, 2), (4, 3), (4, 4), (6, 3), (8, 3))
"""look-ahead and fade, tokens"""


@dataclass(frozen=True)
class Seams:
    """Of one look-ahead, over all sentences."""

    lookahead: int
    fade: int
    apart_mm: float
    """mean distance of joints from where decoding at once puts them"""
    acceleration: float
    """mean joint acceleration over that of decoding at once"""
    seam_m_s2: float
    """largest joint acceleration at a seam less that of decoding at once, mean over seams"""
    worst_seam_m_s2: float
    """the same, 95th percentile"""


@dataclass(frozen=True)
class Streaming:
    """The figures."""

    bundle: str
    context: int
    packed_lookahead: int
    packed_fade: int
    refined: bool
    seams: list[Seams]

    def table(self) -> str:
        """For people."""
        rows = [
            f"{'look-ahead':>10}  {'fade':>4}  {'apart':>10}  {'acceleration':>12}  {'at seams':>9}  {'p95':>5}  m/s2"
        ]
        for row in self.seams:
            packed = (row.lookahead, row.fade) == (self.packed_lookahead, self.packed_fade)
            rows.append(
                f"{row.lookahead:>10}  {row.fade:>4}  {row.apart_mm:>7.2f} mm  {100 * (row.acceleration - 1):>+10.1f} %"
                f"  {row.seam_m_s2:>+9.2f}  {row.worst_seam_m_s2:>+5.1f}{'  <- as served' if packed else ''}"
            )
        return "\n".join(rows)


def measure(name: str, refine: bool, sentences: int) -> Streaming:
    """Decode the same codes at once and in windows. Raises MotionError."""
    ticker = Ticker()
    source = find(name)
    packed = source.manifest.motion
    with ExitStack() as stack:
        model = stack.enter_context(MotionLanguageModel.load(source))
        refined = refine and packed.files.refiner is not None
        decoder = stack.enter_context(OnnxEngine(source.path(packed.files.decoder), 1))
        refiner = stack.enter_context(OnnxEngine(source.path(packed.files.refiner), 1)) if refined else None

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
            seams_of(decode, written, Windows(packed.context, lookahead, fade=fade), source.manifest)
            for lookahead, fade in SETTINGS
        ]
    served = Windows(packed.context, packed.lookahead)
    return Streaming(source.manifest.name, served.context, served.lookahead, served.fade, refined, seams)


def seams_of(decode: Decode, written: list[list[int]], windows: Windows, manifest: Manifest) -> Seams:
    """Over all motions, each with its own noise."""
    rate, layout = manifest.motion.frames_per_token, layout_of(manifest)
    apart: list[float] = []
    ratio: list[float] = []
    seams: list[float] = []
    for seed, codes in enumerate(written):
        noise = np.random.default_rng(seed).standard_normal((len(codes) * rate, layout.width), np.float32)
        once = _joints(decode(np.array(codes, np.int64), noise), layout)
        stream = CodeStream(decode, windows, rate, layout.width, seed)
        blocks = [*(block for code in codes if (block := stream.push(code)) is not None), stream.finish()]
        streamed = _joints(np.concatenate(blocks), layout)
        ours, theirs = _accelerations(streamed, layout.fps), _accelerations(once, layout.fps)
        for seam in np.cumsum([len(block) for block in blocks])[:-1]:
            near = slice(max(0, int(seam) - 2), int(seam) + 1)
            seams.append(float(ours[near].max() - theirs[near].max()))
        apart.append(1000 * float(np.linalg.norm(streamed - once, axis=-1).mean()))
        ratio.append(float(ours.mean() / theirs.mean()))
    return Seams(
        windows.lookahead, windows.fade, round(float(np.mean(apart)), 3), round(float(np.mean(ratio)), 4),
        round(float(np.mean(seams)), 3), round(float(np.percentile(seams, 95)), 3),
    )  # fmt: skip


def _joints(frames: Features, layout: Layout) -> Features:
    """Joint positions (T, J, 3) of a body that stays where it is and faces ahead."""
    still = frames.copy()
    still[:, layout.layout["root_turn"]] = 0
    still[:, layout.layout["root_step"]] = 0
    return positions(layout.decode(still))


def _accelerations(joints: Features, fps: float) -> Features:
    """Of joints (T - 2, J), m/s2."""
    return np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1) * fps**2
