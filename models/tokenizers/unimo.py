"""UniMo's SMPL-X tokenizer (section 3.1, appendix): many codes a frame, one book, an expert decoder a parameter.

Features `smplx` (B, T, 145) <-> codes (B, K), K = T times the expansion (1 / s in the paper: 36, 24, 8 or 1). Four
blocks of a transposed convolution and residual blocks spread a frame over time; each of four decoders (pose, shape,
orientation, translation) gathers it again by four convolutions with strides. Rotations are 6D; the first frame's place
is absolute, the others tell the step from the one before.

The first frame's place goes through in metres, all else by avg-std: by a deviation of steps it would dwarf them.
Kernels of four times their stride, and three residual blocks each, are guessed from table 5: they give about the
parameters it counts (123 million at s = 1/36, 90 at s = 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import kinematics
from models.convolution import residuals
from models.quantize import VQ
from models.tokenizers.contract import Batch, Graph, Kind, Scale, coder
from motion import features
from motion.errors import BadConfig
from motion.features import Statistics

LAYOUT = features.find("smplx")
_ROTATIONS = ("body_pose", "orientation")
_NUMBERS = {"6d": 6, "matrix": 9, "axis-angle": 3}


@dataclass(frozen=True)
class SmplxConfig:
    """Sizes of the tokenizer."""

    width: int = 512
    """Channels of every convolution, and of the book (appendix, network details)."""
    strides: tuple[int, ...] = (3, 3, 2, 2)
    """By how much each block spreads time; their product is 1 / s (appendix: four blocks, 36)."""
    codes: int = 512
    """Entries of the book (appendix)."""
    depth: int = 3
    """Residual blocks a block."""
    rotations: Literal["6d", "matrix", "axis-angle"] = "6d"
    """What rotations are told by inside (table 6)."""
    commitment: float = 0.02
    """The lambda of equation 5; not told, this is Jukebox's, on which Duolando's tokenizer stands."""
    free: int = 0
    """Steps before latents are quantized at all (models/quantize.py)."""
    speed: float = 1.0
    """Weight of velocities in the reconstruction, and ..."""
    acceleration: float = 1.0
    """... of accelerations."""

    def __post_init__(self) -> None:
        if min(self.width, self.depth, *self.strides) < 1 or self.codes < 2:
            raise BadConfig(f"sizes of a tokenizer must be positive and its book hold two codes or more, got {self}")

    @property
    def expansion(self) -> int:
        """Codes a frame."""
        return math.prod(self.strides)

    @property
    def levels(self) -> tuple[int, ...]:
        """A code is one digit."""
        return (self.codes,)


def _kernel(stride: int) -> tuple[int, int]:
    """Kernel and padding with which a stride divides or multiplies time exactly."""
    kernel = 4 * stride - stride % 2
    return kernel, (kernel - stride) // 2


def _encoder(enter: int, config: SmplxConfig) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv1d(enter, config.width, 3, padding=1)]
    for stride in config.strides:
        kernel, padding = _kernel(stride)
        layers += [nn.ConvTranspose1d(config.width, config.width, kernel, stride, padding)]
        layers += residuals(config.width, config.depth)
    return nn.Sequential(*layers, nn.Conv1d(config.width, config.width, 3, padding=1))


def _expert(leave: int, config: SmplxConfig) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv1d(config.width, config.width, 3, padding=1)]
    for stride in reversed(config.strides):
        kernel, padding = _kernel(stride)
        layers += [nn.Conv1d(config.width, config.width, kernel, stride, padding)]
        layers += residuals(config.width, config.depth)
    return nn.Sequential(*layers, nn.ReLU(), nn.Conv1d(config.width, leave, 3, padding=1))


class Smplx(nn.Module):
    """The tokenizer."""

    stages = {"autoencoder": ("",)}  # noqa: RUF012
    features = "smplx"

    def __init__(self, config: SmplxConfig, statistics: Statistics | None = None) -> None:
        super().__init__()
        self.config = config
        self.codes_per_frame = Fraction(config.expansion)
        self.scale = Scale("smplx", statistics)
        sizes = {name: columns.stop - columns.start for name, columns in LAYOUT.layout.items()}
        for name in _ROTATIONS:
            sizes[name] = sizes[name] // 6 * _NUMBERS[config.rotations]
        self.encoder = _encoder(sum(sizes.values()), config)
        self.book = VQ(config.codes, config.width, free=config.free)
        self.experts = nn.ModuleDict({name: _expert(size, config) for name, size in sizes.items()})

    def inside(self, frames: Tensor) -> dict[str, Tensor]:
        """Features (B, T, 145) -> what the network sees of each parameter, (B, T, C)."""
        scaled = self.scale(frames)
        found = {name: scaled[..., columns] for name, columns in LAYOUT.layout.items()}
        start = frames[:, :1, LAYOUT.layout["translation"]]
        found["translation"] = torch.cat([start, found["translation"][:, 1:]], dim=1)
        if self.config.rotations != "6d":
            for name in _ROTATIONS:
                middle, spread = self._middle(name)
                found[name] = (self._told(frames[..., LAYOUT.layout[name]]) - middle) / spread
        return found

    def _told(self, columns: Tensor) -> Tensor:
        """6D rotations (..., 6 n) as matrices (..., 9 n) or axes times angles (..., 3 n)."""
        turns = kinematics.matrices(columns.unflatten(-1, (-1, 6)))
        return (turns.flatten(-2) if self.config.rotations == "matrix" else axis_angle(turns)).flatten(-2)

    def _middle(self, name: str) -> tuple[Tensor, Tensor]:
        """The mean rotations, and the deviation of their 6D, for the other ways to tell them."""
        columns = LAYOUT.layout[name]
        return self._told(self.scale.mean[columns]), self.scale.std[columns.start]

    def outside(self, found: dict[str, Tensor]) -> Tensor:
        """The inverse of `inside`, save that rotations come back as rotations."""
        scaled = dict(found)
        if self.config.rotations != "6d":
            for name in _ROTATIONS:
                middle, spread = self._middle(name)
                told = (found[name] * spread + middle).unflatten(-1, (-1, _NUMBERS[self.config.rotations]))
                turns = told.unflatten(-1, (3, 3)) if self.config.rotations == "matrix" else from_axis_angle(told)
                scaled[name] = torch.cat([turns[..., 0], turns[..., 1]], dim=-1).flatten(-2)
        frames = self.scale.undo(torch.cat([scaled[name] for name in LAYOUT.layout], dim=-1))
        pieces = {name: frames[..., columns] for name, columns in LAYOUT.layout.items()}
        pieces["translation"] = torch.cat([found["translation"][:, :1], pieces["translation"][:, 1:]], dim=1)
        if self.config.rotations != "6d":
            pieces |= {name: scaled[name] for name in _ROTATIONS}
        return torch.cat([pieces[name] for name in LAYOUT.layout], dim=-1)

    def latents(self, frames: Tensor) -> Tensor:
        """Features (B, T, 145) -> F of equation 5, (B, K, width)."""
        x = torch.cat(list(self.inside(frames).values()), dim=-1)
        return self.encoder(x.transpose(1, 2)).transpose(1, 2)

    def quantize(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, T, 145) -> entries (B, K, width), differentiable, and codes (B, K)."""
        return self.book(self.latents(frames))

    def encode(self, frames: Tensor) -> Tensor:
        """Features (B, T, 145) -> codes (B, K)."""
        return self.quantize(frames)[1]

    def reconstruct(self, entries: Tensor) -> dict[str, Tensor]:
        """Entries (B, K, width) -> each expert's parameter (B, T, C), as the network sees it."""
        x = entries.transpose(1, 2)
        return {name: expert(x).transpose(1, 2) for name, expert in self.experts.items()}

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, K) -> features (B, T, 145)."""
        return self.outside(self.reconstruct(self.book.lookup(codes)))

    def losses(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        """Equation 5: L1 of each parameter, its velocity and its acceleration, and the two terms of the book."""
        assert stage in self.stages
        entries, codes, terms = self.book.learn(self.latents(batch.frames))
        ours, theirs = self.reconstruct(entries), self.inside(batch.frames)
        found: dict[str, Tensor] = {}
        for name, value in ours.items():
            off = value.float() - theirs[name]
            found[name] = off.abs().mean()
            if off.shape[1] > 2:
                found[name] = found[name] + self.config.speed * off.diff(dim=1).abs().mean()
                found[name] = found[name] + self.config.acceleration * off.diff(n=2, dim=1).abs().mean()
        loss = torch.stack(list(found.values())).sum() + terms["embed"] + self.config.commitment * terms["commit"]
        used = torch.tensor(codes.unique().numel() / self.config.codes)
        return {"loss": loss, **{name: value.detach() for name, value in (found | terms).items()}, "used": used}

    def graphs(self) -> tuple[Graph, ...]:
        """The encoder, and the four experts as one decoder."""
        return coder(self)


def axis_angle(turns: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) -> axes (..., 3) times angles up to pi."""
    spin = torch.stack(
        [turns[..., 2, 1] - turns[..., 1, 2], turns[..., 0, 2] - turns[..., 2, 0], turns[..., 1, 0] - turns[..., 0, 1]],
        dim=-1,
    )  # twice the sine times the axis
    sine, trace = spin.norm(dim=-1, keepdim=True) / 2, turns.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
    angle = torch.atan2(sine, (trace - 1) / 2)
    return spin / 2 * torch.where(sine > 1e-6, angle / sine.clamp(min=1e-6), torch.ones_like(sine))


def from_axis_angle(vectors: Tensor) -> Tensor:
    """The inverse, by Rodrigues' formula."""
    angle = vectors.norm(dim=-1, keepdim=True)
    x, y, z = F.normalize(vectors, dim=-1).unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    one = torch.eye(3, device=vectors.device, dtype=vectors.dtype)
    return one + angle[..., None].sin() * cross + (1 - angle[..., None].cos()) * (cross @ cross)


KIND = Kind(SmplxConfig, Smplx)
