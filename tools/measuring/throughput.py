"""How many motions a machine makes: 1, 4, 16 and 64 side by side, sharing each run of the language model."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from tools.measuring.bench_config import BenchConfig
from tools.measuring.direct import Direct, Request
from tools.measuring.latency import SENTENCES
from tools.measuring.machine import keep_to
from tools.setup.ticker import Ticker


@dataclass(frozen=True)
class Row:
    """Of one number of motions side by side."""

    batch: int
    seconds: float
    """until all of them were whole"""
    clips_per_s: float
    tokens_per_s: float
    frames_per_s: float
    realtime_factor: float
    first_frame_s: float
    """until the first frames of the last of them"""


@dataclass(frozen=True)
class Throughput:
    """The figures."""

    config: dict[str, object]
    about: str
    rows: list[Row]

    def table(self) -> str:
        """For people."""
        lines = [f"{'side by side':>12}  {'clips /s':>9}  {'tokens /s':>9}  {'x real time':>11}  {'first frames':>12}"]
        for row in self.rows:
            lines.append(
                f"{row.batch:>12}  {row.clips_per_s:>9.2f}  {row.tokens_per_s:>9.0f}  {row.realtime_factor:>11.1f}  "
                f"{row.first_frame_s:>10.2f} s"
            )
        return "\n".join(lines)


def measure(config: BenchConfig) -> Throughput:
    """Make so many motions at once, each number twice; the faster counts. Raises MotionError."""
    ticker = Ticker()
    keep_to(config.cores)
    rows: list[Row] = []
    with Direct(config.bundle, "onnx", None, config.cores, config.refine, config.device) as models:
        tokens = math.ceil(config.seconds * models.fps / models.rate)
        models.make([Request(SENTENCES[0], 8, 0)])
        for batch in config.batches:
            best: Row | None = None
            for attempt in range(2):
                ticker.show(f"making   {batch} side by side, {attempt + 1} of 2")
                asks = [Request(SENTENCES[i % len(SENTENCES)], tokens, 100 * attempt + i) for i in range(batch)]
                begun = time.perf_counter()
                made = models.make(asks)
                took = time.perf_counter() - begun
                frames = sum(len(one.frames) for one in made)
                row = Row(
                    batch, round(took, 4), round(batch / took, 3), round(batch * tokens / took, 1),
                    round(frames / took, 1), round(frames / models.fps / took, 2),
                    round(max(one.first_s for one in made), 4),
                )  # fmt: skip
                best = row if best is None or row.seconds < best.seconds else best
            assert best is not None
            rows.append(best)
        about = models.about
    return Throughput(config.record(), about, rows)
