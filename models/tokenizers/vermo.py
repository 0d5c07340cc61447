"""FlowVQ, VerMo's motion tokenizer (sections 4.2, A.1 and B): a convolutional FSQ autoencoder, then a flow-matching
transformer that refines what the codes leave out (models/tokenizers/refiner.py).

Features (B, T, D) in the layout `root+rot6d+pos` or `pos`, T a multiple of 4 <-> codes (B, K), K = T / 4; with a
residual quantizer (B, K, books). Features are raw outside; normalisation (avg-std) happens inside. No normalisation
layers, ReLU, no dilation, kernels of 3 save for the down-sampling (kernel 4, stride 2), which comes after each layer's
ResNet blocks. Several agents are several rows of a batch whose features `pos.encode_together` put into one world.

What differs from the paper: rotations instead of positions alone, so that twist reaches the host (`features = "pos"`
is the paper's); two down-sampling layers, which is the temporal rate of 4; and the refiner also sees the plain
decoder's output beside the noised motion.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import flow, kinematics
from models.convolution import Residual, Twice, residuals
from models.quantize import FSQ, LFQ, RVQ
from models.tokenizers.contract import Batch, Graph, Kind, Scale, coder
from models.tokenizers.refiner import Refiner
from models.vocabulary import FRAMES_PER_TOKEN
from motion import features
from motion.errors import BadConfig
from motion.features import Statistics

# What the metrics measure weighs most: joints, and the root's way, whose errors add up over the clip.
_PLAIN = {
    "root_turn": 1.5, "root_step": 2.0, "rot6d": 0.5, "pos": 0.5,
    "joints": 50.0, "place": 1.5, "heading": 1.0, "feet": 0.5,
}  # fmt: skip
_REFINED = {"flow": 1.0, "joints": 4.0, "velocity": 0.5, "place": 1.0, "heading": 0.5, "feet": 0.25}


@dataclass(frozen=True)
class FlowVQConfig:
    """Sizes of the tokenizer."""

    width: int = 512
    """Channels of every convolution (VerMo, A.1)."""
    depth: int = 3
    """ResNet blocks a layer."""
    features: Literal["root+rot6d+pos", "pos"] = "root+rot6d+pos"
    quantizer: Literal["fsq", "vq", "rvq", "lfq"] = "fsq"
    """VerMo, tables 17 and 18."""
    levels: tuple[int, ...] = (7, 5, 5, 5, 5)
    """FSQ levels; their product is the number of codes, also for the other quantizers: (512,) for a book of 512, and
    a power of two for LFQ."""
    books: int = 1
    """Books of `rvq`, one after the other."""
    refiner_width: int = 512
    """Channels of the flow-matching transformer: heads times 128 in the paper."""
    refiner_blocks: int = 8
    refiner_heads: int = 4
    refiner_hidden: int = 1024
    """Hidden channels of its feed-forward layers."""
    refiner_before: int = 0
    """Frames before its own that each of its blocks sees, and ..."""
    refiner_after: int = 0
    """... frames after it; both 0: all there are. Where this is bounded, a frame is refined alike in every window that
    reaches far enough around it, so that a stream gives the frames of the whole motion."""
    refiner_steps: int = 4
    """Its Euler steps as it is exported, the quality dial; 0: there is no refiner, and none is trained."""
    refiner_noise: float = 1.0
    """Scale of the noise it starts from: 1 draws one of the motions that fit the codes, 0 takes their mean."""
    smoothing: float = 0.0
    """Deviation in frames of the Gaussian that the refined poses pass through; 0: none. Codes are drawn 7.5 times a
    second, and what is left of their steps shows as jitter."""

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.refiner_blocks, self.refiner_heads, self.refiner_hidden) < 1:
            raise BadConfig(f"sizes of a tokenizer must be positive, got {self}")
        if self.refiner_width % (2 * self.refiner_heads):
            raise BadConfig(
                f"refiner_width {self.refiner_width} must be a multiple of twice its {self.refiner_heads} heads"
            )
        if min(self.refiner_steps, self.refiner_noise) < 0:
            raise BadConfig(f"refiner_steps and refiner_noise must be 0 or more, got {self}")
        if min(self.refiner_before, self.refiner_after) < 0:
            raise BadConfig(f"refiner_before and refiner_after must be 0 or a few frames, got {self}")
        if not 0 <= self.smoothing < 100:
            raise BadConfig(f"smoothing must be 0 or a few frames, got {self.smoothing}")
        if self.quantizer == "fsq" and (len(self.levels) < 1 or min(self.levels) < 3):
            raise BadConfig(f"FSQ levels must be 3 or more each, got {self.levels}")
        if self.codes < 2:
            raise BadConfig(f"levels must make two codes or more, got {self.levels}")
        if self.books < 1 or (self.books > 1 and self.quantizer != "rvq"):
            raise BadConfig(f"books are of quantizer 'rvq', one or more; got {self.books} of {self.quantizer!r}")

    @property
    def codes(self) -> int:
        """Size of the code book."""
        return math.prod(self.levels)


def _blocks(count: int, width: int) -> list[nn.Module]:
    return residuals(width, count, last=3)


def _doubled(width: int) -> nn.Sequential:
    """Each frame twice, then a convolution, under the name that trained weights have for it."""
    return nn.Sequential(OrderedDict(twice=Twice(), conv=nn.Conv1d(width, width, 3, padding=1)))


def _initialise(networks: list[nn.Module]) -> None:
    """He's initialisation (2015) with quiet residual branches: without normalisation layers PyTorch's own loses a third
    of the signal at every convolution, and nothing of the motion reaches the codes."""
    for network in networks:
        for module in network.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        for module in network.modules():
            if isinstance(module, Residual):
                nn.init.normal_(module.second.weight, std=0.3 * (2 / (3 * module.second.in_channels)) ** 0.5)


def _quantizer(config: FlowVQConfig) -> FSQ | LFQ | RVQ:
    if config.quantizer == "fsq":
        return FSQ(config.levels, config.width)
    if config.quantizer == "lfq":
        return LFQ(config.codes, config.width)
    return RVQ(config.codes, config.width, config.books)


class FlowVQ(Scale):
    """The tokenizer: `encode`, `decode`, `refine`. It is its own scale, for the weights that ship have its mean and
    deviation under these names alone."""

    tuning = {"decoder": ("decoder.", "quantizer.inner.project_out.")}  # noqa: RUF012

    def __init__(self, config: FlowVQConfig, statistics: Statistics | None = None) -> None:
        super().__init__(config.features, statistics)
        self.config = config
        self.features = config.features
        self.codes_per_frame = Fraction(config.books, FRAMES_PER_TOKEN)
        self.stages: dict[str, tuple[str, ...]] = {"autoencoder": ("encoder.", "quantizer.", "decoder.")}
        if config.refiner_steps:
            self.stages["refiner"] = ("refiner.",)
        self.layout = features.find(config.features).layout
        width, depth, columns = config.width, config.depth, features.find(config.features).width
        down: list[nn.Module] = [nn.Conv1d(columns, width, 3, padding=1)]
        for _ in range(2):
            down += [*_blocks(depth, width), nn.ReLU(), nn.Conv1d(width, width, 4, stride=2, padding=1)]
        self.encoder = nn.Sequential(*down, *_blocks(2, width), nn.ReLU(), nn.Conv1d(width, width, 3, padding=1))
        self.quantizer = _quantizer(config)
        up: list[nn.Module] = [nn.Conv1d(width, width, 3, padding=1), *_blocks(2, width)]
        for _ in range(2):
            up += [nn.ReLU(), _doubled(width), *_blocks(depth, width)]
        last = [nn.Conv1d(width, width, 3, padding=1), nn.ReLU(), nn.Conv1d(width, columns, 3, padding=1)]
        self.decoder = nn.Sequential(*up, *last)
        self.refiner = Refiner(
            columns, width, config.refiner_width, config.refiner_blocks, config.refiner_heads, config.refiner_hidden,
            config.refiner_before, config.refiner_after,
        )  # fmt: skip
        _initialise([self.encoder, self.decoder])

    @property
    def scale(self) -> Scale:
        """As every tokenizer's."""
        return self

    def quantize(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Raw features (B, T, D) -> quantized latents (B, K, width) and codes (B, K)."""
        return self.quantizer(self.latents(frames))

    def latents(self, frames: Tensor) -> Tensor:
        """Raw features (B, T, D) -> latents (B, K, width) as the encoder sees them, not yet quantized."""
        return self.encoder(self.scale(frames).transpose(1, 2)).transpose(1, 2)

    def encode(self, frames: Tensor) -> Tensor:
        """Raw features (B, T, D), T a multiple of 4 -> codes (B, T / 4) int64."""
        return self.quantize(frames)[1].to(torch.int64)

    def reconstruct(self, quantized: Tensor) -> Tensor:
        """Quantized latents (B, K, width) -> normalised features (B, 4 K, D) of the plain decoder."""
        return self.decoder(quantized.transpose(1, 2)).transpose(1, 2)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, K) -> raw features (B, 4 K, D), without the refiner."""
        return self.scale.undo(self.reconstruct(self.quantizer.lookup(codes)))

    def refine(self, codes: Tensor, plain: Tensor, noise: Tensor, sigmas: Sequence[float]) -> Tensor:
        """Codes (B, K), what `decode` made of them and noise, both (B, 4 K, D) -> raw features (B, 4 K, D), by Euler
        steps along `sigmas`, from 1 to 0 (`flow.sampling_sigmas`)."""
        quantized = self.quantizer.lookup(codes)
        plain = self.scale(plain)
        x = noise
        for now, after in pairwise(sigmas):
            sigma = torch.full((x.shape[0],), now, device=x.device, dtype=x.dtype)
            x = x + (after - now) * self.refiner(x, plain, sigma, quantized)
        return self.finish(x)

    def refined(
        self,
        codes: Tensor,
        generator: torch.Generator | None = None,
        steps: int | None = None,
        noise: float | None = None,
    ) -> Tensor:
        """Codes (B, K) -> raw features (B, 4 K, D) by decoder and refiner; steps and noise: None for the settings'."""
        steps = self.config.refiner_steps if steps is None else steps
        plain = self.decode(codes)
        if not steps:
            return plain
        start = torch.randn(plain.shape, generator=generator) * (self.config.refiner_noise if noise is None else noise)
        return self.refine(codes, plain, start, flow.sampling_sigmas(steps))

    def finish(self, x: Tensor) -> Tensor:
        """What the last Euler step left (B, T, D), normalised -> raw features (B, T, D)."""
        return self._smooth(self.scale.undo(x))

    def _smooth(self, frames: Tensor) -> Tensor:
        """Frames (B, T, D) filtered over time, save for the root's turns and steps, which add up."""
        if self.config.smoothing == 0:
            return frames
        reach = math.ceil(3 * self.config.smoothing)
        weights = [math.exp(-0.5 * (k / self.config.smoothing) ** 2) for k in range(-reach, reach + 1)]
        length = frames.shape[1]
        ends = frames[:, :1].expand(-1, reach, -1), frames[:, -1:].expand(-1, reach, -1)
        padded = torch.cat([ends[0], frames, ends[1]], dim=1)
        calm = sum((weight * padded[:, k : k + length] for k, weight in enumerate(weights)), torch.zeros(()))
        kept = self.layout["root_step"].stop if "root_step" in self.layout else 0
        return torch.cat([frames[..., :kept], calm[..., kept:] / sum(weights)], dim=-1)

    def losses(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        """Terms of stage "autoencoder" or "refiner"."""
        if stage == "refiner":
            return self._refiner_losses(batch)
        latents = self.latents(batch.frames)
        quantized, codes, others = self.quantizer.learn(latents)
        output = self.reconstruct(quantized).float()
        target = self.scale(batch.frames)
        terms = {name: F.smooth_l1_loss(output[..., at], target[..., at]) for name, at in self.layout.items()}
        terms |= {**self._bodies(output, batch.frames), **others}
        used = torch.unique(codes).numel() / self.config.codes
        return {**_weighed(terms, _PLAIN), "used": torch.tensor(used)}

    def _refiner_losses(self, batch: Batch) -> dict[str, Tensor]:
        """The flow matching loss on the estimated clean motion (equation 5), and the errors of its bodies."""
        frames = batch.frames
        sigma = flow.training_sigmas(len(frames), batch.generator, frames.device)
        noise = torch.randn(frames.shape, generator=batch.generator).to(frames.device)
        estimate, clean = self.estimate(frames, sigma, noise)
        estimate = estimate.float()
        return _weighed({"flow": F.mse_loss(estimate, clean), **self._bodies(estimate, frames)}, _REFINED)

    def _bodies(self, output: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """What normalised output is off from raw features as bodies; positions alone tell that already."""
        if self.config.features == "pos":
            return {}
        return kinematics.errors(self.scale.undo(output), frames)

    def graphs(self) -> tuple[Graph, ...]:
        """The encoder, the plain decoder, the refiner with all its steps, and as one of them."""
        made = coder(self, self.config.books)
        if not self.config.refiner_steps:
            return made
        (codes,), (frames,) = made[1].inputs.values(), made[0].inputs.values()
        one, times, moving = torch.ones(len(codes)), {0: ("B", 1)}, made[0].axes["features"]
        given, axes = {"codes": codes, "features": frames}, {**made[1].axes, "features": moving}
        step = Graph(
            "step",
            _Step(self),
            {**given, "state": frames + 1, "now": one, "after": 0 * one},
            {**axes, "state": moving, "now": times, "after": times},
            ("next", "refined"),
            optional=True,
        )
        noise = {**given, "noise": frames + 1}
        return (*made, Graph("refiner", _Refine(self), noise, {**axes, "noise": moving}, ("refined",)), step)

    def estimate(self, frames: Tensor, sigma: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """What the refiner takes for the clean motion at noise level sigma (B,), and the clean motion itself, both
        normalised (B, T, D); encoder, codes and decoder are frozen. The error of the velocity (equation 5) is the error
        of this estimate over sigma, so that minimising it weighs every noise level alike."""
        with torch.no_grad():
            quantized, _ = self.quantize(frames)
            plain = self.reconstruct(quantized)
            clean = self.scale(frames)
        noised = flow.noisy(clean, noise, sigma)
        velocity = self.refiner(noised, plain, sigma, quantized)
        return noised - velocity * sigma.clamp(min=1e-3)[:, None, None], clean


class _Refine(nn.Module):
    """All Euler steps from noise (B, 4 K, D)."""

    def __init__(self, tokenizer: FlowVQ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.sigmas = tuple(flow.sampling_sigmas(tokenizer.config.refiner_steps))

    def forward(self, codes: Tensor, features: Tensor, noise: Tensor) -> Tensor:
        return self.tokenizer.refine(codes, features, noise * self.tokenizer.config.refiner_noise, self.sigmas)


class _Step(nn.Module):
    """One Euler step from time now (B,) to after (B,) of a state that began as noise."""

    def __init__(self, tokenizer: FlowVQ) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(
        self, codes: Tensor, features: Tensor, state: Tensor, now: Tensor, after: Tensor
    ) -> tuple[Tensor, Tensor]:
        tokenizer = self.tokenizer
        plain, quantized = tokenizer.scale(features), tokenizer.quantizer.lookup(codes)
        state = state + (after - now)[:, None, None] * tokenizer.refiner(state, plain, now, quantized)
        return state, tokenizer.finish(state)


def _weighed(terms: dict[str, Tensor], weights: dict[str, float]) -> dict[str, Tensor]:
    """The terms, and "loss", their sum by weights."""
    total = sum((weights.get(name, 1.0) * value for name, value in terms.items()), torch.zeros(()))
    return {"loss": total, **{name: value.detach() for name, value in terms.items()}}


KIND = Kind(FlowVQConfig, FlowVQ)
