"""Backbones read without torch hold the weights that transformers reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from models import backbone, checkpoint
from models.checkpoint import NORMS, PROJECTIONS, Checkpoint
from motion.errors import BadFile, MissingPart
from tests.models.tiny import save_backbone


def assert_holds(found: Checkpoint, causal: Any, layers: list[int], tolerance: float) -> None:
    """Every weight of some layers, the norm, some rows of table and head; `tolerance` is relative to the largest."""

    def near(ours: np.ndarray, theirs: torch.Tensor) -> None:
        expected = theirs.detach().float().numpy()
        assert ours.shape == expected.shape
        assert np.abs(ours - expected).max() <= tolerance * np.abs(expected).max()

    for layer in layers:
        block = causal.model.layers[layer]
        for name in PROJECTIONS:
            near(checkpoint.dense(found.matrix(layer, name)), block.get_submodule(name).weight)
        for name in NORMS:
            near(found.vector(layer, name), block.get_submodule(name).weight)
    near(found.norm, causal.model.norm.weight)
    rows = np.array([0, 5, found.sizes.text - 1])
    near(checkpoint.dense(found.table, rows), causal.get_input_embeddings().weight[rows])
    near(checkpoint.dense(found.head, rows), causal.lm_head.weight[rows])


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_folder_of_transformers_is_read_bit_for_bit(tmp_path: Path, tied: bool, dtype: torch.dtype) -> None:
    save_backbone(tmp_path, tied=tied, dtype=dtype)
    found = checkpoint.read(tmp_path)
    assert_holds(found, AutoModelForCausalLM.from_pretrained(tmp_path, dtype=dtype), [0, 1], 0.0)
    assert (found.sizes.layers, found.sizes.width, found.sizes.heads, found.sizes.kv_heads) == (2, 32, 4, 2)
    assert (found.sizes.head_width, found.sizes.hidden) == (16, 64)
    found.release()


@pytest.mark.slow
def test_all_weights_are_published_under_transformers_names(tmp_path: Path) -> None:
    folder = save_backbone(tmp_path)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    found = checkpoint.published(checkpoint.read(folder))
    state = model.state_dict()
    assert found.keys() == state.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, state[name].numpy(), name)


def test_the_packaged_backbone_is_what_transformers_makes_of_it() -> None:
    """To bfloat16, in which its converted copy lies."""
    try:
        folder = backbone.prepared()
    except MissingPart as missing:
        pytest.skip(str(missing))
    found = checkpoint.read()
    causal = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    assert_holds(found, causal, [0, 13, 29], 2**-8)
    again = checkpoint.read(folder)
    assert_holds(again, causal, [7], 0.0)
    assert again.sizes == found.sizes


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "qwen2"},
        {"attention_bias": True},
        {"rope_parameters": {"rope_type": "yarn"}},
        {"hidden_act": "x"},
    ],
)
def test_what_is_no_plain_llama_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    save_backbone(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(BadFile, match="that is no plain Llama"):
        checkpoint.read(tmp_path)


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match=r"holds no config\.json"):
        checkpoint.read(tmp_path)
    save_backbone(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    for content in (b"\xff" * 20, b"", whole[:-1], whole[:100]):
        (tmp_path / "model.safetensors").write_bytes(content)
        with pytest.raises(BadFile, match="is no model that transformers saved"):
            checkpoint.read(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(BadFile, match="is no model that transformers saved"):
        checkpoint.read(tmp_path)
