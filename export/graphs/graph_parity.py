"""How far a tokenizer's graphs are from the tokenizer that was trained, on recorded clips and on random ones.

The reference is torch in float64. Graphs hold large weights in half precision, so that two things are told apart: what
arithmetic adds, which is measured against the very weights that the graphs hold (relative error of normalised features,
codes that are equal), and what all of it moves, which is measured against the weights that were trained (mean distance
of joints, roots brought together, on recorded clips).

Rows: torch in float32; onnxruntime on the CPU; the graphs lowered to float16, as engines for cards compute them; and
each of onnxruntime's providers for a card that works here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from export.graphs.lowered import lowered
from export.to_onnx import SMALL
from models import flow
from models.tokenizers.vermo import FlowVQ
from motion import features
from motion.clip import positions
from motion.quat import F32

_ort: Any = import_module("onnxruntime.capi.onnxruntime_pybind11_state")  # carries no types
GRAPHS = ("encoder.onnx", "decoder.onnx", "refiner.onnx")
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
_RANDOM = 4  # random clips
_TOKENS = 24  # of each of them
Run = Callable[[str, Mapping[str, np.ndarray]], F32]
"""(file of a graph, its inputs) -> its output"""


@dataclass(frozen=True)
class Sample:
    """One clip (1, T, D) and what is exact of it."""

    recorded: bool
    frames: F32
    codes: np.ndarray
    """as the weights that the graphs hold encode it"""
    noise: F32
    decoded: Tensor
    """by these weights, float64"""
    refined: Tensor
    trained: Mapping[str, F32]
    """by the weights that were trained: file of a graph -> features (T, D)"""


def measure(
    tokenizer: FlowVQ, folder: Path, clips: Sequence[F32], steps: int, noise: float
) -> dict[str, dict[str, Any]]:
    """For each way to compute: equal codes, relative errors, joint error in metres, and whether it is let through.
    steps and noise: of the refiner."""
    present = [name for name in GRAPHS if (folder / name).exists()]
    held = _held(tokenizer)
    samples = _samples(tokenizer, held, clips, steps, noise)
    rows = {"torch float32": _row(_in_torch(held, steps, noise), samples, held, present, "fp32")}
    graphs = {name: (folder / name).read_bytes() for name in present}
    rows["onnxruntime"] = _row(_in_onnxruntime(graphs), samples, held, present, "fp32")
    half = {name: lowered(onnx.load(folder / name), "fp16").SerializeToString() for name in present}
    rows["onnxruntime, float16"] = _row(_in_onnxruntime(half), samples, held, present, "fp16")
    for provider in CARDS:
        if provider in onnxruntime.get_available_providers() and works(graphs[present[0]], provider):
            # these round to TF32 or lower where it is faster
            rows[provider] = _row(_in_onnxruntime(graphs, provider), samples, held, present, "fp16")
    return rows


def _held(tokenizer: FlowVQ) -> FlowVQ:
    """The tokenizer with the weights that its graphs hold."""
    held = copy.deepcopy(tokenizer).requires_grad_(False)
    for parameter in held.parameters():
        if parameter.numel() >= SMALL:
            parameter.copy_(parameter.half().float())
    return held


@torch.inference_mode()
def _samples(tokenizer: FlowVQ, held: FlowVQ, clips: Sequence[F32], steps: int, noise: float) -> list[Sample]:
    rng = np.random.default_rng(0)
    width = features.WIDTH
    shape = (_RANDOM, 4 * _TOKENS, width)
    random = held.restore(torch.from_numpy(rng.standard_normal(shape).astype(np.float32))).numpy()
    doubles = {id(one): copy.deepcopy(one).double() for one in (tokenizer, held)}
    found: list[Sample] = []
    for i, frames in enumerate([*clips, *random]):
        recorded = i < len(clips)
        tensor = torch.from_numpy(frames)[None]
        codes = (
            held.encode(tensor) if recorded else torch.from_numpy(rng.integers(0, held.quantizer.size, (1, _TOKENS)))
        )
        grain = rng.standard_normal((1, 4 * codes.shape[1], width)).astype(np.float32)
        exact: dict[int, tuple[Tensor, Tensor]] = {}
        for one in (tokenizer, held):
            double, quantized = doubles[id(one)], one.quantizer.lookup(codes).double()
            decoded = double.restore(double.reconstruct(quantized))
            start = torch.from_numpy(grain).double() * noise
            exact[id(one)] = (decoded, _refine(double, quantized, decoded, start, steps))
        trained: dict[str, F32] = dict(
            zip(GRAPHS[1:], (one[0].float().numpy() for one in exact[id(tokenizer)]), strict=True)
        )
        found.append(Sample(recorded, frames[None], codes.numpy(), grain, *exact[id(held)], trained))
    return found


def _refine(double: FlowVQ, quantized: Tensor, decoded: Tensor, x: Tensor, steps: int) -> Tensor:
    """`FlowVQ.refine` behind the code book, which knows float32 alone."""
    plain = double.normalise(decoded)
    for now, after in pairwise(flow.sampling_sigmas(steps)):
        sigma = torch.full((1,), now, dtype=torch.float64)
        x = x + (after - now) * double.refiner(x, plain, sigma, quantized)
    return double.finish(x)


def _row(run: Run, samples: Sequence[Sample], held: FlowVQ, present: Sequence[str], precision: str) -> dict[str, Any]:
    equal: list[float] = []
    errors: dict[str, list[float]] = {name: [] for name in present if name != "encoder.onnx"}
    joints: dict[str, list[float]] = {name: [] for name in errors}
    for one in samples:
        if one.recorded:
            equal.append(float((run("encoder.onnx", {"features": one.frames}) == one.codes).mean()))
        plain = one.decoded.float().numpy()
        given = {"codes": one.codes, "features": plain, "noise": one.noise}
        wanted = {"decoder.onnx": one.decoded, "refiner.onnx": one.refined}
        for name in errors:
            inputs = {"codes": one.codes} if name == "decoder.onnx" else given
            got = run(name, inputs)
            errors[name].append(_relative(held, got, wanted[name]))
            if one.recorded:
                joints[name].append(_apart(got[0], one.trained[name]))
    row: dict[str, Any] = {
        "codes_equal": float(np.mean(equal)),
        "relative_error": {name: float(np.max(values)) for name, values in errors.items()},
        "worst_joint_error_m": {name: float(np.max(values)) for name, values in joints.items()},
    }
    passed = (
        row["codes_equal"] >= LEAST_EQUAL_CODES[precision]
        and max(row["relative_error"].values()) <= MOST_ERROR[precision]
        and max(row["worst_joint_error_m"].values()) <= MOST_JOINT_ERROR[precision]
    )
    return {**row, "passed": bool(passed)}


def _relative(held: FlowVQ, ours: F32, exact: Tensor) -> float:
    """Of normalised features."""
    mean, std = held.mean.double().numpy(), held.std.double().numpy()
    a, b = (ours.astype(np.float64) - mean) / std, (exact.numpy() - mean) / std
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def _apart(ours: F32, theirs: F32) -> float:
    """Mean distance of joints, metres, roots brought together: what a step differs adds up over a clip."""
    a, b = positions(features.decode(ours)), positions(features.decode(theirs))
    return float(np.linalg.norm((a - a[:, :1]) - (b - b[:, :1]), axis=-1).mean())


def _in_torch(held: FlowVQ, steps: int, noise: float) -> Run:
    sigmas = flow.sampling_sigmas(steps)

    def run(name: str, inputs: Mapping[str, np.ndarray]) -> F32:
        given = {key: torch.from_numpy(array) for key, array in inputs.items()}
        with torch.inference_mode():
            if name == "encoder.onnx":
                return held.encode(given["features"]).numpy()
            if name == "decoder.onnx":
                return held.decode(given["codes"]).numpy()
            return held.refine(given["codes"], given["features"], given["noise"] * noise, sigmas).numpy()

    return run


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
