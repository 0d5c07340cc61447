"""The language model with a motion vocabulary: what may follow what, and a backbone that stays what it was."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from models import backbone, tasks
from models.backbone import MotionLanguageModel, MotionVocabularyLayers
from models.multi_token import MultiTokenHead
from models.vocabulary import SPECIAL, Vocabulary
from motion.errors import MissingPart
from tests.models.tiny import save_backbone

LEVELS = (7, 5, 5)


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_backbone(tmp_path_factory.mktemp("backbone"), tied=request.param)


def model(folder: Path) -> MotionLanguageModel:
    torch.manual_seed(0)
    causal = AutoModelForCausalLM.from_pretrained(folder).eval()
    head = causal.lm_head.weight
    layers = MotionVocabularyLayers(LEVELS, head.shape[1], hidden=16)
    return MotionLanguageModel(causal.model, head, Vocabulary(head.shape[0], layers.codes), layers).eval()


@torch.inference_mode()
def test_without_motion_tokens_it_computes_what_the_backbone_computes_bit_for_bit(folder: Path) -> None:
    causal = AutoModelForCausalLM.from_pretrained(folder).eval()
    ours = model(folder)
    ids = torch.randint(0, ours.vocabulary.text, (2, 17), generator=torch.Generator().manual_seed(0))
    hidden = ours.trunk(inputs_embeds=ours.embed(ids, ours.layers.embeddings()), use_cache=False).last_hidden_state
    assert torch.equal(F.linear(hidden, ours.text_head), causal(ids, use_cache=False).logits)
    assert hidden.std() > 0.1


@torch.inference_mode()
def test_each_kind_of_token_is_embedded_from_its_own_table(folder: Path) -> None:
    ours = model(folder)
    table = ours.layers.embeddings()
    v = ours.vocabulary
    ids = torch.tensor([[0, v.text - 1, v.special("PAD"), v.special("STYLE"), v.code(0), v.code(174)]])
    embedded = ours.embed(ids, table)[0]
    words = cast(Tensor, AutoModelForCausalLM.from_pretrained(folder).get_input_embeddings().weight)
    assert torch.equal(embedded[0], words[0])
    assert torch.equal(embedded[1], words[v.text - 1])
    for row, place in ((2, 0), (3, 28), (4, 29), (5, 29 + 174)):
        assert torch.equal(embedded[row], table[place])
    assert table.shape == (29 + 175, 32)


def message(v: Vocabulary, name: str, reply: list[int]) -> tuple[list[int], int]:
    given = tasks.Conditions("waves", 1.0, [1, 2], [3], [4])
    start = tasks.prompt(tasks.find(name), given, v, lambda text: list(text.encode()))
    return [*start.ids, *reply, *tasks.closing(tasks.find(name), v)], start.reply


@pytest.mark.parametrize("task", tasks.TASKS, ids=lambda task: task.name)
def test_text_can_follow_only_between_the_brackets_of_a_text(folder: Path, task: tasks.Task) -> None:
    ours = model(folder)
    v = ours.vocabulary
    reply = [v.code(5), v.code(6)] if task.gives == "motion" else [40, 41]
    ids, _ = message(v, task.name, reply)
    mask = ours.text_reply(torch.tensor([ids]))[0].tolist()
    opened = False
    for token, inside in zip(ids, mask, strict=True):
        opened = token == v.special("TEXT_BOS") or (opened and token != v.special("TEXT_EOS"))
        assert inside == opened


def _expected(ours: MotionLanguageModel, ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The two losses and counts of each message, worked out one position at a time."""
    hidden = ours.trunk(inputs_embeds=ours.embed(ids, ours.layers.embeddings()), use_cache=False).last_hidden_state
    weight, bias = ours.layers.head()
    v = ours.vocabulary
    sums, counts = torch.zeros(2, len(ids)), torch.zeros(2, len(ids), dtype=torch.int64)
    for b in range(ids.shape[0]):
        inside = False
        for n in range(ids.shape[1]):
            inside = ids[b, n] == v.special("TEXT_BOS") or (bool(inside) and ids[b, n] != v.special("TEXT_EOS"))
            target = int(targets[b, n])
            if target < 0:
                continue
            if inside:
                logits = torch.cat([ours.text_head @ hidden[b, n], weight[: len(SPECIAL)] @ hidden[b, n]])
            else:
                logits, target = weight @ hidden[b, n] + bias, target - v.text
            sums[int(inside), b] -= logits.log_softmax(-1)[target]
            counts[int(inside), b] += 1
    return sums[0], counts[0], sums[1], counts[1]


def _padded(v: Vocabulary, rows: list[tuple[list[int], int]]) -> tuple[Tensor, Tensor]:
    """Ids, and targets where the reply is."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), v.special("PAD"))
    targets = torch.full((len(rows), width), -100)
    for row, (message_ids, reply) in enumerate(rows):
        ids[row, : len(message_ids)] = torch.tensor(message_ids)
        targets[row, reply - 1 : len(message_ids) - 1] = torch.tensor(message_ids[reply:])
    return ids, targets


@torch.inference_mode()
def test_motion_targets_are_told_from_the_motion_vocabulary_and_text_targets_from_text(folder: Path) -> None:
    ours = model(folder)
    torch.nn.init.normal_(ours.layers.bias)
    v = ours.vocabulary
    rows = [message(v, "text-to-motion", [v.code(5), v.code(6)]), message(v, "motion-to-text", [40, 41, 42])]
    ids, targets = _padded(v, rows)
    found, expected = ours(ids, targets), _expected(ours, ids, targets)
    # Behind a text [TEXT_EOS] is still text, [REPLY_EOS] is not.
    assert (found[1].tolist(), found[3].tolist()) == ([4, 1], [0, 4])
    for one, other in zip(found[:4], expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_message_costs_in_a_batch_what_it_costs_alone(folder: Path) -> None:
    ours = model(folder)
    v = ours.vocabulary
    rows = [
        message(v, "prediction", [v.code(5), v.code(6), v.code(7)]),
        message(v, "motion-to-text", [40, 41, 42]),
        message(v, "unconditional", [v.code(9)]),
    ]
    together = ours(*_padded(v, rows))
    for b, row in enumerate(rows):
        alone = ours(*_padded(v, [row]))
        for one, other in zip(together, alone, strict=True):
            torch.testing.assert_close(one[b], other[0])


def test_a_step_of_training_moves_the_motion_layers_and_never_the_text_head(folder: Path) -> None:
    ours = model(folder).train()
    ours.text_head.requires_grad_(False)
    v = ours.vocabulary
    ids, targets = _padded(v, [message(v, "text-to-motion", [v.code(5), v.code(6)])])
    motion, count, text, none, *_ = ours(ids, targets)
    assert (int(count), int(none), float(text.detach())) == (4, 0, 0.0)
    (motion / count).sum().backward()
    for name, parameter in ours.layers.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    assert ours.text_head.grad is None


@torch.inference_mode()
def test_the_multi_token_head_is_measured_against_what_the_layers_say_one_and_two_codes_on(folder: Path) -> None:
    ours = model(folder)
    ours.further, ours.at_once = MultiTokenHead(ours.layers.special.shape[1], 16), 3
    torch.nn.init.normal_(ours.further.leave.weight, std=0.2)
    v = ours.vocabulary
    codes = [v.code(i) for i in (5, 6, 7, 8)]
    rows = [message(v, "text-to-motion", codes), message(v, "motion-to-text", [40, 41, 42])]
    ids, targets = _padded(v, rows)
    found = ours(ids, targets)
    begin = rows[0][1] - 1  # here the first code is told
    hidden, table = ours.states(ids)[0], ours.layers.embeddings()
    told = ours.code_scores(hidden).log_softmax(-1)
    sums, count = 0.0, 0
    for start in range(4):
        state = hidden[start + begin][None]
        for ahead in range(1, 3):
            if start + ahead > 4:  # [MOT_EOS] is the last thing to be told that follows a code
                break
            state = ours.further(state, table[codes[start + ahead - 1] - v.text][None])
            said = ours.code_scores(state).log_softmax(-1)[0]
            target = told[begin + start + ahead]
            sums += float((target.exp() * (target - said)).sum())
            count += 1
    assert found.furthers.tolist() == [count, 0]
    torch.testing.assert_close(found.further, torch.tensor([sums, 0.0]), atol=1e-3, rtol=1e-4)


def test_codes_that_differ_by_one_level_are_embedded_alike() -> None:
    torch.manual_seed(0)
    table = MotionVocabularyLayers((7, 5, 5, 5, 5), 64).embeddings()[len(SPECIAL) :]
    digits = backbone.code_digits((7, 5, 5, 5, 5))
    zero = (digits - digits[2000]).abs()
    near = (zero.sum(-1) == 1).nonzero()[:, 0]
    far = (zero > 0).all(-1).nonzero()[:, 0]
    apart = (table - table[2000]).norm(dim=-1)
    assert 5 <= len(near) <= 10
    assert apart[near].mean() < 0.7 * apart[far].mean()


def test_what_is_saved_of_the_layers_is_what_was_trained() -> None:
    layers = MotionVocabularyLayers(LEVELS, 32, hidden=16)
    assert set(layers.state_dict()) == {name for name, _ in layers.named_parameters()}


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match=r"holds no config\.json"):
        backbone.prepared(tmp_path)


def test_a_folder_of_transformers_is_taken_as_it_is(folder: Path) -> None:
    assert backbone.prepared(folder) == folder


def test_the_cache_lies_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOTUS_CACHE", str(tmp_path))
    assert backbone.cache_folder() == tmp_path
    monkeypatch.delenv("MOTUS_CACHE")
    assert backbone.cache_folder().name == "motus"
