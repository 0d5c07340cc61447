"""A bundle's weights come back as a run that training goes on from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from export import unpack
from export.graphs import tracing
from export.recipe import Recipe
from export.training import adapters, stages
from models.tokenizers.vermo import FlowVQConfig
from motion import features
from motion.bundles import bundle
from motion.bundles.manifest import (
    ADAPTER,
    DECODER,
    EMBEDDINGS,
    ENCODER,
    MOTION,
    MULTI_TOKEN,
    REFINER,
    Backbone,
    CoderFiles,
    Language,
    Lora,
    Manifest,
    MotionVocabulary,
    MultiTokenFiles,
    PackedTokenizer,
)
from motion.errors import BadBundle
from motion.skeleton import SMPLX22


@pytest.fixture(scope="module")
def packed(trained: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What of a bundle is read: its graphs and the language model's weights."""
    tokenizer = stages.trained(trained)
    torch.manual_seed(0)
    nn.init.normal_(tokenizer.refiner.leave.weight, std=0.05)
    folder = tmp_path_factory.mktemp("bundle")
    tracing.export(tokenizer, folder)
    for name in adapters.weights(trained):
        save_file({name: torch.arange(3.0)}, folder / name)
    save_file(tokenizer.state_dict(), folder / "as-trained.safetensors")
    graphs = CoderFiles.among((ENCODER, DECODER, REFINER))
    language = Language(
        Backbone("tiny", "", "", ""), Lora(ADAPTER, 1, 1.0), MotionVocabulary(EMBEDDINGS),
        multi_token=None if trained.multi_token is None else MultiTokenFiles(3, MULTI_TOKEN),
    )  # fmt: skip
    coder = PackedTokenizer(MOTION, features.NAME, features.FPS, 4, graphs, (7, 5, 5, 5, 5), skeleton=SMPLX22)
    bundle.write(folder, Manifest("packed", "0", "CC0-1.0", "", (coder,), (), language=language))
    return folder


def test_every_weight_comes_back_to_half_precision(packed: Path, trained: Recipe, tmp_path: Path) -> None:
    recipe = replace(trained, run=tmp_path)
    unpack.unpack(packed, recipe, tmp_path)
    theirs = load_file(packed / "as-trained.safetensors")
    for name in ("autoencoder.safetensors", "tokenizer.safetensors"):
        ours = load_file(tmp_path / name)
        assert set(ours) == set(theirs)
        for weight, value in ours.items():
            np.testing.assert_allclose(value, theirs[weight], rtol=1e-3, atol=1e-6, err_msg=weight)
    for name in adapters.weights(trained):
        assert (tmp_path / name).read_bytes() == (packed / name).read_bytes()
    assert stages.trained(recipe), "training goes on from it"


def test_weights_that_are_there_are_kept(packed: Path, trained: Recipe, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.safetensors").write_bytes(b"mine")
    with pytest.raises(BadBundle, match=r"tokenizer\.safetensors is there already"):
        unpack.unpack(packed, trained, tmp_path)
    assert (tmp_path / "tokenizer.safetensors").read_bytes() == b"mine"


def test_a_bundle_of_other_sizes_is_refused(packed: Path, trained: Recipe, tmp_path: Path) -> None:
    assert isinstance(trained.tokenizer, FlowVQConfig)
    wider = replace(trained, tokenizer=replace(trained.tokenizer, width=2 * trained.tokenizer.width))
    with pytest.raises(BadBundle, match="give the one it is of"):
        unpack.unpack(packed, wider, tmp_path)


@pytest.mark.parametrize("name", ["decoder.onnx", "adapter.safetensors"])
def test_what_is_missing_is_named(packed: Path, trained: Recipe, tmp_path: Path, name: str) -> None:
    part = tmp_path / "part"
    shutil.copytree(packed, part)
    (part / name).unlink()
    with pytest.raises(BadBundle, match=name):
        unpack.unpack(part, trained, tmp_path / "run")
    assert not (tmp_path / "run").exists()
