"""The language model at work: a conversation that is the backbone's own, codes that are the adapter's."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from models import backbone, tasks
from models.backbone import MotionLanguageModel as TrainedModel
from models.backbone import MotionVocabularyLayers
from models.vocabulary import SPECIAL, Vocabulary
from motion import bundle, features
from motion.bundle import Backbone, Bundle, Corpus, Manifest, Tokens
from motion.errors import BadBundle, BadRequest, MissingPart, UnknownTask
from motion.protocol import Task
from motion.skeleton import SMPLX22
from runtime import llm
from runtime.llm import MotionLanguageModel, merged
from runtime.sampling import Sampling
from tests.models.tiny import save_backbone

# peft asks transformers for a property by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

LEVELS = (7, 5, 5)
RANK, ALPHA = 2, 6.0
GREEDY = Sampling(temperature=0)


@dataclass(frozen=True)
class Parts:
    """A backbone, its text tokenizer, a trained adapter on it, and the motion vocabulary's layers."""

    folder: Path
    causal: Any
    words: Any
    adapted: Any
    """the backbone's layers under peft"""
    adapter: dict[str, Tensor]
    layers: MotionVocabularyLayers

    def model(self) -> MotionLanguageModel:
        trunk = merged(self.causal.model, self.adapter, ALPHA / RANK)
        return MotionLanguageModel(self.causal, self.words, trunk.eval().requires_grad_(False), self.layers, 7.5)


def make(
    folder: Path, dtype: torch.dtype = torch.float32, levels: tuple[int, ...] = LEVELS, hidden: int = 512
) -> Parts:
    """Loads the backbone and puts a random adapter on a copy of its layers."""
    causal: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa")
    causal.eval().requires_grad_(False)
    torch.manual_seed(1)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear")  # type: ignore[arg-type]
    adapted: Any = get_peft_model(copy.deepcopy(causal.model), config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    adapter = {name: value.detach().clone() for name, value in get_peft_model_state_dict(adapted).items()}
    layers = MotionVocabularyLayers(levels, causal.lm_head.weight.shape[1], hidden)
    nn.init.normal_(layers.bias, std=0.5)
    for module in (adapted, layers):
        module.eval().requires_grad_(False)
    return Parts(folder, causal, AutoTokenizer.from_pretrained(folder), adapted, adapter, layers)


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return make(save_backbone(tmp_path_factory.mktemp("backbone"), tied=request.param))


def codes(model: MotionLanguageModel, count: int | None = 12, seed: int = 0, text: str = "a person waves") -> list[int]:
    return list(model.motion("text-to-motion", text, count, None, None, seed))


# The adapter


def test_the_merged_adapter_is_pefts_own_merge(parts: Parts) -> None:
    theirs = copy.deepcopy(parts.adapted).merge_and_unload().state_dict()
    ours = merged(parts.causal.model, parts.adapter, ALPHA / RANK).state_dict()
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], atol=1e-6, rtol=1e-5)


def test_merging_leaves_the_backbone_as_it_was_and_shares_its_embeddings(parts: Parts) -> None:
    before = {name: value.clone() for name, value in parts.causal.state_dict().items()}
    trunk: Any = merged(parts.causal.model, parts.adapter, ALPHA / RANK)
    for name, value in parts.causal.state_dict().items():
        assert torch.equal(value, before[name]), name
    changed = [n for n, v in trunk.state_dict().items() if not torch.equal(v, before[f"model.{n}"])]
    assert len(changed) == 2 * 7, "every linear layer of both blocks"
    assert trunk.embed_tokens.weight is parts.causal.model.embed_tokens.weight


@pytest.mark.parametrize("damage", ["a name nobody has", "another width", "half of a pair"])
def test_an_adapter_of_another_backbone_is_refused(parts: Parts, damage: str) -> None:
    adapter = dict(parts.adapter)
    name = next(name for name in adapter if name.endswith("q_proj.lora_A.weight"))
    if damage == "a name nobody has":
        adapter[name.replace("q_proj", "r_proj")] = adapter.pop(name)
    elif damage == "another width":
        adapter[name] = adapter[name][:, :-1]
    else:
        del adapter[name.replace("lora_A", "lora_B")]
    with pytest.raises(BadBundle, match="does not fit the backbone; serve the bundle on the backbone it names"):
        merged(parts.causal.model, adapter, 1.0)


# Motion


def test_as_many_codes_come_as_were_asked_for(parts: Parts) -> None:
    model = parts.model()
    for count in (1, 2, 30):
        found = codes(model, count)
        assert len(found) == count
        assert all(0 <= code < 175 for code in found)


def test_the_seed_decides_and_another_seed_or_text_decides_otherwise(parts: Parts) -> None:
    model = parts.model()
    first = codes(model, 30, seed=1)
    assert codes(model, 30, seed=1) == first
    assert codes(parts.model(), 30, seed=1) == first
    assert codes(model, 30, seed=2) != first
    assert codes(model, 30, seed=1, text="someone bows") != first
    assert len(set(first)) > 5


def _whole(parts: Parts, prompts: list[list[int]], guidance: float, count: int) -> list[int]:
    """The best codes, each from the whole message at once on peft's layers: the told prompt, then the untold one."""
    vocabulary = Vocabulary(parts.causal.lm_head.weight.shape[0], 175)
    trained = TrainedModel(parts.adapted, parts.causal.lm_head.weight, vocabulary, parts.layers)
    table = parts.layers.embeddings()
    weight, bias = parts.layers.head()
    found: list[int] = []
    for _ in range(count):
        scores: list[Tensor] = []
        for ids in prompts:
            embedded = trained.embed(torch.tensor([[*ids, *map(vocabulary.code, found)]]), table)
            hidden = parts.adapted(inputs_embeds=embedded).last_hidden_state[0, -1]
            scores.append((weight[len(SPECIAL) :] @ hidden + bias[len(SPECIAL) :]).log_softmax(-1))
        told, untold = scores[0], scores[-1]
        found.append(int((untold + guidance * (told - untold)).argmax()))
    return found


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
@torch.inference_mode()
def test_the_best_codes_are_those_of_the_model_that_was_trained(parts: Parts, guidance: float) -> None:
    """With keys and values kept, prompts padded and the adapter merged, against everything worked out afresh."""
    vocabulary = Vocabulary(parts.causal.lm_head.weight.shape[0], 175)

    def prompt(task: str, text: str | None) -> list[int]:
        given = tasks.Conditions(text=text, seconds=10 / 7.5)
        return tasks.prompt(tasks.find(task), given, vocabulary, tokenize).ids

    def tokenize(text: str) -> list[int]:
        return parts.words(text, add_special_tokens=False)["input_ids"]

    prompts = [prompt("text-to-motion", "a person waves"), prompt("unconditional", None)]
    expected = _whole(parts, prompts, guidance, 10)
    ours = parts.model().motion("text-to-motion", "a person waves", 10, None, None, 0, GREEDY, guidance)
    assert list(ours) == expected
    assert len(set(expected)) > 1


def test_guidance_decides_how_much_the_sentence_counts(parts: Parts) -> None:
    model = parts.model()

    def best(text: str, guidance: float, task: str = "text-to-motion") -> list[int]:
        return list(model.motion(task, text, 10, None, None, 0, GREEDY, guidance))

    assert best("a person waves", 0.0) == best("someone bows", 0.0) == best("", 2.5, "unconditional")
    assert best("a person waves", 4.0) != best("someone bows", 4.0)
    assert best("a person waves", 4.0) != best("a person waves", 0.0)


def test_a_past_is_told_with_and_without_the_sentence(parts: Parts) -> None:
    model = parts.model()
    past = np.array([5, 6])

    def best(text: str, guidance: float) -> list[int]:
        return list(model.motion("prediction", text, 10, past, None, 0, GREEDY, guidance))

    assert best("a person waves", 0.0) == best("", 2.5), "without the sentence the past alone is left"


def test_a_motion_without_a_length_ends_when_the_model_says_so(parts: Parts) -> None:
    layers = copy.deepcopy(parts.layers)
    model = MotionLanguageModel(parts.causal, parts.words, parts.adapted, layers, 7.5)
    lengths = {len(codes(model, None, seed)) for seed in range(12)}
    assert min(lengths) >= 1, "an empty motion is none"
    assert len(lengths) > 3


def test_past_and_future_are_taken_into_account(parts: Parts) -> None:
    model = parts.model()

    def between(past: list[int], future: list[int]) -> list[int]:
        return list(model.motion("in-betweening", "", 8, np.array(past), np.array(future), 0, GREEDY))

    assert between([1, 2], [3]) != between([9, 8], [3]) or between([1, 2], [3]) != between([1, 2], [100])
    continued = list(model.motion("prediction", "", 8, np.array([5, 6]), None, 3))
    assert len(continued) == 8


def test_a_missing_condition_and_an_unknown_task_are_named_before_anything_is_computed(parts: Parts) -> None:
    model = parts.model()
    with pytest.raises(BadRequest, match="'prediction' needs past"):
        next(model.motion("prediction", "", 8, None, None, 0))
    with pytest.raises(BadRequest, match="'text-to-motion' needs text"):
        next(model.motion("text-to-motion", "", 8, None, None, 0))
    with pytest.raises(UnknownTask, match="no task 'juggling'"):
        next(model.motion("juggling", "x", 8, None, None, 0))


@pytest.fixture
def calls(parts: Parts) -> Iterator[tuple[MotionLanguageModel, list[int]]]:
    """A model, and how many positions each run of its layers saw."""
    trunk: Any = merged(parts.causal.model, parts.adapter, ALPHA / RANK).eval().requires_grad_(False)
    seen: list[int] = []
    hook = trunk.register_forward_pre_hook(
        lambda _module, _args, kwargs: seen.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )
    yield MotionLanguageModel(parts.causal, parts.words, trunk, parts.layers, 7.5), seen
    hook.remove()


def test_nothing_is_computed_ahead_and_closing_stops_the_work(calls: tuple[MotionLanguageModel, list[int]]) -> None:
    model, seen = calls
    stream = model.motion("text-to-motion", "a person waves", 30, None, None, 0)
    assert seen == []
    next(stream)
    assert len(seen) == 1, "the prompt alone makes the first code"
    assert seen[0] > 10
    next(stream)
    next(stream)
    assert seen[1:] == [1, 1], "keys and values are kept: one position a step"
    stream.close()
    assert next(stream, None) is None
    assert len(seen) == 3


def test_a_whole_motion_takes_one_run_a_code(calls: tuple[MotionLanguageModel, list[int]]) -> None:
    model, seen = calls
    codes(model, 9)
    assert len(seen) == 9


def test_two_streams_side_by_side_do_not_disturb_each_other(parts: Parts) -> None:
    model = parts.model()
    alone = [codes(model, 10, seed) for seed in (1, 2)]
    one, other = (model.motion("text-to-motion", "a person waves", 10, None, None, seed) for seed in (1, 2))
    together = list(zip(one, other, strict=True))
    assert [[code for code, _ in together], [code for _, code in together]] == alone


# Words


def test_words_about_a_motion_depend_on_the_motion_and_the_seed(parts: Parts) -> None:
    model = parts.model()

    def words(motion: list[int], seed: int) -> str:
        return "".join(model.text("motion-to-text", "", np.array(motion), seed))

    assert words([1, 2, 3], 0) == words([1, 2, 3], 0)
    assert words([1, 2, 3], 0) != words([1, 2, 3], 1)
    assert len({words([first, 2, 3], 0) for first in (1, 50, 90, 170)}) > 1


def test_whole_characters_are_streamed_and_none_is_lost(parts: Parts) -> None:
    text = "naïve 骨盤 walks 🙂 on — «slowly» é"
    ids = parts.words(text, add_special_tokens=False)["input_ids"]
    assert len(ids) > len(text), "some characters are several tokens"
    spoken = llm._Spoken(parts.words)
    pieces = [piece for token in ids for piece in spoken.add(token)]
    assert "".join(pieces) == text
    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in pieces)
    assert len(pieces) > 10


def test_a_half_character_at_the_end_is_kept_back(parts: Parts) -> None:
    ids = parts.words("walks 🙂", add_special_tokens=False)["input_ids"]
    spoken = llm._Spoken(parts.words)
    assert "".join(piece for token in ids[:-1] for piece in spoken.add(token)) == "walks "


# Conversation


def _check_conversation(parts: Parts, question: str, most: int) -> str:
    """The answer and every step's scores are transformers' own, bit for bit; returns the answer."""
    fresh: Any = AutoModelForCausalLM.from_pretrained(
        parts.folder, dtype=parts.causal.dtype, attn_implementation="sdpa"
    ).eval()
    ids = parts.words.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    theirs = fresh.generate(
        **ids, max_new_tokens=most, do_sample=False, output_logits=True, return_dict_in_generate=True
    )
    scores: list[Tensor] = []
    hook = parts.causal.register_forward_hook(lambda _m, _a, output: scores.append(output.logits[0, -1].clone()))
    answer = "".join(parts.model().text("conversation", question, None, 0, GREEDY))
    hook.remove()
    made = theirs.sequences[0, ids["input_ids"].shape[1] :]
    assert len(scores) >= len(theirs.logits)
    for ours, expected in zip(scores, theirs.logits, strict=False):
        assert torch.equal(ours, expected[0])
    expected_answer = parts.words.decode(made, skip_special_tokens=True).rstrip("\N{REPLACEMENT CHARACTER}")
    assert answer.startswith(expected_answer)
    return answer


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_without_the_adapter_conversation_is_the_backbones_own_bit_for_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    parts = make(save_backbone(tmp_path, dtype=dtype), dtype)
    assert _check_conversation(parts, "Who are you?", 40) != _check_conversation(parts, "walks forward", 40)


@pytest.mark.slow
def test_conversation_on_the_packaged_backbone_is_its_own_bit_for_bit() -> None:
    try:
        folder = backbone.prepared()
    except MissingPart as missing:
        pytest.skip(str(missing))
    parts = make(folder, torch.bfloat16, (7, 5, 5, 5, 5))
    answer = _check_conversation(parts, "What is the capital of France? Answer in one sentence.", 24)
    assert "Paris" in answer


# From a bundle


def _pack(parts: Parts, folder: Path, vocabulary: dict[str, Any]) -> Bundle:
    folder.mkdir()
    save_file(
        {name: value.half().contiguous() for name, value in parts.adapter.items()}, folder / "adapter.safetensors"
    )
    layers = {name: value.half().contiguous() for name, value in parts.layers.state_dict().items()}
    save_file(layers, folder / "embeddings.safetensors")
    manifest = Manifest(
        name="tiny", version="0", licence="CC0-1.0", command="", skeleton=SMPLX22, layout=features.NAME, fps=30.0,
        tokens=Tokens(175, 4, 2, 2, 0), backbone=Backbone("tiny", "", "", ""), data=(Corpus("none", "CC0-1.0"),),
        tasks=(Task("text-to-motion", ("text",), ("seconds",), "motion"),), vocabulary=vocabulary,
    )  # fmt: skip
    bundle.write(folder, manifest)
    return bundle.load(folder)


FACTS: dict[str, Any] = {"levels": list(LEVELS), "rank": RANK, "alpha": ALPHA}


def test_a_bundle_brings_its_own_weights(parts: Parts, tmp_path: Path) -> None:
    source = _pack(parts, tmp_path / "bundle", FACTS)
    with MotionLanguageModel.load(source, str(parts.folder), threads=1) as model:
        assert codes(model, 20) == codes(model, 20)
        ours = model
        for name, value in parts.layers.state_dict().items():
            assert value.isfinite().all(), name
        torch.testing.assert_close(ours._motion_head.float(), parts.layers.head()[0], atol=2e-2, rtol=2e-2)
        assert len(codes(model, 20)) == 20


@pytest.mark.parametrize("vocabulary", [{}, {"levels": [7, 5], "rank": 2, "alpha": 1.0}, {"levels": [7, 5, 5]}])
def test_a_bundle_whose_vocabulary_does_not_fit_is_refused(
    parts: Parts, tmp_path: Path, vocabulary: dict[str, Any]
) -> None:
    source = _pack(parts, tmp_path / "bundle", vocabulary)
    with pytest.raises(BadBundle, match="'tiny' does not fit the backbone"):
        MotionLanguageModel.load(source, str(parts.folder), threads=1)


def test_a_backbone_that_is_not_there_is_named(parts: Parts, tmp_path: Path) -> None:
    source = _pack(parts, tmp_path / "bundle", FACTS)
    with pytest.raises(MissingPart, match="nothing"):
        MotionLanguageModel.load(source, str(tmp_path / "nothing"), threads=1)
