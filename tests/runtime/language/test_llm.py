"""The language model at work: a conversation that is the backbone's own, codes that are the adapter's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from export.graphs.language_parity import reference
from models import checkpoint, packing, tasks, words
from models.backbone import MotionLanguageModel as TrainedModel
from models.packing import Adapter
from models.vocabulary import SPECIAL, Vocabulary
from motion.bundles.bundle import Bundle
from motion.errors import BadBundle, BadRequest, MissingPart, UnknownTask
from runtime.engines.onnx_layers import Run
from runtime.language import llm
from runtime.language.llm import MotionLanguageModel
from runtime.language.sampling import Sampling
from tests.runtime.language_models import LANGUAGE, Parts, make, make_bundle, threefold_language

GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return make(tmp_path_factory.mktemp("backbone"), tied=request.param)


@pytest.fixture(scope="module")
def source(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(parts, tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module", params=["fp32", "int8", "int4", "torch"])
def model(parts: Parts, source: Bundle, request: pytest.FixtureRequest) -> Iterator[MotionLanguageModel]:
    """The same bundle on every engine."""
    with load(source, parts, request.param) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def exact(parts: Parts, source: Bundle) -> Iterator[MotionLanguageModel]:
    with load(source, parts, "fp32") as loaded:
        yield loaded


def load(source: Bundle, parts: Parts, how: Any) -> MotionLanguageModel:
    if how == "torch":
        return MotionLanguageModel.load(source, str(parts.folder), 1, "torch")
    return MotionLanguageModel.load(source, str(parts.folder), 1, "onnx", how)


def codes(model: MotionLanguageModel, count: int | None = 12, seed: int = 0, text: str = "a person waves") -> list[int]:
    return list(model.motion("text-to-motion", text, count, None, None, seed))


def test_a_bundle_without_a_gate_says_what_to_ask_for_instead_of_auto(exact: MotionLanguageModel) -> None:
    assert not exact.gated
    assert exact.familiarity("a person waves") is None
    with pytest.raises(UnknownTask, match="ask for 'text-to-motion' or 'conversation' instead of 'auto'"):
        exact.route("a person waves")


# Motion, on every engine


def test_as_many_codes_come_as_were_asked_for(model: MotionLanguageModel) -> None:
    for count in (1, 2, 30):
        found = codes(model, count)
        assert len(found) == count
        assert all(0 <= code < 175 for code in found)


def test_the_seed_decides_and_another_seed_or_text_decides_otherwise(model: MotionLanguageModel) -> None:
    first = codes(model, 30, seed=1)
    assert codes(model, 30, seed=1) == first
    assert codes(model, 30, seed=2) != first
    assert codes(model, 30, seed=1, text="someone bows") != first
    assert len(set(first)) > 5


def test_a_motion_without_a_length_ends_when_the_model_says_so(model: MotionLanguageModel) -> None:
    even = Sampling(temperature=1.0)  # random weights say little; what they say is not to be sharpened
    lengths = {
        sum(1 for _ in model.motion("text-to-motion", "a person waves", None, None, None, seed, even, 1.0))
        for seed in range(8)
    }
    assert min(lengths) >= 1, "an empty motion is none"
    assert len(lengths) > 2


def test_two_streams_side_by_side_do_not_disturb_each_other(model: MotionLanguageModel) -> None:
    alone = [codes(model, 10, seed) for seed in (1, 2)]
    one, other = (model.motion("text-to-motion", "a person waves", 10, None, None, seed) for seed in (1, 2))
    together = list(zip(one, other, strict=True))
    assert [[code for code, _ in together], [code for _, code in together]] == alone


def test_what_was_asked_before_changes_nothing(parts: Parts, source: Bundle, model: MotionLanguageModel) -> None:
    """A fresh model has read no prompt yet."""
    how = "torch" if "transformers" in model.about else model.about.rpartition(" ")[2]
    with load(source, parts, how) as fresh:
        assert codes(fresh, 20, seed=5) == codes(model, 20, seed=5)


def test_words_about_a_motion_depend_on_the_motion_and_the_seed(model: MotionLanguageModel) -> None:
    def spoken(motion: list[int], seed: int) -> str:
        return "".join(model.text("motion-to-text", "", np.array(motion), seed))

    assert spoken([1, 2, 3], 0) == spoken([1, 2, 3], 0)
    assert spoken([1, 2, 3], 0) != spoken([1, 2, 3], 1)
    assert len({spoken([first, 2, 3], 0) for first in (1, 50, 90, 170)}) > 1


# The codes are those of the model that was trained


def _whole(parts: Parts, prompts: list[list[int]], guidance: float, count: int) -> list[int]:
    """The best codes, each from the whole message at once in torch: the told prompt, then the untold one."""
    causal: Any = AutoModelForCausalLM.from_pretrained(parts.folder, dtype=torch.float32)
    assert isinstance(parts.adapter, Adapter)
    trunk = reference(parts.source, [parts.adapter], torch.float32)
    trunk.set_input_embeddings(causal.get_input_embeddings())
    vocabulary = Vocabulary(causal.lm_head.weight.shape[0], 175)
    trained = TrainedModel(trunk, causal.lm_head.weight, vocabulary, parts.layers)
    table = parts.layers.embeddings()
    weight, bias = parts.layers.head()
    found: list[int] = []
    for _ in range(count):
        scores: list[Tensor] = []
        for ids in prompts:
            embedded = trained.embed(torch.tensor([[*ids, *map(vocabulary.code, found)]]), table)
            hidden = trunk(inputs_embeds=embedded).last_hidden_state[0, -1]
            scores.append((weight[len(SPECIAL) :] @ hidden + bias[len(SPECIAL) :]).log_softmax(-1))
        told, untold = scores[0], scores[-1]
        found.append(int((untold + guidance * (told - untold)).argmax()))
    return found


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
@torch.inference_mode()
def test_the_best_codes_are_those_of_the_model_that_was_trained(
    parts: Parts, exact: MotionLanguageModel, guidance: float
) -> None:
    """With keys and values kept, prompts in pieces and the adapter merged, against everything worked out afresh."""
    vocabulary = Vocabulary(parts.source.sizes.text, 175)
    tokenize = words.from_folder(parts.folder).encode

    def prompt(task: str, text: str | None) -> list[int]:
        given = tasks.Conditions(text=text, seconds=10 / 7.5)
        return tasks.prompt(tasks.find(task), given, vocabulary, tokenize).ids

    prompts = [prompt("text-to-motion", "a person waves"), prompt("unconditional", None)]
    expected = _whole(parts, prompts, guidance, 10)
    ours = exact.motion("text-to-motion", "a person waves", 10, None, None, 0, GREEDY, guidance)
    assert list(ours) == expected
    assert len(set(expected)) > 1


def test_guidance_decides_how_much_the_sentence_counts(exact: MotionLanguageModel) -> None:
    def best(text: str, guidance: float, task: str = "text-to-motion") -> list[int]:
        return list(exact.motion(task, text, 10, None, None, 0, GREEDY, guidance))

    assert best("a person waves", 0.0) == best("someone bows", 0.0) == best("", 2.5, "unconditional")
    assert best("a person waves", 4.0) != best("someone bows", 4.0)
    assert best("a person waves", 4.0) != best("a person waves", 0.0)


def test_a_past_is_told_with_and_without_the_sentence(exact: MotionLanguageModel) -> None:
    past = np.array([5, 6])

    def best(text: str, guidance: float) -> list[int]:
        return list(exact.motion("prediction", text, 10, past, None, 0, GREEDY, guidance))

    assert best("a person waves", 0.0) == best("", 2.5), "without the sentence the past alone is left"


def test_past_and_future_are_taken_into_account(exact: MotionLanguageModel) -> None:
    def between(past: list[int], future: list[int]) -> list[int]:
        return list(exact.motion("in-betweening", "", 8, np.array(past), np.array(future), 0, GREEDY))

    assert between([1, 2], [3]) != between([9, 8], [3]) or between([1, 2], [3]) != between([1, 2], [100])
    assert len(list(exact.motion("prediction", "", 8, np.array([5, 6]), None, 3))) == 8


def test_a_missing_condition_and_an_unknown_task_are_named_before_anything_is_computed(
    exact: MotionLanguageModel,
) -> None:
    with pytest.raises(BadRequest, match="'prediction' needs past"):
        next(exact.motion("prediction", "", 8, None, None, 0))
    with pytest.raises(BadRequest, match="'text-to-motion' needs text"):
        next(exact.motion("text-to-motion", "", 8, None, None, 0))
    with pytest.raises(UnknownTask, match="no task 'juggling'"):
        next(exact.motion("juggling", "x", 8, None, None, 0))


def test_nothing_is_computed_ahead_and_closing_stops_the_work(
    exact: MotionLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    run = Run.__call__
    monkeypatch.setattr(Run, "__call__", lambda self: (runs.append(1), run(self))[1])
    stream = exact.motion("text-to-motion", "somebody whom nobody asked for yet", 30, None, None, 0)
    assert not runs
    next(stream)
    begun = len(runs)
    assert 1 <= begun <= 4, "two prompts in two pieces each, or what is not known of them"
    next(stream)
    next(stream)
    assert len(runs) == begun + 2
    stream.close()
    assert next(stream, None) is None
    codes(exact, 1)
    codes(exact, 9)
    assert len(runs) <= begun + 2 + 4 + 8


# Several codes a run


@pytest.fixture(scope="module")
def threefold(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(parts, tmp_path_factory.mktemp("bundles") / "threefold", threefold_language())


@pytest.mark.parametrize("how", ["fp32", "int8", "int4", "torch"])
def test_a_bundle_with_a_multi_token_head_draws_three_codes_a_run_unless_told_otherwise(
    parts: Parts, source: Bundle, threefold: Bundle, how: str
) -> None:
    with load(threefold, parts, how) as model:
        assert model.layers.tokens == 3
        found = [codes(model, count, seed=1) for count in (1, 2, 3, 20)]
        assert [len(one) for one in found] == [1, 2, 3, 20]
        assert codes(model, None, seed=1)
    engine: Any = "torch" if how == "torch" else "onnx"
    precision = None if how == "torch" else how
    with MotionLanguageModel.load(threefold, str(parts.folder), 1, engine, precision, one_code=True) as plain:
        assert plain.layers.tokens == 1
        one_by_one = codes(plain, 20, seed=1)
    with load(source, parts, how) as model:
        assert codes(model, 20, seed=1) == one_by_one
    assert one_by_one[0] == found[-1][0]
    assert one_by_one != found[-1]


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_torch_and_graphs_draw_the_same_three_codes_a_run(parts: Parts, threefold: Bundle, guidance: float) -> None:
    def drawn(engine: Any, precision: str) -> list[int]:
        with MotionLanguageModel.load(threefold, str(parts.folder), 1, engine, precision) as model:
            return list(model.motion("text-to-motion", "a person waves", 15, None, None, 0, GREEDY, guidance))

    assert drawn("torch", "fp32") == drawn("onnx", "fp32")


def test_a_bundle_that_lacks_what_its_multi_token_head_needs_is_refused(parts: Parts, tmp_path: Path) -> None:
    told = threefold_language()
    assert told.multi_token is not None
    graphs = {name: plan for name, plan in told.graphs.items() if name != "language-int8-3.onnx"}
    heads = {precision: file for precision, file in told.multi_token.graphs.items() if precision != "int8"}
    for name, lacking in (
        ("torn", replace(told, graphs=graphs)),
        ("headless", replace(told, multi_token=replace(told.multi_token, graphs=heads))),
    ):
        with pytest.raises(BadBundle, match="no int8 graph of 3 tokens"):
            load(make_bundle(parts, tmp_path / name, lacking), parts, "int8")
    other = replace(told, multi_token=replace(told.multi_token, weights=told.vocabulary.file))
    with pytest.raises(BadBundle, match=r"the multi-token head, of shapes .* is none; pack it again"):
        load(make_bundle(parts, tmp_path / "other", other), parts, "int8")
    with pytest.raises(BadBundle, match="of 1 codes a run is none"):
        replace(told.multi_token, tokens=1)


def test_the_temperature_is_the_bundles(parts: Parts, source: Bundle, tmp_path: Path) -> None:
    with load(source, parts, "fp32") as model:
        assert source.manifest.language is not None
        assert model.sampling.temperature == source.manifest.language.temperature
        plain = codes(model, 20)
    cold = make_bundle(parts, tmp_path / "cold", replace(threefold_language(), temperature=0.0))
    with MotionLanguageModel.load(cold, str(parts.folder), 1, "onnx", "fp32", one_code=True) as model:
        assert codes(model, 20, seed=1) == codes(model, 20, seed=2) != plain


# Words


def test_whole_characters_are_streamed_and_none_is_lost(parts: Parts) -> None:
    tokens = words.from_folder(parts.folder)
    text = "naïve 骨盤 walks 🙂 on — «slowly» é"
    ids = tokens.encode(text)
    assert len(ids) > len(text), "some characters are several tokens"
    spoken = llm._Spoken(tokens)
    pieces = [piece for token in ids for piece in spoken.add(token)]
    assert "".join(pieces) == text
    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in pieces)
    assert len(pieces) > 10


def test_a_half_character_at_the_end_is_kept_back(parts: Parts) -> None:
    tokens = words.from_folder(parts.folder)
    spoken = llm._Spoken(tokens)
    assert "".join(piece for token in tokens.encode("walks 🙂")[:-1] for piece in spoken.add(token)) == "walks "


# Conversation


@pytest.mark.parametrize("how", ["fp32", "int8", "torch"])
@pytest.mark.parametrize("question", ["Who are you?", "walks forward"])
@torch.inference_mode()
def test_without_the_adapter_conversation_is_the_backbones_own(
    parts: Parts, source: Bundle, how: str, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each token of a greedy answer is the best, or as good as, by transformers' own scores after those before it."""
    said: list[int] = []
    add = llm._Spoken.add
    monkeypatch.setattr(llm._Spoken, "add", lambda self, token: (said.append(token), add(self, token))[1])
    with load(source, parts, how) as model:
        answer = "".join(model.text("conversation", question, None, 0, GREEDY))
    fresh: Any = AutoModelForCausalLM.from_pretrained(parts.folder, dtype=torch.float32).eval()
    tokens: Any = AutoTokenizer.from_pretrained(parts.folder)
    turns = [{"role": "user", "content": question}]
    ids = list(tokens.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"])
    scores = fresh(torch.tensor([[*ids, *said]])).logits[0, len(ids) - 1 : -1]
    behind = scores.max(-1).values - scores.gather(-1, torch.tensor(said)[:, None])[:, 0]
    spread = scores.std(-1)
    assert len(said) > 10
    assert (behind / spread).max() < 0.3
    assert (behind / spread).mean() < 0.02
    assert tokens.decode(said, skip_special_tokens=True).startswith(answer)


@pytest.mark.slow
@pytest.mark.parametrize("precision", packing.Precision.__args__)
def test_the_packaged_backbone_knows_what_it_knew(precision: Any) -> None:
    """The bundle that ships, in every precision of its graphs."""
    from runtime.serve import find

    try:
        checkpoint.packaged()
    except MissingPart as missing:
        pytest.skip(str(missing))
    with MotionLanguageModel.load(find("base"), None, 1, "onnx", precision) as model:
        answer = "".join(
            model.text("conversation", "What is the capital of France? Answer in one sentence.", None, 0, GREEDY)
        )
    assert "Paris" in answer


# From a bundle


def test_the_best_precision_that_the_bundle_has_is_taken(parts: Parts, source: Bundle) -> None:
    with MotionLanguageModel.load(source, str(parts.folder), 1) as model:
        assert model.about == "onnxruntime on the CPU, int8"
        assert len(codes(model, 20)) == 20


def test_a_bundle_without_language_graphs_runs_in_transformers(
    parts: Parts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = make_bundle(parts, tmp_path / "old", replace(LANGUAGE, graphs={}, words=None))
    with MotionLanguageModel.load(old, str(parts.folder), 1) as model:
        assert model.about.startswith("transformers")
        assert len(codes(model, 5)) == 5
    assert "has no language graph" in caplog.text
    with pytest.raises(BadBundle, match="has no language graph"):
        MotionLanguageModel.load(old, str(parts.folder), 1, "onnx")


def test_a_backbone_that_is_no_llama_runs_in_transformers(parts: Parts, source: Bundle, tmp_path: Path) -> None:
    for file in parts.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "mlp_bias": True}))
    with pytest.raises(BadBundle, match="is no plain Llama"):
        MotionLanguageModel.load(source, str(tmp_path), 1, "onnx")


def test_a_bundle_whose_vocabulary_does_not_fit_is_refused(parts: Parts, tmp_path: Path) -> None:
    source = make_bundle(parts, tmp_path / "other", levels=(7, 5))
    with pytest.raises(BadBundle, match=r"does not fit levels \(7, 5\)"):
        MotionLanguageModel.load(source, str(parts.folder), 1)
    source = make_bundle(parts, tmp_path / "none", language=None)
    with pytest.raises(BadBundle, match="'tiny' has no language model"):
        MotionLanguageModel.load(source, str(parts.folder), 1)


def test_a_backbone_that_is_not_there_is_named(source: Bundle, tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="nothing"):
        MotionLanguageModel.load(source, str(tmp_path / "nothing"), 1)
