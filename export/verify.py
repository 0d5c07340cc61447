"""Checks exported graphs against the trained tokenizer, on real test clips and on random input.

    python -m export.verify export/recipes/vermo-base.toml --onnx runs/vermo-base/onnx

Compares torch in float64 with torch in float32, with onnxruntime in float32 and float16, and with onnxruntime's
providers for cards where one works: codes, frames, latents of the tokenizer's graphs (export/graphs/parity.py), scores
of the language model (export/graphs/language_parity.py). Writes report.json beside the graphs; `pack` refuses graphs
without a passed report of exactly these files.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from export import program
from export.data import dataset
from export.data.relaid import relaid
from export.graphs import language_graph, language_parity, parity, sentence_parity
from export.graphs.parity import REPORT
from export.recipe import Recipe, load
from export.training import adapters, stages
from models.tokenizers.contract import unit_frames
from motion.bundles import bundle
from motion.bundles.manifest import DECODER, ENCODER, REFINER, SENTENCE, WORDS
from motion.errors import BadConfig, BadFile

log = logging.getLogger(__name__)
_LONGEST = 256  # frames of a clip


def verify(recipe: Recipe, folder: Path, clips: int = 12, backbone: Path | None = None) -> dict[str, Any]:
    """Measures and judges; returns the report. Raises MotionError where data, weights or graphs are missing; a bundle
    may do without all but encoder and decoder."""
    tokenizer = stages.trained(recipe)
    graphs = [graph for graph in tokenizer.graphs() if not graph.optional]
    if not graphs:
        raise BadConfig(f"recipe {recipe.name!r} codes pictures alone; there is nothing to export")
    for name in (ENCODER, DECODER):
        if not (folder / name).exists():
            raise BadFile("is not there; run python -m export.to_onnx with this recipe first", str(folder / name))
    present = [name for graph in graphs if (folder / (name := f"{graph.name}.onnx")).exists()]
    samples = _samples(recipe, tokenizer.features, unit_frames(graphs), clips)
    rows = parity.measure(tokenizer, folder, samples)
    plans = {name: plan for name, plan in language_graph.plans(recipe).items() if (folder / name).exists()}
    language = language_parity.measure(recipe, folder, plans, tokenizer, backbone) if plans else {}
    heads = sorted(name for name in language if name.startswith("multi-token"))
    encoder = [SENTENCE] if plans and (folder / SENTENCE).exists() else []
    language |= {SENTENCE: sentence_parity.measure(folder / SENTENCE)} if encoder else {}
    passed = all(row.get("passed", True) for row in (*rows.values(), *language.values()))
    files = [*present, *plans, *heads, *([WORDS] if plans else []), *encoder]
    return {
        "passed": bool(samples) and passed,
        "clips": len(samples),
        "tokenizer": rows,
        "refiner_steps": tokenizer.config.refiner_steps if REFINER in present else 0,
        "language": language,
        "graphs": {name: plan.record() for name, plan in plans.items()},
        "files": {name: bundle.sha256(folder / name) for name in files},
        "weights": {name: bundle.sha256(recipe.run / name) for name in (_weights(recipe) if plans else ())},
    }


def _weights(recipe: Recipe) -> tuple[str, ...]:
    """Files of the run that are packed. Raises BadFile where one is not there."""
    names = (*adapters.weights(recipe), *adapters.sentence_weights(recipe))
    missing = next((recipe.run / name for name in names if not (recipe.run / name).exists()), None)
    if missing is not None:
        raise BadFile("is not there; run python -m export.train_llm and export.train_words first", str(missing))
    return names


def _samples(recipe: Recipe, layout: str, unit: int, count: int) -> list[np.ndarray]:
    """Test clips in a layout, of whole units of frames, two of them or more."""
    data = dataset.load(recipe.data, "test", recipe.corpora)
    picks = np.random.default_rng(0).choice(len(data.entries), min(count, len(data.entries)), replace=False)
    chosen = relaid(replace(data, entries=tuple(data.entries[int(i)] for i in picks)), layout)
    found = [np.array(chosen.clip(entry))[:_LONGEST] for entry in chosen.entries]
    return [frames[: len(frames) // unit * unit] for frames in found if len(frames) >= 2 * unit]


def main() -> int:
    """The command line."""
    parser = program.parser("export.verify", __doc__)
    parser.add_argument("recipe", type=Path, help="a file of export/recipes, trained")
    parser.add_argument("--onnx", type=Path, help="folder of the graphs (<run>/onnx)")
    parser.add_argument("--backbone", type=Path, metavar="DIR", help="a folder of transformers (the packaged SmolLM2)")
    options = parser.parse_args()

    def work() -> int:
        recipe = load(options.recipe)
        folder = options.onnx or recipe.run / "onnx"
        report = verify(recipe, folder, backbone=options.backbone)
        (folder / REPORT).write_text(json.dumps(report, indent=1))
        log.info("%s", json.dumps(report, indent=1))
        return 0 if report["passed"] else 1

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
