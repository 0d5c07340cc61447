"""The layers of a language model at work on sequences that grow: what a language engine offers.

Hidden states and scores are of each sequence's last token. `experts` are mixing weights of the adapters, one row a
sequence: 1 is the trained adapter, 0 the untouched backbone. Used by one thread.

Where there is a multi-token head (models/multi_token.py), a run gives the first of several codes, `further` the others,
and the next run reads all of them.

Shapes: B sequences, N tokens, W width, C special tokens and codes, E adapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Outcome:
    """What a run of the layers gives."""

    hidden: F32
    """(B, W)"""
    codes: F32
    """(B, C): scores of the motion vocabulary"""


@dataclass(frozen=True)
class Past:
    """Keys and values of a sequence so far. Never written to again."""

    length: int
    """tokens"""
    values: Any
    """as the engine keeps them"""
    size: int
    """bytes"""


class Rows(Protocol):
    """Sequences that take one more token at a time, together. Each is known by a number for as long as it is there."""

    def add(self, pasts: Sequence[Past], experts: F32) -> list[int]:
        """More sequences, each with its mixing weights (B, E); their numbers."""
        ...

    def drop(self, numbers: Sequence[int]) -> None:
        """Sequences that have ended."""
        ...

    def step(self, numbers: Sequence[int], embeds: F32) -> Outcome:
        """The next tokens (B, N, W) of the sequences of these numbers, N of each, 1 or as many as `Layers.tokens`; the
        others stay as they are."""
        ...


class Layers(Protocol):
    """A language model's layers and motion head, loaded."""

    @property
    def width(self) -> int:
        """Of embeddings and hidden states."""
        ...

    @property
    def tokens(self) -> int:
        """Codes that one run brings forth for a sequence; 1 without a multi-token head."""
        ...

    def read(self, embeds: F32, past: Past | None, experts: F32) -> tuple[Outcome, Past]:
        """A sequence's next tokens (N, W) at once, after `past`: the outcome (1, ...) and the past they make. Raises
        BadRequest for more tokens than the model reads."""
        ...

    def rows(self) -> Rows:
        """No sequences yet."""
        ...

    def further(self, hidden: F32, embeds: F32) -> Outcome:
        """What the multi-token head makes of hidden states (B, W) and the codes drawn from them, embeddings (B, W)."""
        ...

    def words(self, hidden: F32) -> F32:
        """Scores (B, text) of the text tokens, of hidden states (B, W)."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
