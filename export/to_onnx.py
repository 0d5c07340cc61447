"""Exports a trained tokenizer to ONNX graphs with normalisation inside and no Python left in the loop.

    python -m export.to_onnx export/recipes/vermo-base.toml --out runs/vermo-base/onnx

encoder.onnx   features (B, T, D) float32 -> codes (B, K) int64, T = 4 K
decoder.onnx   codes (B, K) int64 -> features (B, 4 K, D) float32
refiner.onnx   codes (B, K) int64, features (B, 4 K, D) of the decoder, noise (B, 4 K, D) float32 -> refined
               (B, 4 K, D): all Euler steps

Weights are stored in half precision and widened when the graph is loaded; arithmetic is float32. Batch and time are
dynamic.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from export.recipe import load
from export.train_tokenizer import trained_tokenizer
from models import flow
from models.tokenizers.vermo import FlowVQ
from motion.errors import MotionError
from motion.features import WIDTH

log = logging.getLogger(__name__)
OPSET = 18
_SMALL = 512  # values; smaller tensors (biases, constants of the graph) stay float32


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


def halved(path: Path) -> None:
    """Rewrites a graph's large float32 weights as float16, each widened by a Cast, and drops the exporter's notes."""
    model = onnx.load(path)
    graph = model.graph
    casts: list[onnx.NodeProto] = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < _SMALL:
            continue
        name = weight.name
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{name}.half")
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


def export(tokenizer: FlowVQ, folder: Path, steps: int, noise: float = 1.0) -> None:
    """Writes the three graphs into `folder`; steps: Euler steps of the refiner, 0 leaves it out; noise: scale of
    what it starts from."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer.eval().float()
    features, codes = torch.zeros(2, 64, WIDTH), torch.zeros(2, 16, dtype=torch.int64)
    batch, time = torch.export.Dim("B", min=1, max=64), torch.export.Dim("K", min=2, max=4096)
    jobs: list[tuple[str, nn.Module, tuple[Tensor, ...], dict[str, dict[int, object]], str]] = [
        ("encoder", _Encode(tokenizer), (features,), {"features": {0: batch, 1: 4 * time}}, "codes"),
        ("decoder", _Decode(tokenizer), (codes,), {"codes": {0: batch, 1: time}}, "features"),
    ]
    if steps:
        frames: dict[int, object] = {0: batch, 1: 4 * time}
        shapes = {"codes": {0: batch, 1: time}, "features": frames, "noise": frames}
        jobs.append(("refiner", _Refine(tokenizer, steps, noise), (codes, features, features + 1), shapes, "refined"))
    for name, module, inputs, shapes, output in jobs:
        path = folder / f"{name}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns of its own internals
            torch.onnx.export(
                module, inputs, path, input_names=list(shapes), output_names=[output], dynamic_shapes=shapes,
                opset_version=OPSET, dynamo=True, external_data=False, verbose=False, optimize=True,
            )  # fmt: skip
        halved(path)
        log.info("%s: %.1f MB", path, path.stat().st_size / 1e6)


def main() -> int:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m export.to_onnx", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", type=Path, help="a file of export/recipes, trained")
    parser.add_argument("--out", type=Path, help="folder for the graphs (<run>/onnx)")
    parser.add_argument("--steps", type=int, help="Euler steps of the refiner (the recipe's refiner_steps); 0: none")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        recipe = load(options.recipe)
        steps = recipe.refiner_steps if options.steps is None else options.steps
        export(trained_tokenizer(recipe), options.out or recipe.run / "onnx", steps, recipe.refiner_noise)
    except MotionError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
