"""Stages of a tokenizer's training, of every kind in its own layout: they resume bit for bit, and they learn."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from export import recipe, to_onnx, train_tokenizer
from export.data import dataset
from export.data.relaid import Relaid, relaid
from export.recipe import Recipe
from export.training import loop, stages
from motion import features
from motion.errors import BadConfig, BadFile
from motion.features import Statistics
from tests.models.tokenizers import samples

NAMES = ("hmvlm-tiny", "unimo-tiny", "unimotion-tiny", "superman-tiny")
REAL_CHECKPOINT = loop._checkpoint


class Stop(Exception):
    """The run is stopped here."""


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Stages and steps; the run stops once it has written the checkpoint of one of them."""
    stops: list[tuple[str, int]] = []

    def checkpoint(accelerator: Accelerator, folder: Path, step: int) -> None:
        REAL_CHECKPOINT(accelerator, folder, step)
        if (folder.name, step) in stops:
            stops.remove((folder.name, step))
            raise Stop

    monkeypatch.setattr(loop, "_checkpoint", checkpoint)
    return stops


def test_a_run_stopped_in_each_stage_and_resumed_ends_bit_for_bit_as_one_that_was_not(
    trained: Recipe, tmp_path: Path, stopping: list[tuple[str, int]]
) -> None:
    recipe = replace(trained, run=tmp_path / "run")
    stopping += [("autoencoder", 2), ("autoencoder", 4), ("refiner", 2)]
    for _ in range(3):
        with pytest.raises(Stop):
            stages.train(recipe)
    stages.train(recipe)
    for name in ("autoencoder.safetensors", "tokenizer.safetensors"):
        ours, theirs = load_file(recipe.run / name), load_file(trained.run / name)
        assert set(ours) == set(theirs)
        for weight, value in ours.items():
            assert torch.equal(value, theirs[weight]), f"{name}: {weight}"


def test_the_refiners_stage_leaves_encoder_and_decoder_as_they_were_and_changes_the_refiner(trained: Recipe) -> None:
    before, after = (load_file(trained.run / f"{name}.safetensors") for name in ("autoencoder", "tokenizer"))
    for name, value in after.items():
        kept = torch.equal(value, before[name])
        assert kept or name.startswith("refiner."), name
    assert any(not torch.equal(after[name], before[name]) for name in after)


def test_the_statistics_are_those_of_the_training_clips(trained: Recipe) -> None:
    expected = Statistics.measure(dataset.load(trained.data, "train", trained.corpora).all_frames())
    tokenizer = stages.trained(trained)
    assert torch.equal(tokenizer.scale.mean, torch.from_numpy(expected.mean))
    assert torch.equal(tokenizer.scale.std, torch.from_numpy(expected.std))
    assert not tokenizer.training


def test_losses_fall_and_are_logged_by_name(trained: Recipe, tmp_path: Path) -> None:
    longer = replace(trained.tokenizer_training, steps=30, learning_rate=3e-3, log_every=5, save_every=30)
    recipe = replace(trained, run=tmp_path / "run", tokenizer_training=longer)
    stages.train(recipe, "autoencoder")
    lines = [json.loads(line) for line in (recipe.run / "autoencoder" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < 0.9 * lines[0]["loss"]
    assert {"root_turn", "rot6d", "pos", "joints", "velocity", "place", "heading", "used"} <= set(lines[0])
    assert all(0 < line["used"] <= 1 for line in lines)


def test_a_stage_that_has_not_ended_is_named(trained: Recipe, tmp_path: Path) -> None:
    recipe = replace(trained, run=tmp_path / "run")
    with pytest.raises(BadFile, match=r"tokenizer\.safetensors: is not there; run python -m export\.train_tokenizer"):
        stages.trained(recipe)
    with pytest.raises(BadFile, match="holds no prepared clips"):
        stages.train(replace(recipe, data=tmp_path / "none"))


def test_the_first_stage_alone_decides_the_codes(trained: Recipe) -> None:
    frames = torch.from_numpy(dataset.load(trained.data, "test").all_frames()[None, :40])
    plain, refined = (stages.trained(trained, stage) for stage in ("autoencoder", "tokenizer"))
    assert torch.equal(plain.encode(frames), refined.encode(frames))
    assert len(plain.encode(frames).unique()) > 1


def test_training_the_decoder_on_leaves_every_motions_codes_as_they_were(trained: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    begin = trained.run / "tokenizer.safetensors"
    recipe = replace(trained, run=run, tokenizer_training=replace(trained.tokenizer_training, steps=2))
    stages.train(recipe, "decoder", begin)
    before, after = load_file(begin), load_file(run / "autoencoder.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("decoder.") for name in changed)
    assert all(name.startswith(("decoder.", "quantizer.inner.project_out.")) for name in changed)


def test_a_run_can_start_from_anothers_weights(trained: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    training = replace(trained.tokenizer_training, steps=1, learning_rate=1e-12)
    begin = trained.run / "tokenizer.safetensors"
    stages.train(replace(trained, run=run, tokenizer_training=training), "autoencoder", begin)
    for name, tensor in load_file(run / "autoencoder.safetensors").items():
        torch.testing.assert_close(tensor, load_file(begin)[name], atol=1e-9, rtol=0)


# Of other kinds


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
