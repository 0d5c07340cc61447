"""The gate's weights and the soft tokens, where they stand in a message."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from models import tasks
from models.backbone import MotionLanguageModel, MotionVocabularyLayers, Told
from models.mixture import Mixture
from models.sentences.gate import EMBEDDING, Gate, SoftTokens
from models.vocabulary import Vocabulary
from tests.models.tiny import save_backbone


def model(folder: Path) -> MotionLanguageModel:
    torch.manual_seed(0)
    causal = AutoModelForCausalLM.from_pretrained(folder).eval()
    head = causal.lm_head.weight
    layers = MotionVocabularyLayers((7, 5, 5), head.shape[1], hidden=16)
    mixture, gate = Mixture(causal.model, 4, 2, 5.0), Gate(5)
    nn.init.normal_(gate.leave.weight, std=0.1)
    made = MotionLanguageModel(
        causal.model, head, Vocabulary(head.shape[0], layers.codes), layers, mixture=mixture, gate=gate
    )
    made.soft = SoftTokens((4, 2), (3, 1), head.shape[1])
    for table in (made.soft.concepts, made.soft.styles):
        nn.init.normal_(table)
    return made.eval()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> MotionLanguageModel:
    return model(save_backbone(tmp_path_factory.mktemp("backbone")))


def points(count: int) -> torch.Tensor:
    found = torch.randn(count, EMBEDDING, generator=torch.Generator().manual_seed(1))
    return found / found.norm(dim=-1, keepdim=True)


def test_a_fresh_gate_weighs_all_experts_alike_and_a_trained_ones_weights_sum_to_one(ours: MotionLanguageModel) -> None:
    torch.testing.assert_close(Gate(5)(points(3), points(3)).exp(), torch.full((3, 5), 0.2))
    assert ours.gate is not None
    found = ours.gate(points(3), points(3)).exp()
    torch.testing.assert_close(found.sum(-1), torch.ones(3))
    assert found.std() > 0.01


@torch.inference_mode()
def test_soft_tokens_stand_before_the_sentence_and_change_nothing_else(ours: MotionLanguageModel) -> None:
    v = ours.vocabulary
    given = [tasks.Conditions("waves", 2.0), tasks.Conditions(seconds=2.0)]
    rows = [
        tasks.prompt(tasks.find(name), one, v, lambda text: list(text.encode()), soft=3)
        for name, one in zip(("text-to-motion", "unconditional"), given, strict=True)
    ]
    assert rows[1].soft is None
    at = rows[0].soft
    assert at is not None
    assert rows[0].ids[at - 1] == v.special("TEXT_BOS")
    assert rows[0].ids[at : at + 3] == [v.special("PAD")] * 3
    assert bytes(rows[0].ids[at + 3 : at + 8]) == b"waves"
    width = max(len(one.ids) for one in rows)
    ids = torch.tensor([one.ids + [v.special("PAD")] * (width - len(one.ids)) for one in rows])
    plain = ours.embed(ids, ours.layers.embeddings())
    told = Told(points(2), points(2), torch.tensor([at, -1]))
    softened = ours.softened(plain, told)
    assert ours.soft is not None
    torch.testing.assert_close(softened[0, at : at + 3], ours.soft(points(2)[:1])[0])
    changed = (softened != plain).any(-1)
    assert changed.nonzero().tolist() == [[0, at], [0, at + 1], [0, at + 2]]


@torch.inference_mode()
def test_what_stands_before_the_conditions_is_read_with_all_experts_alike(ours: MotionLanguageModel) -> None:
    begin = ours.vocabulary.special("COND_BOS")
    ids = torch.tensor([[5, 6, begin, 7, 8], [5, begin, 7, 8, 9]])
    told = Told(points(2), points(2), torch.tensor([-1, -1]))
    found = ours.weights(ids, told)
    assert found is not None
    assert found.shape == (2, 5, 4)
    assert ours.gate is not None
    own = ours.gate(told.instruction, told.prompt).exp()[:, 1:]
    for row, cut in ((0, 3), (1, 2)):
        torch.testing.assert_close(found[row, :cut], torch.full((cut, 4), 0.2))
        torch.testing.assert_close(found[row, cut:], own[row].expand(5 - cut, -1))
    assert ours.weights(ids, None) is None, "who is told nothing has the backbone's own states"
    assert torch.equal(ours.states(ids), MotionLanguageModel.states(ours, ids, None))


def test_soft_tokens_come_back_from_their_weights(ours: MotionLanguageModel) -> None:
    assert ours.soft is not None
    again = SoftTokens.like(ours.soft.state_dict(), 3)
    assert (again.parts, again.tokens) == (((4, 2), (3, 1)), 3)
    assert torch.equal(again(points(2)), ours.soft(points(2)))
