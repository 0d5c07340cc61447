"""The bundle's graphs in plain torch give what onnxruntime makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from motion.errors import BadBundle
from motion.features import WIDTH
from runtime.engines import names
from runtime.engines.onnx import OnnxEngine
from runtime.engines.torch_graph import TorchEngine
from runtime.generation.loading import find

SIZES = [(1, 2), (1, 9), (3, 17)]


def arrays(batch: int, tokens: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(tokens)
    frames = rng.standard_normal((batch, 4 * tokens, WIDTH)).astype(np.float32)
    return {"codes": rng.integers(0, 4375, (batch, tokens)), "features": frames, "noise": frames[:, ::-1].copy()}


@pytest.mark.parametrize("name", ["decoder", "refiner", "encoder"])
def test_the_graphs_that_ship_are_computed_alike(name: str) -> None:
    path = find("base").path(f"{name}.onnx")
    ours, theirs = TorchEngine(path, 1), OnnxEngine(path, 1)
    assert names(ours) == names(theirs)
    assert [port.dtype for port in ours.outputs] == [port.dtype for port in theirs.outputs]
    for batch, tokens in SIZES:
        given = {name: array for name, array in arrays(batch, tokens).items() if name in names(ours)}
        if name == "encoder":
            assert (ours.run(given) == theirs.run(given)).mean() > 0.95, "a latent may lie on a rounding edge"
        else:
            np.testing.assert_allclose(ours.run(given), theirs.run(given), atol=1e-4)


def test_arithmetic_may_be_double() -> None:
    path = find("base").path("decoder.onnx")
    given = {"codes": arrays(1, 9)["codes"]}
    with TorchEngine(path, 1, dtype=torch.float64) as double, TorchEngine(path, 1) as single:
        difference = np.abs(double.run(given) - single.run(given)).max()
    assert 0 < difference < 1e-4


def test_what_it_cannot_run_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"none at all")
    with pytest.raises(BadBundle, match="is no ONNX graph"):
        TorchEngine(tmp_path / "x.onnx", 1)
    port = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    node = helper.make_node("Selu", ["x"], ["y"])
    graph = helper.make_graph([node], "g", [port], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), tmp_path / "y.onnx")
    with pytest.raises(BadBundle, match="has a node 'Selu', which engine 'torch' does not know"):
        TorchEngine(tmp_path / "y.onnx", 1)
