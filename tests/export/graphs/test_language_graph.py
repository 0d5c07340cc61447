"""Language graphs compute what transformers and peft compute, in every precision, and mix adapters without merging."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from export.graphs import language_graph
from export.graphs.language_parity import reference
from models import checkpoint, packing
from models.checkpoint import Checkpoint
from models.packing import Adapter, Experts, Plan
from motion.errors import BadConfig
from tests.models.test_packing import RANK, adapter, experts
from tests.models.tiny import save_backbone

CODES = 40
ROOM = 32
RNG = np.random.default_rng(3)
PLANS = {
    "fp32": Plan("fp32", CODES, RANK),
    "fp32, two experts": Plan("fp32", CODES, RANK, experts=2),
    "int8": Plan("int8", CODES, RANK, block=32),
    "int8, an expert": Plan("int8", CODES, RANK, block=32, experts=1),
    "int4": Plan("int4", CODES, RANK, experts=1),
    "int4, two experts": Plan("int4", CODES, RANK, experts=2),
}
CLOSE = {"fp32": 1e-5, "int8": 0.04, "int4": 0.04}
"""relative error of scores"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return checkpoint.read(save_backbone(tmp_path_factory.mktemp("backbone")))


def published(source: Checkpoint, plan: Plan) -> Checkpoint:
    """The backbone as if it had been published in what the plan keeps: 4-bit blocks for int4."""
    if plan.precision != "int4":
        return source
    return replace(source, matrix=lambda layer, name: packing._fit4(checkpoint.dense(source.matrix(layer, name))))


HEAD = (RNG.standard_normal((CODES, 32)) / 6).astype(np.float32)
BIAS = RNG.standard_normal(CODES).astype(np.float32)


def give(options: Any, weights: packing.Arrays) -> None:
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    options.add_external_initializers(list(weights), values)


class Graph:
    """A graph with its weights, and keys and values of one sequence."""

    def __init__(self, source: Checkpoint, plan: Plan, adapters: list[Adapter] | Experts) -> None:
        model = language_graph.language(source.sizes, plan)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        weights = packing.pack(source, plan, adapters, HEAD, BIAS)
        give(options, weights)
        self.session: Any = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self.names = [port.name for port in self.session.get_inputs() if port.name[:4] in ("key.", "valu")]

    def scores(self, embeds: np.ndarray, runs: list[int], experts: list[float] | None = None) -> np.ndarray:
        """Scores (C,) of the last token of embeds (N, W), read in runs of these lengths."""
        kept: dict[str, Any] = {name: np.zeros((1, 2, ROOM, 16), np.float32) for name in self.names}
        length, codes = 0, np.zeros(0)
        for count in runs:
            part = embeds[length : length + count]
            length += count
            inputs = {"embeds": part[None], "lengths": np.array([length - 1], np.int32)}
            inputs["total"] = np.array([length], np.int32)
            if experts is not None:
                inputs["experts"] = np.array([experts], np.float32)
            codes, *values = self.session.run(["codes", *(f"{name}.out" for name in kept)], inputs | kept)
            kept = dict(zip(kept, values, strict=True))
        assert length == len(embeds)
        return codes[0]


def expected(source: Checkpoint, adapters: list[Adapter], embeds: np.ndarray) -> np.ndarray:
    trunk = reference(source, adapters, torch.float64)
    with torch.inference_mode():
        hidden = trunk(inputs_embeds=torch.from_numpy(embeds)[None].double(), use_cache=False).last_hidden_state
    return hidden[0, -1].numpy() @ HEAD.T + BIAS


def weighted(one: Adapter, by: float) -> Adapter:
    return Adapter(one.tensors, one.scale * by)


EMBEDS = (0.3 * RNG.standard_normal((11, 32))).astype(np.float32)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_scores_are_those_of_the_merged_model_however_the_message_is_cut(source: Checkpoint, plan: Plan) -> None:
    source = published(source, plan)
    loras = [adapter(source.sizes, seed) for seed in range(max(1, plan.experts))]
    graph = Graph(source, plan, loras)
    mixture = [0.8, -0.4][: plan.experts] or None
    ours = graph.scores(EMBEDS, [11], mixture)
    mixed = [weighted(one, by) for one, by in zip(loras, mixture or [1.0], strict=True)]
    theirs = expected(source, mixed, EMBEDS)
    close = CLOSE[plan.precision]
    assert np.linalg.norm(ours - theirs) <= close * np.linalg.norm(theirs)
    for runs in ([4, 7], [1] * 11, [10, 1], [3, 1, 1, 6]):
        again = graph.scores(EMBEDS, runs, mixture)
        assert np.linalg.norm(again - ours) <= 1e-5 * np.linalg.norm(ours)


@pytest.mark.parametrize("name", ["fp32, two experts", "int8, an expert", "int4"])
def test_mixing_weights_of_zero_leave_the_backbone_as_it_is(source: Checkpoint, name: str) -> None:
    plan = PLANS[name]
    source = published(source, plan)
    loras = [adapter(source.sizes, seed) for seed in range(plan.experts)]
    graph = Graph(source, plan, loras)
    untouched = expected(source, [], EMBEDS)
    ours = graph.scores(EMBEDS, [11], [0.0] * plan.experts)
    assert np.linalg.norm(ours - untouched) <= CLOSE[plan.precision] * np.linalg.norm(untouched)
    adapted = graph.scores(EMBEDS, [11], [1.0] * plan.experts)
    assert np.linalg.norm(adapted - untouched) > 0.3 * np.linalg.norm(untouched)


MIXTURES = {
    "fp32": Plan("fp32", CODES, RANK, experts=4, shared=True),
    "int8": Plan("int8", CODES, RANK, block=32, experts=4, shared=True),
    "int4": Plan("int4", CODES, RANK, experts=4, shared=True),
}


@pytest.mark.parametrize("plan", MIXTURES.values(), ids=MIXTURES)
def test_a_mixture_is_what_transformers_makes_of_the_matrices_it_stands_for(source: Checkpoint, plan: Plan) -> None:
    source = published(source, plan)
    mixture = experts(source.sizes, 4)
    graph = Graph(source, plan, mixture)
    close = 1e-5 if plan.precision == "fp32" else 0.06
    for weights in ([0.4, 0.1, 0.0, 0.3], [0.0, 0.9, 0.05, 0.0], [0.0] * 4):
        trunk = reference(source, mixture, torch.float64, np.array(weights, np.float32))
        with torch.inference_mode():
            states = trunk(inputs_embeds=torch.from_numpy(EMBEDS)[None].double(), use_cache=False).last_hidden_state
        theirs = states[0, -1].numpy() @ HEAD.T + BIAS
        for runs in ([11], [4, 1, 6]):
            ours = graph.scores(EMBEDS, runs, weights)
            assert np.linalg.norm(ours - theirs) <= close * np.linalg.norm(theirs)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_mixture_whose_weights_are_zero_is_the_graph_without_adapters_bit_for_bit(
    source: Checkpoint, precision: str
) -> None:
    plan = MIXTURES[precision]
    mixed = Graph(source, plan, experts(source.sizes, 4))
    plain = Graph(source, replace(plan, experts=0, shared=False), [])
    for runs in ([11], [4, 1, 6]):
        assert np.array_equal(mixed.scores(EMBEDS, runs, [0.0] * 4), plain.scores(EMBEDS, runs))


def test_graphs_hold_no_weights_and_are_small(source: Checkpoint, tmp_path: Path) -> None:
    language_graph.write(source.sizes, {f"{i}.onnx": plan for i, plan in enumerate(PLANS.values())}, tmp_path)
    assert len(list(tmp_path.iterdir())) == len(PLANS) + 1
    for path in tmp_path.iterdir():
        assert path.stat().st_size < 30_000
        kept = [one for one in onnx.load(path, load_external_data=False).graph.initializer if one.raw_data]
        assert sum(len(one.raw_data) for one in kept) < 2_000


def test_heads_that_the_operator_cannot_do_are_refused(source: Checkpoint) -> None:
    with pytest.raises(BadConfig, match="heads of 8 channels"):
        language_graph.language(replace(source.sizes, head_width=8), PLANS["fp32"])


def test_the_text_head_gives_the_scores_of_the_text_tokens(source: Checkpoint) -> None:
    model = language_graph.words(source.sizes)
    options = onnxruntime.SessionOptions()
    weights = packing.text_head(source)
    give(options, weights)
    session: Any = onnxruntime.InferenceSession(model.SerializeToString(), options)
    hidden = RNG.standard_normal((3, 32)).astype(np.float32)
    ours = session.run(None, {"hidden": hidden})[0]
    theirs = hidden @ checkpoint.dense(source.head).T
    assert ours.shape == theirs.shape
    assert np.linalg.norm(ours - theirs) < 0.02 * np.linalg.norm(theirs)
