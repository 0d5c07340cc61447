"""A tokenizer's graphs (models/tokenizers/contract.py) as ONNX files, with normalisation inside.

Weights are stored in half precision and widened when the graph is loaded; arithmetic is float32. Batch and time are
dynamic.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from models.tokenizers.contract import Graph

log = logging.getLogger(__name__)
OPSET = 18
SMALL = 512  # values; smaller tensors (biases, constants of the graph) stay float32


def export(tokenizer: Any, folder: Path, stepwise: bool = False) -> None:
    """Writes a tokenizer's graphs into `folder`, those that are optional only where it is `stepwise`."""
    folder.mkdir(parents=True, exist_ok=True)
    for graph in tokenizer.eval().float().graphs():
        if stepwise or not graph.optional:
            write(graph, folder)


def write(graph: Graph, folder: Path) -> None:
    """Writes one graph into `folder`."""
    count = {name: torch.export.Dim(name, min=1 if name == "B" else 2, max=4096) for name in ("B", "K")}
    shapes = {
        name: {axis: many * count[unit] if many > 1 else count[unit] for axis, (unit, many) in axes.items()}
        for name, axes in graph.axes.items()
    }
    path = folder / f"{graph.name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        torch.onnx.export(
            graph.module, tuple(graph.inputs.values()), path, input_names=list(shapes),
            output_names=list(graph.outputs), dynamic_shapes=tuple(shapes.values()), opset_version=OPSET, dynamo=True,
            external_data=False, verbose=False, optimize=True,
        )  # fmt: skip
    halved(path)
    log.info("%s: %.1f MB", path, path.stat().st_size / 1e6)


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
