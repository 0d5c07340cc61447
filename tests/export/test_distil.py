"""A pupil comes to draw in one pass as its teacher draws with guidance, and nothing else about it changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from export import distil, train_llm
from export.data import dataset
from export.data.messages import Messages, tokenise
from export.recipe import Recipe
from export.training import adapters, gating, loop, stages
from models.backbone import MotionLanguageModel
from models.sentences import minilm
from motion.errors import BadConfig, BadFile, MissingPart
from tests.export import studio
from tests.export.test_train_llm import fresh, same
from tests.models.tiny import save_backbone

pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def teacher(trained: Recipe, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A language model that heeds its sentences a little."""
    recipe = fresh(trained, tmp_path_factory.mktemp("llm") / "run")
    assert recipe.language_training is not None
    training = replace(recipe.language_training, steps=30, learning_rate=1e-2, log_every=10, save_every=30)
    recipe = replace(recipe, language_training=training, tasks=("text-to-motion",))
    train_llm.train(recipe, folder)
    return replace(recipe, tasks=trained.tasks)


def _copied(teacher: Recipe, run: Path, steps: int) -> Recipe:
    recipe = fresh(teacher, run)
    for name in adapters.weights(recipe):
        (run / name).write_bytes((teacher.run / name).read_bytes())
    assert recipe.language_training is not None
    training = replace(recipe.language_training, steps=steps, learning_rate=1e-2, log_every=10, save_every=steps // 2)
    return replace(recipe, distillation=training)


def _messages(recipe: Recipe, folder: Path) -> tuple[MotionLanguageModel, Messages]:
    tokenizer = stages.trained(recipe, "autoencoder")
    model, tokenize = adapters.trained(recipe, folder, torch.float32)
    clips = tokenise(tokenizer, dataset.load(recipe.data, "train", recipe.corpora), recipe.run / "codes.json")
    return model, Messages(clips, model.vocabulary, tokenize, 512, 64, 1, recipe.tasks, untold=True)


def test_guided_scores_are_the_formula_at_every_code_of_the_reply(teacher: Recipe, folder: Path) -> None:
    model, messages = _messages(teacher, folder)
    batch = next(batch for batch in messages.epoch(0) if sum(row.rival is not None for row in batch) > 1)
    ids, targets, owners = messages.tensors(batch)
    with torch.inference_mode():
        found = distil.guided(model, ids, targets, owners, 3.0)
        chosen = distil.positions(model, ids[: len(batch)], targets[: len(batch)])
        at = 0
        for i, row in enumerate(batch):
            places = chosen[i].nonzero()[:, 0].tolist()
            first = row.true.ids.index(model.vocabulary.special("REPLY_BOS")) + 1
            for place in places:
                assert place >= first
                told = model.code_scores(model.states(torch.tensor([row.true.ids[: place + 1]]))[0, -1:])[0]
                if row.rival is not None:
                    shorter = place + 1 - len(row.true.ids) + len(row.rival.ids)
                    untold = model.code_scores(model.states(torch.tensor([row.rival.ids[:shorter]]))[0, -1:])[0]
                    told = untold + 3 * (told - untold)
                torch.testing.assert_close(found[at], told, atol=2e-4, rtol=2e-4)
                at += 1
        assert at == len(found)


def test_without_its_sentence_a_message_says_the_same_motion(teacher: Recipe, folder: Path) -> None:
    model, messages = _messages(teacher, folder)
    rows = [row for batch in messages.epoch(0) for row in batch]
    assert 0.5 < sum(row.rival is not None for row in rows) / len(rows) < 1
    reply = model.vocabulary.special("REPLY_BOS")
    for row in rows:
        if row.rival is not None:
            assert row.true.ids[row.true.ids.index(reply) :] == row.rival.ids[row.rival.ids.index(reply) :]
            assert model.vocabulary.special("TEXT_BOS") in row.true.ids
            assert model.vocabulary.special("TEXT_BOS") not in row.rival.ids


def test_a_pupil_learns_its_teachers_chances_and_says_that_it_wants_no_guidance(
    teacher: Recipe, folder: Path, tmp_path: Path
) -> None:
    recipe = _copied(teacher, tmp_path / "run", 24)
    assert adapters.guidance_of(recipe.run) == adapters.GUIDANCE
    distil.train(recipe, folder)
    lines = [json.loads(line) for line in (recipe.run / "distillation" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["kl"] < 0.75 * lines[0]["kl"]
    assert adapters.guidance_of(recipe.run) == 1
    for name in adapters.weights(recipe):
        held, given = load_file(recipe.run / "teacher" / name), load_file(teacher.run / name)
        assert all(torch.equal(value, given[key]) for key, value in held.items())
    with pytest.raises(BadFile, match="was taught already"):
        distil.train(replace(recipe, run=_without_teacher(recipe, tmp_path / "again")), folder)


def _without_teacher(recipe: Recipe, run: Path) -> Path:
    run.mkdir()
    for name in adapters.weights(recipe):
        (run / name).write_bytes((recipe.run / name).read_bytes())
    return run


def test_a_run_that_was_stopped_goes_on_bit_for_bit_and_can_be_written_out(
    teacher: Recipe, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, halves = _copied(teacher, tmp_path / "whole", 4), _copied(teacher, tmp_path / "halves", 4)
    distil.train(whole, folder)
    real, seen = loop._checkpoint, list[int]()

    def stop(accelerator: Accelerator, at: Path, step: int) -> None:
        real(accelerator, at, step)
        seen.append(step)
        if len(seen) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_checkpoint", stop)
    with pytest.raises(BadFile, match="train first"):
        distil.save_checkpoint(halves, folder)
    with pytest.raises(KeyboardInterrupt):
        distil.train(halves, folder)
    distil.train(halves, folder)
    assert seen == [2, 4]
    assert same(whole, halves)
    distil.save_checkpoint(halves, folder)
    assert same(whole, halves)


def test_a_mixture_is_taught_as_well_and_its_gate_goes_on_to_tell_questions_from_orders(
    trained: Recipe, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        minilm.folder()
    except MissingPart as missing:
        pytest.skip(str(missing))
    monkeypatch.setattr(gating, "_STEPS", 40)
    recipe = fresh(trained, tmp_path / "run")
    language = replace(recipe.language, experts=5, soft_tokens=3)
    recipe = replace(recipe, language=language, words=studio.wordings(tmp_path / "words"))
    assert recipe.language_training is not None
    train_llm.train(replace(recipe, language_training=replace(recipe.language_training, steps=2)), folder)
    distil.train(replace(recipe, distillation=replace(recipe.language_training, steps=2)), folder)
    assert adapters.guidance_of(recipe.run) == 1
    last = json.loads((recipe.run / "distillation" / "log.jsonl").read_text().splitlines()[-1])
    assert {"kl", "gate", "gate_motion"} <= set(last)
    for name in ("adapter.safetensors", "gate.safetensors"):
        held, taught = load_file(recipe.run / "teacher" / name), load_file(recipe.run / name)
        assert set(held) == set(taught)
        assert not all(torch.equal(held[key], taught[key]) for key in held), name


def test_what_is_missing_is_a_sentence(trained: Recipe, teacher: Recipe, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"give it \[distillation\]"):
        distil.train(trained)
    bare = replace(teacher, run=tmp_path, distillation=teacher.language_training)
    with pytest.raises(BadFile, match=r"run python -m export\.train_llm first"):
        distil.train(bare)
