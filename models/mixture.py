"""HMVLM's mixture of LoRA experts on a language model's linear layers (section 3.1, equation 1).

    W' = W + s sum_i a_i B_i A_i

A gate gives the weights a (B, E + 1) of each message from its sentence; the first is the zero expert's, whose A and B
are zero, so that it has none here. Matrices that see the same input (query, key and value; gate and up) are one linear
module with one A an expert, as the service computes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.packing import GROUPS


class Branch(nn.Module):
    """All experts of one group of matrices: enter (E * rank, in), leave (out, E * rank)."""

    def __init__(self, inputs: int, outputs: int, experts: int, rank: int) -> None:
        super().__init__()
        self.rank = rank
        self.enter = nn.Parameter(torch.randn(experts * rank, inputs) * inputs**-0.5)
        self.leave = nn.Parameter(torch.zeros(outputs, experts * rank))
        self._seen: Tensor | None = None
        self._inside: Tensor | None = None

    def inside(self, x: Tensor, weights: Tensor, scale: float) -> Tensor:
        """What goes through the experts (B, N, E * rank), computed once for all matrices of the group."""
        if self._seen is not x:
            spread = (weights * scale).repeat_interleave(self.rank, dim=-1)
            entered = F.linear(x.to(self.enter.dtype), self.enter)
            self._seen, self._inside = x, entered * spread.to(entered.dtype)
        assert self._inside is not None
        return self._inside

    def forget(self) -> None:
        """Lets go of the last input."""
        self._seen = self._inside = None


class MixedLinear(nn.Module):
    """A frozen linear layer with its share of a branch."""

    def __init__(self, plain: nn.Linear, branch: Branch, rows: slice, mixture: Mixture) -> None:
        super().__init__()
        self.plain = plain
        self._branch = (branch,)  # in a tuple, since the branch's parameters are the mixture's
        self._rows = rows
        self._mixture = (mixture,)

    @property
    def weight(self) -> Tensor:
        """The frozen layer's."""
        return self.plain.weight

    def forward(self, x: Tensor) -> Tensor:
        """What the layer and its experts make of x (B, N, in)."""
        mixture, branch = self._mixture[0], self._branch[0]
        if mixture.weights is None:
            return self.plain(x)
        inside = branch.inside(x, mixture.weights, mixture.scale)
        leave = branch.leave[self._rows].to(inside.dtype)
        return self.plain(x) + F.linear(inside, leave).to(x.dtype)


class Mixture(nn.Module):
    """The experts of all layers; `trunk`, a transformers model of Llama's form, is changed so that it calls them."""

    def __init__(self, trunk: Any, experts: int, rank: int, scale: float) -> None:
        """experts: without the zero expert."""
        super().__init__()
        self.experts = experts
        self.scale = scale
        self.weights: Tensor | None = None
        """of the experts, (B, 1 or N, E), for the next run of the trunk; None: none takes part"""
        self.branches = nn.ModuleDict()
        for number, layer in enumerate(trunk.layers):
            for group, names in GROUPS.items():
                plain = [cast(nn.Linear, layer.get_submodule(name)) for name in names]
                sizes = [one.out_features for one in plain]
                branch = Branch(plain[0].in_features, sum(sizes), experts, rank)
                self.branches[f"{number}-{group}"] = branch
                at = 0
                for name, one, size in zip(names, plain, sizes, strict=True):
                    parent, _, last = name.rpartition(".")
                    owner = layer.get_submodule(parent)
                    setattr(owner, last, MixedLinear(one, branch, slice(at, at + size), self))
                    at += size

    def run(self, trunk: Any, weights: Tensor | None, **given: Any) -> Any:
        """The trunk's outcome with these weights of the experts (B, 1 or N, E)."""
        self.weights = weights
        try:
            return trunk(**given)
        finally:
            self.weights = None
            for branch in self._all():
                branch.forget()

    def _all(self) -> Iterator[Branch]:
        return iter(cast("list[Branch]", list(self.branches.values())))

    @torch.no_grad()
    def begin(self, adapter: dict[str, Tensor], scale: float) -> None:
        """Starts from a plain LoRA, W + scale B A, tensors as peft names them: with the same weight for all experts,
        the zero expert among them, the model computes what it did, as far as the rank allows."""
        factor = scale * (self.experts + 1) / self.scale
        for place, branch in cast("Iterator[tuple[str, Branch]]", self.branches.items()):
            number, group = place.split("-")
            parts: list[Tensor] = []
            for name in GROUPS[group]:
                down, up = (
                    adapter[f"base_model.model.layers.{number}.{name}.lora_{side}.weight"].float() for side in "AB"
                )
                parts.append(up @ down)
            u, s, v = torch.linalg.svd(torch.cat(parts), full_matrices=False)
            total = self.experts * branch.rank
            held = min(total, int((s > s[0] * 1e-5).sum()))
            # One direction to each expert in turn, so that none has only the weak ones.
            order = torch.arange(total).reshape(branch.rank, self.experts).T.reshape(-1)
            places = order.argsort()[:held]
            root = (s[:held] * factor).sqrt()
            branch.leave.zero_()
            branch.enter[places] = v[:held] * root[:, None]
            branch.leave[:, places] = u[:, :held] * root


class MixedTrunk(nn.Module):
    """A trunk and its mixture as one module, called with the experts' `weights`."""

    def __init__(self, trunk: Any, mixture: Mixture) -> None:
        super().__init__()
        self.trunk, self.mixture = trunk, mixture

    def forward(self, weights: Tensor, **given: Any) -> Any:
        """The trunk's outcome with the weights (B, 1, E)."""
        return self.mixture.run(self.trunk, weights, **given)
