"""The refiner's steps as a dial: what each setting takes and what it gives, for `python -m tools.bench dial`.

Exports the trained recipe's decoder and a single Euler step, times both in onnxruntime on one window, and measures what
`python -m export.evaluate reconstruction` measures, on clips that training has not seen.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export import evaluate
from export.data import dataset
from export.graphs import tracing
from export.recipe import Recipe, load
from export.training import stages
from models.tokenizers.vermo import FlowVQConfig
from models.vocabulary import FRAMES_PER_TOKEN
from motion import features
from motion.bundles.manifest import DECODER
from runtime.engines.onnx import OnnxEngine
from tools.measuring.bench_config import BenchConfig
from tools.measuring.machine import keep_to
from tools.measuring.stopwatch import best_ms
from tools.setup.ticker import Ticker

TOKENS = 20
"""of a window"""
STEPS = (1, 2, 4)
"""from noise, beside the plain decoder and what ships"""
RECIPE = Path("export/recipes/vermo-base.toml")


@dataclass(frozen=True)
class Setting:
    """One place of the dial."""

    name: str
    milliseconds: float
    """decoder and refiner on one window, the best of some runs"""
    mpjpe_m: float
    root_relative_m: float
    jitter_m_s3: float
    jitter_of_source_m_s3: float
    foot_skate_cm_s: float


@dataclass(frozen=True)
class Dial:
    """The figures."""

    config: dict[str, object]
    tokens: int
    clips: int
    rows: list[Setting]

    def table(self) -> str:
        """For people."""
        lines = [f"{'':<36}{'ms':>6}{'MPJPE':>8}{'root-relative':>15}{'jitter':>8}{'skate':>8}"]
        for row in self.rows:
            lines.append(
                f"{row.name:<36}{row.milliseconds:>6.1f}{1000 * row.mpjpe_m:>5.0f} mm"
                f"{1000 * row.root_relative_m:>12.1f} mm{row.jitter_m_s3:>8.0f}{row.foot_skate_cm_s:>8.1f}"
            )
        return "\n".join(lines)


def measure(config: BenchConfig, recipe: Recipe | None = None, steps: tuple[int, ...] = STEPS) -> Dial:
    """Needs a trained recipe, the shipped one where None is given, and its prepared clips. Raises MotionError without
    them."""
    ticker = Ticker()
    keep_to(config.cores)
    recipe = recipe or load(RECIPE)
    clips = len(dataset.load(recipe.data, "test", recipe.corpora, mirrored=False).entries)
    ticker.show(f"judging  {clips} clips at each setting")
    quality = evaluate.reconstruction(recipe, "test", steps)["rows"]
    assert isinstance(quality, dict)
    sizes = recipe.tokenizer
    assert isinstance(sizes, FlowVQConfig)
    shipped = sizes.refiner_steps, sizes.refiner_noise
    settings = dict.fromkeys([(0, 0.0), shipped, *((count, 1.0) for count in steps)])
    rows: list[Setting] = []
    ticker.show("timing   the graphs")
    decoding, step = _times(recipe, config.cores)
    for count, noise in settings:
        name = evaluate.setting(sizes, count, noise, smoothed=count > 0 and sizes.smoothing > 0)
        found = {key: round(float(quality[name][key]), 4) for key in Setting.__annotations__ if key in quality[name]}
        rows.append(Setting(name, round(decoding + count * step, 3), **found))
    return Dial(config.record(), TOKENS, clips, rows)


def _times(recipe: Recipe, threads: int) -> tuple[float, float]:
    """Milliseconds of the decoder, and of one of the refiner's steps."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, recipe.tokenizer.codes, (1, TOKENS))
    noise = rng.standard_normal((1, FRAMES_PER_TOKEN * TOKENS, features.WIDTH)).astype(np.float32)
    now = np.ones(1, np.float32)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tracing.export(stages.trained(recipe), folder, stepwise=True)
        with OnnxEngine(folder / DECODER, threads) as decoder, OnnxEngine(folder / "step.onnx", threads) as step:
            frames = decoder.run({"codes": codes})
            given = {"codes": codes, "features": frames, "state": noise, "now": now, "after": now / 2}
            return best_ms(lambda: decoder.run({"codes": codes})), best_ms(lambda: step.run(given))
