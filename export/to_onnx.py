"""Exports a trained tokenizer to ONNX graphs with normalisation inside and no Python left in the loop.

    python -m export.to_onnx export/recipes/vermo-base.toml --out runs/vermo-base/onnx

encoder.onnx   features (B, T, D) float32 -> codes (B, K) int64, T = 4 K
decoder.onnx   codes (B, K) int64 -> features (B, 4 K, D) float32
refiner.onnx   codes (B, K) int64, features (B, 4 K, D) of the decoder, noise (B, 4 K, D) float32 -> refined
               (B, 4 K, D): all Euler steps, as many as --steps says, their shifted times in the graph
step.onnx      one of these steps, for whoever wants to choose their number at run time; only with --stepwise. codes,
               features, state (B, 4 K, D) float32, now and after (B,) float32 -> next (B, 4 K, D), refined
               (B, 4 K, D). The state begins as noise at now = 1 (times the recipe's refiner_noise); what the step to
               after = 0 refined is what refiner.onnx gives for these times

Weights are stored in half precision and widened when the graph is loaded; arithmetic is float32. Batch and time are
dynamic. language-*.onnx, multi-token-*.onnx and words.onnx are the language model, without weights
(export/graphs/language_graph.py). Those are VerMo's; a tokenizer of another kind has the graphs that it names itself,
and no language model yet.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any, get_args

from export import program
from export.graphs import language_graph, sentence_graph, tracing
from export.recipe import Recipe, load
from export.training import stages
from models import checkpoint
from models.packing import Precision
from motion.errors import BadConfig


def _stepping(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with so many steps of its refiner. Raises BadConfig where its kind has none."""
    sizes: Any = recipe.tokenizer
    if not hasattr(sizes, "refiner_steps"):
        raise BadConfig(f"recipe {recipe.name!r} has no refiner whose steps --steps could set; leave it out")
    return dataclasses.replace(recipe, tokenizer=dataclasses.replace(sizes, refiner_steps=steps))


def main() -> int:
    """The command line."""
    parser = program.parser("export.to_onnx", __doc__)
    parser.add_argument("recipe", type=Path, help="a file of export/recipes, trained")
    parser.add_argument("--out", type=Path, help="folder for the graphs (<run>/onnx)")
    parser.add_argument("--backbone", type=Path, metavar="DIR", help="a folder of transformers (the packaged SmolLM2)")
    parser.add_argument("--steps", type=int, help="Euler steps of the refiner (the recipe's refiner_steps); 0: none")
    parser.add_argument(
        "--language", nargs="+", choices=get_args(Precision), default=get_args(Precision), metavar="PRECISION",
        help="of the language model: fp32, int8, int4 (all); leave out what export.verify does not let through",
    )  # fmt: skip
    parser.add_argument("--stepwise", action="store_true", help="a graph of a single Euler step as well")
    options = parser.parse_args()

    def work() -> None:
        recipe = load(options.recipe)
        if options.steps is not None:
            recipe = _stepping(recipe, options.steps)
        folder = options.out or recipe.run / "onnx"
        tracing.export(stages.trained(recipe), folder, options.stepwise)
        plans = language_graph.plans(recipe)
        wanted = {name: plan for name, plan in plans.items() if plan.precision in options.language}
        for name in set(plans) - set(wanted):
            (folder / name).unlink(missing_ok=True)
        if wanted:
            further = None if recipe.multi_token is None else recipe.multi_token.hidden
            language_graph.write(checkpoint.read(options.backbone).sizes, wanted, folder, further)
            if recipe.language.experts or recipe.words is not None:
                sentence_graph.write(folder)

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
