"""UniMotion's way into a language model and out of it: the dual-path embedder and the motion flow head.

Latents (B, K, C) are those of a motion VAE, one a frame, K at most `LONGEST`. `degraded` is the bottleneck of latent
reconstruction alignment (sections 3.4 and C.2): the head learns to give back whole, clean latents from what the
embedder could read in damaged ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import flow
from models.transformer import Block, Modulated, waves, zeroed

LONGEST = 256  # latents of a clip
_KEPT = (0.2, 0.5)  # share of frames left (C.2)
_DROPPED = 0.15  # share of features dropped (C.2)
_NOISE = 0.05  # deviation of the perturbation against the latents' own; the paper's figure is lost


def degraded(latents: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Latents (B, K, C) of which 20 to 50 % of the frames are left and 15 % of the features dropped, perturbed,
    and which frames are left (B, K)."""
    batch, length, width = latents.shape
    low, high = _KEPT

    def drawn(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(latents.device)

    share = low + (high - low) * drawn(batch, 1)
    order = drawn(batch, length).argsort(dim=1).argsort(dim=1)
    left = order < (share * length).round().clamp(min=1)
    features = drawn(batch, 1, width) >= _DROPPED
    noise = torch.randn(latents.shape, generator=generator).to(latents.device) * _NOISE
    return (latents + noise) * features * left[..., None], left


class DualPath(nn.Module):
    """Latents (B, K, C) -> what a language model reads (B, K, width): a semantic branch of transformer layers and a
    generation branch that keeps the details, fused (equations 10 to 12)."""

    def __init__(self, channels: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.semantic = _mlp(channels, width)
        self.semantic_places = nn.Parameter(torch.randn(LONGEST, width) * 0.02)
        self.layers = nn.ModuleList(Block(width, heads, 4 * width) for _ in range(layers))
        self.detail = _mlp(channels, width)
        self.detail_places = nn.Parameter(torch.randn(LONGEST, width) * 0.02)
        self.missing = nn.Parameter(torch.randn(channels) * 0.02)
        self.fuse = nn.Sequential(
            nn.RMSNorm(2 * width), nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(self, latents: Tensor, left: Tensor | None = None) -> Tensor:
        """left (B, K): which latents are there at all; None: all."""
        if left is not None:
            latents = torch.where(left[..., None], latents, self.missing)
        length = latents.shape[1]
        semantic = self.semantic(latents) + self.semantic_places[:length]
        for layer in self.layers:
            semantic = layer(semantic)
        return self.fuse(torch.cat([semantic, self.detail(latents) + self.detail_places[:length]], dim=-1))


class MotionHead(nn.Module):
    """Velocity eps - z of noised latents from hidden states: modulated blocks, an output that begins as zero (D.4)."""

    def __init__(self, channels: int, hidden: int, width: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.width = width
        self.enter = nn.Linear(channels, width)
        self.places = nn.Parameter(torch.randn(LONGEST, width) * 0.02)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.condition = nn.Linear(hidden, width)
        self.nothing = nn.Parameter(torch.randn(hidden) * 0.02)
        self.blocks = nn.ModuleList(Modulated(width, heads, 4 * width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.leave = zeroed(nn.Linear(width, channels))

    def forward(self, noised: Tensor, sigma: Tensor, states: Tensor) -> Tensor:
        """noised (B, K, C), sigma (B,), hidden states (B, K, hidden) -> velocity (B, K, C)."""
        time = self.time(waves(sigma * flow.TRAINING_STEPS, self.width).to(noised.dtype))[:, None]
        condition = time + self.condition(states)
        x = self.enter(noised) + self.places[: noised.shape[1]]
        for block in self.blocks:
            x = block(x, condition)
        shift, scale = self.modulation(condition).chunk(2, dim=-1)
        return self.leave(self.norm(x) * (1 + scale) + shift)

    def loss(self, latents: Tensor, states: Tensor, dropout: float, generator: torch.Generator | None) -> Tensor:
        """Equation 16 at logit-normal times; a share `dropout` of the clips lose their condition."""
        lost = torch.rand(len(latents), generator=generator).to(latents.device) < dropout
        states = torch.where(lost[:, None, None], self.nothing, states)
        sigma = flow.logit_normal_sigmas(len(latents), generator, latents.device)
        noise = torch.randn(latents.shape, generator=generator).to(latents.device)
        return F.mse_loss(self(flow.noisy(latents, noise, sigma), sigma, states), noise - latents)

    def sample(self, noise: Tensor, states: Tensor, sigmas: Sequence[float], guidance: float = 1.0) -> Tensor:
        """Latents (B, K, C) from noise by Euler's steps from time to time (`flow.sampling_sigmas`), guided away from no
        condition."""
        x = noise
        for now, after in pairwise(sigmas):
            sigma = torch.full((len(x),), now, device=x.device, dtype=x.dtype)
            x = x + (after - now) * self.guided(x, sigma, states, guidance)
        return x

    def guided(self, noised: Tensor, sigma: Tensor, states: Tensor, guidance: float) -> Tensor:
        """As `forward`, away from no condition."""
        velocity = self(noised, sigma, states)
        if guidance == 1:
            return velocity
        return flow.guided(velocity, self(noised, sigma, self.nothing.expand_as(states)), guidance)


def _mlp(enter: int, leave: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(enter, leave), nn.GELU(), nn.Linear(leave, leave))
