"""Both stages of the tokenizer's training: they resume bit for bit, and they learn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from export.data import dataset
from export.recipe import Recipe
from export.training import loop, stages
from motion.errors import BadFile
from motion.features import Statistics

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
