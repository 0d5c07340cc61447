"""VerMo's refiner (section 4.2, A.1): a flow-matching transformer that predicts what codes have left out.

Frames (B, T, D) are normalised, T = 4 K; codes come as quantized latents (B, K, width). What it is trained on is in
vermo.py: `estimate` and `_refiner_losses`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models import flow
from models.transformer import CrossAttention, Sight, waves, zeroed
from models.vocabulary import FRAMES_PER_TOKEN

_MIDDLE = (FRAMES_PER_TOKEN - 1) / 2  # of a code's frames, counted from their first


class Block(nn.Module):
    """Cross-attention to the codes, self-attention, feed-forward, in this order (A.1)."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.cross = CrossAttention(width, heads)
        self.self_ = CrossAttention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(
        self, x: Tensor, codes: Tensor, of_codes: Sight | None = None, of_frames: Sight | None = None
    ) -> Tensor:
        """(B, T, width) beside codes (B, M, width) -> the same."""
        x = x + self.cross(self.norms[0](x), codes, of_codes)
        y = self.norms[1](x)
        x = x + self.self_(y, y, of_frames)
        return x + self.feed(self.norms[2](x))


class Refiner(nn.Module):
    """Predicts the velocity eps - m from (m_t, the plain reconstruction, sigma, codes), all normalised."""

    def __init__(
        self, columns: int, enter: int, width: int, blocks: int, heads: int, hidden: int, before: int, after: int
    ) -> None:
        """columns: D; enter: width of the latents; before, after: frames that a block sees, both 0: all."""
        super().__init__()
        self.width = width
        self.before, self.after = before, after
        self.turns = width // heads // 2
        self.enter = nn.Linear(2 * columns, width)
        self.codes = nn.Linear(enter, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = zeroed(nn.Linear(width, columns))

    def forward(self, noised: Tensor, plain: Tensor, sigma: Tensor, quantized: Tensor) -> Tensor:
        """noised, plain (B, T, D), sigma (B,), quantized latents (B, K, width) -> velocity (B, T, D)."""
        frames, tokens = noised.shape[1], quantized.shape[1]
        at = torch.arange(frames, device=noised.device, dtype=torch.float32)
        code_at = torch.arange(tokens, device=noised.device, dtype=torch.float32)
        code_at = FRAMES_PER_TOKEN * code_at + _MIDDLE
        time = self.time(waves(sigma * flow.TRAINING_STEPS, self.width).to(noised.dtype))[:, None]
        x = self.enter(torch.cat([noised, plain], dim=-1)) + time
        keys = self.codes(quantized)
        of_codes = of_frames = None
        if self.before or self.after:
            of_codes, of_frames = self._sights(at, code_at)
        else:
            x, keys = x + waves(at, self.width), keys + waves(code_at, self.width)
            keys = torch.cat([time, keys], dim=1)  # (B, 1 + K, width)
        for block in self.blocks:
            x = block(x, keys, of_codes, of_frames)
        # The network predicts how far the plain reconstruction is off; the velocity follows from it.
        clean = plain + self.leave(self.norm(x))
        return (noised - clean) / sigma.clamp(min=1e-3)[:, None, None]

    def _sights(self, at: Tensor, code_at: Tensor) -> tuple[Sight, Sight]:
        """What frames see of codes, and of each other. Only how far away something is counts, and not where it is."""
        rates = torch.exp(torch.arange(self.turns, device=at.device) * (-math.log(1_000.0) / self.turns))
        frames, codes = at[:, None] * rates, code_at[:, None] * rates
        away = code_at - at[:, None]  # (T, K), from a frame to the middle of a code's frames
        near = (away >= -self.before - _MIDDLE) & (away <= self.after + _MIDDLE)
        apart = at - at[:, None]
        return Sight(near, frames, codes), Sight((apart >= -self.before) & (apart <= self.after), frames, frames)
