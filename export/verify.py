"""Checks exported graphs against the trained tokenizer, on real test clips and on random input.

    python -m export.verify export/recipes/vermo-base.toml --onnx runs/vermo-base/onnx

Compares torch in float64 with torch in float32, with onnxruntime in float32 and float16, and with onnxruntime's
providers for cards where one works: codes, frames of decoder and refiner (export/graphs/graph_parity.py), scores of
the language model (export/graphs/language_parity.py). Tokenizers of other kinds are compared by
export/graphs/coder_parity.py. Writes report.json beside the graphs; `pack` refuses graphs without a passed report of
exactly these files.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from export import program, to_onnx, train_llm
from export.data import dataset
from export.data.relaid import relaid as relay
from export.graphs import coder_parity, graph_parity, language_parity
from export.graphs.graph_parity import GRAPHS
from export.recipe import Recipe, load
from export.train_tokenizer import trained_tokenizer
from export.training import stages
from motion.bundles import bundle
from motion.errors import BadConfig, BadFile

log = logging.getLogger(__name__)
REPORT = "report.json"
_LONGEST = 256  # frames of a clip


def verify(recipe: Recipe, folder: Path, clips: int = 12, backbone: Path | None = None) -> dict[str, Any]:
    """Measures and judges; returns the report. Raises MotionError where data, weights or graphs are missing. Language
    graphs may be missing; tokenizers of other kinds than VerMo's have none."""
    if not recipe.speaks:
        return _verify_coder(recipe, folder, clips)
    tokenizer = trained_tokenizer(recipe)
    present = [name for name in GRAPHS if (folder / name).exists()]
    for name in GRAPHS[:2]:  # a bundle may do without a refiner
        if name not in present:
            raise BadFile("is not there; run python -m export.to_onnx with this recipe first", str(folder / name))
    data = dataset.load(recipe.data, "test", recipe.corpora)
    rng = np.random.default_rng(0)
    picks = rng.choice(len(data.entries), min(clips, len(data.entries)), replace=False)
    samples = [np.array(data.clip(data.entries[int(i)]))[:_LONGEST] for i in picks]
    samples = [frames[: len(frames) // 4 * 4] for frames in samples]
    rows = graph_parity.measure(tokenizer, folder, samples, recipe.refiner_steps, recipe.refiner_noise)
    passed = all(row["passed"] for row in rows.values())
    plans = {name: plan for name, plan in to_onnx.plans(recipe).items() if (folder / name).exists()}
    language = language_parity.measure(recipe, folder, plans, tokenizer, backbone) if plans else {}
    passed = passed and all(row.get("passed", True) for row in language.values())
    weights = train_llm.weights(recipe) if plans else ()
    heads = sorted(name for name in language if name.startswith("multi-token"))
    files = [*present, *plans, *heads, *(["words.onnx"] if plans else [])]
    return {
        "passed": bool(passed),
        "clips": len(samples),
        "tokenizer": rows,
        "refiner_steps": recipe.refiner_steps if "refiner.onnx" in present else 0,
        "language": language,
        "graphs": {name: plan.record() for name, plan in plans.items()},
        "files": {name: bundle.sha256(folder / name) for name in files},
        "weights": {name: bundle.sha256(recipe.run / name) for name in weights},
    }


def _verify_coder(recipe: Recipe, folder: Path, clips: int) -> dict[str, Any]:
    tokenizer = stages.trained(recipe)
    names = [f"{graph.name}.onnx" for graph in tokenizer.graphs()]
    if not names:
        raise BadConfig(f"recipe {recipe.name!r} codes pictures alone; there is nothing to export")
    for name in names:
        if not (folder / name).exists():
            raise BadFile("is not there; run python -m export.to_onnx with this recipe first", str(folder / name))
    data = dataset.load(recipe.data, "test", recipe.corpora)
    picks = np.random.default_rng(0).choice(len(data.entries), min(clips, len(data.entries)), replace=False)
    chosen = replace(data, entries=tuple(data.entries[int(i)] for i in picks))
    relaid = relay(chosen, tokenizer.features)
    unit = coder_parity.unit_frames(tokenizer.graphs())
    samples = [np.array(relaid.clip(entry))[:_LONGEST] for entry in relaid.entries]
    samples = [frames[: len(frames) // unit * unit] for frames in samples if len(frames) >= 2 * unit]
    rows = coder_parity.measure(tokenizer, folder, samples)
    return {
        "passed": bool(samples) and all(row["passed"] for row in rows.values()),
        "clips": len(samples),
        "tokenizer": rows,
        "refiner_steps": 0,
        "language": {},
        "graphs": {},
        "files": {name: bundle.sha256(folder / name) for name in names},
        "weights": {},
    }


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
