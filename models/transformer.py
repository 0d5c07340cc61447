"""Transformer blocks that tokenizers are built of: plain, with skips across the middle, modulated; cross-attention.

Tensors are (B, N, width).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention among N tokens; mask (N, N) or (B, 1, N, N), true where one may look."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, N, width) -> the same."""
        q, k, v = self.enter(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.leave(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


@dataclass(frozen=True)
class Sight:
    """What bounded attention may look at, and by which turns of its heads it tells how far away that is."""

    mask: Tensor
    """(N, M), true where one is seen"""
    queries: Tensor
    """angles (N, head width / 2)"""
    keys: Tensor
    """angles (M, head width / 2)"""


class CrossAttention(nn.Module):
    """Multi-head attention of (B, N, width) over (B, M, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.keys = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, over: Tensor, sight: Sight | None = None) -> Tensor:
        """(B, N, width), (B, M, width) -> (B, N, width)."""
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.keys(over).unflatten(-1, (2 * self.heads, -1)).transpose(1, 2).chunk(2, dim=1)
        if sight is not None:
            q, k = _turned(q, sight.queries), _turned(k, sight.keys)
        mask = None if sight is None else sight.mask
        return self.out(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


def _turned(x: Tensor, angles: Tensor) -> Tensor:
    """Queries or keys (B, heads, N, head width) turned by their positions' angles (Su et al. 2021)."""
    one, other = x.chunk(2, dim=-1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([one * cos - other * sin, one * sin + other * cos], dim=-1)


class Block(nn.Module):
    """Attention and feed-forward, each on normalised input beside the identity."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = Attention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, N, width) -> the same."""
        x = x + self.attention(self.norms[0](x), mask)
        return x + self.feed(self.norms[1](x))


class Skipping(nn.Module):
    """Blocks in a U: what the first half makes is joined to the last half's input, nearest to the middle first (MLD,
    Chen et al. 2023, after U-ViT). The number of blocks is odd."""

    def __init__(self, width: int, heads: int, hidden: int, blocks: int) -> None:
        super().__init__()
        half = blocks // 2
        self.enter = nn.ModuleList(Block(width, heads, hidden) for _ in range(half))
        self.middle = Block(width, heads, hidden)
        self.joints = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(half))
        self.leave = nn.ModuleList(Block(width, heads, hidden) for _ in range(half))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) -> the same."""
        kept: list[Tensor] = []
        for block in self.enter:
            x = block(x)
            kept.append(x)
        x = self.middle(x)
        for joint, block in zip(self.joints, self.leave, strict=True):
            x = block(joint(torch.cat([x, kept.pop()], dim=-1)))
        return self.norm(x)


class Modulated(nn.Module):
    """A block whose norms are shifted, scaled and gated by a condition (B, N, width) or (B, 1, width): adaptive layer
    norm, begun as the identity (Peebles and Xie 2023)."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.attention = Attention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.modulation = nn.Sequential(nn.SiLU(), zeroed(nn.Linear(width, 6 * width)))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, N, width) -> the same."""
        shift, scale, gate, shift_, scale_, gate_ = self.modulation(condition).chunk(6, dim=-1)
        x = x + gate * self.attention(self.norms[0](x) * (1 + scale) + shift)
        return x + gate_ * self.feed(self.norms[1](x) * (1 + scale_) + shift_)


def zeroed(layer: nn.Linear) -> nn.Linear:
    """The layer, all its weights zero."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def waves(position: Tensor, width: int) -> Tensor:
    """Sinusoids (..., width) of positions (...), wavelengths from 2 pi to 10,000 (Vaswani et al. 2017)."""
    rates = torch.exp(torch.arange(width // 2, device=position.device) * (-math.log(10_000.0) / (width // 2)))
    angles = position[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
