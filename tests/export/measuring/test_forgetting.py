"""What a language model kept of its backbone's answers, on a backbone of two small layers."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from export import evaluate
from export.corpora import conversations
from export.measuring import forgetting
from export.measuring.forgetting import OVERALL, Adapted, Answer, Backbone
from export.recipe import Recipe, load
from export.training import adapters
from models import backbone, words
from motion.errors import BadFile
from tests.models.tiny import save_backbone
from tests.models.tokenizers import samples

# peft asks transformers for a property by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

ASKED = {"walks": ("a person walks forward", "someone bows"), "hands": ("waves with the right hand",)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def answers(folder: Path) -> tuple[Answer, ...]:
    return forgetting.answers(Backbone(folder), words.from_folder(folder), ASKED, longest=12)


@pytest.fixture(scope="module")
def recipe(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A run with fresh adapters, which change nothing."""
    made = replace(load(samples.FOLDER / "vermo-tiny.toml"), run=tmp_path_factory.mktemp("run"))
    model, _ = adapters.build(made, folder, torch.float32)
    adapters.save(model, made.run)
    return made


class Disturbed(Backbone):
    """A backbone that has another first choice wherever the place in the text is odd."""

    def score(self, ids: Tensor, text: str) -> Tensor:
        scores = super().score(ids, text).clone()
        scores[1::2, 0] = 0.0
        return scores


def overall(voice: forgetting.Voice, answers: tuple[Answer, ...]) -> dict[str, float]:
    return forgetting.table(forgetting.kept(voice, answer) for answer in answers)[OVERALL]


def test_the_backbone_keeps_all_of_its_own_tokens(folder: Path, answers: tuple[Answer, ...]) -> None:
    row = overall(Backbone(folder), answers)
    assert (row["tokens_kept"], row["common_prefix"], row["answers_kept"]) == (1.0, 1.0, 1.0)
    assert row["log_likelihood"] < 0
    assert row["answers"] == 3


def test_a_disturbed_one_keeps_half_of_the_tokens_and_no_answer(folder: Path, answers: tuple[Answer, ...]) -> None:
    row = overall(Disturbed(folder), answers)
    assert row["tokens_kept"] == pytest.approx(0.5, abs=0.15)
    assert row["common_prefix"] < 0.2
    assert row["answers_kept"] == 0.0


def test_fresh_adapters_keep_everything_and_trained_away_ones_do_not(
    folder: Path, answers: tuple[Answer, ...], recipe: Recipe
) -> None:
    model, _ = adapters.trained(recipe, folder, torch.float32)
    assert overall(Adapted(model), answers)["answers_kept"] == 1.0
    torch.manual_seed(3)
    for name, parameter in model.trunk.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    assert overall(Adapted(model), answers)["tokens_kept"] < 0.9


def test_the_beginning_that_is_kept_is_that_of_the_models_own_greedy_answer(
    folder: Path, answers: tuple[Answer, ...], tmp_path: Path
) -> None:
    other = Backbone(save_backbone(tmp_path, seed=1))
    own = forgetting.answers(other, words.from_folder(folder), ASKED, longest=12)
    for reference, said in zip(answers, own, strict=True):
        same = [a == b for a, b in zip(reference.ids, said.ids, strict=False)]
        assert forgetting.kept(other, reference).prefix == [*same, False].index(False)


def test_topics_stand_beside_the_whole(folder: Path, answers: tuple[Answer, ...]) -> None:
    rows = forgetting.table(forgetting.kept(Disturbed(folder), answer) for answer in answers)
    assert set(rows) == {OVERALL, "walks", "hands"}
    parts = [rows["walks"], rows["hands"]]
    assert sum(part["tokens"] for part in parts) == rows[OVERALL]["tokens"]
    assert sum(part["tokens"] * part["tokens_kept"] for part in parts) == pytest.approx(
        rows[OVERALL]["tokens"] * rows[OVERALL]["tokens_kept"]
    )


def test_answers_are_kept_beside_the_figures_until_the_questions_change(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "answers.json"
    first = forgetting.references(folder, ASKED, 4, cache)
    held = json.loads(cache.read_text(encoding="utf-8"))
    held["answers"][0]["text"] = "as read"
    cache.write_text(json.dumps(held), encoding="utf-8")
    again = forgetting.references(folder, ASKED, 4, cache)
    assert again[0].text == "as read"
    assert again[1:] == first[1:]
    assert forgetting.references(folder, ASKED, 5, cache)[0].text != "as read"


def test_ten_questions_in_each_of_eight_topics_none_of_which_a_gate_is_trained_on() -> None:
    asked = forgetting.questions()
    assert [len(set(texts)) for texts in asked.values()] == [10] * 8
    held = {*conversations.load("train").prompts, *conversations.load("heldout").prompts}
    assert not held & {text for texts in asked.values() for text in texts}


def test_the_program_writes_the_table_and_the_answers(
    folder: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (samples.FOLDER / "vermo-tiny.toml").read_text(encoding="utf-8")
    path = tmp_path / "tiny.toml"
    path.write_text(text.replace('"runs/vermo-tiny"', f'"{recipe.run.as_posix()}"'), encoding="utf-8")
    monkeypatch.setattr(backbone, "prepared", lambda _=None: folder)
    monkeypatch.setattr(forgetting, "questions", lambda: ASKED)
    figures = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["evaluate", "forgetting", "--recipe", str(path), "--json", str(figures)])
    assert evaluate.main() == 0
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    assert list(rows) == ["backbone", f"{recipe.name}, plain LoRA"]
    assert len(json.loads((tmp_path / "figures-answers.json").read_text(encoding="utf-8"))["answers"]) == 3


def test_a_run_without_a_language_model_is_told_to_train_one(folder: Path, recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="train_llm first"):
        forgetting.measure([replace(recipe, run=tmp_path)], tmp_path / "answers.json", folder)
