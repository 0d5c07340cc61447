"""A language model's layers as an ONNX graph, run by onnxruntime on the CPU.

Keys and values lie in one array (2 layers, B, kv heads, C, head width), key before value, with room for C tokens; the
graph writes them in place. On x86 with AVX-512 a sequence's outcome does not depend on who shares the batch or on how
its tokens were cut into runs, bit for bit (tests/runtime/engines/test_onnx_layers.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadRequest
from runtime.engines.layers import F32, Outcome, Past
from runtime.engines.onnx import session, value

_ROOM: Final = 64
"""tokens by which room for keys and values grows, at least"""


class OnnxLayers:
    """An onnxruntime session of a language graph and one of its text head."""

    def __init__(
        self,
        graph: Path,
        weights: Mapping[str, NDArray[Any]],
        words: Path,
        words_weights: Mapping[str, NDArray[Any]],
        threads: int,
    ) -> None:
        """Weights as `models.packing` makes them, for this graph. Raises BadBundle."""
        self._session = session(graph, threads, weights)
        self._words = session(words, threads, words_weights)
        self.longest = len(weights["cos"])
        """tokens of a sequence at most"""
        shapes: dict[str, list[Any]] = {port.name: port.shape for port in self._session.get_inputs()}
        self.width: int = shapes["embeds"][2]
        self.experts: int = shapes["experts"][1] if "experts" in shapes else 0
        self.kept = [name for name in shapes if name.startswith(("key.", "value."))]
        self.heads: int = shapes[self.kept[0]][1]
        self.head_width: int = shapes[self.kept[0]][3]
        self.codes: int = next(port.shape[1] for port in self._session.get_outputs() if port.name == "codes")

    def read(self, embeds: F32, past: Past | None, experts: F32) -> tuple[Outcome, Past]:
        """See `Layers`."""
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
        """See `Layers`."""
        return OnnxRows(self)

    def words(self, hidden: F32) -> F32:
        """See `Layers`."""
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

    def binding(self) -> Any:
        """An IO binding of the session."""
        return self._session.io_binding()

    def start(self, binding: Any) -> None:
        """Runs the graph on what is bound."""
        self._session.run_with_iobinding(binding)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._session, self._words


class Run:
    """The graph bound to arrays that can be filled anew for each run of it."""

    def __init__(self, layers: OnnxLayers, memory: F32, tokens: int) -> None:
        count = memory.shape[1]
        self.embeds = np.zeros((count, tokens, layers.width), np.float32)
        self.lengths = np.zeros(count, np.int32)
        """of each sequence, with the tokens of this run"""
        self.experts = np.ones((count, layers.experts), np.float32)
        self._layers = layers
        self._ends = np.zeros(count, np.int32)
        self._total = np.zeros(1, np.int32)
        self._hidden = np.zeros((count, layers.width), np.float32)
        self._codes = np.zeros((count, layers.codes), np.float32)
        self._binding = layers.binding()
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
            self._binding.bind_ortvalue_output(f"{name}.out", kept)
            self._held.append(kept)

    def __call__(self) -> Outcome:
        """Runs the graph."""
        np.subtract(self.lengths, 1, out=self._ends)
        self._total[0] = self.lengths.max()
        self._layers.start(self._binding)
        return Outcome(self._hidden.copy(), self._codes.copy())

    def _bind(self, name: str, array: NDArray[Any], side: str) -> Any:
        bound = value(array)
        getattr(self._binding, f"bind_ortvalue_{side}")(name, bound)
        return bound


class OnnxRows:
    """Sequences in one batch. A place that is left is taken by the next sequence that comes; when half of them are
    empty, the others move together. A sequence that sits out a step is computed along, and overwritten by its next."""

    def __init__(self, layers: OnnxLayers) -> None:
        self._layers = layers
        self._count = 0
        self._places: dict[int, int] = {}  # number of a sequence -> its place
        self._lengths = np.zeros(0, np.int32)
        self._experts = np.zeros((0, layers.experts), np.float32)
        self._memory = layers.memory(0, 1)
        self._run: Run | None = None

    def add(self, pasts: Sequence[Past], experts: F32) -> list[int]:
        """See `Rows`."""
        free = [place for place in range(len(self._lengths)) if place not in self._places.values()]
        known = len(self._lengths)
        more = max(0, len(pasts) - len(free))
        longest = max(past.length for past in pasts) + 1
        if more or longest > self._memory.shape[3]:
            self._move(range(known), max(longest, self._memory.shape[3]), more)
        numbers = [self._count + i for i in range(len(pasts))]
        self._count += len(pasts)
        for number, past, place in zip(numbers, pasts, [*free, *range(known, known + more)], strict=False):
            self._places[number] = place
            self._lengths[place], self._experts[place] = past.length, experts
            self._memory[:, place, :, : past.length] = past.values
        self._run = None
        return numbers

    def drop(self, numbers: Sequence[int]) -> None:
        """See `Rows`."""
        for number in numbers:
            self._lengths[self._places.pop(number)] = 0
        if 2 * len(self._places) <= len(self._lengths):
            kept = list(self._places.values())
            self._move(kept, int(self._lengths[kept].max(initial=0)) + 1, 0)
            self._places = {number: place for place, number in enumerate(self._places)}

    def step(self, numbers: Sequence[int], embeds: F32) -> Outcome:
        """See `Rows`."""
        places = [self._places[number] for number in numbers]
        longest = int(self._lengths.max()) + 1
        if longest > self._memory.shape[3]:
            most = self._layers.longest
            self._move(range(len(self._lengths)), max(longest, min(longest + longest // 2, most)), 0)
        if self._run is None:
            self._run = Run(self._layers, self._memory, 1)
            self._run.experts[:] = self._experts
        self._run.embeds[places, 0] = embeds
        np.add(self._lengths, 1, out=self._run.lengths)
        outcome = self._run()
        self._lengths[places] += 1
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
        self._memory, self._run = memory, None
