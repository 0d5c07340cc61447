"""Graphs in half precision compute what they computed in float32, to half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto

from export.graphs.lowered import lowered
from motion import features
from motion.features import WIDTH
from tests.motion.clips import backflip, stroll, walk

BUNDLE = Path(__file__).parents[3] / "runtime" / "bundles" / "base"
RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 4375, (2, 20))
FRAMES = RNG.standard_normal((2, 80, WIDTH)).astype(np.float32)


def run(model: ModelProto, **inputs: np.ndarray) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def kinds(model: ModelProto) -> set[int]:
    """Types that weights have; the wavelengths of positions are few numbers and stay as they are."""
    return {one.data_type for one in model.graph.initializer if np.prod(one.dims) > 200}


def test_decoder_and_refiner_differ_by_less_than_two_hundredths() -> None:
    decoder, refiner = (onnx.load(BUNDLE / f"{name}.onnx") for name in ("decoder", "refiner"))
    plain = run(decoder, codes=CODES)
    half = run(lowered(decoder, "fp16"), codes=CODES)
    assert half.dtype == np.float32
    assert 1e-5 < np.linalg.norm(half - plain) / np.linalg.norm(plain) < 2e-2
    given = {"codes": CODES, "features": plain, "noise": FRAMES}
    refined, low = run(refiner, **given), run(lowered(refiner, "fp16"), **given)
    assert 1e-5 < np.linalg.norm(low - refined) / np.linalg.norm(refined) < 2e-2


def test_the_encoder_finds_nearly_the_same_codes() -> None:
    encoder = onnx.load(BUNDLE / "encoder.onnx")
    same: list[float] = []
    largest = 0
    for clip in (walk, stroll, backflip):
        frames = features.encode(clip())[None, :120]
        frames = frames[:, : frames.shape[1] // 4 * 4]
        ours, theirs = run(lowered(encoder, "fp16"), features=frames), run(encoder, features=frames)
        largest = max(largest, int(ours.max()))
        same.append(float((ours == theirs).mean()))
    assert largest > 2048, "float16 does not count so far by ones"
    assert np.mean(same) > 0.95


@pytest.mark.parametrize(("precision", "kind"), [("fp16", TensorProto.FLOAT16), ("bf16", TensorProto.BFLOAT16)])
def test_every_large_weight_is_low_and_ports_are_not(precision: Any, kind: int) -> None:
    for name in ("encoder", "decoder", "refiner"):
        model = lowered(onnx.load(BUNDLE / f"{name}.onnx"), precision)
        assert TensorProto.FLOAT not in kinds(model)
        ports = {port.type.tensor_type.elem_type for port in (*model.graph.input, *model.graph.output)}
        assert ports <= {TensorProto.FLOAT, TensorProto.INT64}
        computed = {n.op_type for n in model.graph.node if n.op_type in ("Conv", "MatMul")}
        assert computed
        assert kind in {attribute.i for n in model.graph.node if n.op_type == "Cast" for attribute in n.attribute}
