"""Sequences that grow in one batch: each gets what it gets alone, and nothing is computed before it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from models import checkpoint
from runtime.engines.layers import F32, Layers, Outcome, Past, Rows
from runtime.language.decoding import Decoder, Manner, Prompt
from runtime.language.sampling import Sampling
from tests.runtime.language_models import EXPERTS, MIXED, PLANS, Parts, make, mixed, onnx_layers, some

FREE = Sampling(temperature=1.0)
NONE = np.zeros(0, np.float32)


@dataclass
class Counted:
    """Layers that note what they were asked for."""

    layers: Layers
    reads: list[int] = field(default_factory=list[int])
    """tokens of each reading"""
    steps: list[int] = field(default_factory=list[int])
    """sequences in each step"""

    @property
    def tokens(self) -> int:
        return self.layers.tokens

    def further(self, hidden: F32, embeds: F32) -> Outcome:
        return self.layers.further(hidden, embeds)

    @property
    def width(self) -> int:
        return self.layers.width

    def read(self, embeds: F32, past: Past | None, experts: F32) -> tuple[Outcome, Past]:
        self.reads.append(len(embeds))
        return self.layers.read(embeds, past, experts)

    def rows(self) -> _CountedRows:
        return _CountedRows(self.layers.rows(), self.steps)

    def words(self, hidden: F32) -> F32:
        return self.layers.words(hidden)

    def __enter__(self) -> Counted:
        return self

    def __exit__(self, *exc: object) -> None:
        self.layers.__exit__(*exc)


@dataclass
class _CountedRows:
    rows: Rows
    steps: list[int]

    def add(self, pasts: Sequence[Past], experts: F32) -> list[int]:
        return self.rows.add(pasts, experts)

    def drop(self, numbers: Sequence[int]) -> None:
        self.rows.drop(numbers)

    def step(self, numbers: Sequence[int], embeds: F32) -> Outcome:
        self.steps.append(len(numbers))
        return self.rows.step(numbers, embeds)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return make(tmp_path_factory.mktemp("backbone"))


@pytest.fixture
def layers(parts: Parts, tmp_path: Path) -> Counted:
    return Counted(onnx_layers(parts, tmp_path, PLANS["language-int8.onnx"]))


@pytest.fixture
def decoder(parts: Parts, layers: Counted) -> Decoder:
    return Decoder(layers, lambda ids: checkpoint.dense(parts.source.table, np.asarray(ids, np.int64)))


def manner(guidance: float = 1.0, sampling: Sampling = FREE) -> Manner:
    """Any text token; indices are ids."""
    return Manner("words", sampling, guidance=guidance)


def written(decoder: Decoder, prompts: Sequence[Prompt], seed: int, count: int, how: Manner | None = None) -> list[int]:
    """One sequence from its beginning to its end."""
    with decoder.join(prompts, how or manner(), np.random.default_rng(seed), NONE) as reply:
        found: list[int] = []
        for _ in range(count):
            found.append(reply.next())
            reply.push(found[-1])
    return found


HELLO, BYE = Prompt((5, 9, 30, 31, 7), 3), Prompt((5, 9, 30, 90, 17, 4, 3), 3)


def test_replies_that_take_turns_get_what_each_gets_alone_in_shared_runs(decoder: Decoder, layers: Counted) -> None:
    asks = [((HELLO,), 1), ((BYE, HELLO), 2), ((BYE,), 3), ((HELLO,), 4)]
    alone = [written(decoder, prompts, seed, 12) for prompts, seed in asks]
    layers.steps.clear()
    replies = [decoder.join(prompts, manner(), np.random.default_rng(seed), NONE) for prompts, seed in asks]
    together: list[list[int]] = [[] for _ in asks]
    for _ in range(12):
        for reply, found in zip(replies, together, strict=True):
            found.append(reply.next())
            reply.push(found[-1])
    assert together == alone
    assert len(layers.steps) == 11, "eleven runs make the tokens after the first ones of all four"
    assert set(layers.steps) == {5}, "five rows: one reply has two prompts"


def test_one_that_runs_ahead_does_not_drag_the_others_along(decoder: Decoder, layers: Counted) -> None:
    alone = written(decoder, [HELLO], 1, 9)
    slow = decoder.join([BYE], manner(), np.random.default_rng(2), NONE)
    slow.push(slow.next())
    layers.steps.clear()
    assert written(decoder, [HELLO], 1, 9) == alone
    assert layers.steps == [2] + [1] * 7, "the slow one goes one token ahead, and waits there"


def test_nothing_is_computed_before_it_is_asked_for(decoder: Decoder, layers: Counted) -> None:
    reply = decoder.join([HELLO], manner(), np.random.default_rng(0), NONE)
    assert (layers.reads, layers.steps) == ([], [])
    reply.push(reply.next())
    assert (layers.reads, layers.steps) == ([3, 2], [])
    reply.push(reply.next())
    assert layers.steps == [1]
    reply.__exit__(None, None, None)
    written(decoder, [BYE], 0, 3)
    assert layers.steps == [1, 1, 1], "who has left takes part in nothing"


def test_what_prompts_share_is_read_once_and_whole_prompts_too(decoder: Decoder, layers: Counted) -> None:
    first = written(decoder, [HELLO], 0, 5)
    assert layers.reads == [3, 2]
    written(decoder, [BYE], 0, 5)
    assert layers.reads == [3, 2, 4]
    assert written(decoder, [HELLO], 0, 5) == first
    assert layers.reads == [3, 2, 4]


def test_what_was_read_long_ago_makes_room(decoder: Decoder, layers: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.language.decoding._KEPT", 20_000)
    prompts = [Prompt(tuple(range(i, i + 40)), 10) for i in range(4)]
    first = [written(decoder, [prompt], 0, 4) for prompt in prompts]
    assert written(decoder, [prompts[0]], 0, 4) == first[0]
    assert layers.reads == [10, 30] * 5


def test_replies_of_several_threads_get_what_each_gets_alone(decoder: Decoder) -> None:
    alone = [written(decoder, [BYE], seed, 15) for seed in range(4)]
    found: dict[int, list[int]] = {}
    threads = [
        threading.Thread(target=lambda seed=seed: found.update({seed: written(decoder, [BYE], seed, 15)}))
        for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[seed] for seed in range(4)] == alone


def test_what_the_form_forbids_is_not_drawn_and_a_penalty_ends_repetition(decoder: Decoder) -> None:
    even = np.where(np.arange(321) % 2, -np.inf, 0).astype(np.float32)
    how = Manner("words", FREE, lambda made: even if made % 2 else None)
    found = written(decoder, [HELLO], 3, 30, how)
    assert all(token % 2 == 0 for token in found[1::2])
    assert any(token % 2 for token in found[::2])
    greedy = Sampling(temperature=0)
    plain = written(decoder, [HELLO], 0, 40, manner(sampling=greedy))
    varied = written(decoder, [HELLO], 0, 40, manner(sampling=Sampling(temperature=0, repetition=5.0)))
    assert len(set(varied)) > len(set(plain))


def test_guidance_of_one_is_the_told_prompt_alone_and_of_zero_the_other(decoder: Decoder) -> None:
    greedy = Sampling(temperature=0)
    told, untold = (written(decoder, [prompt], 0, 10, manner(sampling=greedy)) for prompt in (HELLO, BYE))
    assert written(decoder, [HELLO, BYE], 0, 10, manner(1.0, greedy)) == told
    assert told != untold
    first = written(decoder, [HELLO, BYE], 0, 1, manner(0.0, greedy))
    assert first == untold[:1]


# Several codes a run


@pytest.fixture
def threefold(parts: Parts, tmp_path: Path) -> Counted:
    return Counted(onnx_layers(parts, tmp_path, PLANS["language-int8.onnx"], tokens=3))


def coder(parts: Parts, layers: Counted) -> Decoder:
    """Text ids, and after them the motion vocabulary's."""
    table, own = checkpoint.dense(parts.source.table, np.arange(320)), parts.layers.embeddings().numpy()
    return Decoder(layers, lambda ids: np.concatenate([table, own])[np.asarray(ids, np.int64)])


def codes(
    decoder: Decoder, prompts: Sequence[Prompt], seed: int, count: int, sampling: Sampling = FREE, guidance: float = 2.5
) -> list[int]:
    how = Manner("codes", sampling, guidance=guidance, offset=320)
    with decoder.join(prompts, how, np.random.default_rng(seed), NONE) as reply:
        found: list[int] = []
        for _ in range(count):
            found.append(reply.next())
            reply.push(320 + found[-1])
    return found


@pytest.mark.parametrize("prompts", [(HELLO,), (HELLO, BYE)], ids=["told", "guided"])
def test_of_three_codes_a_run_the_first_is_the_layers_and_the_others_the_heads(
    parts: Parts, threefold: Counted, prompts: tuple[Prompt, ...]
) -> None:
    decoder, greedy = coder(parts, threefold), Sampling(temperature=0)
    found = codes(decoder, prompts, 0, 9, greedy)
    assert threefold.steps == [len(prompts)] * 2, "the prompt brings three codes, and each step three more"
    table = np.concatenate([checkpoint.dense(parts.source.table, np.arange(320)), parts.layers.embeddings().numpy()])
    for start in (0, 3, 6):
        past = [320 + code for code in found[:start]]
        outcomes = [threefold.layers.read(table[[*prompt.ids, *past]], None, NONE)[0] for prompt in prompts]
        for code in found[start : start + 3]:
            told, untold = outcomes[0].codes[0], outcomes[-1].codes[0]
            assert code == (untold + 2.5 * (told - untold)).argmax()
            outcomes = [threefold.layers.further(one.hidden, table[[320 + code]]) for one in outcomes]


def test_three_codes_a_run_with_others_and_with_words_between_are_those_of_one_alone(
    parts: Parts, threefold: Counted
) -> None:
    decoder = coder(parts, threefold)
    alone = [codes(decoder, prompts, seed, 11) for prompts, seed in (((HELLO,), 1), ((BYE, HELLO), 2))]
    spoken = written(decoder, [BYE], 3, 11)
    motions = [
        decoder.join(prompts, Manner("codes", FREE, guidance=2.5, offset=320), np.random.default_rng(seed), NONE)
        for prompts, seed in (((HELLO,), 1), ((BYE, HELLO), 2))
    ]
    words = decoder.join([BYE], manner(), np.random.default_rng(3), NONE)
    together: list[list[int]] = [[], [], []]
    for _ in range(11):
        for reply, found, offset in zip([*motions, words], together, (320, 320, 0), strict=True):
            found.append(reply.next())
            reply.push(offset + found[-1])
    assert together == [*alone, spoken]


# Soft tokens and experts

SOFT = Prompt((5, 9, 30, 0, 0, 31, 7), 3, soft=some(2, seed=1), soft_at=3)


def test_soft_tokens_stand_for_the_ids_in_their_place(parts: Parts, decoder: Decoder, layers: Counted) -> None:
    greedy = Sampling(temperature=0)
    found = written(decoder, [SOFT], 0, 1, manner(sampling=greedy))
    embeds = checkpoint.dense(parts.source.table, np.array(SOFT.ids)).copy()
    embeds[3:5] = some(2, seed=1)
    begun = layers.layers.read(embeds[:3], None, NONE)[1]
    outcome, _ = layers.layers.read(embeds[3:], begun, NONE)
    assert found == [int(layers.words(outcome.hidden)[0].argmax())]


def test_prompts_that_differ_in_their_soft_tokens_alone_are_read_apart(decoder: Decoder, layers: Counted) -> None:
    first = written(decoder, [SOFT], 0, 12)
    other = Prompt(SOFT.ids, 3, soft=some(2, seed=2), soft_at=3)
    assert written(decoder, [other], 0, 12) != first
    assert layers.reads == [3, 4, 4], "what stands before them is shared"
    assert written(decoder, [SOFT], 0, 12) == first
    assert layers.reads == [3, 4, 4]


def test_prompts_that_differ_in_their_experts_alone_are_read_apart(parts: Parts, tmp_path: Path) -> None:
    layers = Counted(onnx_layers(mixed(parts), tmp_path, MIXED["language-int8.onnx"]))
    decoder = Decoder(layers, lambda ids: checkpoint.dense(parts.source.table, np.asarray(ids, np.int64)))
    even, one, other = (np.array(w, np.float32) for w in ([0.2] * 4, [0.9, 0, 0, 0], [0, 0, 0.9, 0]))
    assert len(even) == EXPERTS

    def said(cut: int, weights: F32) -> list[int]:
        prompt = Prompt(HELLO.ids, cut, weights, even)
        with decoder.join([prompt], manner(), np.random.default_rng(1), even) as reply:
            found: list[int] = []
            for _ in range(12):
                found.append(reply.next())
                reply.push(found[-1])
        return found

    for cut, reads in ((3, [3, 2, 2]), (0, [5, 5])):
        layers.reads.clear()
        first = said(cut, one)
        assert said(cut, other) != first
        assert said(cut, one) == first
        assert layers.reads == reads
