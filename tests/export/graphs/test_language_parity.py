"""Language graphs are verified against the model that was trained, and packed as they were verified."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from export import pack, verify
from export.graphs import language_graph, language_parity, tracing
from export.graphs.parity import REPORT
from export.recipe import Recipe
from export.training import stages
from models import checkpoint
from models.backbone import MotionVocabularyLayers
from models.multi_token import MultiTokenHead
from motion.errors import BadBundle, BadFile, MissingPart
from tests.models.test_packing import adapter
from tests.models.tiny import save_backbone


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def recipe(trained: Recipe, backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The trained tokenizer, and a language model with random weights."""
    run = tmp_path_factory.mktemp("run")
    (run / "tokenizer.safetensors").write_bytes((trained.run / "tokenizer.safetensors").read_bytes())
    sizes = checkpoint.read(backbone).sizes
    save_file(dict(adapter(sizes).tensors), run / "adapter.safetensors")
    layers = MotionVocabularyLayers(trained.tokenizer.levels, sizes.width, hidden=16)
    save_file({k: v.half().numpy() for k, v in layers.state_dict().items()}, run / "embeddings.safetensors")
    assert trained.multi_token is not None
    further = MultiTokenHead(sizes.width, trained.multi_token.hidden)
    nn.init.normal_(further.leave.weight, std=0.2)
    save_file({k: v.detach().half().numpy() for k, v in further.state_dict().items()}, run / "multi-token.safetensors")
    return replace(trained, run=run)


@pytest.fixture(scope="module")
def graphs(recipe: Recipe, backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphs")
    tracing.export(stages.trained(recipe), folder)
    assert recipe.multi_token is not None
    sizes, further = checkpoint.read(backbone).sizes, recipe.multi_token.hidden
    language_graph.write(sizes, language_graph.plans(recipe), folder, further)
    return folder


@pytest.fixture(scope="module")
def report(recipe: Recipe, graphs: Path, backbone: Path) -> dict[str, Any]:
    return verify.verify(recipe, graphs, clips=1, backbone=backbone)


def test_fp32_is_the_trained_model_and_whole_numbers_are_near_it(report: dict[str, Any]) -> None:
    rows = report["language"]
    languages = {f"language-{precision}{end}.onnx" for precision in ("fp32", "int8", "int4") for end in ("", "-3")}
    assert set(rows) == {"torch float32", *languages, "multi-token-fp32.onnx", "multi-token-int8.onnx"}
    for name in ("torch float32", "language-fp32.onnx", "language-fp32-3.onnx", "multi-token-fp32.onnx"):
        assert rows[name].get("passed", True)
        assert rows[name]["relative_error"] < 1e-5
        assert rows[name]["best_code_equal"] > 0.95
    for name in ("language-int8.onnx", "language-int8-3.onnx", "multi-token-int8.onnx"):
        assert 1e-5 < rows[name]["relative_error"] < 0.3
        assert rows[name]["divergence"] < 0.01
    assert {*languages, "multi-token-fp32.onnx", "multi-token-int8.onnx", "words.onnx"} <= set(report["files"])
    assert "multi-token.safetensors" in report["weights"]
    json.dumps(report)


def test_another_adapter_is_noticed(recipe: Recipe, graphs: Path, backbone: Path) -> None:
    """Graphs hold no weights: what is compared is how they are filled."""
    model = language_parity.trained(recipe, backbone)
    plan = language_graph.plans(recipe)["language-fp32.onnx"]
    other = replace(model, adapter=adapter(model.source.sizes, seed=5))
    tokenizer = stages.trained(recipe)
    messages = language_parity._messages(recipe, tokenizer, model, 2)
    double = language_parity.reference(model.source, model.adapters, torch.float64)
    exact = [language_parity._by_torch(double, model, *message) for message in messages]
    session = language_parity._session(graphs / "language-fp32.onnx", other, plan)
    ours = [language_parity._by_graph(session, session, other, plan, *message) for message in messages]
    assert language_parity._compare(ours, exact)["relative_error"] > 0.05


def test_a_model_that_was_not_trained_is_named(recipe: Recipe, graphs: Path, backbone: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.safetensors").write_bytes((recipe.run / "tokenizer.safetensors").read_bytes())
    with pytest.raises(BadFile, match=r"adapter\.safetensors: is not there; run python -m export\.train_llm"):
        verify.verify(replace(recipe, run=tmp_path), graphs, clips=1, backbone=backbone)


def test_graphs_are_packed_with_the_weights_they_were_verified_with(
    recipe: Recipe, graphs: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "graphs"
    folder.mkdir()
    for path in graphs.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / REPORT).write_text(json.dumps({**report, "passed": True}))
    try:
        packed = pack.pack(recipe, folder, tmp_path / "bundle", {}, "")
    except MissingPart as missing:
        pytest.skip(str(missing))
    facts = packed.manifest
    assert {"language-fp32.onnx", "language-int8.onnx", "language-int4.onnx", "words.onnx"} <= set(facts.files)
    assert facts.language is not None
    assert facts.language.graphs["language-int4.onnx"].experts == 1
    assert facts.metrics["verify"]["language"]["language-fp32.onnx"]["passed"]
    run = tmp_path / "run"
    run.mkdir()
    for path in recipe.run.iterdir():
        (run / path.name).write_bytes(path.read_bytes())
    tensors = load_file(run / "adapter.safetensors")
    save_file({name: (2 * value).astype(np.float16) for name, value in tensors.items()}, run / "adapter.safetensors")
    with pytest.raises(BadBundle, match=r"adapter\.safetensors did not pass verification"):
        pack.pack(replace(recipe, run=run), folder, tmp_path / "bundle", {}, "")
