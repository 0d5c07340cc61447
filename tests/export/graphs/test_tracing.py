"""The exported graphs compute what the tokenizer computes, for any batch and any length."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from torch import nn

from export.data import dataset
from export.graphs import tracing
from export.recipe import Recipe
from export.training import stages
from models import flow
from models.tokenizers.vermo import FlowVQ, FlowVQConfig
from motion.features import WIDTH
from motion.quat import F32

STEPS, NOISE = 2, 0.5
SIZES = [(1, 2), (1, 9), (2, 16), (3, 33)]  # batch and tokens; the graphs were traced with 2 and 16


@pytest.fixture(scope="module")
def tokenizer(trained: Recipe) -> FlowVQ:
    """Trained for a few steps, with weights that half precision holds, and a refiner that has something to say."""
    made = stages.trained(trained)
    torch.manual_seed(0)
    nn.init.normal_(made.refiner.leave.weight, std=0.05)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(parameter.half().float())
    made.config = dataclasses.replace(made.config, refiner_steps=STEPS, refiner_noise=NOISE)
    return made


@pytest.fixture(scope="module")
def graphs(tokenizer: FlowVQ, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx")
    tracing.export(tokenizer, folder, stepwise=True)
    return folder


@pytest.fixture(scope="module")
def everything(trained: Recipe) -> F32:
    return dataset.load(trained.data, "train").all_frames()


def run(folder: Path, name: str, **inputs: np.ndarray) -> Any:
    session = onnxruntime.InferenceSession(folder / f"{name}.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def some(everything: F32, batch: int, tokens: int) -> F32:
    return np.stack([everything[b * 50 : b * 50 + 4 * tokens] for b in range(batch)])


@pytest.mark.parametrize(("batch", "tokens"), SIZES)
@torch.inference_mode()
def test_the_encoder_gives_the_same_codes(
    graphs: Path, tokenizer: FlowVQ, everything: F32, batch: int, tokens: int
) -> None:
    frames = some(everything, batch, tokens)
    ours = run(graphs, "encoder", features=frames)
    assert ours.dtype == np.int64
    np.testing.assert_array_equal(ours, tokenizer.encode(torch.from_numpy(frames)).numpy())
    assert batch * tokens < 9 or len(np.unique(ours)) > 1


@pytest.mark.parametrize(("batch", "tokens"), SIZES)
@torch.inference_mode()
def test_the_decoder_gives_the_same_frames(graphs: Path, tokenizer: FlowVQ, batch: int, tokens: int) -> None:
    codes = np.random.default_rng(tokens).integers(0, 4375, (batch, tokens))
    ours = run(graphs, "decoder", codes=codes)
    assert ours.shape == (batch, 4 * tokens, WIDTH)
    np.testing.assert_allclose(ours, tokenizer.decode(torch.from_numpy(codes)).numpy(), atol=1e-4)
    assert ours.std() > 0.01


@pytest.mark.parametrize(("batch", "tokens"), SIZES)
@torch.inference_mode()
def test_the_refiner_takes_all_its_steps(graphs: Path, tokenizer: FlowVQ, batch: int, tokens: int) -> None:
    rng = np.random.default_rng(tokens)
    codes = rng.integers(0, 4375, (batch, tokens))
    noise = rng.standard_normal((batch, 4 * tokens, WIDTH)).astype(np.float32)
    plain = tokenizer.decode(torch.from_numpy(codes))
    ours = run(graphs, "refiner", codes=codes, features=plain.numpy(), noise=noise)
    sigmas = flow.sampling_sigmas(STEPS)
    start = torch.from_numpy(noise) * NOISE
    expected = tokenizer.refine(torch.from_numpy(codes), plain, start, sigmas).numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-2)
    one_step = tokenizer.refine(torch.from_numpy(codes), plain, start, flow.sampling_sigmas(1))
    assert np.abs(one_step.numpy() - expected).max() > 2e-2


@pytest.mark.parametrize("steps", [STEPS, 5])
def test_step_by_step_it_is_refined_as_by_one_graph_with_as_many_steps(
    graphs: Path, tokenizer: FlowVQ, steps: int
) -> None:
    rng = np.random.default_rng(steps)
    codes = rng.integers(0, 4375, (2, 11))
    state = noise = NOISE * rng.standard_normal((2, 44, WIDTH)).astype(np.float32)
    plain = run(graphs, "decoder", codes=codes)
    session = onnxruntime.InferenceSession(graphs / "step.onnx", providers=["CPUExecutionProvider"])
    refined = plain
    for now, after in pairwise(flow.sampling_sigmas(steps)):
        times = {"now": np.full(2, now, np.float32), "after": np.full(2, after, np.float32)}
        state, refined = (
            np.asarray(one) for one in session.run(None, {"codes": codes, "features": plain, "state": state, **times})
        )
    if steps == STEPS:
        whole = run(graphs, "refiner", codes=codes, features=plain, noise=noise / NOISE)
        np.testing.assert_allclose(np.asarray(refined), whole, atol=1e-3)
    with torch.inference_mode():
        given = (torch.from_numpy(codes), torch.from_numpy(plain), torch.from_numpy(noise))
        expected = tokenizer.refine(*given, flow.sampling_sigmas(steps)).numpy()
    np.testing.assert_allclose(np.asarray(refined), expected, atol=1e-2)
    assert np.abs(refined - plain).max() > 0.1


def test_large_weights_are_stored_in_half_precision_and_widened(graphs: Path) -> None:
    for name in ("encoder", "decoder", "refiner"):
        model = onnx.load(graphs / f"{name}.onnx")
        large = [w for w in model.graph.initializer if np.prod(w.dims) >= 512 and w.data_type != TensorProto.INT64]
        assert large, name
        assert {w.data_type for w in large} <= {TensorProto.FLOAT16, TensorProto.INT32}, name
        kinds = {value.name: value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
        assert TensorProto.FLOAT16 not in kinds.values()


def test_rounding_to_half_precision_moves_the_frames_by_little(trained: Recipe, tmp_path: Path) -> None:
    exact = stages.trained(trained)
    exact.config = dataclasses.replace(exact.config, refiner_steps=0)
    tracing.export(exact, tmp_path)
    assert not (tmp_path / "refiner.onnx").exists()
    codes = np.random.default_rng(0).integers(0, 4375, (2, 20))
    with torch.inference_mode():
        expected = exact.decode(torch.from_numpy(codes)).numpy()
    np.testing.assert_allclose(run(tmp_path, "decoder", codes=codes), expected, atol=1e-2)


@torch.inference_mode()
def test_a_refiner_of_bounded_sight_is_exported_too(trained: Recipe, tmp_path: Path) -> None:
    assert isinstance(trained.tokenizer, FlowVQConfig)
    config = dataclasses.replace(trained.tokenizer, refiner_before=5, refiner_after=2, refiner_steps=1)
    bounded = FlowVQ(config).eval()
    nn.init.normal_(bounded.refiner.leave.weight, std=0.05)
    tracing.export(bounded, tmp_path)
    rng = np.random.default_rng(0)
    for tokens in (3, 21):
        codes = rng.integers(0, 4375, (2, tokens))
        noise = rng.standard_normal((2, 4 * tokens, WIDTH)).astype(np.float32)
        plain = bounded.decode(torch.from_numpy(codes))
        ours = run(tmp_path, "refiner", codes=codes, features=plain.numpy(), noise=noise)
        expected = bounded.refine(torch.from_numpy(codes), plain, torch.from_numpy(noise), flow.sampling_sigmas(1))
        np.testing.assert_allclose(ours, expected.numpy(), atol=1e-2)
