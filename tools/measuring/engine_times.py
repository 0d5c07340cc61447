"""How long each graph of a bundle takes by itself, in every precision: the best of some runs.

Of the language model: reading a prompt, and a step of so many sequences (a motion with guidance is two). Of the
others: a window of so many tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.packing import Precision
from motion import features
from motion.bundles.bundle import Bundle
from motion.bundles.manifest import PackedTokenizer
from runtime.engines import Engine, names
from runtime.engines.device import Device
from runtime.generation.loading import find
from runtime.language.llm import MotionLanguageModel, engine_folder
from runtime.language.parts import BEST
from tools.measuring.bench_config import BenchConfig
from tools.measuring.machine import keep_to
from tools.measuring.stopwatch import best_ms
from tools.setup.ticker import Ticker

PROMPT = 20
"""tokens of a prompt"""
SEQUENCES = (1, 2, 8, 32)
WINDOWS = (5, 20, 45)
"""tokens"""


@dataclass(frozen=True)
class Row:
    """One thing that was timed."""

    graph: str
    what: str
    milliseconds: float
    threads: int


@dataclass(frozen=True)
class EngineTimes:
    """The figures."""

    config: dict[str, object]
    device: str
    """what the graphs ran on; the language model's run on the CPU"""
    rows: list[Row]

    def table(self) -> str:
        """For people."""
        return "\n".join(f"{row.graph:<18} {row.what:<32} {row.milliseconds:>9.2f} ms" for row in self.rows)


def measure(config: BenchConfig) -> EngineTimes:
    """Time everything. Raises MotionError."""
    ticker = Ticker()
    keep_to(config.cores)
    source = find(config.bundle)
    rows: list[Row] = []

    def timed(graph: str, what: str, run: Callable[[], object]) -> None:
        ticker.show(f"timing   {graph}  {what}")
        rows.append(Row(graph, what, round(best_ms(run), 3), config.cores))

    graphs = Device(config.device, config.cores, engine_folder())
    for precision in BEST:
        _time_language(source, precision, config.cores, timed)
    rng = np.random.default_rng(0)
    packed = source.manifest.motion
    for name in (packed.files.decoder, packed.files.refiner, packed.files.encoder):
        if name is None:
            continue
        with graphs.open(source.path(name)) as engine:
            for tokens in WINDOWS:
                arrays = _inputs(engine, tokens, packed, rng)
                timed(name, f"{tokens} tokens", lambda engine=engine, arrays=arrays: engine.run(arrays))
    return EngineTimes(config.record(), graphs.found, rows)


Timed = Callable[[str, str, Callable[[], object]], None]


def _time_language(source: Bundle, precision: Precision, threads: int, timed: Timed) -> None:
    with MotionLanguageModel.load(source, None, threads, "onnx", precision) as model:
        layers, experts = model.layers, model.experts
        embeds = (0.1 * np.random.default_rng(0).standard_normal((PROMPT, layers.width))).astype(np.float32)
        name = f"language {precision}"
        timed(name, f"prompt of {PROMPT} tokens", lambda: layers.read(embeds, None, experts))
        _, past = layers.read(embeds, None, experts)
        for count in SEQUENCES:
            rows = layers.rows()
            numbers = rows.add([past] * count, np.tile(experts, (count, 1)))
            tokens = np.repeat(embeds[:1, None], count, axis=0)
            who = "one sequence" if count == 1 else f"{count} sequences"
            timed(name, f"step of {who}", lambda rows=rows, numbers=numbers, tokens=tokens: rows.step(numbers, tokens))
            if layers.tokens > 1:
                several = np.repeat(tokens, layers.tokens, axis=1)
                what = f"step of {layers.tokens} codes of {who}"
                timed(name, what, lambda rows=rows, numbers=numbers, several=several: rows.step(numbers, several))
                state = tokens[:, 0]
                what = f"a further code of {who}, by the multi-token head"
                timed(name, what, lambda layers=layers, state=state: layers.further(state, state))


def _inputs(engine: Engine, tokens: int, packed: PackedTokenizer, rng: np.random.Generator) -> dict[str, np.ndarray]:
    width = features.find(packed.layout).width
    frames = rng.standard_normal((1, tokens * packed.frames_per_token, width)).astype(np.float32)
    arrays = {"codes": rng.integers(0, packed.codes, (1, tokens)), "features": frames, "noise": frames}
    return {name: arrays[name] for name in names(engine)}
