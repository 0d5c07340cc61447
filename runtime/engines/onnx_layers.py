"""A language model's layers as an ONNX graph, run by onnxruntime on the CPU.

Keys and values lie in one array (2 layers, B, kv heads, C, head width), key before value, with room for C tokens; the
graph writes them in place. In whole numbers a sequence's outcome does not depend on who shares the batch, bit for bit
(tests/runtime/engines/test_layers.py). On x86 with AVX2 alone MatMulNBits multiplies 4-bit numbers by two rows at a
time, and by a row that is left over in another order of sums; there a batch always has an even number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadRequest
from runtime.engines.layers import F32, Outcome, Past
from runtime.engines.onnx import session, value

_SPARE: Final = 32 * 2**20
"""bytes of room that stay when everybody has left, at most"""
_ROOM: Final = 64
"""tokens by which room for keys and values grows, at least"""


@dataclass(frozen=True)
class Several:
    """What draws and reads several codes at once."""

    tokens: int
    graph: Path
    """language graph of a plan of so many tokens"""
    head: Path
    """graph of the multi-token head"""
    weights: Mapping[str, NDArray[Any]]
    """the head's"""


class OnnxLayers:
    """An onnxruntime session of a language graph, one of its text head, and two more where it draws several codes at
    once."""

    def __init__(
        self,
        graph: Path,
        weights: Mapping[str, NDArray[Any]],
        words: Path,
        words_weights: Mapping[str, NDArray[Any]],
        threads: int,
        several: Several | None = None,
    ) -> None:
        """Weights as `models.packing` makes them, for this graph. Raises BadBundle."""
        self._session = session(graph, threads, weights)
        self._words = session(words, threads, words_weights)
        self.tokens = 1 if several is None else several.tokens
        self._several = None if several is None else session(several.graph, threads, weights)
        self._further = None if several is None else session(several.head, threads, several.weights)
        self.longest = len(weights["cos"])
        """tokens of a sequence at most"""
        shapes: dict[str, list[Any]] = {port.name: port.shape for port in self._session.get_inputs()}
        self.width: int = shapes["embeds"][2]
        self.experts: int = shapes["experts"][1] if "experts" in shapes else 0
        self.kept = [name for name in shapes if name.startswith(("key.", "value."))]
        self.heads: int = shapes[self.kept[0]][1]
        self.head_width: int = shapes[self.kept[0]][3]
        self.codes: int = next(port.shape[1] for port in self._session.get_outputs() if port.name == "codes")
        whole = any(array.dtype == np.uint8 for array in weights.values())
        self._pairs = whole and not self._alike()

    def _alike(self) -> bool:
        """Whether this processor gives a sequence the same numbers, bit for bit, alone and beside another."""
        for seed in range(4):
            embeds = np.random.default_rng(seed).standard_normal(self.width)
            runs = [Run(self, self.memory(count, 1), 1) for count in (1, 2)]
            for run in runs:
                run.embeds[:], run.lengths[:] = embeds, 1
            one, two = (run().hidden for run in runs)
            if not np.array_equal(one[0], two[0]):
                return False
        return True

    def batch(self, sequences: int) -> int:
        """Rows that a batch has for so many sequences: as many, or an even number where rows are computed in pairs."""
        return sequences + sequences % 2 if self._pairs else sequences

    def read(self, embeds: F32, past: Past | None, experts: F32) -> tuple[Outcome, Past]:
        """A sequence's next tokens (N, W) at once, after `past`: the outcome (1, ...) and the past they make."""
        before = 0 if past is None else past.length
        memory = self.memory(1, before + len(embeds))
        if past is not None:
            memory[:, 0, :, :before] = past.values
        run = Run(self, memory, len(embeds))
        run.embeds[0] = embeds
        run.lengths[0] = before + len(embeds)
        run.experts[0] = experts
        outcome = run()
        values = memory[:, 0, :, : before + len(embeds)].copy()
        return outcome, Past(before + len(embeds), values, values.nbytes)

    def rows(self) -> OnnxRows:
        """No sequences yet."""
        return OnnxRows(self)

    def further(self, hidden: F32, embeds: F32) -> Outcome:
        """What the multi-token head makes of hidden states (B, W) and the codes' embeddings (B, W)."""
        assert self._further is not None, "one code a run"
        return Outcome(*self._further.run(["hidden", "codes"], {"state": hidden, "embeds": embeds}))

    def words(self, hidden: F32) -> F32:
        """Scores (B, text) of the text tokens, of hidden states (B, W)."""
        return np.asarray(self._words.run(None, {"hidden": hidden})[0])

    def memory(self, sequences: int, tokens: int) -> F32:
        """Room for keys and values (layers x 2, B, heads, tokens, width of a head). Raises BadRequest for more tokens
        than the graph has positions for."""
        if tokens > self.longest:
            raise BadRequest(
                f"the message has more than {self.longest} tokens, the most that this model reads; ask for a shorter "
                "motion, or give a shorter text or past"
            )
        room = min(-(-tokens // _ROOM) * _ROOM, self.longest)
        return np.zeros((len(self.kept), sequences, self.heads, room, self.head_width), np.float32)

    def session(self, several: bool) -> Any:
        """The session that reads one token of each sequence, or any number of one; or that which reads `tokens`."""
        return self._several if several else self._session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._session, self._words, self._several, self._further


class Run:
    """The graph bound to arrays that can be filled anew for each run of it."""

    def __init__(self, layers: OnnxLayers, memory: F32, tokens: int, several: bool = False) -> None:
        """Runs of so many tokens a sequence; several: on the graph that is made for them."""
        count = memory.shape[1]
        self.embeds = np.zeros((count, tokens, layers.width), np.float32)
        self.lengths = np.zeros(count, np.int32)
        """of each sequence, with the tokens of this run"""
        self.experts = np.ones((count, layers.experts), np.float32)
        self._session = layers.session(several)
        self._ends = np.zeros(count, np.int32)
        self._total = np.zeros(1, np.int32)
        self._hidden = np.zeros((count, layers.width), np.float32)
        self._codes = np.zeros((count, layers.codes), np.float32)
        self._binding = self._session.io_binding()
        inputs: dict[str, NDArray[Any]] = {"embeds": self.embeds, "lengths": self._ends, "total": self._total}
        if layers.experts:
            inputs["experts"] = self.experts
        self._held = [
            *(self._bind(name, array, "input") for name, array in inputs.items()),
            self._bind("hidden", self._hidden, "output"),
            self._bind("codes", self._codes, "output"),
        ]
        for place, name in enumerate(layers.kept):
            kept = self._bind(name, memory[place], "input")
            for after in (*range(1, tokens if several else 1), "out"):
                self._binding.bind_ortvalue_output(f"{name}.{after}", kept)
            self._held.append(kept)

    def __call__(self) -> Outcome:
        """Runs the graph."""
        np.subtract(self.lengths, 1, out=self._ends)
        self._total[0] = self.lengths.max()
        self._session.run_with_iobinding(self._binding)
        return Outcome(self._hidden.copy(), self._codes.copy())

    def _bind(self, name: str, array: NDArray[Any], side: str) -> Any:
        bound = value(array)
        getattr(self._binding, f"bind_ortvalue_{side}")(name, bound)
        return bound


class OnnxRows:
    """Sequences in one batch. A place that is left is taken by the next sequence that comes; when half of them are
    empty, the others move together; the room of all stays for as many others. A sequence that sits out a step is
    computed along, and overwritten by its next."""

    def __init__(self, layers: OnnxLayers) -> None:
        self._layers = layers
        self._count = 0
        self._places: dict[int, int] = {}  # number of a sequence -> its place
        self._lengths = np.zeros(0, np.int32)
        self._experts = np.zeros((0, layers.experts), np.float32)
        self._memory = layers.memory(0, 1)
        self._runs: dict[int, Run] = {}
        """by tokens that each sequence brings"""

    def add(self, pasts: Sequence[Past], experts: F32) -> list[int]:
        """More sequences, each with its mixing weights (B, E); their numbers."""
        if not self._places and len(self._lengths) != self._layers.batch(len(pasts)):
            self._move([], 1, 0)
        free = [place for place in range(len(self._lengths)) if place not in self._places.values()]
        known = len(self._lengths)
        more = self._layers.batch(known + max(0, len(pasts) - len(free))) - known
        longest = max(past.length for past in pasts) + 1
        if more or longest > self._memory.shape[3]:
            self._move(range(known), max(longest, self._memory.shape[3]), more)
        numbers = [self._count + i for i in range(len(pasts))]
        self._count += len(pasts)
        places = [*free, *range(known, known + more)]
        for number, past, weights, place in zip(numbers, pasts, experts, places, strict=False):
            self._places[number] = place
            self._lengths[place], self._experts[place] = past.length, weights
            self._memory[:, place, :, : past.length] = past.values
        for run in self._runs.values():
            run.experts[:] = self._experts
        return numbers

    def drop(self, numbers: Sequence[int]) -> None:
        """Sequences that have ended."""
        for number in numbers:
            self._lengths[self._places.pop(number)] = 0
        if not self._places:
            if self._memory.nbytes > _SPARE:
                self._move([], 1, 0)
        elif 2 * self._layers.batch(len(self._places)) <= len(self._lengths):
            kept = list(self._places.values())
            empty = self._layers.batch(len(kept)) - len(kept)
            self._move(kept, int(self._lengths[kept].max(initial=0)) + 1, empty)
            self._places = {number: place for place, number in enumerate(self._places)}

    def step(self, numbers: Sequence[int], embeds: F32) -> Outcome:
        """The next tokens (B, N, W) of the sequences of these numbers; the others stay as they are."""
        places = [self._places[number] for number in numbers]
        count = embeds.shape[1]
        longest = int(self._lengths.max()) + count
        if longest > self._memory.shape[3]:
            most = self._layers.longest
            self._move(range(len(self._lengths)), max(longest, min(longest + longest // 2, most)), 0)
        if count not in self._runs:
            self._runs[count] = Run(self._layers, self._memory, count, count > 1)
            self._runs[count].experts[:] = self._experts
        run = self._runs[count]
        run.embeds[places] = embeds
        np.add(self._lengths, count, out=run.lengths)
        outcome = run()
        self._lengths[places] += count
        return Outcome(outcome.hidden[places], outcome.codes[places])

    def _move(self, kept: Sequence[int], tokens: int, more: int) -> None:
        """New memory with the places that are kept, in this order, and `more` after them."""
        old, rows = self._memory, list(kept)
        memory = self._layers.memory(len(rows) + more, tokens)
        both = min(old.shape[3], memory.shape[3])
        memory[:, : len(rows), :, :both] = old[:, rows, :, :both]
        empty = np.zeros((more, self._layers.experts), np.float32)
        self._lengths = np.concatenate([self._lengths[rows], np.zeros(more, np.int32)])
        self._experts = np.concatenate([self._experts[rows], empty])
        self._memory = memory
        self._runs.clear()
