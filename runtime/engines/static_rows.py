"""Sequences of the language model in room that stays where it is, so that a card runs each step from one recording.

On a card a step of a small model is a few hundred kernels, and starting them costs more than they do. Keys and values
lie in one array of fixed size, and every step of so many tokens has the same shapes, so that PyTorch records it once as
a CUDA graph and starts all of it at once from then on. Room doubles when it is full, and steps are recorded anew.

Shapes: B places for sequences, N tokens of each in a step, L tokens of room, W width, C special tokens and codes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
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
        """Keys and values (B, heads, N, head width) of the next tokens -> those of all the room."""
        at = (self._ends[:, None] + torch.arange(keys.shape[2], device=keys.device))[:, None, :, None]
        for kept, more in zip(self.pairs[layer], (keys, values), strict=True):
            kept.scatter_(2, at.expand_as(more), more)
        return self.pairs[layer]

    def get_seq_length(self, _: int = 0) -> int:
        """As if it were empty: positions are always given."""
        return 0


@dataclass
class _Step:
    """A step of so many tokens."""

    embeds: Tensor
    """(B, N, W), written before each run"""
    recorded: Any = None
    result: tuple[Tensor, Tensor] | None = None
    """hidden states and scores, where the recording leaves them"""


class StaticRows:
    """Sequences that take one more token at a time, together. One that sits out a step is computed along,
    and overwritten by its next."""

    def __init__(self, trunk: Any, head: Tensor, bias: Tensor, experts: int = 0) -> None:
        """trunk: embeddings -> hidden states (a transformers base model), with experts given `weights` (B, 1, E) as
        well; head (C, W), bias (C,)."""
        self._trunk = trunk
        self._mixed = experts
        self._head = head
        self._bias = bias
        self._count = 0
        self._places: dict[int, int] = {}  # number of a sequence -> its place
        self._memory: Memory | None = None
        self._lengths = np.zeros(_PLACES, np.int64)
        self._room = _ROOM
        self._records = head.device.type == "cuda"
        self._steps: dict[int, _Step] = {}
        """by tokens that each sequence brings"""
        self._weights: Tensor | None = None
        self._shape()

    def add(self, pasts: Sequence[Past], experts: F32) -> list[int]:
        """More sequences, each with its mixing weights (B, E); their numbers."""
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
            if self._mixed and self._weights is not None:
                for number, own in zip(numbers, experts, strict=True):
                    self._weights[self._places[number], 0] = _tensor(own).to(self._weights.device)
        return numbers

    def drop(self, numbers: Sequence[int]) -> None:
        """Sequences that have ended."""
        for number in numbers:
            self._lengths[self._places.pop(number)] = 0

    def step(self, numbers: Sequence[int], embeds: F32) -> Outcome:
        """The next tokens (B, N, W) of the sequences of these numbers; the others stay as they are."""
        places, count = [self._places[number] for number in numbers], embeds.shape[1]
        while self._lengths.max() + count > self._room:
            self._grow(len(self._lengths), 2 * self._room)
        given = np.zeros((len(self._lengths), *embeds.shape[1:]), np.float32)
        given[places] = embeds
        with torch.inference_mode():
            if count not in self._steps:
                own = torch.zeros(given.shape, dtype=self._head.dtype, device=self._head.device)
                self._steps[count] = _Step(own)
            self._steps[count].embeds.copy_(_tensor(given))
            self._ends.copy_(_tensor(self._lengths))
            hidden, codes = self._run(self._steps[count])
            outcome = Outcome(hidden[places].float().cpu().numpy(), codes[places].float().cpu().numpy())
        self._lengths[places] += count
        return outcome

    def _run(self, step: _Step) -> tuple[Tensor, Tensor]:
        if step.recorded is None and self._records:
            try:
                self._record(step)
            except RuntimeError as error:
                self._records, step.recorded = False, None
                _log.warning("steps of the language model cannot be recorded and are slower for it: %s", error)
        if step.recorded is None or step.result is None:
            return self._compute(step)
        step.recorded.replay()
        return step.result

    def _compute(self, step: _Step) -> tuple[Tensor, Tensor]:
        """Hidden states (B, W) and scores (B, C) of the last of the tokens that begin at `ends`."""
        places = self._ends[:, None] + torch.arange(step.embeds.shape[1], device=self._ends.device)
        seen = torch.arange(self._room, device=self._ends.device) <= places[..., None]
        never = torch.finfo(step.embeds.dtype).min
        mask = torch.zeros_like(seen, dtype=step.embeds.dtype).masked_fill_(~seen, never)[:, None]
        found = self._trunk(
            inputs_embeds=step.embeds, attention_mask=mask, position_ids=places,
            past_key_values=self._memory, use_cache=True, **({"weights": self._weights} if self._mixed else {}),
        )  # fmt: skip
        hidden = found.last_hidden_state[:, -1]
        return hidden, torch.nn.functional.linear(hidden, self._head).float() + self._bias

    def _record(self, step: _Step) -> None:
        """One step as a CUDA graph (https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs)."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM):
                self._compute(step)
        torch.cuda.current_stream().wait_stream(aside)
        step.recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(step.recorded):
            step.result = self._compute(step)

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
            self._ends = torch.zeros(len(self._lengths), dtype=torch.int64, device=self._head.device)
            weights = torch.zeros(len(self._lengths), 1, self._mixed, device=self._head.device)
            if self._weights is not None:
                weights[: len(self._weights)] = self._weights
            self._weights = weights
        self._steps.clear()


def _empty(like: Tensor, places: int, room: int) -> Tensor:
    return torch.zeros(places, like.shape[1], room, like.shape[3], dtype=like.dtype, device=like.device)


def _tensor(array: np.ndarray[Any, Any]) -> Tensor:
    return torch.from_numpy(array)  # pyright: ignore[reportUnknownMemberType] (its stub names no type)
