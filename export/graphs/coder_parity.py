"""How far the graphs of a tokenizer of any kind are from the tokenizer that was trained (`export.graphs.graph_parity`
does this for VerMo's, which has a refiner and runs in half precision on cards).

Graphs hold large weights in half precision, so that two things are told apart: what arithmetic adds, measured in
float64 against the very weights that the graphs hold, and what all of it moves, measured against the weights that were
trained, as the mean distance of joints. Where codes are latents, their relative error takes the place of equal codes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from export.graphs.graph_parity import CARDS, LEAST_EQUAL_CODES, MOST_ERROR, MOST_JOINT_ERROR, session, works
from export.to_onnx import SMALL
from models.tokenizers.contract import Graph
from motion import features
from motion.quat import F32

Run = Callable[[str, Mapping[str, np.ndarray]], np.ndarray]
_SEED = 0


def unit_frames(graphs: Sequence[Graph]) -> int:
    """Frames that one row of codes stands for."""
    encoder = next(graph for graph in graphs if graph.name == "encoder")
    return encoder.axes["features"][1][1]


@torch.inference_mode()
def measure(tokenizer: Any, folder: Path, clips: Sequence[F32]) -> dict[str, dict[str, Any]]:
    """For each way to compute: how codes agree, relative errors, joint error in metres, and whether it is let through.
    clips: features (T, D), T a multiple of a unit."""
    tokenizer = tokenizer.eval()
    held = _held(tokenizer)
    graphs = {graph.name: graph for graph in held.graphs()}
    double = copy.deepcopy(held).double()
    samples = [(clip[None], held.encode(torch.from_numpy(clip)[None])) for clip in clips]
    with _doubles():
        exact = [double.decode(codes if not codes.is_floating_point() else codes.double()) for _, codes in samples]
    trained = [tokenizer.decode(codes)[0].numpy() for _, codes in samples]
    rows = {"torch float32": _row(_in_torch(graphs), held, samples, exact, trained, "fp32")}
    files = {name: (folder / f"{name}.onnx").read_bytes() for name in graphs}
    for provider in ("CPUExecutionProvider", *CARDS):
        here = provider in onnxruntime.get_available_providers()
        if provider == "CPUExecutionProvider" or (here and works(files["decoder"], provider)):
            sessions = {name: session(file, provider) for name, file in files.items()}
            name = "onnxruntime" if provider == "CPUExecutionProvider" else provider
            precision = "fp32" if provider == "CPUExecutionProvider" else "fp16"
            run: Run = lambda graph, inputs, sessions=sessions: sessions[graph].run(None, dict(inputs))[0]  # noqa: E731
            rows[name] = _row(run, held, samples, exact, trained, precision)
            for extra in set(graphs) - {"encoder", "decoder"}:
                rows[name] |= _other(run, graphs[extra], precision)
                rows[name]["passed"] = rows[name]["passed"] and rows[name][f"{extra}_passed"]
    return rows


@contextmanager
def _doubles() -> Iterator[None]:
    """What becomes of whole numbers, as FSQ's codes do, is float64 as well."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _held(tokenizer: Any) -> Any:
    """The tokenizer with the weights that its graphs hold."""
    held = copy.deepcopy(tokenizer).requires_grad_(False)
    for value in held.state_dict().values():
        if value.is_floating_point() and value.numel() >= SMALL and value.abs().max() < 65504:
            value.copy_(value.half().float())
    return held


def _in_torch(graphs: Mapping[str, Graph]) -> Run:
    def run(name: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        return graphs[name].module(*(torch.from_numpy(array) for array in inputs.values())).numpy()

    return run


def _row(
    run: Run,
    held: Any,
    samples: Sequence[tuple[F32, Tensor]],
    exact: Sequence[Tensor],
    trained: Sequence[F32],
    precision: str,
) -> dict[str, Any]:
    agree: list[float] = []
    errors: list[float] = []
    joints: list[float] = []
    layout = features.find(held.features)
    for (frames, codes), wanted, before in zip(samples, exact, trained, strict=True):
        found = run("encoder", {"features": frames})
        if codes.is_floating_point():
            agree.append(1 - float(np.linalg.norm(found - codes.numpy()) / np.linalg.norm(codes.numpy())))
        else:
            agree.append(float((found == codes.numpy()).mean()))
        got = run("decoder", {"codes": codes.numpy()})
        mean, std = (value.double().numpy() for value in spread(held))
        a, b = (got.astype(np.float64) - mean) / std, (wanted.numpy() - mean) / std
        errors.append(float(np.linalg.norm(a - b) / np.linalg.norm(b)))
        ours, theirs = layout.joints(got[0]), layout.joints(before)
        joints.append(float(np.linalg.norm((ours - ours[:, :1]) - (theirs - theirs[:, :1]), axis=-1).mean()))
    row = {
        "codes_equal": float(np.mean(agree)),
        "relative_error": {"decoder.onnx": float(np.max(errors))},
        "worst_joint_error_m": {"decoder.onnx": float(np.max(joints))},
    }
    passed = row["codes_equal"] >= LEAST_EQUAL_CODES[precision]
    passed = passed and max(errors) <= MOST_ERROR[precision] and max(joints) <= MOST_JOINT_ERROR[precision]
    return {**row, "passed": bool(passed)}


def spread(tokenizer: Any) -> tuple[Tensor, Tensor]:
    """Mean and deviation by which a tokenizer normalises features (D,)."""
    scale = getattr(tokenizer, "scale", tokenizer)
    return scale.mean, scale.std


def _other(run: Run, graph: Graph, precision: str) -> dict[str, Any]:
    """A graph of a kind's own, on noise in the shapes of its examples, against torch: codes by how many are equal,
    latents by their relative error."""
    rng = np.random.default_rng(_SEED)
    given = {name: rng.random(tuple(value.shape), np.float32) for name, value in graph.inputs.items()}
    wanted = graph.module(*(torch.from_numpy(array) for array in given.values())).numpy()
    found = run(graph.name, given)
    if np.issubdtype(wanted.dtype, np.floating):
        error = float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
        return {f"{graph.name}_relative_error": error, f"{graph.name}_passed": error <= MOST_ERROR[precision]}
    share = float((found == wanted).mean())
    return {f"{graph.name}_equal": share, f"{graph.name}_passed": share >= LEAST_EQUAL_CODES[precision]}
