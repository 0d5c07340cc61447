"""Tokenizers of other kinds train from the same prepared clips, in their own layouts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from export import recipe, to_onnx, train_tokenizer
from export.data import dataset
from export.data.relaid import Relaid, relaid
from export.training import loop, stages
from motion import features
from motion.errors import BadConfig, BadFile
from tests.models.tokenizers import samples

NAMES = ("hmvlm-tiny", "unimo-tiny", "unimotion-tiny", "superman-tiny")


@pytest.mark.parametrize("name", NAMES)
def test_a_tiny_recipe_trains_every_stage_and_is_read_again(name: str, data: Path, tmp_path: Path) -> None:
    loaded = recipe.load(samples.FOLDER / f"{name}.toml")
    short = replace(loaded.tokenizer_training, steps=3, batch=64, precision="no", log_every=1, save_every=3)
    second = short if loaded.refiner_training else None
    made = replace(loaded, data=data, run=tmp_path, tokenizer_training=short, refiner_training=second)
    stages.train(made)
    tokenizer = stages.trained(made)
    assert all((tmp_path / f"{stage}.safetensors").exists() for stage in tokenizer.stages)
    torch.manual_seed(short.seed)
    fresh = stages.made(made).state_dict()
    moved = {key.split(".")[0] for key, value in tokenizer.state_dict().items() if not torch.equal(value, fresh[key])}
    assert {part.split(".")[0] for parts in tokenizer.stages.values() for part in parts if part} - moved <= {
        "fused", "backbone", "look", "join",
    }, "only what sees pictures has learned nothing"  # fmt: skip
    frames = samples.frames(tokenizer.features)
    assert tokenizer.decode(tokenizer.encode(frames)).shape == frames.shape


def test_a_stage_without_settings_and_a_run_that_never_ended_are_named(data: Path, tmp_path: Path) -> None:
    loaded = recipe.load(samples.FOLDER / "unimotion-tiny.toml")
    short = replace(loaded.tokenizer_training, steps=1, batch=64, precision="no")
    made = replace(loaded, data=data, run=tmp_path, tokenizer_training=short, refiner_training=None)
    with pytest.raises(BadConfig, match="how 'head' is trained"):
        stages.train(made)
    with pytest.raises(BadFile, match="is not there"):
        stages.trained(made)


def test_clips_are_at_the_layouts_rate_and_crops_of_smplx_know_where_they_are(data: Path) -> None:
    given = dataset.load(data, "train")
    found = relaid(given, "smplx")
    assert len(found.entries) == len(given.entries)
    slower = relaid(given, "uni269")
    assert sum(e.frames for e in slower.entries) == pytest.approx(
        sum(e.frames for e in given.entries) * 2 / 3, rel=0.05
    )
    crops = Relaid(found, 16, 64, 1, layout="smplx")
    place = features.find("smplx").layout["translation"]
    for batch in crops.epoch(0)[:3]:
        for row, (i, start, length) in zip(crops.arrays(batch), batch, strict=True):
            whole = np.cumsum(found.clip(found.entries[i])[:, place], axis=0)
            np.testing.assert_allclose(np.cumsum(row[:, place], axis=0), whole[start : start + length], atol=1e-4)


def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = recipe.load(samples.FOLDER / "hmvlm-tiny.toml")
    short = replace(loaded.tokenizer_training, steps=4, batch=64, precision="no", save_every=2)
    whole, halves = (
        replace(loaded, data=data, run=tmp_path / name, tokenizer_training=short) for name in ("whole", "halves")
    )
    stages.train(whole)
    real, steps = loop._checkpoint, list[int]()

    def stop(accelerator: Any, folder: Path, step: int) -> None:
        real(accelerator, folder, step)
        steps.append(step)
        if len(steps) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_checkpoint", stop)
    with pytest.raises(KeyboardInterrupt):
        stages.train(halves)
    stages.train(halves)
    assert steps == [2, 4]
    one, other = (stages.trained(made).state_dict() for made in (whole, halves))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_the_programs_take_a_recipe_of_any_kind(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (samples.FOLDER / "unimo-tiny.toml").read_text(encoding="utf-8").replace("steps = 30", "steps = 2")
    text = text.replace('"runs/unimo-tiny"', f'"{tmp_path}"').replace('data = "data"', f'data = "{data}"')
    text = text.replace("[tokenizer_training]", '[tokenizer_training]\nprecision = "no"')
    (tmp_path / "small.toml").write_text(text, encoding="utf-8")
    for program in (train_tokenizer, to_onnx):
        monkeypatch.setattr(sys, "argv", ["program", str(tmp_path / "small.toml")])
        assert program.main() == 0
    assert {path.name for path in (tmp_path / "onnx").iterdir()} == {"encoder.onnx", "decoder.onnx"}
    monkeypatch.setattr(sys, "argv", ["program", str(tmp_path / "small.toml"), "--stage", "refiner"])
    assert train_tokenizer.main() == 2
