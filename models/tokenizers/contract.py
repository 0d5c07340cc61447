"""The contract of all motion tokenizers.

A tokenizer is a torch module in a file of this folder, which ends with `KIND`: its settings and how it is made. A line
in models/tokenizers/kinds.py gives it the name by which a recipe's `[tokenizer] kind` asks for it. Features go in and
come out raw, (B, T, D) in the layout that `features` names; normalisation happens inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from motion import features
from motion.features import Statistics


class Config(Protocol):
    """Sizes of a tokenizer, as a frozen dataclass that a recipe's table fills."""

    @property
    def codes(self) -> int:
        """Size of the code book; 0 where latents are continuous."""
        ...

    @property
    def levels(self) -> tuple[int, ...]:
        """A code's digits, the first running fastest; their product is `codes`. A plain book has one digit."""
        ...


@dataclass(frozen=True)
class Views:
    """What cameras saw of the clips of a batch. S clips of it have pictures; only theirs are here, in their order."""

    images: Tensor
    """(S, F, 3, H, W) from 0 to 1; F is 1 where one picture stands for the clip, T where each frame has its own."""
    places: Tensor
    """(S, F, J, 2) joints in the pictures: x and y from -1, the first edge, to 1, the last."""
    shown: Tensor
    """(B,) true where a clip has pictures, S times."""


@dataclass(frozen=True)
class Batch:
    """One step's clips."""

    frames: Tensor
    """(B, T, D) raw features."""
    views: Views | None = None
    step: int = 0
    """Of the training, which warms some terms up."""
    generator: torch.Generator | None = None
    """Of all that is drawn."""


@dataclass(frozen=True)
class Graph:
    """A part that is exported by itself: tensors in, tensors out, no state."""

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    """Examples to trace with, by name, in the order of the module's arguments."""
    axes: Mapping[str, Mapping[int, tuple[str, int]]]
    """Input -> axis -> (B or K, what varies, how many of the axis there are for one of it)."""
    outputs: tuple[str, ...]
    optional: bool = False
    """Exported only where it is asked for, and no part of a bundle."""


class Tokenizer(Protocol):
    """What every tokenizer can do, beside being a torch module."""

    config: Any
    """Its `Config`."""
    features: str
    """Name of the feature layout it reads and writes."""
    codes_per_frame: Fraction
    """How many codes (or latents) a frame becomes, all streams together."""
    stages: Mapping[str, tuple[str, ...]]
    """Stages of its training in their order -> what the names of the parameters trained in each begin with. Where it
    has `tuning` as well: stages that train the first one's result on, every motion keeping its codes."""

    def encode(self, frames: Tensor) -> Tensor:
        """Features (B, T, D) -> codes (B, K) or (B, K, streams) int64, or latents (B, K, C) where they are continuous:
        always the same for the same motion."""
        ...

    def quantize(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features -> what the decoder sees, differentiable, and its codes. Where latents are continuous: their mean
        and a sample."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """What `encode` gave -> features (B, T, D). Where it has `refined` as well, that is what a bundle gives."""
        ...

    def losses(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        """The terms of a stage's training by name; the one called "loss" is minimised."""
        ...

    def graphs(self) -> tuple[Graph, ...]:
        """What is exported."""
        ...


@dataclass(frozen=True)
class Kind:
    """A tokenizer by its settings and how it is made of them."""

    config: type[Any]
    make: Callable[[Any, Statistics | None], Any]
    """(settings, statistics of the features) -> a fresh tokenizer."""


def served(tokenizer: Any, codes: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """What a bundle makes of codes: features (B, T, D), refined where the tokenizer refines."""
    return tokenizer.refined(codes, generator) if hasattr(tokenizer, "refined") else tokenizer.decode(codes)


def unit_frames(graphs: Sequence[Graph]) -> int:
    """Frames that one row of codes stands for."""
    encoder = next(graph for graph in graphs if graph.name == "encoder")
    return encoder.axes["features"][1][1]


def codes_per_second(tokenizer: Tokenizer) -> float:
    """Codes (or latents) a second, all streams together."""
    return float(tokenizer.codes_per_frame) * features.find(tokenizer.features).fps


class Scale(nn.Module):
    """Normalisation by avg-std, kept with the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, layout: str, statistics: Statistics | None) -> None:
        super().__init__()
        width = features.find(layout).width
        self.register_buffer("mean", torch.zeros(width) if statistics is None else _tensor(statistics.mean))
        self.register_buffer("std", torch.ones(width) if statistics is None else _tensor(statistics.std))

    def forward(self, frames: Tensor) -> Tensor:
        """Raw features (..., D) -> zero mean, unit deviation by group."""
        return (frames - self.mean) / self.std

    def undo(self, frames: Tensor) -> Tensor:
        """The inverse."""
        return frames * self.std + self.mean


def _tensor(array: Any) -> Tensor:
    return torch.as_tensor(array).float()


class _Call(nn.Module):
    """One method of a tokenizer as a module."""

    def __init__(self, tokenizer: Any, method: str) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.method = method

    def forward(self, given: Tensor) -> Tensor:
        return getattr(self.tokenizer, self.method)(given)


def coder(tokenizer: Any, streams: int = 1) -> tuple[Graph, ...]:
    """The graphs `encoder` and `decoder` of a tokenizer whose codes are (B, K), or (B, K, streams)."""
    layout = features.find(tokenizer.features)
    rows, frames = (tokenizer.codes_per_frame / streams).as_integer_ratio()
    count = 64 // max(rows, frames) or 2  # as many units of time as make a clip of seconds
    with torch.no_grad():
        some = torch.zeros(2, count * frames, layout.width)
        codes = torch.zeros_like(tokenizer.encode(some))
    return (
        Graph(
            "encoder",
            _Call(tokenizer, "encode"),
            {"features": some},
            {"features": {0: ("B", 1), 1: ("K", frames)}},
            ("codes",),
        ),
        Graph(
            "decoder",
            _Call(tokenizer, "decode"),
            {"codes": codes},
            {"codes": {0: ("B", 1), 1: ("K", rows)}},
            ("features",),
        ),
    )
