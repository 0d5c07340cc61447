"""The language model's training on a backbone of two small layers: it resumes bit for bit, learns, and is used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from export import train_llm
from export.measuring import generate
from export.recipe import Recipe
from export.training import adapters, loop
from models import checkpoint, compact, tasks
from models.backbone import MotionLanguageModel as Trained
from models.packing import Adapter
from models.vocabulary import SPECIAL
from motion.errors import BadConfig, BadFile, MissingPart
from runtime.language.llm import MotionLanguageModel
from runtime.language.sampling import Sampling
from tests.models.tiny import save_backbone
from tests.runtime.language_models import Parts, language, make_bundle

# peft asks transformers for a property by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

REAL_CHECKPOINT = loop._checkpoint
FILES = ("adapter.safetensors", "embeddings.safetensors", "multi-token.safetensors")


class Stop(Exception):
    """The run is stopped here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_backbone(tmp_path_factory.mktemp("backbone"))


def fresh(trained: Recipe, run: Path) -> Recipe:
    """The same recipe in another folder, with its trained tokenizer."""
    run.mkdir()
    for name in ("autoencoder.safetensors", "tokenizer.safetensors"):
        (run / name).write_bytes((trained.run / name).read_bytes())
    return replace(trained, run=run)


@pytest.fixture(scope="module")
def whole(trained: Recipe, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    recipe = fresh(trained, tmp_path_factory.mktemp("llm") / "run")
    train_llm.train(recipe, folder)
    return recipe


def same(one: Recipe, other: Recipe) -> bool:
    pairs = [(load_file(one.run / name), load_file(other.run / name)) for name in FILES]
    return all(set(a) == set(b) and all(torch.equal(a[name], b[name]) for name in a) for a, b in pairs)


@pytest.mark.parametrize("steps", [[2], [4], [2, 4]])
def test_a_run_stopped_at_a_checkpoint_and_resumed_ends_bit_for_bit_as_one_that_was_not(
    trained: Recipe, whole: Recipe, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    stops = list(steps)

    def checkpoint(accelerator: Accelerator, at: Path, step: int) -> None:
        REAL_CHECKPOINT(accelerator, at, step)
        if step in stops:
            stops.remove(step)
            raise Stop

    monkeypatch.setattr(loop, "_checkpoint", checkpoint)
    recipe = fresh(trained, tmp_path / "run")
    for _ in steps:
        with pytest.raises(Stop):
            train_llm.train(recipe, folder)
    train_llm.train(recipe, folder)
    assert same(recipe, whole)


def test_the_adapters_are_on_every_linear_layer_and_the_backbone_stays_as_it_was(whole: Recipe, folder: Path) -> None:
    adapter = compact.read(whole.run / FILES[0])
    assert len(adapter) == 2 * 2 * 7, "two matrices for seven linear layers of two blocks"
    assert {value.dtype for value in load_file(whole.run / FILES[0]).values()} == {torch.int8, torch.float16}
    assert all(np.abs(value).sum() > 0 for value in adapter.values()), "B begins as zero and is trained"
    checkpoint = load_file(whole.run / "language" / "checkpoint" / "model.safetensors")
    original = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    compared = 0
    for name, value in checkpoint.items():
        plain = name.replace("trunk.base_model.model.", "model.").replace(".base_layer", "")
        if plain in original:
            compared += 1
            assert torch.equal(value, original[plain]), name
    assert compared > 15


def test_losses_fall_and_are_logged_by_name(trained: Recipe, folder: Path, tmp_path: Path) -> None:
    recipe = fresh(trained, tmp_path / "run")
    assert recipe.language_training is not None
    training = replace(recipe.language_training, steps=40, learning_rate=1e-2, log_every=5, save_every=40)
    recipe = replace(recipe, language_training=training, tasks=("motion-to-text",))
    train_llm.train(recipe, folder)
    lines = [json.loads(line) for line in (recipe.run / "language" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["motion"] < 0.9 * lines[0]["motion"]
    assert lines[-1]["text"] < 0.9 * lines[0]["text"]


def test_the_last_checkpoint_can_be_written_out_before_the_run_ends(
    trained: Recipe, whole: Recipe, folder: Path, tmp_path: Path
) -> None:
    recipe = fresh(trained, tmp_path / "run")
    with pytest.raises(BadFile, match="train first"):
        adapters.save_checkpoint(recipe, folder)
    train_llm.train(recipe, folder)
    for name in FILES:
        (recipe.run / name).unlink()
    adapters.save_checkpoint(recipe, folder)
    assert same(recipe, whole)


def test_missing_parts_are_named(trained: Recipe, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"autoencoder\.safetensors: is not there"):
        train_llm.train(replace(trained, run=tmp_path / "none"), folder)
    with pytest.raises(MissingPart, match=r"holds no config\.json"):
        train_llm.train(fresh(trained, tmp_path / "run"), tmp_path)
    with pytest.raises(BadConfig, match=r"trains a tokenizer alone; a language model needs \[language_training\]"):
        train_llm.train(replace(trained, language_training=None), folder)


# The trained model at work, in the factory and in the service


def _trained(whole: Recipe, folder: Path) -> Trained:
    return adapters.trained(whole, folder, torch.float32)[0]


def test_evaluation_loads_what_training_saved(whole: Recipe, folder: Path) -> None:
    model = _trained(whole, folder)
    saved = load_file(whole.run / FILES[1])
    for name, value in model.layers.state_dict().items():
        assert torch.equal(value, saved[name].float())
    lora = {name: value for name, value in model.trunk.state_dict().items() if "lora_B" in name}
    assert lora
    assert all(value.abs().sum() > 0 for value in lora.values())
    assert model.further is not None
    head = compact.read(whole.run / FILES[2])
    for name, value in model.further.state_dict().items():
        np.testing.assert_allclose(value.numpy(), head[name], atol=1e-6)
    assert np.abs(head["leave.weight"]).sum() > 0, "it begins as zero and is trained"


def test_a_run_whose_head_was_never_trained_is_not_evaluated_and_trains_on(
    whole: Recipe, folder: Path, tmp_path: Path
) -> None:
    for path in whole.run.iterdir():
        if path.is_file() and path.name != FILES[2]:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(BadFile, match=r"multi-token\.safetensors: is not there"):
        _trained(replace(whole, run=tmp_path), folder)
    assert whole.multi_token is not None
    model, _ = adapters.build(whole, folder, torch.float32)
    adapters.restore(model, tmp_path, beginning=True)


def test_requests_in_a_batch_get_what_each_would_get_alone_and_the_length_they_ask_for(
    whole: Recipe, folder: Path
) -> None:
    """Greedy, so that only the padding and the positions could make a difference."""
    model, tokenize = adapters.trained(whole, folder, torch.float32)
    requests = [
        tasks.Conditions(text="a person waves", seconds=1.2),
        tasks.Conditions(text="someone walks forward and then lies down on the right side, slowly", seconds=2.0),
        tasks.Conditions(text="bows", seconds=0.8),
    ]
    with torch.autocast("cpu", enabled=False):
        together = generate.motion(model, tokenize, requests, temperature=0)
        alone = [generate.motion(model, tokenize, [one], temperature=0)[0] for one in requests]
    assert [len(codes) for codes in together] == [9, 15, 6]
    agreed = np.mean(
        [a == b for one, other in zip(together, alone, strict=True) for a, b in zip(one, other, strict=True)]
    )
    assert agreed > 0.8, "half precision may tip a close choice"
    assert len({code for codes in together for code in codes}) > 1


def test_the_seed_decides_what_is_generated(whole: Recipe, folder: Path) -> None:
    model, tokenize = adapters.trained(whole, folder, torch.float32)
    ask = [tasks.Conditions(text="a person waves", seconds=2.0)]
    one, same_, other = (generate.motion(model, tokenize, ask, seed=seed) for seed in (1, 1, 2))
    assert one == same_
    assert one != other
    assert all(0 <= code < 4375 for code in one[0])


@torch.inference_mode()
def test_the_service_computes_what_the_factory_computes(whole: Recipe, folder: Path, tmp_path: Path) -> None:
    """Merged, cached and one token at a time in onnxruntime, against peft's layers and the whole message at once."""
    model, tokenize = adapters.trained(whole, folder, torch.float32)
    lora = Adapter(compact.read(whole.run / FILES[0]), whole.language.alpha / whole.language.rank)
    assert model.further is not None
    parts = Parts(folder, checkpoint.read(folder), lora, model.layers, model.further)
    source = make_bundle(
        parts, tmp_path / "bundle", language(whole.tokenizer.codes, whole.language.alpha), whole.tokenizer.levels
    )
    greedy = Sampling(temperature=0)
    with MotionLanguageModel.load(source, str(folder), 1, "onnx", "fp32") as served:
        ours = list(served.motion("text-to-motion", "a person waves", 9, None, None, 0, greedy, guidance=1.0))
    given = tasks.Conditions(text="a person waves", seconds=1.2)
    ids = tasks.prompt(tasks.find("text-to-motion"), given, model.vocabulary, tokenize).ids
    weight, bias = model.layers.head()
    for code in ours:
        embedded = model.embed(torch.tensor([ids]), model.layers.embeddings())
        hidden = model.trunk(inputs_embeds=embedded).last_hidden_state[0, -1]
        scores = (weight @ hidden + bias)[len(SPECIAL) :]
        assert scores[code] > scores.max() - 1e-4
        ids.append(model.vocabulary.code(code))
