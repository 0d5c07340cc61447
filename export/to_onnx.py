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
(export/graphs/language_graph.py). A tokenizer of another kind than VerMo's has the graphs that it names itself, and no
language model yet.
"""

from __future__ import annotations

import logging
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from export import program
from export.graphs import language_graph
from export.recipe import Recipe, load
from export.train_tokenizer import trained_tokenizer
from export.training import stages
from models import checkpoint, flow
from models.packing import Plan, Precision
from models.tokenizers.contract import Graph
from models.tokenizers.vermo import FlowVQ
from models.vocabulary import SPECIAL
from motion.features import WIDTH

log = logging.getLogger(__name__)
OPSET = 18
SMALL = 512  # values; smaller tensors (biases, constants of the graph) stay float32


class _Encode(nn.Module):
    def __init__(self, tokenizer: FlowVQ) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, features: Tensor) -> Tensor:
        return self.tokenizer.encode(features)


class _Decode(nn.Module):
    def __init__(self, tokenizer: FlowVQ) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, codes: Tensor) -> Tensor:
        return self.tokenizer.decode(codes)


class _Refine(nn.Module):
    def __init__(self, tokenizer: FlowVQ, steps: int, noise: float) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.sigmas = tuple(flow.sampling_sigmas(steps))
        self.noise = noise

    def forward(self, codes: Tensor, features: Tensor, noise: Tensor) -> Tensor:
        return self.tokenizer.refine(codes, features, noise * self.noise, self.sigmas)


class _Step(nn.Module):
    def __init__(self, tokenizer: FlowVQ) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(
        self, codes: Tensor, features: Tensor, state: Tensor, now: Tensor, after: Tensor
    ) -> tuple[Tensor, Tensor]:
        tokenizer = self.tokenizer
        plain, quantized = tokenizer.normalise(features), tokenizer.quantizer.lookup(codes)
        state = state + (after - now)[:, None, None] * tokenizer.refiner(state, plain, now, quantized)
        return state, tokenizer.finish(state)


def halved(path: Path) -> None:
    """Rewrites a graph's large float32 weights as float16, each widened by a Cast, and drops the exporter's notes."""
    model = onnx.load(path)
    graph = model.graph
    casts: list[onnx.NodeProto] = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < SMALL:
            continue
        name, array = weight.name, numpy_helper.to_array(weight)
        if np.abs(array).max() > np.finfo(np.float16).max:  # a mask of attention
            continue
        half = numpy_helper.from_array(array.astype(np.float16), f"{name}.half")
        weight.CopyFrom(half)
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")  # the exporter notes where in whose source tree each node came from
        part.ClearField("doc_string")
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export(tokenizer: FlowVQ, folder: Path, steps: int, noise: float = 1.0, stepwise: bool = False) -> None:
    """Writes the graphs into `folder`; steps: Euler steps of the refiner, 0 leaves it out; noise: scale of what it
    starts from; stepwise: a graph of one step as well."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer.eval().float()
    features, codes = torch.zeros(2, 64, WIDTH), torch.zeros(2, 16, dtype=torch.int64)
    batch, time = torch.export.Dim("B", min=1, max=64), torch.export.Dim("K", min=2, max=4096)
    jobs: list[tuple[str, nn.Module, tuple[Tensor, ...], dict[str, dict[int, object]], list[str]]] = [
        ("encoder", _Encode(tokenizer), (features,), {"features": {0: batch, 1: 4 * time}}, ["codes"]),
        ("decoder", _Decode(tokenizer), (codes,), {"codes": {0: batch, 1: time}}, ["features"]),
    ]
    frames: dict[int, object] = {0: batch, 1: 4 * time}
    shapes: dict[str, dict[int, object]] = {"codes": {0: batch, 1: time}, "features": frames}
    if steps:
        given = (codes, features, features + 1)
        jobs.append(("refiner", _Refine(tokenizer, steps, noise), given, {**shapes, "noise": frames}, ["refined"]))
    if stepwise:
        given = (codes, features, features + 1, torch.ones(2), torch.zeros(2))
        shapes = {**shapes, "state": frames, "now": {0: batch}, "after": {0: batch}}
        jobs.append(("step", _Step(tokenizer), given, shapes, ["next", "refined"]))
    for name, module, inputs, shapes, outputs in jobs:
        _trace(module, inputs, folder / f"{name}.onnx", shapes, outputs)


def _trace(
    module: nn.Module, inputs: tuple[Tensor, ...], path: Path, shapes: dict[str, dict[int, Any]], outputs: list[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        torch.onnx.export(
            module, inputs, path, input_names=list(shapes), output_names=outputs, dynamic_shapes=tuple(shapes.values()),
            opset_version=OPSET, dynamo=True, external_data=False, verbose=False, optimize=True,
        )  # fmt: skip
    halved(path)
    log.info("%s: %.1f MB", path, path.stat().st_size / 1e6)


def write(graph: Graph, folder: Path) -> None:
    """Writes one graph of a tokenizer (models/tokenizers/contract.py) into `folder`, halved as those of `export`."""
    count = {name: torch.export.Dim(name, min=1 if name == "B" else 2, max=4096) for name in ("B", "K")}
    shapes = {
        name: {axis: many * count[unit] if many > 1 else count[unit] for axis, (unit, many) in axes.items()}
        for name, axes in graph.axes.items()
    }
    _trace(graph.module, tuple(graph.inputs.values()), folder / f"{graph.name}.onnx", shapes, list(graph.outputs))


def export_coder(recipe: Recipe, folder: Path) -> None:
    """Writes the graphs that a trained tokenizer of another kind than VerMo's names itself. Raises BadFile where it is
    not trained."""
    folder.mkdir(parents=True, exist_ok=True)
    for graph in stages.trained(recipe).graphs():
        write(graph, folder)


def plans(recipe: Recipe) -> dict[str, Plan]:
    """The language graphs of a recipe, by file."""
    codes, rank = len(SPECIAL) + recipe.tokenizer.codes, recipe.language.rank
    found = {
        "language-fp32.onnx": Plan("fp32", codes, rank),
        "language-int8.onnx": Plan("int8", codes, rank),
        "language-int4.onnx": Plan("int4", codes, rank, experts=1),
    }
    if recipe.multi_token is not None:
        tokens = recipe.multi_token.tokens
        for plan in tuple(found.values()):
            found[f"language-{plan.precision}-{tokens}.onnx"] = replace(plan, tokens=tokens)
    return found


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
        steps = recipe.refiner_steps if options.steps is None else options.steps
        folder = options.out or recipe.run / "onnx"
        if not recipe.speaks:
            export_coder(recipe, folder)
            return
        export(trained_tokenizer(recipe), folder, steps, recipe.refiner_noise, options.stepwise)
        wanted = {name: plan for name, plan in plans(recipe).items() if plan.precision in options.language}
        for name in set(plans(recipe)) - set(wanted):
            (folder / name).unlink(missing_ok=True)
        further = None if recipe.multi_token is None else recipe.multi_token.hidden
        language_graph.write(checkpoint.read(options.backbone).sizes, wanted, folder, further)

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
