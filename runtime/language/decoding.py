"""Sequences that grow token by token in one batch.

A sequence joins with one prompt, or with two for guidance (with its condition and without), and leaves when it likes.
Nothing is computed before it is asked for; but when one sequence asks for its next token, every sequence whose last
token is known, and that takes as many a run, moves along in the same run, so that requests that take turns share each
run of the layers.

What stands at the beginning of prompts is read once: the part before their cut, and whole prompts, are kept until
newer ones need the room. Prompts are always read in these two pieces, so that what is kept changes no number.

Where the layers have a multi-token head, a run brings a sequence of codes several of them, and the next run reads these
at once. Sequences of words take one a run.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np

from runtime.engines.layers import F32, Layers, Outcome, Past, Rows
from runtime.language.sampling import Sampling, draw, guided, penalised

Embed = Callable[[Sequence[int]], F32]
"""token ids -> embeddings (N, width)"""
_NEVER: Final = -1e30  # a score that is not drawn, and from which another can be taken away
_SIZES: Final = 1000  # runs that are remembered until somebody asks
_KEPT: Final = 32 * 2**20
"""bytes of prompts that are kept"""


@dataclass(frozen=True)
class Prompt:
    """Token ids that a reply follows."""

    ids: tuple[int, ...]
    cut: int = 0
    """where what other prompts share ends"""
    experts: F32 | None = None
    """mixing weights (E,) with which it is read and goes on; None: the reply's"""
    shared: F32 | None = None
    """those with which it is read up to its cut; None: the reply's"""
    soft: F32 | None = None
    """embeddings (K, width) that stand for ids from `soft_at` on"""
    soft_at: int = 0


@dataclass(frozen=True)
class Manner:
    """How a sequence's tokens are chosen."""

    head: Literal["codes", "words"]
    """scores of special tokens and codes, or of text tokens and, after them, of `end`"""
    sampling: Sampling
    allowed: Callable[[int], F32 | None] = lambda _: None
    """tokens made so far -> what is added to the scores, -inf for what the message format forbids here"""
    guidance: float = 1.0
    end: int | None = None
    """special token that ends a text"""
    offset: int = 0
    """id of the first of the head's tokens"""


class Reply:
    """One sequence's place among the others, until it is closed."""

    def __init__(
        self,
        decoder: Decoder,
        prompts: Sequence[Prompt],
        manner: Manner,
        generator: np.random.Generator,
        experts: F32,
    ) -> None:
        self.prompts = prompts
        self.manner = manner
        self.generator = generator
        self.experts = experts
        self.rows: list[int] = []
        """its numbers among the rows of the layers"""
        self.said: list[int] = []
        """indices drawn so far"""
        self.tokens = decoder.layers.tokens if manner.head == "codes" else 1
        """that a run brings"""
        self.pending: list[int] = []
        """ids to be read next, once they are as many as a run brings"""
        self.ready: deque[int] = deque()
        """indices that were drawn and not yet asked for"""
        self._decoder = decoder

    def next(self) -> int:
        """The index of its next token among the scores of its head."""
        return self._decoder.next(self)

    def push(self, token: int) -> None:
        """The id of the token it goes on with: the last that `next` gave."""
        self.pending.append(token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._decoder.leave(self)


class Decoder:
    """A language model's layers shared by sequences. Several threads may use it, each sequence by one of them."""

    def __init__(self, layers: Layers, embed: Embed) -> None:
        self.layers = layers
        """what computes"""
        self._embed = embed
        self._rows: defaultdict[int, Rows] = defaultdict(layers.rows)
        """by tokens that a run brings: sequences of words and of codes go at their own pace"""
        self._here: list[Reply] = []
        self._lock = threading.Lock()
        self._sizes: list[int] = []
        self._kept: OrderedDict[tuple[bytes, bytes, bytes, tuple[int, ...]], tuple[Outcome, Past]] = OrderedDict()

    def join(self, prompts: Sequence[Prompt], manner: Manner, generator: np.random.Generator, experts: F32) -> Reply:
        """A new sequence, with the weights `experts` of its LoRA experts; its prompts are read when its first token is
        asked for."""
        return Reply(self, prompts, manner, generator, experts)

    def next(self, reply: Reply) -> int:
        """The index of a sequence's next token among the scores of its head."""
        if not reply.ready:  # what was drawn is its own thread's to take, while others are at the layers
            with self._lock:
                if not reply.rows:
                    self._begin(reply)
                elif not reply.ready:
                    self._advance(reply.tokens)
        assert reply.ready, "a token is asked for before the last one was pushed"
        return reply.ready.popleft()

    def take_sizes(self) -> list[int]:
        """How many sequences each run took a step further, since this was last asked."""
        with self._lock:
            sizes, self._sizes = self._sizes, []
            return sizes

    def leave(self, reply: Reply) -> None:
        """It has ended."""
        with self._lock:
            if reply in self._here:
                self._here.remove(reply)
                self._rows[reply.tokens].drop(reply.rows)

    def _begin(self, reply: Reply) -> None:
        found = [self._read(prompt, reply.experts) for prompt in reply.prompts]
        weights = np.stack([reply.experts if one.experts is None else one.experts for one in reply.prompts])
        reply.rows = self._rows[reply.tokens].add([past for _, past in found], weights)
        self._here.append(reply)
        outcome = Outcome(*(np.concatenate([getattr(one, name) for one, _ in found]) for name in ("hidden", "codes")))
        self._choose([reply], outcome)

    def _advance(self, tokens: int) -> None:
        """Takes those further of which a run brings so many tokens."""
        moving = [reply for reply in self._here if reply.tokens == tokens == len(reply.pending)]
        rows = [row for reply in moving for row in reply.rows]
        self._sizes = [*self._sizes[-_SIZES:], len(moving)]
        embeds = self._embed([token for reply in moving for _ in reply.rows for token in reply.pending])
        outcome = self._rows[tokens].step(rows, embeds.reshape(len(rows), tokens, -1))
        for reply in moving:
            reply.pending.clear()
        self._choose(moving, outcome)

    def _choose(self, replies: Sequence[Reply], outcome: Outcome) -> None:
        """Draws the next tokens, as many of each; the outcome's rows are theirs, one reply's after the other's."""
        self._draw(replies, outcome)
        for _ in range(1, replies[0].tokens):
            drawn = [reply.manner.offset + reply.said[-1] for reply in replies for _ in reply.rows]
            outcome = self.layers.further(outcome.hidden, self._embed(drawn))
            self._draw(replies, outcome)

    def _draw(self, replies: Sequence[Reply], outcome: Outcome) -> None:
        """Draws one token more of each."""
        groups: dict[tuple[str, Sampling], list[tuple[Reply, int]]] = defaultdict(list)
        at = 0
        for reply in replies:
            groups[reply.manner.head, reply.manner.sampling].append((reply, at))
            at += len(reply.rows)
        for (head, sampling), members in groups.items():
            told = [at for _, at in members]
            untold = [at + len(reply.rows) - 1 for reply, at in members]
            scores = outcome.codes if head == "codes" else self._words(outcome, members)
            mixed = guided(scores[told], scores[untold], [reply.manner.guidance for reply, _ in members])
            for row, (reply, _) in enumerate(members):
                mixed[row] = penalised(mixed[row], reply.said, sampling.repetition)
                allowed = reply.manner.allowed(len(reply.said))
                if allowed is not None:
                    mixed[row] += allowed
            tokens = draw(mixed, sampling, [reply.generator for reply, _ in members])
            for (reply, _), token in zip(members, tokens, strict=True):
                reply.ready.append(int(token))
                reply.said.append(int(token))

    def _words(self, outcome: Outcome, members: Sequence[tuple[Reply, int]]) -> F32:
        words = self.layers.words(outcome.hidden)
        ends = np.full((len(words), 1), _NEVER, np.float32)
        for reply, at in members:
            if reply.manner.end is not None:
                ends[at : at + len(reply.rows), 0] = outcome.codes[at : at + len(reply.rows), reply.manner.end]
        return np.concatenate([words, ends], axis=1)

    def _read(self, prompt: Prompt, experts: F32) -> tuple[Outcome, Past]:
        found: tuple[Outcome, Past] | None = None
        shared = experts if prompt.shared is None else prompt.shared
        own = experts if prompt.experts is None else prompt.experts
        for begin, end, weights in ((0, prompt.cut, shared), (prompt.cut, len(prompt.ids), own)):
            if begin == end:
                continue
            key = self._key(prompt, shared, own, end)
            if key not in self._kept:
                past = None if found is None else found[1]
                self._kept[key] = self.layers.read(self._embeds(prompt, begin, end), past, weights)
            self._kept.move_to_end(key)
            found = self._kept[key]
        assert found is not None, "a prompt holds a token or more"
        while sum(past.size for _, past in self._kept.values()) > _KEPT and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return found

    @staticmethod
    def _key(prompt: Prompt, shared: F32, own: F32, end: int) -> tuple[bytes, bytes, bytes, tuple[int, ...]]:
        """What the first `end` tokens' keys and values depend on: weights, soft tokens, and ids."""
        first = shared.tobytes() if prompt.cut else b""
        then = own.tobytes() if end > prompt.cut else b""
        soft = b"" if prompt.soft is None or end <= prompt.soft_at else prompt.soft.tobytes()
        return first, then, soft, prompt.ids[:end]

    def _embeds(self, prompt: Prompt, begin: int, end: int) -> F32:
        embeds = self._embed(prompt.ids[begin:end])
        if prompt.soft is not None and begin <= prompt.soft_at < end:
            embeds[prompt.soft_at - begin : prompt.soft_at - begin + len(prompt.soft)] = prompt.soft
        return embeds

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._here.clear()
        self._kept.clear()
        self._rows.clear()
        self.layers.__exit__(*exc)
