"""UniMotion's cross-modal aligned motion VAE and its motion flow head (sections 3.2 to 3.4, C.2, D.2 and D.4).

Features `uni269` (B, T, 269) <-> latents (B, T, C), continuous, one a frame; `encode` gives the posterior's mean. A
second encoder, which also sees pictures, is used in training alone: the motion encoder's posterior is drawn to that one
(dual-posterior KL alignment), which teaches it what pictures tell. A batch may mix clips with and without pictures.

The second stage is latent reconstruction alignment: the flow head gives latents back from what the embedder reads in
damaged ones. A language model between the two comes with its own training.

The text we have has lost the sizes and weights; those here are chosen so that the VAE has the paper's 45 million
parameters on MLD's nine layers, and weights are MLD's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import flow, vision
from models.heads import LONGEST, DualPath, MotionHead, degraded
from models.tokenizers.contract import Batch, Graph, Kind, Scale, Views, coder
from models.transformer import Skipping
from motion import features
from motion.errors import BadConfig
from motion.features import Statistics
from motion.skeleton import SMPLX22

LAYOUT = features.find("uni269")


@dataclass(frozen=True)
class CmaVaeConfig:
    """Sizes and weights of the VAE and its head."""

    width: int = 384
    heads: int = 4
    hidden: int = 1024
    """Of the feed-forward layers (MLD's)."""
    blocks: int = 9
    """Of each skip transformer, odd (MLD's)."""
    latent: int = 32
    """C, numbers a frame."""
    backbone: str = "small"
    """What sees pictures (models/vision.py)."""
    kl: float = 1e-4
    """lambda_kl."""
    alignment: float = 1e-2
    """lambda_dpa after its warm-up; 0 leaves the alignment out (table 9)."""
    warm: int = 10_000
    """Steps over which the alignment's weight rises from nothing (C.1)."""
    embedder_width: int = 512
    embedder_layers: int = 4
    """Of its semantic branch (C.2)."""
    head_width: int = 1024
    head_heads: int = 16
    """D.4."""
    head_blocks: int = 6
    dropout: float = 0.1
    """Share of clips that lose their condition in training (D.4)."""
    damage: bool = True
    """False: the embedder reads clean latents."""
    head_steps: int = 10
    """Euler steps of the flow head in its exported graph."""
    guidance: float = 1.0
    """How much the condition counts there."""

    codes = 0
    levels = ()

    def __post_init__(self) -> None:
        if min(self.width, self.hidden, self.latent, self.embedder_width, self.head_blocks, self.warm) < 1:
            raise BadConfig(f"sizes of a tokenizer must be positive, got {self}")
        if self.blocks % 2 == 0:
            raise BadConfig(f"a skip transformer has an odd number of blocks, got {self.blocks}")
        for width, heads in ((self.width, self.heads), (self.head_width, self.head_heads)):
            if heads < 1 or width % (2 * heads):
                raise BadConfig(f"width {width} must be a multiple of twice its {heads} heads")


@dataclass(frozen=True)
class Posterior:
    """A diagonal normal distribution of latents (B, T, C)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw of each (equation 1)."""
        noise = torch.randn(self.mean.shape, generator=generator).to(self.mean)
        return self.mean + noise * (0.5 * self.log_variance).exp()

    def pick(self, which: Tensor) -> Posterior:
        """That of some of the batch."""
        return Posterior(self.mean[which], self.log_variance[which])

    def frozen(self) -> Posterior:
        """Without gradients."""
        return Posterior(self.mean.detach(), self.log_variance.detach())


def divergence(one: Posterior, other: Posterior | None = None) -> Tensor:
    """KL(one || other), the standard normal where there is none, summed over a latent's numbers and averaged over
    frames and clips (equation 7)."""
    log_variance = torch.zeros_like(one.mean) if other is None else other.log_variance
    apart = one.mean if other is None else one.mean - other.mean
    ratio = (one.log_variance - log_variance).exp()
    terms = log_variance - one.log_variance + ratio + apart.square() * (-log_variance).exp() - 1
    return 0.5 * terms.sum(-1).mean()


class _Encoder(nn.Module):
    """Frames as tokens (B, T, width) -> the posterior of their latents."""

    def __init__(self, config: CmaVaeConfig) -> None:
        super().__init__()
        self.body = Skipping(config.width, config.heads, config.hidden, config.blocks)
        self.leave = nn.Linear(config.width, 2 * config.latent)

    def forward(self, x: Tensor) -> Posterior:
        mean, log_variance = self.leave(self.body(x)).chunk(2, dim=-1)
        return Posterior(mean, log_variance.clamp(-20, 10))


class CmaVae(nn.Module):
    """The VAE, and behind it the embedder and the flow head of latent reconstruction alignment."""

    spread: Tensor
    stages = {  # noqa: RUF012
        "autoencoder": ("enter.", "places", "motion.", "fused.", "backbone.", "look.", "join.", "decoder."),
        "head": ("embedder.", "head."),
    }
    features = "uni269"
    codes_per_frame = Fraction(1)
    view_each_frame = False
    joints = len(SMPLX22)

    def __init__(self, config: CmaVaeConfig, statistics: Statistics | None = None) -> None:
        super().__init__()
        self.config = config
        width, channels = config.width, config.latent
        self.scale = Scale("uni269", statistics)
        self.register_buffer("spread", torch.ones(()))  # deviation of the latents, for the head
        self.enter = nn.Linear(LAYOUT.width, width)
        self.places = nn.Parameter(torch.randn(LONGEST, width) * 0.02)
        self.motion = _Encoder(config)
        self.backbone = vision.build(config.backbone)
        self.look = nn.Linear(self.backbone.channels, width)
        self.join = nn.Linear(2 * width, width)
        self.fused = _Encoder(config)
        self.decoder = nn.ModuleDict(
            {
                "enter": nn.Linear(channels, width),
                "places": nn.Embedding(LONGEST, width),
                "body": Skipping(width, config.heads, config.hidden, config.blocks),
                "leave": nn.Linear(width, LAYOUT.width),
            }
        )
        self.embedder = DualPath(channels, config.embedder_width, config.heads, config.embedder_layers)
        self.head = MotionHead(
            channels, config.embedder_width, config.head_width, config.head_heads, config.head_blocks
        )

    def front(self, frames: Tensor) -> Tensor:
        """Features (B, T, 269) -> tokens (B, T, width), which both encoders see."""
        return self.enter(self.scale(frames)) + self.places[: frames.shape[1]]

    def posterior(self, frames: Tensor) -> Posterior:
        """q_m(z | m)."""
        return self.motion(self.front(frames))

    def fused_posterior(self, frames: Tensor, views: Views) -> Posterior:
        """q_vf(z | m, I): what the picture shows at the joints, pooled over these, beside each frame (equation 2)."""
        maps = self.backbone(views.images[:, 0])
        seen = self.look(vision.sampled(maps, views.places[:, 0])).mean(dim=1, keepdim=True)
        tokens = self.front(frames)
        return self.fused(self.join(torch.cat([tokens, seen.expand_as(tokens)], dim=-1)))

    def quantize(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, T, 269) -> mean and a sample of the latents (B, T, C)."""
        found = self.posterior(frames)
        return found.mean, found.sample()

    def encode(self, frames: Tensor) -> Tensor:
        """Features (B, T, 269) -> latents (B, T, C): the posterior's mean."""
        return self.posterior(frames).mean

    def reconstruct(self, latents: Tensor) -> Tensor:
        """Latents (B, T, C) -> normalised features (B, T, 269)."""
        at = torch.arange(latents.shape[1], device=latents.device)
        x = self.decoder["enter"](latents) + self.decoder["places"](at)
        return self.decoder["leave"](self.decoder["body"](x))

    def decode(self, codes: Tensor) -> Tensor:
        """Latents (B, T, C) -> features (B, T, 269)."""
        return self.scale.undo(self.reconstruct(codes))

    def losses(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        """Stage "autoencoder": equation 3. Stage "head": equation 16 under latent reconstruction alignment."""
        return self._head_losses(batch) if stage == "head" else self._vae_losses(batch)

    def _vae_losses(self, batch: Batch) -> dict[str, Tensor]:
        frames, views = batch.frames, batch.views
        motion = self.posterior(frames)
        latents = motion.sample(batch.generator)
        kl, aligned = divergence(motion), torch.zeros((), device=frames.device)
        if views is not None and views.shown.any():
            with_picture = views.shown.nonzero()[:, 0]
            fused = self.fused_posterior(frames[with_picture], views)
            latents = latents.index_copy(0, with_picture, fused.sample(batch.generator).to(latents.dtype))
            kl = kl + divergence(fused)
            aligned = divergence(motion.pick(with_picture), fused.frozen())
        if self.training:
            self.spread.lerp_(latents.detach().float().std(), 0.01)
        output = self.reconstruct(latents).float()
        terms = {"frames": F.smooth_l1_loss(output, self.scale(frames)), "kl": kl, "alignment": aligned}
        weight = self.config.alignment * min(1.0, batch.step / self.config.warm)
        loss = terms["frames"] + self.config.kl * kl + weight * aligned
        return {"loss": loss, **{name: value.detach() for name, value in terms.items()}}

    def _head_losses(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            latents = self.encode(batch.frames) / self.spread
        read, left = degraded(latents, batch.generator) if self.config.damage else (latents, None)
        loss = self.head.loss(latents, self.embedder(read, left), self.config.dropout, batch.generator)
        return {"loss": loss, "flow": loss.detach()}

    def realign(self, told: Tensor, noise: Tensor, sigmas: Sequence[float], guidance: float = 1.0) -> Tensor:
        """Latents (B, T, C) that the head makes of noise when the embedder has read the latents `told`. Told those of
        another clip, it must not come near this one's: the paper's control with shuffled conditions (C.2)."""
        return self.head.sample(noise, self.embedder(told / self.spread), sigmas, guidance) * self.spread

    def graphs(self) -> tuple[Graph, ...]:
        """Motion encoder and decoder; the flow head behind its embedder, with all its steps and as one of them. What
        looks at pictures is not exported (3.2.1)."""
        made = coder(self)
        latents = made[1].inputs["codes"]
        axes, times = {0: ("B", 1), 1: ("K", 1)}, {0: ("B", 1)}
        one = torch.ones(len(latents))
        return (
            *made,
            Graph(
                "head",
                _Drawn(self),
                {"told": latents, "noise": latents + 1},
                {"told": axes, "noise": axes},
                ("codes",),
            ),
            Graph(
                "head-step",
                _Step(self),
                {"told": latents, "state": latents + 1, "now": one, "after": 0 * one},
                {"told": axes, "state": axes, "now": times, "after": times},
                ("next",),
            ),
        )


class _Drawn(nn.Module):
    """Latents (B, K, C) drawn from noise by the head that was told others."""

    def __init__(self, tokenizer: CmaVae) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.sigmas = tuple(flow.sampling_sigmas(tokenizer.config.head_steps))

    def forward(self, told: Tensor, noise: Tensor) -> Tensor:
        return self.tokenizer.realign(told, noise, self.sigmas, self.tokenizer.config.guidance)


class _Step(nn.Module):
    """One Euler step from time now (B,) to after (B,) of a state that began as noise; at time 0, times `spread`, it is
    what `head` draws."""

    def __init__(self, tokenizer: CmaVae) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, told: Tensor, state: Tensor, now: Tensor, after: Tensor) -> Tensor:
        head, guidance = self.tokenizer.head, self.tokenizer.config.guidance
        states = self.tokenizer.embedder(told / self.tokenizer.spread)
        return state + (after - now)[:, None, None] * head.guided(state, now, states, guidance)


KIND = Kind(CmaVaeConfig, CmaVae)
