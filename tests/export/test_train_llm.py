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

from export import pack, train_llm, train_words, unpack, verify
from export.graphs import language_graph, sentence_graph, tracing
from export.graphs.parity import REPORT
from export.measuring import generate
from export.recipe import Recipe
from export.training import adapters, gating, loop, paraphrasing, stages
from export.training.sentences import Sentences
from models import checkpoint, compact, tasks
from models.backbone import MotionLanguageModel as Trained
from models.backbone import Told
from models.packing import Adapter
from models.sentences import minilm
from models.vocabulary import SPECIAL
from motion.bundles.bundle import Bundle
from motion.bundles.manifest import GATE, LEARNED, SENTENCE
from motion.errors import BadConfig, BadFile, MissingPart
from runtime.language.llm import MotionLanguageModel
from runtime.language.sampling import Sampling
from tests.export import studio
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


@pytest.fixture(scope="module")
def mixed(trained: Recipe, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A mixture of five experts with three soft tokens a sentence, trained without a stop."""
    try:
        minilm.folder()
    except MissingPart as missing:
        pytest.skip(str(missing))
    at = tmp_path_factory.mktemp("mixed")
    recipe = fresh(trained, at / "run")
    language = replace(recipe.language, experts=5, soft_tokens=3)
    recipe = replace(recipe, language=language, words=studio.wordings(at / "words"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gating, "_STEPS", 40)
        patch.setattr(paraphrasing, "_STEPS", 60)
        train_llm.train(recipe, folder)
        train_words.train(recipe)
    return recipe


def same(one: Recipe, other: Recipe) -> bool:
    pairs = [(load_file(one.run / name), load_file(other.run / name)) for name in adapters.weights(one)]
    return all(set(a) == set(b) and all(torch.equal(a[name], b[name]) for name in a) for a, b in pairs)


@pytest.mark.parametrize("steps", [[2], [4], [2, 4]])
def test_a_run_stopped_at_a_checkpoint_and_resumed_ends_bit_for_bit_as_one_that_was_not(
    trained: Recipe, whole: Recipe, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    recipe = fresh(trained, tmp_path / "run")
    _in_parts(recipe, folder, steps, monkeypatch)
    assert same(recipe, whole)


def test_a_mixture_stopped_and_resumed_ends_bit_for_bit_as_one_that_was_not(
    mixed: Recipe, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate, the soft tokens and the points of what was learned among its files."""
    monkeypatch.setattr(gating, "_STEPS", 40)
    recipe = fresh(mixed, tmp_path / "run")
    _in_parts(recipe, folder, [4], monkeypatch)
    assert GATE in adapters.weights(recipe)
    assert same(recipe, mixed)
    (recipe.run / GATE).unlink()
    adapters.save_checkpoint(recipe, folder)
    assert same(recipe, mixed), "the checkpoint holds them too"


def _in_parts(recipe: Recipe, folder: Path, steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    stops = list(steps)

    def checkpoint(accelerator: Accelerator, at: Path, step: int) -> None:
        REAL_CHECKPOINT(accelerator, at, step)
        if step in stops:
            stops.remove(step)
            raise Stop

    monkeypatch.setattr(loop, "_checkpoint", checkpoint)
    for _ in steps:
        with pytest.raises(Stop):
            train_llm.train(recipe, folder)
    train_llm.train(recipe, folder)


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


# A mixture, to the end


@pytest.fixture(scope="module")
def packed(mixed: Recipe, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Its graphs verified, and packed."""
    at = tmp_path_factory.mktemp("packed")
    tracing.export(stages.trained(mixed), at / "graphs")
    assert mixed.multi_token is not None
    sizes, plans = checkpoint.read(folder).sizes, language_graph.plans(mixed)
    language_graph.write(sizes, plans, at / "graphs", mixed.multi_token.hidden)
    sentence_graph.write(at / "graphs")
    report = verify.verify(mixed, at / "graphs", clips=1, backbone=folder)
    for name in ("language-fp32.onnx", "language-fp32-3.onnx", SENTENCE):
        assert report["language"][name]["passed"], name
    assert {GATE, LEARNED} <= set(report["weights"])
    assert SENTENCE in report["files"]
    (at / "graphs" / REPORT).write_text(json.dumps({**report, "passed": True}))
    try:
        return pack.pack(mixed, at / "graphs", at / "bundle", {}, "")
    except MissingPart as missing:
        pytest.skip(str(missing))


def _load(packed: Bundle, folder: Path, one_code: bool = True) -> MotionLanguageModel:
    return MotionLanguageModel.load(packed, str(folder), 1, "onnx", "fp32", one_code=one_code)


def test_a_packed_mixture_says_what_it_is_and_comes_back_as_a_run(
    packed: Bundle, mixed: Recipe, tmp_path: Path
) -> None:
    language = packed.manifest.language
    assert language is not None
    assert language.gate is not None
    assert (language.adapter.experts, language.adapter.rank, language.gate.soft_tokens) == (4, 2, 3)
    assert all((plan.experts, plan.shared) == (4, True) for plan in language.graphs.values())
    assert packed.manifest.task("auto") is not None
    unpack.unpack(packed.folder, replace(mixed, run=tmp_path / "run"), tmp_path / "run")
    assert same(replace(mixed, run=tmp_path / "run"), mixed)


def test_a_packed_mixture_draws_tells_questions_from_orders_and_knows_what_it_learned(
    packed: Bundle, folder: Path
) -> None:
    with _load(packed, folder, one_code=False) as served:
        assert served.layers.tokens == 3
        assert len(list(served.motion("text-to-motion", "npc strolls leftwards", 10, None, None, 0))) == 10
        assert served.gated
        assert {served.route(text) for text in ("a person walks", "who wrote Faust?")} <= {
            "text-to-motion", "conversation"
        }  # fmt: skip
        near = served.familiarity("a person does a backflip")
        assert near is not None
        assert near.nearest[0] == "a person does a backflip"
        assert 0 <= near.share <= 1
        assert "".join(served.text("conversation", "who wrote Faust?", None, 0))


@torch.inference_mode()
def test_the_service_computes_of_a_mixture_what_the_factory_computes(
    packed: Bundle, mixed: Recipe, folder: Path
) -> None:
    """With the gate's weights and the soft tokens of an encoder in whole numbers, against that of transformers."""
    model, tokenize = adapters.trained(mixed, folder, torch.float32)
    greedy, text = Sampling(temperature=0), "npc strolls leftwards"
    with _load(packed, folder) as served:
        ours = list(served.motion("text-to-motion", text, 9, None, None, 0, greedy, guidance=1.0))
    assert model.soft is not None
    task = tasks.find("text-to-motion")
    prompt = tasks.prompt(task, tasks.Conditions(text=text, seconds=1.2), model.vocabulary, tokenize, model.soft.tokens)
    assert prompt.soft is not None
    sentences, ids = Sentences(), list(prompt.ids)
    told = Told(sentences([task.instruction]), sentences([text]), torch.tensor([prompt.soft]))
    for code in ours:
        scores = model.code_scores(model.states(torch.tensor([ids]), told)[0, -1:])[0, len(SPECIAL) :]
        assert scores[code] > scores.max() - 0.05 * scores.std()
        ids.append(model.vocabulary.code(code))
    with torch.autocast("cpu", enabled=False):
        given = [tasks.Conditions(text=text, seconds=1.2)]
        drawn = generate.motion(model, tokenize, given, temperature=0, at_once=1, sentences=sentences)[0]
    assert len(drawn) == 9
    assert np.mean([a == b for a, b in zip(drawn, ours, strict=True)]) > 0.3, "half precision may tip a close choice"


def test_a_mixture_begins_from_one_lora_and_is_not_taken_for_one(
    whole: Recipe, mixed: Recipe, folder: Path, tmp_path: Path
) -> None:
    model, _ = adapters.build(mixed, folder, torch.float32)
    with pytest.raises(BadFile, match=r"gate\.safetensors: is not there"):
        adapters.restore(model, whole.run)
    adapters.restore(model, whole.run, beginning=True)
    assert model.mixture is not None
    assert all(branch.leave.abs().sum() > 0 for branch in model.mixture.branches.values())  # type: ignore[operator]
    bare = replace(mixed, run=tmp_path / "bare", words=None)
    (tmp_path / "bare").mkdir()
    for name in ("autoencoder.safetensors", "tokenizer.safetensors"):
        (bare.run / name).write_bytes((mixed.run / name).read_bytes())
    with pytest.raises(BadConfig, match="has soft tokens and no words to tell them by"):
        train_llm.train(bare, folder)
