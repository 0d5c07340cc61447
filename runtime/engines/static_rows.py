"""Sequences of the language model in room that stays where it is, so that a card runs each step from one recording.

On a card a step of a small model is a few hundred kernels, and starting them costs more than they do. Keys and values
lie in one array of fixed size, and every step has the same shapes, so that PyTorch records it once as a CUDA graph and
starts all of it at once from then on. Room doubles when it is full, and the step is recorded anew.

Shapes: B places for sequences, L tokens of room, W width, C special tokens and codes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from runtime.engines.layers import F32, Outcome, Past

_log = logging.getLogger(__name__)
_PLACES: Final = 4
_ROOM: Final = 512
"""tokens"""
_WARM: Final = 3
"""runs before the recording: libraries choose their kernels in them"""


class Memory:
    """Keys and values of all layers, written at each sequence's own place; what transformers takes for its cache."""

    is_compileable = True

    def __init__(self, like: Sequence[tuple[Tensor, Tensor]], places: int, room: int, ends: Tensor) -> None:
        """like: keys and values (1, heads, N, head width) of each layer, for sizes; ends (B,) int64: where to write."""
        self.pairs = [(_empty(keys, places, room), _empty(values, places, room)) for keys, values in like]
        self._ends = ends

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Keys and values (B, heads, 1, head width) of one token more -> those of all the room."""
        at = self._ends[:, None, None, None]
        for kept, more in zip(self.pairs[layer], (keys, values), strict=True):
            kept.scatter_(2, at.expand_as(more), more)
        return self.pairs[layer]

    def get_seq_length(self, _: int = 0) -> int:
        """As if it were empty: positions are always given."""
        return 0


class StaticRows:
    """See `Rows`. A sequence that sits out a step is computed along, and overwritten by its next."""

    def __init__(self, trunk: Any, head: Tensor, bias: Tensor) -> None:
        """trunk: embeddings -> hidden states (a transformers base model); head (C, W), bias (C,)."""
        self._trunk = trunk
        self._head = head
        self._bias = bias
        self._count = 0
        self._places: dict[int, int] = {}  # number of a sequence -> its place
        self._memory: Memory | None = None
        self._lengths = np.zeros(_PLACES, np.int64)
        self._room = _ROOM
        self._records = head.device.type == "cuda"
        self._recorded: Any = None
        self._shape()

    def add(self, pasts: Sequence[Past], experts: F32) -> list[int]:  # noqa: ARG002
        """See `Rows`."""
        while len(self._places) + len(pasts) > len(self._lengths):
            self._grow(2 * len(self._lengths), self._room)
        while max(past.length for past in pasts) >= self._room:
            self._grow(len(self._lengths), 2 * self._room)
        free = [place for place in range(len(self._lengths)) if place not in self._places.values()]
        numbers = [self._count + i for i in range(len(pasts))]
        self._count += len(pasts)
        with torch.inference_mode():
            for number, past, place in zip(numbers, pasts, free, strict=False):
                if self._memory is None:
                    self._memory = Memory(past.values, len(self._lengths), self._room, self._ends)
                for kept, own in zip(self._memory.pairs, past.values, strict=True):
                    for mine, theirs in zip(kept, own, strict=True):
                        mine[place, :, : past.length] = theirs[0]
                self._places[number], self._lengths[place] = place, past.length
        return numbers

    def drop(self, numbers: Sequence[int]) -> None:
        """See `Rows`."""
        for number in numbers:
            self._lengths[self._places.pop(number)] = 0

    def step(self, numbers: Sequence[int], embeds: F32) -> Outcome:
        """See `Rows`."""
        places = [self._places[number] for number in numbers]
        if self._lengths.max() >= self._room:
            self._grow(len(self._lengths), 2 * self._room)
        given = np.zeros((len(self._lengths), 1, embeds.shape[1]), np.float32)
        given[places, 0] = embeds
        with torch.inference_mode():
            self._embeds.copy_(_tensor(given))
            self._ends.copy_(_tensor(self._lengths))
            hidden, codes = self._run()
            outcome = Outcome(hidden[places].float().cpu().numpy(), codes[places].float().cpu().numpy())
        self._lengths[places] += 1
        return outcome

    def _run(self) -> tuple[Tensor, Tensor]:
        if self._recorded is None and self._records:
            try:
                self._record()
            except RuntimeError as error:
                self._records, self._recorded = False, None
                _log.warning("steps of the language model cannot be recorded and are slower for it: %s", error)
        if self._recorded is None:
            return self._compute()
        self._recorded.replay()
        return self._result

    def _compute(self) -> tuple[Tensor, Tensor]:
        """Hidden states (B, W) and scores (B, C) of the token at `ends`."""
        seen = torch.arange(self._room, device=self._ends.device) <= self._ends[:, None]
        never = torch.finfo(self._embeds.dtype).min
        mask = torch.zeros_like(seen, dtype=self._embeds.dtype).masked_fill_(~seen, never)[:, None, None]
        found = self._trunk(
            inputs_embeds=self._embeds, attention_mask=mask, position_ids=self._ends[:, None],
            past_key_values=self._memory, use_cache=True,
        )  # fmt: skip
        hidden = found.last_hidden_state[:, -1]
        return hidden, torch.nn.functional.linear(hidden, self._head).float() + self._bias

    def _record(self) -> None:
        """One step as a CUDA graph (https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs)."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM):
                self._compute()
        torch.cuda.current_stream().wait_stream(aside)
        self._recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._recorded):
            self._result = self._compute()

    def _grow(self, places: int, room: int) -> None:
        old, count, tokens = self._memory, len(self._lengths), self._room
        self._lengths = np.concatenate([self._lengths, np.zeros(places - count, np.int64)])
        self._room = room
        self._shape()
        if old is None:
            return
        with torch.inference_mode():
            self._memory = Memory(old.pairs, places, room, self._ends)
            for mine, theirs in zip(self._memory.pairs, old.pairs, strict=True):
                for new, kept in zip(mine, theirs, strict=True):
                    new[:count, :, :tokens] = kept

    def _shape(self) -> None:
        """What a step reads, of the present size; what was recorded read other arrays."""
        with torch.inference_mode():
            self._embeds = torch.zeros(
                len(self._lengths), 1, self._head.shape[1], dtype=self._head.dtype, device=self._head.device
            )
            self._ends = torch.zeros(len(self._lengths), dtype=torch.int64, device=self._head.device)
        self._recorded = None


def _empty(like: Tensor, places: int, room: int) -> Tensor:
    return torch.zeros(places, like.shape[1], room, like.shape[3], dtype=like.dtype, device=like.device)


def _tensor(array: np.ndarray[Any, Any]) -> Tensor:
    return torch.from_numpy(array)  # pyright: ignore[reportUnknownMemberType] (its stub names no type)
