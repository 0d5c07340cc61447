"""How far a tokenizer's graphs are from the tokenizer that was trained, on recorded clips and on random codes.

The reference is torch in float64. Graphs hold large weights in half precision, so that two things are told apart: what
arithmetic adds, which is measured against the very weights that the graphs hold (codes that are equal, relative error
of normalised features or of latents), and what all of it moves, which is measured against the weights that were trained
(mean distance of joints, roots brought together, on recorded clips).

Rows: torch in float32; onnxruntime on the CPU; where the runtime serves the layout, the graphs lowered to float16, as
engines for cards compute them; and each of onnxruntime's providers for a card that works here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from export.graphs.lowered import lowered
from export.graphs.tracing import SMALL
from models.tokenizers.contract import Graph
from motion import features
from motion.bundles.manifest import DECODER, ENCODER, REFINER
from motion.quat import F32

_ort: Any = import_module("onnxruntime.capi.onnxruntime_pybind11_state")  # carries no types
REPORT = "report.json"
"""what `export.verify` writes beside the graphs"""
MOST_ERROR = {"fp32": 1e-4, "fp16": 2e-2}
"""relative error of features that is let through"""
MOST_JOINT_ERROR = {"fp32": 0.001, "fp16": 0.005}
"""metres that joints may be moved by, mean over a clip"""
LEAST_EQUAL_CODES = {"fp32": 0.99, "fp16": 0.9}
"""a latent that lies on the edge between two codes falls to either side"""
CARDS = ("NvTensorRTRTXExecutionProvider", "TensorrtExecutionProvider", "CUDAExecutionProvider")
_FAILURES: tuple[type[Exception], ...] = (
    _ort.Fail, _ort.EPFail, _ort.RuntimeException, _ort.NotImplemented, _ort.EngineError, RuntimeError, ValueError,
    OSError,
)  # fmt: skip
"""what a provider dies of for want of its card, driver or libraries"""
_RANDOM = 4  # random motions
_CODES = 24  # rows of codes of each of them
_MOTION = ("features", "refined")  # outputs that are features
Run = Callable[[str, Mapping[str, np.ndarray]], np.ndarray]
"""(name of a graph, its inputs) -> its first output"""
Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Sample:
    """What one graph is given, and what is exact of it."""

    graph: str
    inputs: Inputs
    exact: np.ndarray
    """by the weights that the graph holds, in float64"""
    trained: F32 | None = None
    """features (T, D) of a recorded clip by the weights that were trained"""


@torch.inference_mode()
def measure(tokenizer: Any, folder: Path, clips: Sequence[F32]) -> dict[str, dict[str, Any]]:
    """For each way to compute: how codes agree, relative errors, joint error in metres, and whether it is let through.
    clips: features (T, D), T a multiple of what a row of codes stands for. Graphs that are not there are left out."""
    held = _held(tokenizer.eval())
    needed = {graph.name: graph for graph in held.graphs() if not graph.optional}
    graphs = {name: graph for name, graph in needed.items() if (folder / f"{name}.onnx").exists()}
    rng = np.random.default_rng(0)
    samples = _of_motions(tokenizer, held, graphs, clips, rng) + _of_others(held, graphs, rng)
    files = {name: (folder / f"{name}.onnx").read_bytes() for name in graphs}
    rows = {"torch float32": _row(_in_torch(graphs), samples, held, "fp32")}
    rows["onnxruntime"] = _row(_in_onnxruntime(files), samples, held, "fp32")
    if held.features == features.NAME:
        half = {name: lowered(onnx.load_from_string(file), "fp16").SerializeToString() for name, file in files.items()}
        rows["onnxruntime, float16"] = _row(_in_onnxruntime(half), samples, held, "fp16")
    for provider in CARDS:
        if provider in onnxruntime.get_available_providers() and works(files["decoder"], provider):
            # these round to TF32 or lower where it is faster
            rows[provider] = _row(_in_onnxruntime(files, provider), samples, held, "fp16")
    return rows


def _held(tokenizer: Any) -> Any:
    """The tokenizer with the weights that its graphs hold."""
    held = copy.deepcopy(tokenizer).requires_grad_(False)
    for value in held.state_dict().values():
        if value.is_floating_point() and value.numel() >= SMALL and value.abs().max() <= torch.finfo(torch.half).max:
            value.copy_(value.half().float())
    return held


def _of_motions(
    tokenizer: Any, held: Any, graphs: Mapping[str, Graph], clips: Sequence[F32], rng: np.random.Generator
) -> list[Sample]:
    """Of the encoder and of what takes codes: on recorded clips, and on random codes."""
    exactly, before = _doubled(held), _doubled(tokenizer)
    motions: list[tuple[F32 | None, np.ndarray]] = [
        (clip[None], held.encode(torch.from_numpy(clip)[None]).numpy()) for clip in clips
    ]
    if held.config.codes:
        shape = (1, _CODES, *graphs["decoder"].inputs["codes"].shape[2:])
        motions += [(None, rng.integers(0, held.config.codes, shape)) for _ in range(_RANDOM)]
    found: list[Sample] = []
    for frames, codes in motions:
        if frames is not None:
            found.append(Sample("encoder", {"features": frames}, codes))
        plain = exactly("decoder", {"codes": codes})
        for name, graph in graphs.items():
            if "codes" not in graph.inputs:
                continue
            given = _given(graph, {"codes": codes, "features": plain.astype(np.float32)}, codes.shape[:2], rng)
            trained = None
            if frames is not None and graph.outputs[0] in _MOTION:
                own = {"features": before("decoder", {"codes": codes})} if "features" in given else {}
                trained = before(name, given | own)[0].astype(np.float32)
            found.append(Sample(name, given, exactly(name, given), trained))
    return found


def _of_others(held: Any, graphs: Mapping[str, Graph], rng: np.random.Generator) -> list[Sample]:
    """Of graphs of a kind's own, which take something else than codes: on noise."""
    own = [graph for name, graph in graphs.items() if name != "encoder" and "codes" not in graph.inputs]
    given = [(graph, _given(graph, {}, next(iter(graph.inputs.values())).shape[:2], rng)) for graph in own]
    exactly = _doubled(held)
    return [Sample(graph.name, inputs, exactly(graph.name, inputs)) for graph, inputs in given]


def _given(graph: Graph, known: Inputs, size: Sequence[int], rng: np.random.Generator) -> Inputs:
    """A graph's inputs for a batch and rows of codes of a size: what is known, its own example of times, else noise."""
    found: Inputs = {}
    for name, example in graph.inputs.items():
        moving = graph.axes[name].get(1)
        if name in known:
            found[name] = known[name]
        elif moving is None:
            found[name] = example[: size[0]].numpy()
        else:
            rows = size[1] if known else example.shape[1] // moving[1]
            shape = (size[0], rows * moving[1], *example.shape[2:])
            draw = rng.standard_normal if name in ("noise", "state") else rng.random
            found[name] = draw(shape).astype(np.float32)
    return found


def _doubled(tokenizer: Any) -> Run:
    """A tokenizer's graphs in float64."""
    graphs = tokenizer.graphs()
    modules = copy.deepcopy({graph.name: graph.module for graph in graphs})
    for module in modules.values():
        module.double()

    def run(name: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        given = [torch.from_numpy(array) for array in inputs.values()]
        with _doubles():
            return _first(modules[name](*(one.double() if one.is_floating_point() else one for one in given)))

    return run


@contextmanager
def _doubles() -> Iterator[None]:
    """What becomes of whole numbers, as FSQ's codes do, is float64 as well."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _row(run: Run, samples: Sequence[Sample], held: Any, precision: str) -> dict[str, Any]:
    equal: dict[str, list[float]] = {ENCODER: []}
    errors: dict[str, list[float]] = {}
    joints: dict[str, list[float]] = {}
    layout = features.find(held.features)
    for one in samples:
        name, got = f"{one.graph}.onnx", run(one.graph, one.inputs)
        if np.issubdtype(one.exact.dtype, np.integer):
            equal.setdefault(name, []).append(float((got == one.exact).mean()))
        elif name == ENCODER:
            equal[name].append(1 - _relative(got, one.exact))
        elif name in (DECODER, REFINER):
            errors.setdefault(name, []).append(_relative(_normal(held, got), _normal(held, one.exact)))
        else:
            errors.setdefault(name, []).append(_relative(got, one.exact))
        if one.trained is not None:
            joints.setdefault(name, []).append(_apart(layout.joints(got[0]), layout.joints(one.trained)))
    row = {
        "codes_equal": float(np.mean(equal[ENCODER] or 0)),
        "equal": {name: float(np.mean(values)) for name, values in equal.items() if name != ENCODER},
        "relative_error": {name: float(np.max(values)) for name, values in errors.items()},
        "worst_joint_error_m": {name: float(np.max(values)) for name, values in joints.items()},
    }
    passed = (
        min(row["codes_equal"], *row["equal"].values(), 1.0) >= LEAST_EQUAL_CODES[precision]
        and max(row["relative_error"].values()) <= MOST_ERROR[precision]
        and max(row["worst_joint_error_m"].values(), default=0.0) <= MOST_JOINT_ERROR[precision]
    )
    return {**row, "passed": bool(passed)}


def _normal(held: Any, frames: np.ndarray) -> np.ndarray:
    """Features (B, T, D) as the tokenizer normalises them, in float64."""
    return (frames.astype(np.float64) - held.scale.mean.double().numpy()) / held.scale.std.double().numpy()


def _relative(ours: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(ours - exact) / np.linalg.norm(exact))


def _apart(a: F32, b: F32) -> float:
    """Mean distance of joints (T, J, 3), metres, roots brought together: what a step differs adds up over a clip."""
    return float(np.linalg.norm((a - a[:, :1]) - (b - b[:, :1]), axis=-1).mean())


def _in_torch(graphs: Mapping[str, Graph]) -> Run:
    return lambda name, inputs: _first(graphs[name].module(*(torch.from_numpy(one) for one in inputs.values())))


def _first(output: Tensor | tuple[Tensor, ...]) -> np.ndarray:
    return (output if isinstance(output, Tensor) else output[0]).numpy()


def _in_onnxruntime(graphs: Mapping[str, bytes], provider: str = "CPUExecutionProvider") -> Run:
    sessions = {name: session(graph, provider) for name, graph in graphs.items()}
    return lambda name, inputs: sessions[name].run(None, dict(inputs))[0]


def works(graph: bytes, provider: str) -> bool:
    """Whether this machine has the card that a provider of onnxruntime wants."""
    try:
        return session(graph, provider).get_providers()[0] == provider
    except _FAILURES:
        return False


def session(graph: bytes, provider: str) -> Any:
    """An onnxruntime session of a graph."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    providers = list(dict.fromkeys([provider, "CPUExecutionProvider"]))
    return onnxruntime.InferenceSession(graph, options, providers=providers)
