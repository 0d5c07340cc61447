"""Graphs in half precision: every number that a graph computes in float32 becomes float16 or bfloat16.

Inputs and outputs stay float32, and so do positions on their way into sines, since half precision cannot tell frame 500
from frame 501 by its phase, and what becomes a code after it was rounded: float16 counts to 2,048 by ones, no farther.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

Half = Literal["fp16", "bf16"]
_KINDS = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}


def lowered(model: ModelProto, precision: Half) -> ModelProto:
    """A copy of `model` that computes in half precision."""
    inferred = shape_inference.infer_shapes(model)
    graph = inferred.graph
    low = _KINDS[precision]
    kinds = {one.name: one.data_type for one in graph.initializer}
    kinds |= {one.name: one.type.tensor_type.elem_type for one in (*graph.value_info, *graph.input, *graph.output)}
    weights = {one.name: one for one in graph.initializer}
    exact = _positions(list(graph.node), kinds) | _codes(list(graph.node), kinds)
    casts: dict[str, str] = {}
    made: list[TensorProto] = []
    nodes: list[NodeProto] = []
    single = {port.name for port in graph.input} | {name for node in exact.values() for name in node.output}

    def low_name(name: str) -> str:
        """The name under which a float32 value stands in half precision."""
        if kinds.get(name) != TensorProto.FLOAT:
            return name
        if name in weights:
            if name not in casts:
                casts[name] = f"{name}.low"
                made.append(_weight(weights[name], casts[name], low))
            return casts[name]
        if name in single:
            if name not in casts:
                casts[name] = f"{name}.low"
                nodes.append(helper.make_node("Cast", [name], [casts[name]], to=low))
            return casts[name]
        return name

    outputs = {port.name for port in graph.output if kinds[port.name] == TensorProto.FLOAT}
    for index, node in enumerate(graph.node):
        if index in exact:
            nodes += _single(node, kinds, single | weights.keys())
            continue
        fresh = NodeProto()
        fresh.CopyFrom(node)
        del fresh.input[:]
        fresh.input.extend(low_name(name) if name else "" for name in node.input)
        for attribute in fresh.attribute:
            if fresh.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = low
        for place, name in enumerate(fresh.output):
            if name in outputs:
                fresh.output[place] = f"{name}.low"
        nodes.append(fresh)
    nodes += [helper.make_node("Cast", [f"{name}.low"], [name], to=TensorProto.FLOAT) for name in sorted(outputs)]
    used = {name for node in nodes for name in node.input}
    kept = [one for one in (*graph.initializer, *made) if one.name in used]
    body = helper.make_graph(nodes, graph.name, list(graph.input), list(graph.output), kept)
    result = helper.make_model(body, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    onnx.checker.check_model(result)
    return result


def _single(node: NodeProto, kinds: dict[str, int], known: set[str]) -> list[NodeProto]:
    """A node that stays in float32, after the casts of what it takes from half precision."""
    fresh = NodeProto()
    fresh.CopyFrom(node)
    casts: list[NodeProto] = []
    for place, name in enumerate(node.input):
        if name and kinds.get(name) == TensorProto.FLOAT and name not in known:
            fresh.input[place] = f"{name}.high.{node.name or node.output[0]}"
            casts.append(helper.make_node("Cast", [name], [fresh.input[place]], to=TensorProto.FLOAT))
    return [*casts, fresh]


def _codes(nodes: list[NodeProto], kinds: dict[str, int]) -> dict[int, NodeProto]:
    """What lies between rounding and whole numbers, rounding itself among it."""
    makers = {name: index for index, node in enumerate(nodes) for name in node.output}
    waiting = [
        index
        for index, node in enumerate(nodes)
        if node.op_type == "Cast" and kinds.get(node.input[0]) == TensorProto.FLOAT
        and kinds.get(node.output[0]) in (TensorProto.INT32, TensorProto.INT64)
    ]  # fmt: skip
    found: dict[int, NodeProto] = {}
    while waiting:
        index = waiting.pop()
        if index in found:
            continue
        found[index] = nodes[index]
        if nodes[index].op_type != "Round":
            waiting += [makers[name] for name in nodes[index].input if name in makers]
    return found if any(node.op_type == "Round" for node in found.values()) else {}


def _positions(nodes: list[NodeProto], kinds: dict[str, int]) -> dict[int, NodeProto]:
    """Sines, cosines, and what their float32 inputs are made of."""
    makers = {name: index for index, node in enumerate(nodes) for name in node.output}
    found: dict[int, NodeProto] = {}
    waiting = [index for index, node in enumerate(nodes) if node.op_type in ("Sin", "Cos", "Range")]
    while waiting:
        index = waiting.pop()
        if index in found:
            continue
        found[index] = nodes[index]
        for name in nodes[index].input:
            if name in makers and kinds.get(name) == TensorProto.FLOAT:
                waiting.append(makers[name])
    return found


def _weight(tensor: TensorProto, name: str, kind: int) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    if kind == TensorProto.FLOAT16:
        most = np.finfo(np.float16).max  # a mask of attention holds float32's least number
        values = np.where(np.isfinite(values), values.clip(-most, most), values)
        return numpy_helper.from_array(values.astype(np.float16), name)
    return helper.make_tensor(name, kind, values.shape, values.astype(np.float32).reshape(-1).tolist())
