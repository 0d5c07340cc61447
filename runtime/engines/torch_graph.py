"""A bundle's graphs in torch, node by node, without any compilation: the reference that other engines are measured by.

Needs the package `onnx`. Only the operators that `export.to_onnx` writes are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from motion.errors import BadBundle, MissingPart
from runtime.engines import Arrays, Port

_Values = Sequence[Any]  # tensors, and None for what is left out; torch's stubs leave too much open for more
_Facts = dict[str, Any]
_SINGLE: Final = 1
_TYPES: Final = {6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float16, 11: torch.float64}
_EVERYTHING: Final = 2**62
_torch: Any = torch
F: Any = functional


class TorchEngine:
    """Runs a graph in torch; `dtype` is that of the arithmetic. Raises BadBundle, MissingPart."""

    def __init__(self, path: Path, threads: int, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        torch.set_num_threads(threads)
        try:
            onnx: Any = import_module("onnx")
            damaged: type[Exception] = import_module("google.protobuf.message").DecodeError  # onnx brings protobuf
        except ImportError as error:
            raise MissingPart("engine 'torch' reads graphs with the package onnx: pip install -e '.[train]'") from error
        try:
            graph = onnx.load(path).graph
        except (OSError, ValueError, damaged) as error:
            raise BadBundle(f"{path} is no ONNX graph: {error}") from error
        self._device, self._dtype = torch.device(device), dtype
        self._nodes: list[tuple[Callable[[_Values, _Facts], Any], list[str], list[str], _Facts]] = []
        for node in graph.node:
            if node.op_type not in _OPERATORS:
                raise BadBundle(f"{path} has a node {node.op_type!r}, which engine 'torch' does not know")
            facts: _Facts = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
            if node.op_type == "Cast":
                facts["to"] = dtype if facts["to"] == _SINGLE else _TYPES[facts["to"]]
            self._nodes.append((_OPERATORS[node.op_type], list(node.input), list(node.output), facts))
        self._weights = {one.name: self._tensor(onnx.numpy_helper.to_array(one)) for one in graph.initializer}
        self.inputs = tuple(_port(port) for port in graph.input if port.name not in self._weights)
        self.outputs = tuple(_port(port) for port in graph.output)

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The graph's first output."""
        values: dict[str, Any] = dict(self._weights)
        values |= {name: self._tensor(array) for name, array in inputs.items()}
        with torch.inference_mode():
            for operator, needs, gives, facts in self._nodes:
                found = operator([values[name] if name else None for name in needs], facts)
                several = cast("tuple[Any, ...]", found if isinstance(found, tuple) else (found,))
                values |= dict(zip(gives, several, strict=False))
        result = values[self.outputs[0].name]
        return (result.float() if result.is_floating_point() else result).cpu().numpy()

    def _tensor(self, array: NDArray[Any]) -> Any:
        tensor = torch.from_numpy(np.array(array))  # pyright: ignore[reportUnknownMemberType] (its stub names no type)
        return tensor.to(self._device, self._dtype) if tensor.dtype == torch.float32 else tensor.to(self._device)

    def close(self) -> None:
        """Gives back what it holds."""
        self._weights.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _port(port: Any) -> Port:
    kind = port.type.tensor_type
    dtype = str(_TYPES.get(kind.elem_type, torch.float32)).removeprefix("torch.")
    return Port(port.name, dtype, tuple(one.dim_param or int(one.dim_value) for one in kind.shape.dim))


def _whole(tensor: Any) -> list[int]:
    assert tensor is not None
    return [int(number) for number in tensor.reshape(-1).tolist()]


def _cast(x: _Values, facts: _Facts) -> Any:
    return x[0].to(facts["to"])


def _conv(x: _Values, facts: _Facts) -> Any:
    value, weight, bias = x[0], x[1], x[2] if len(x) > 2 else None
    begin, end = facts["pads"]
    padded = F.pad(value, (begin, end))
    kernel = weight.to(padded.dtype)
    return F.conv1d(padded, kernel, bias, facts["strides"], 0, facts["dilations"], facts["group"])


def _divide(x: _Values, _: _Facts) -> Any:
    one, other = x[0], x[1]
    return _torch.div(one, other, rounding_mode=None if one.is_floating_point() else "trunc")


def _gather(x: _Values, facts: _Facts) -> Any:
    value, at = x[0], x[1]
    axis = facts.get("axis", 0) % value.dim()
    found = value.index_select(axis, at.reshape(-1) % value.shape[axis])
    return found.reshape(*value.shape[:axis], *at.shape, *value.shape[axis + 1 :])


def _gemm(x: _Values, facts: _Facts) -> Any:
    one, other = x[0], x[1]
    one = one.T if facts.get("transA") else one
    other = other.T if facts.get("transB") else other
    product = facts.get("alpha", 1.0) * (one @ other)
    return product if len(x) < 3 or x[2] is None else product + facts.get("beta", 1.0) * x[2]


def _norm(x: _Values, facts: _Facts) -> Any:
    value, weight, bias = x[0], x[1], x[2] if len(x) > 2 else None
    axis = facts.get("axis", -1) % value.dim()
    return F.layer_norm(value, value.shape[axis:], weight, bias, facts.get("epsilon", 1e-5))


def _reshape(x: _Values, _: _Facts) -> Any:
    value = x[0]
    shape = [value.shape[i] if size == 0 else size for i, size in enumerate(_whole(x[1]))]
    return value.reshape(shape)


def _slice(x: _Values, _: _Facts) -> Any:
    value = x[0]
    begins, ends = _whole(x[1]), _whole(x[2])
    axes = _whole(x[3]) if len(x) > 3 and x[3] is not None else list(range(len(begins)))
    steps = _whole(x[4]) if len(x) > 4 and x[4] is not None else [1] * len(begins)
    for begin, end, axis, step in zip(begins, ends, axes, steps, strict=True):
        size = value.shape[axis]
        first, last, stride = slice(begin, min(end, _EVERYTHING), step).indices(size)
        value = value.index_select(axis, _torch.arange(first, last, stride, device=value.device))
    return value


def _split(x: _Values, facts: _Facts) -> tuple[Any, ...]:
    value = x[0]
    axis = facts.get("axis", 0)
    if len(x) > 1 and x[1] is not None:
        return tuple(value.split(_whole(x[1]), axis))
    return tuple(value.chunk(facts["num_outputs"], axis))


def _squeeze(x: _Values, _: _Facts) -> Any:
    value = x[0]
    return value.squeeze(tuple(_whole(x[1]))) if len(x) > 1 else value.squeeze()


def _unsqueeze(x: _Values, _: _Facts) -> Any:
    value = x[0]
    for axis in sorted(_whole(x[1])):
        value = value.unsqueeze(axis)
    return value


def _expand(x: _Values, _: _Facts) -> Any:
    value = x[0]
    return value.expand(_torch.broadcast_shapes(value.shape, _whole(x[1])))


def _clip(x: _Values, _: _Facts) -> Any:
    least, most = (*x[1:], None, None)[:2]
    return _torch.clamp(x[0], least, most)


def _sum(x: _Values, facts: _Facts) -> Any:
    axes = tuple(_whole(x[1])) if len(x) > 1 and x[1] is not None else None
    return _torch.sum(x[0], axes, keepdim=bool(facts.get("keepdims", 1)))


def _simple(function: Callable[..., Any]) -> Callable[[_Values, _Facts], Any]:
    return lambda x, _: function(*x)


_OPERATORS: Final[dict[str, Callable[[_Values, _Facts], Any]]] = {
    "Add": _simple(_torch.add), "And": _simple(_torch.logical_and), "Cast": _cast, "Clip": _clip,
    "Concat": lambda x, facts: _torch.cat(list(x), facts["axis"]), "Conv": _conv,
    "Cos": _simple(_torch.cos), "Div": _divide, "Equal": _simple(_torch.eq), "Erf": _simple(_torch.erf),
    "Exp": _simple(_torch.exp), "Expand": _expand, "Gather": _gather, "Gemm": _gemm,
    "GreaterOrEqual": _simple(_torch.ge), "Identity": lambda x, _: x[0], "IsNaN": _simple(_torch.isnan),
    "LayerNormalization": _norm,
    "Less": _simple(_torch.lt), "LessOrEqual": _simple(_torch.le), "MatMul": _simple(_torch.matmul),
    "Mod": _simple(_torch.remainder), "Mul": _simple(_torch.mul), "Neg": _simple(_torch.neg),
    "Not": _simple(_torch.logical_not), "Pow": _simple(_torch.pow),
    "Range": lambda x, _: _torch.arange(x[0].item(), x[1].item(), x[2].item(), dtype=x[0].dtype),
    "ReduceSum": _sum, "Relu": _simple(F.relu), "Reshape": _reshape, "Round": _simple(_torch.round),
    "Shape": lambda x, facts: _torch.tensor(x[0].shape[facts.get("start", 0) : facts.get("end")]),
    "Sigmoid": _simple(_torch.sigmoid), "Sin": _simple(_torch.sin), "Slice": _slice,
    "Softmax": lambda x, facts: _torch.softmax(x[0], facts.get("axis", -1)), "Split": _split,
    "Sqrt": _simple(_torch.sqrt), "Squeeze": _squeeze, "Sub": _simple(_torch.sub), "Tanh": _simple(_torch.tanh),
    "Transpose": lambda x, facts: x[0].permute(facts["perm"]), "Unsqueeze": _unsqueeze,
    "Where": _simple(_torch.where),
}  # fmt: skip
