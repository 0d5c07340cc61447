"""Layers of a language model: however sequences come, go, wait and share a batch, each gets what it gets alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from motion.errors import BadBundle, BadRequest
from runtime.engines import static_rows
from runtime.engines.layers import F32, Layers, Past
from runtime.engines.onnx import session
from runtime.engines.onnx_layers import OnnxLayers
from runtime.engines.torch import Causal, Several
from tests.runtime.language_models import EXPERTS, MIXED, PLANS, Parts, make, mixed, onnx_layers, some

ONE = np.ones(1, np.float32)
EXACT = {"int8", "int4"}
"""precisions in which numbers do not depend on who else is in the batch"""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return make(tmp_path_factory.mktemp("backbone"))


def in_torch(parts: Parts, static: bool = False) -> Layers:
    causal = Causal.load(parts.folder, 1, exact=True)
    several = Several(3, parts.further)
    return causal.layers(parts.adapter.tensors, parts.adapter.scale, *parts.head, static, several)


@pytest.fixture(scope="module", params=["fp32", "int8", "int4", "int4 in pairs", "torch", "static"])
def layers(parts: Parts, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Layers:
    if request.param in ("torch", "static"):
        return in_torch(parts, request.param == "static")
    precision, _, pairs = request.param.partition(" in ")
    with pytest.MonkeyPatch.context() as patch:
        if pairs:  # what a processor with AVX2 alone makes necessary
            patch.setattr(OnnxLayers, "_alike", lambda _: False)
        plan = PLANS[f"language-{precision}.onnx"]
        made = onnx_layers(parts, tmp_path_factory.mktemp("graphs"), plan, tokens=3)
    assert not pairs or [made.batch(count) for count in range(5)] == [0, 2, 2, 4, 4]
    return made


def alone(layers: Layers, embeds: F32, begin: int) -> F32:
    """Scores after each token from `begin` on, one sequence read and stepped by itself."""
    outcome, past = layers.read(embeds[:begin], None, _ones(layers))
    rows = layers.rows()
    numbers = rows.add([past], _ones(layers)[None])
    found = [outcome.codes[0]]
    found += [rows.step(numbers, token[None, None]).codes[0] for token in embeds[begin:]]
    return np.array(found)


def _ones(layers: Layers) -> F32:
    return ONE[: getattr(layers, "experts", 0)]


def read(layers: Layers, embeds: F32) -> Past:
    return layers.read(embeds, None, _ones(layers))[1]


def test_reading_in_pieces_is_reading_at_once(layers: Layers) -> None:
    embeds = some(9)
    whole, past = layers.read(embeds, None, _ones(layers))
    begun = read(layers, embeds[:4])
    pieces, again = layers.read(embeds[4:], begun, _ones(layers))
    np.testing.assert_allclose(pieces.codes, whole.codes, atol=1e-5)
    assert (past.length, again.length, begun.length) == (9, 9, 4)
    twice, _ = layers.read(embeds[4:], begun, _ones(layers))
    assert np.array_equal(twice.codes, pieces.codes), "a past is not written to"


def test_steps_go_on_from_where_reading_ended(layers: Layers) -> None:
    embeds = some(12)
    scores = alone(layers, embeds, 5)
    for length in (6, 9, 12):
        whole, _ = layers.read(embeds[:length], None, _ones(layers))
        np.testing.assert_allclose(scores[length - 5], whole.codes[0], atol=1e-5)


def test_sequences_of_any_length_share_a_batch_come_wait_and_go(layers: Layers) -> None:
    """Five sequences of 3 to 11 tokens that join at different times; some sit out steps, some leave early."""
    rng = np.random.default_rng(1)
    texts = {i: some(30, seed=i) for i in range(5)}
    begins = {i: 3 + 2 * i for i in range(5)}
    expected = {i: alone(layers, texts[i], begins[i]) for i in texts}
    rows = layers.rows()
    joins, leaves = {0: [0, 1], 2: [2], 5: [3, 4]}, {4: [1], 9: [0, 3]}
    numbers: dict[int, int] = {}
    steps = dict.fromkeys(texts, 0)
    for time in range(14):
        for i in leaves.get(time, []):
            rows.drop([numbers.pop(i)])
        fresh = joins.get(time, [])
        pasts = [read(layers, texts[i][: begins[i]]) for i in fresh]
        if fresh:
            numbers |= dict(zip(fresh, rows.add(pasts, np.tile(_ones(layers), (len(pasts), 1))), strict=True))
        moving = [i for i in numbers if rng.random() < 0.7] or list(numbers)
        rng.shuffle(moving)
        embeds = np.array([[texts[i][begins[i] + steps[i]]] for i in moving])
        outcome = rows.step([numbers[i] for i in moving], embeds)
        for place, i in enumerate(moving):
            steps[i] += 1
            np.testing.assert_allclose(outcome.codes[place], expected[i][steps[i]], atol=1e-5)
    assert min(steps[i] for i in (2, 4)) > 4


def test_three_tokens_in_a_step_give_what_they_give_one_by_one(layers: Layers) -> None:
    """Sequences of different lengths, one of which takes single tokens between, and one of which comes later."""
    texts = {i: some(60, seed=i) for i in range(3)}
    begins = {0: 4, 1: 9, 2: 5}
    expected = {i: alone(layers, texts[i], begins[i]) for i in texts}
    rows = layers.rows()
    numbers: dict[int, int] = {}
    steps = dict.fromkeys(texts, 0)

    def go(moving: list[int], count: int) -> None:
        starts = [begins[i] + steps[i] for i in moving]
        embeds = np.array([texts[i][at : at + count] for i, at in zip(moving, starts, strict=True)])
        outcome = rows.step([numbers[i] for i in moving], embeds)
        for place, i in enumerate(moving):
            steps[i] += count
            np.testing.assert_allclose(outcome.codes[place], expected[i][steps[i]], atol=5e-5)

    for i in (0, 1):
        numbers |= dict(zip([i], rows.add([read(layers, texts[i][: begins[i]])], _ones(layers)[None]), strict=True))
    for time in range(16):
        if time == 3:
            numbers[2] = rows.add([read(layers, texts[2][: begins[2]])], _ones(layers)[None])[0]
        go([1, 0] if time % 4 else [0], 3)
        if time > 3:
            go([2], 1)


def test_the_multi_token_head_is_the_same_in_every_engine(parts: Parts, layers: Layers) -> None:
    state, embeds = some(4, seed=1), some(4, seed=2)
    found = layers.further(state, embeds)
    expected = parts.further(torch.from_numpy(state), torch.from_numpy(embeds)).numpy()
    weight, bias = parts.head
    for ours, theirs in ((found.hidden, expected), (found.codes, expected @ weight.T + bias)):
        assert np.linalg.norm(ours - theirs) < 0.02 * np.linalg.norm(theirs)
    assert np.linalg.norm(expected - state) > 0.3 * np.linalg.norm(state)


def test_memory_grows_with_a_sequence(layers: Layers) -> None:
    embeds = some(200)
    scores = alone(layers, embeds, 3)
    whole, _ = layers.read(embeds, None, _ones(layers))
    np.testing.assert_allclose(scores[-1], whole.codes[0], atol=5e-5)


def test_room_that_stays_where_it_is_doubles_when_it_is_full(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_rows, "_PLACES", 1)
    monkeypatch.setattr(static_rows, "_ROOM", 8)
    embeds = some(30)
    expected = alone(in_torch(parts), embeds, 5)
    layers = in_torch(parts, static=True)
    rows = layers.rows()
    first = rows.add([read(layers, embeds[:5])], _ones(layers)[None])
    later: list[int] = []
    for at in range(5, 30):
        if at == 12:
            pasts = [read(layers, embeds[:12]), read(layers, embeds[:9])]
            later = rows.add(pasts, np.tile(_ones(layers), (2, 1)))
        numbers = [*first, *later[:1]]
        codes = rows.step(numbers, np.repeat(embeds[at][None, None], len(numbers), axis=0)).codes
        for one in codes:
            np.testing.assert_allclose(one, expected[at - 4], atol=5e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card")
def test_a_recorded_step_gives_what_a_step_gives(parts: Parts) -> None:
    causal = Causal.load(parts.folder, 1, exact=True, device="cuda")
    embeds = some(40)
    plain, recorded = (
        alone(causal.layers(parts.adapter.tensors, parts.adapter.scale, *parts.head, static), embeds, 5)
        for static in (False, True)
    )
    np.testing.assert_allclose(recorded, plain, atol=1e-4)


@pytest.mark.parametrize("precision", sorted(EXACT))
def test_in_whole_numbers_the_others_in_the_batch_change_not_one_bit(
    parts: Parts, tmp_path: Path, precision: str
) -> None:
    layers = onnx_layers(parts, tmp_path, PLANS[f"language-{precision}.onnx"])
    embeds = some(40)
    expected = alone(layers, embeds, 6)
    for others in (1, 2, 6):
        rows = layers.rows()
        pasts = [read(layers, embeds[:6]), *(read(layers, some(4 + i, seed=9 + i)) for i in range(others))]
        numbers = rows.add(pasts, np.tile(_ones(layers), (len(pasts), 1)))
        for step in range(10):
            fresh = np.concatenate([embeds[6 + step][None], some(others, seed=step)])
            assert np.array_equal(rows.step(numbers, fresh[:, None]).codes[0], expected[step + 1])


@pytest.mark.parametrize(("precision", "close"), [("fp32", 2e-5), ("int8", 0.05)])
def test_graphs_agree_with_transformers(parts: Parts, tmp_path: Path, precision: str, close: float) -> None:
    ours = alone(onnx_layers(parts, tmp_path, PLANS[f"language-{precision}.onnx"]), some(20), 5)
    theirs = alone(in_torch(parts), some(20), 5)
    assert np.linalg.norm(ours - theirs) < close * np.linalg.norm(theirs)


def test_each_sequence_has_its_own_mixing_weights(parts: Parts, tmp_path: Path) -> None:
    layers = onnx_layers(parts, tmp_path, PLANS["language-int4.onnx"])
    embeds = some(8)
    zero = np.zeros(1, np.float32)
    adapted, plain = (layers.read(embeds[:5], None, experts)[1] for experts in (ONE, zero))
    rows = layers.rows()
    numbers = rows.add([adapted, plain], np.stack([ONE, zero]))
    both = rows.step(numbers, np.stack([embeds[5:6], embeds[5:6]])).codes
    for row, experts in enumerate((ONE, zero)):
        whole, _ = layers.read(embeds[:6], None, experts)
        np.testing.assert_allclose(both[row], whole.codes[0], atol=1e-5)
    assert np.abs(both[0] - both[1]).max() > 0.1


WEIGHTS = np.array([[0.6, 0.1, 0, 0.2], [0, 0, 0, 0], [0.05, 0, 0.9, 0], [0.2, 0.2, 0.2, 0.2]], np.float32)
"""of the experts, a row each"""


def _mixed_in_torch(parts: Parts, static: bool) -> Layers:
    causal = Causal.load(parts.folder, 1, exact=True)
    return causal.layers(parts.adapter.tensors, parts.adapter.scale, *parts.head, static, experts=EXPERTS)


def _weighed(layers: Layers, embeds: F32, weights: F32) -> list[F32]:
    """Scores after each token from the fifth on, of one sequence alone."""
    outcome, past = layers.read(embeds[:5], None, weights)
    rows = layers.rows()
    numbers = rows.add([past], weights[None])
    return [outcome.codes[0], *(rows.step(numbers, token[None, None]).codes[0] for token in embeds[5:])]


@pytest.mark.parametrize("how", ["fp32", "int8", "int4", "torch", "static"])
def test_sequences_with_different_experts_in_one_batch_get_what_each_gets_alone(
    parts: Parts, tmp_path: Path, how: str
) -> None:
    """Bit for bit in whole numbers; and the second, whose experts weigh nothing, is the backbone."""
    own = mixed(parts)
    layers: Layers
    if how in ("torch", "static"):
        layers = _mixed_in_torch(own, how == "static")
    else:
        layers = onnx_layers(own, tmp_path, MIXED[f"language-{how}.onnx"])
    texts = [some(11, seed=seed) for seed in range(4)]
    expected = [_weighed(layers, text, weights) for text, weights in zip(texts, WEIGHTS, strict=True)]
    rows = layers.rows()
    pasts = [layers.read(text[:5], None, weights)[1] for text, weights in zip(texts, WEIGHTS, strict=True)]
    numbers = [*rows.add(pasts[:3], WEIGHTS[:3]), *rows.add(pasts[3:], WEIGHTS[3:])]
    for step in range(6):
        found = rows.step(numbers, np.array([text[5 + step][None] for text in texts])).codes
        for row in range(4):
            if how in EXACT:
                assert np.array_equal(found[row], expected[row][step + 1])
            else:
                np.testing.assert_allclose(found[row], expected[row][step + 1], atol=2e-5)
    other = _weighed(layers, texts[0], WEIGHTS[2])
    assert np.abs(other[-1] - expected[0][-1]).max() > 0.1


@pytest.mark.parametrize(("precision", "close"), [("fp32", 2e-5), ("int8", 0.05)])
def test_a_mixtures_graphs_agree_with_transformers(parts: Parts, tmp_path: Path, precision: str, close: float) -> None:
    own = mixed(parts)
    layers = onnx_layers(own, tmp_path, MIXED[f"language-{precision}.onnx"])
    theirs = _mixed_in_torch(own, False)
    for weights in WEIGHTS:
        one, other = (np.array(_weighed(engine, some(12), weights)) for engine in (layers, theirs))
        assert np.linalg.norm(one - other) < close * np.linalg.norm(other)


def test_a_message_longer_than_the_model_reads_is_refused(parts: Parts, tmp_path: Path) -> None:
    layers = onnx_layers(parts, tmp_path)
    with pytest.raises(BadRequest, match="more than 4096 tokens"):
        layers.read(some(4097), None, ONE[:0])
    assert layers.read(some(3), None, ONE[:0])[1].length == 3, "and the next one is read"


def test_a_graph_that_is_none_and_weights_that_do_not_fit_are_one_sentence(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no graph at all")
    with pytest.raises(BadBundle, match=r"cannot load .*x\.onnx"):
        session(tmp_path / "x.onnx", 1)
    onnx_layers(parts, tmp_path)
    with pytest.raises(BadBundle, match=r"cannot load .*words\.onnx"):
        session(tmp_path / "words.onnx", 1, {"words.scale": some(3)})
