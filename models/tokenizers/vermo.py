"""FlowVQ, VerMo's motion tokenizer (sections 4.2, A.1 and B): a convolutional FSQ autoencoder, then a flow-matching
transformer that refines what the codes leave out.

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
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import flow, kinematics
from models.quantize import FSQ, LFQ, RVQ
from models.tokenizers.contract import Batch, Graph, Kind, coder
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


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(F.relu(x))))


def _blocks(count: int, width: int) -> list[nn.Module]:
    return [_Residual(width) for _ in range(count)]


class _Up(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x[..., None].expand(-1, -1, -1, 2).flatten(2))  # each frame twice: nearest neighbour


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
            if isinstance(module, _Residual):
                nn.init.normal_(module.second.weight, std=0.3 * (2 / (3 * module.second.in_channels)) ** 0.5)


@dataclass(frozen=True)
class _Sight:
    """What attention may look at where it is bounded, and by which turns it tells how far away that is."""

    mask: Tensor
    """(N, M), true where one is seen"""
    queries: Tensor
    """angles (N, head width / 2)"""
    keys: Tensor
    """angles (M, head width / 2)"""


class _Attention(nn.Module):
    """Multi-head attention of (B, N, width) over (B, M, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.keys = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, over: Tensor, sight: _Sight | None = None) -> Tensor:
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.keys(over).unflatten(-1, (2 * self.heads, -1)).transpose(1, 2).chunk(2, dim=1)
        if sight is not None:
            q, k = _turned(q, sight.queries), _turned(k, sight.keys)
        mask = None if sight is None else sight.mask
        return self.out(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


class _Block(nn.Module):
    """Cross-attention to the codes, self-attention, feed-forward, in this order (A.1)."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.cross = _Attention(width, heads)
        self.self_ = _Attention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(
        self, x: Tensor, codes: Tensor, of_codes: _Sight | None = None, of_frames: _Sight | None = None
    ) -> Tensor:
        x = x + self.cross(self.norms[0](x), codes, of_codes)
        y = self.norms[1](x)
        x = x + self.self_(y, y, of_frames)
        return x + self.feed(self.norms[2](x))


def _turned(x: Tensor, angles: Tensor) -> Tensor:
    """Queries or keys (B, heads, N, head width) turned by their positions' angles (Su et al. 2021)."""
    one, other = x.chunk(2, dim=-1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([one * cos - other * sin, one * sin + other * cos], dim=-1)


def _waves(position: Tensor, width: int) -> Tensor:
    """Sinusoids (..., width) of positions (...), wavelengths from 2 pi to 10,000 (Vaswani et al. 2017)."""
    rates = torch.exp(torch.arange(width // 2, device=position.device) * (-math.log(10_000.0) / (width // 2)))
    angles = position[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Refiner(nn.Module):
    """Predicts the velocity eps - m from (m_t, the plain reconstruction, sigma, codes), all normalised."""

    def __init__(self, config: FlowVQConfig) -> None:
        super().__init__()
        width = config.refiner_width
        self.width = width
        self.before, self.after = config.refiner_before, config.refiner_after
        self.turns = width // config.refiner_heads // 2
        columns = features.find(config.features).width
        self.enter = nn.Linear(2 * columns, width)
        self.codes = nn.Linear(config.width, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(
            _Block(width, config.refiner_heads, config.refiner_hidden) for _ in range(config.refiner_blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, columns)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, noised: Tensor, plain: Tensor, sigma: Tensor, quantized: Tensor) -> Tensor:
        """noised, plain (B, T, D), sigma (B,), quantized latents (B, K, width) -> velocity (B, T, D)."""
        frames, tokens = noised.shape[1], quantized.shape[1]
        at = torch.arange(frames, device=noised.device, dtype=torch.float32)
        code_at = torch.arange(tokens, device=noised.device, dtype=torch.float32) * 4 + 1.5  # middle of its 4 frames
        time = self.time(_waves(sigma * flow.TRAINING_STEPS, self.width).to(noised.dtype))[:, None]
        x = self.enter(torch.cat([noised, plain], dim=-1)) + time
        keys = self.codes(quantized)
        of_codes = of_frames = None
        if self.before or self.after:
            of_codes, of_frames = self._sights(at, code_at)
        else:
            x, keys = x + _waves(at, self.width), keys + _waves(code_at, self.width)
            keys = torch.cat([time, keys], dim=1)  # (B, 1 + K, width)
        for block in self.blocks:
            x = block(x, keys, of_codes, of_frames)
        # The network predicts how far the plain reconstruction is off; the velocity follows from it.
        clean = plain + self.leave(self.norm(x))
        return (noised - clean) / sigma.clamp(min=1e-3)[:, None, None]

    def _sights(self, at: Tensor, code_at: Tensor) -> tuple[_Sight, _Sight]:
        """What frames see of codes, and of each other. Only how far away something is counts, and not where it is."""
        rates = torch.exp(torch.arange(self.turns, device=at.device) * (-math.log(1_000.0) / self.turns))
        frames, codes = at[:, None] * rates, code_at[:, None] * rates
        away = code_at - at[:, None]  # (T, K), from a frame to the middle of a code's four
        near = (away >= -self.before - 1.5) & (away <= self.after + 1.5)
        apart = at - at[:, None]
        return _Sight(near, frames, codes), _Sight((apart >= -self.before) & (apart <= self.after), frames, frames)


def _quantizer(config: FlowVQConfig) -> FSQ | LFQ | RVQ:
    if config.quantizer == "fsq":
        return FSQ(config.levels, config.width)
    if config.quantizer == "lfq":
        return LFQ(config.codes, config.width)
    return RVQ(config.codes, config.width, config.books)


class FlowVQ(nn.Module):
    """The tokenizer: `encode`, `decode`, `refine`."""

    mean: Tensor
    std: Tensor
    frames_per_code = 4
    stages = {  # noqa: RUF012 (what each stage trains)
        "autoencoder": ("encoder.", "quantizer.", "decoder."),
        "refiner": ("refiner.",),
    }

    def __init__(self, config: FlowVQConfig, statistics: Statistics | None = None) -> None:
        super().__init__()
        self.config = config
        self.features = config.features
        self.codes_per_frame = Fraction(config.books, self.frames_per_code)
        self.layout = features.find(config.features).layout
        width, depth, columns = config.width, config.depth, features.find(config.features).width
        mean = torch.zeros(columns) if statistics is None else torch.as_tensor(statistics.mean)
        std = torch.ones(columns) if statistics is None else torch.as_tensor(statistics.std)
        self.register_buffer("mean", mean.float())
        self.register_buffer("std", std.float())
        down: list[nn.Module] = [nn.Conv1d(columns, width, 3, padding=1)]
        for _ in range(2):
            down += [*_blocks(depth, width), nn.ReLU(), nn.Conv1d(width, width, 4, stride=2, padding=1)]
        self.encoder = nn.Sequential(*down, *_blocks(2, width), nn.ReLU(), nn.Conv1d(width, width, 3, padding=1))
        self.quantizer = _quantizer(config)
        up: list[nn.Module] = [nn.Conv1d(width, width, 3, padding=1), *_blocks(2, width)]
        for _ in range(2):
            up += [nn.ReLU(), _Up(width), *_blocks(depth, width)]
        last = [nn.Conv1d(width, width, 3, padding=1), nn.ReLU(), nn.Conv1d(width, columns, 3, padding=1)]
        self.decoder = nn.Sequential(*up, *last)
        self.refiner = Refiner(config)
        _initialise([self.encoder, self.decoder])

    def normalise(self, frames: Tensor) -> Tensor:
        """Raw features (B, T, D) -> zero mean, unit deviation by group."""
        return (frames - self.mean) / self.std

    def restore(self, frames: Tensor) -> Tensor:
        """The inverse of `normalise`."""
        return frames * self.std + self.mean

    def quantize(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Raw features (B, T, D) -> quantized latents (B, K, width) and codes (B, K)."""
        return self.quantizer(self.latents(frames))

    def latents(self, frames: Tensor) -> Tensor:
        """Raw features (B, T, D) -> latents (B, K, width) as the encoder sees them, not yet quantized."""
        return self.encoder(self.normalise(frames).transpose(1, 2)).transpose(1, 2)

    def encode(self, frames: Tensor) -> Tensor:
        """Raw features (B, T, D), T a multiple of 4 -> codes (B, T / 4) int64."""
        return self.quantize(frames)[1].to(torch.int64)

    def reconstruct(self, quantized: Tensor) -> Tensor:
        """Quantized latents (B, K, width) -> normalised features (B, 4 K, D) of the plain decoder."""
        return self.decoder(quantized.transpose(1, 2)).transpose(1, 2)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, K) -> raw features (B, 4 K, D), without the refiner."""
        return self.restore(self.reconstruct(self.quantizer.lookup(codes)))

    def refine(self, codes: Tensor, plain: Tensor, noise: Tensor, sigmas: Sequence[float]) -> Tensor:
        """Codes (B, K), what `decode` made of them and noise, both (B, 4 K, D) -> raw features (B, 4 K, D), by Euler
        steps along `sigmas`, from 1 to 0 (`flow.sampling_sigmas`)."""
        quantized = self.quantizer.lookup(codes)
        plain = self.normalise(plain)
        x = noise
        for now, after in pairwise(sigmas):
            sigma = torch.full((x.shape[0],), now, device=x.device, dtype=x.dtype)
            x = x + (after - now) * self.refiner(x, plain, sigma, quantized)
        return self.finish(x)

    def finish(self, x: Tensor) -> Tensor:
        """What the last Euler step left (B, T, D), normalised -> raw features (B, T, D)."""
        return self._smooth(self.restore(x))

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
        target = self.normalise(batch.frames)
        terms = {name: F.smooth_l1_loss(output[..., at], target[..., at]) for name, at in self.layout.items()}
        terms |= {**self._bodies(output, batch.frames), **others}
        used = torch.unique(codes).numel() / self.config.codes
        return {**_weighed(terms, _PLAIN), "used": torch.tensor(used)}

    def _refiner_losses(self, batch: Batch) -> dict[str, Tensor]:
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
        return kinematics.errors(self.restore(output), frames)

    def graphs(self) -> tuple[Graph, ...]:
        """The encoder and the plain decoder; `export.to_onnx` adds the refiner with its steps."""
        return coder(self, self.config.books)

    def estimate(self, frames: Tensor, sigma: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """What the refiner takes for the clean motion at noise level sigma (B,), and the clean motion itself, both
        normalised (B, T, D); encoder, codes and decoder are frozen. The error of the velocity (equation 5) is the error
        of this estimate over sigma, so that minimising it weighs every noise level alike."""
        with torch.no_grad():
            quantized, _ = self.quantize(frames)
            plain = self.reconstruct(quantized)
            clean = self.normalise(frames)
        noised = flow.noisy(clean, noise, sigma)
        velocity = self.refiner(noised, plain, sigma, quantized)
        return noised - velocity * sigma.clamp(min=1e-3)[:, None, None], clean


def _weighed(terms: dict[str, Tensor], weights: dict[str, float]) -> dict[str, Tensor]:
    """The terms, and "loss", their sum by weights."""
    total = sum((weights.get(name, 1.0) * value for name, value in terms.items()), torch.zeros(()))
    return {"loss": total, **{name: value.detach() for name, value in terms.items()}}


KIND = Kind(FlowVQConfig, FlowVQ)
