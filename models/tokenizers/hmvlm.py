"""HMVLM's body-part tokenizers (section 3.4): torso, two arms and two legs have codes of their own.

A spatial transformer reads each frame's joints beside one learned token a part; a mask lets nobody look beyond its own
part. What the part tokens have read is one embedding a part and frame: quantized as it is (`compression` 1: the pose
tokenizer), or first compressed over time by convolutions that all parts share (4: the motion tokenizer). A decoder of
convolutions sees all parts' codes together.

Features (B, T, D), T a multiple of the compression <-> codes (B, K, parts). `parts` false is the ablation of table 5:
one code for the whole body, by convolutions alone.

What differs from the paper: joints, too, look only at their own part; were part tokens alone bounded, two layers would
carry one part's motion into another's code. A pose has no speed: the pose tokenizer does not see the columns that tell
of one, and gives their mean back. Layers and heads are not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.convolution import down, up
from models.quantize import VQ
from models.tokenizers.contract import Batch, Graph, Kind, Scale, coder
from models.transformer import Block
from motion import features
from motion.contacts import JOINTS
from motion.errors import BadConfig
from motion.features import Statistics
from motion.skeleton import SMPLX22

PARTS = {
    "torso": ("pelvis", "spine1", "spine2", "spine3", "neck", "head"),
    "left_arm": ("left_collar", "left_shoulder", "left_elbow", "left_wrist"),
    "right_arm": ("right_collar", "right_shoulder", "right_elbow", "right_wrist"),
    "left_leg": ("left_hip", "left_knee", "left_ankle", "left_foot"),
    "right_leg": ("right_hip", "right_knee", "right_ankle", "right_foot"),
}
_MOVING = ("root_turn", "root_step", "velocity", "contacts")  # groups that a single frame does not tell


@dataclass(frozen=True)
class BodyPartsConfig:
    """Sizes of the tokenizer."""

    features: Literal["hml263", "uni269", "root+rot6d+pos"] = "hml263"
    width: int = 512
    """Of embeddings, code books and convolutions (appendix: S = 512)."""
    codes: int = 512
    """Entries of each part's book (appendix: K = 512)."""
    compression: Literal[1, 4] = 4
    """Frames a code stands for: 1 codes poses, 4 motion (appendix)."""
    parts: bool = True
    """False: one code for the whole body (table 5, W/o BP)."""
    layers: int = 2
    heads: int = 8
    depth: int = 3
    """Residual blocks a level of the convolutions (T2M-GPT)."""
    commitment: float = 0.02
    """Weight of L_com (appendix)."""
    free: int = 0
    """Steps before latents are quantized at all (models/quantize.py)."""
    speed: float = 0.5
    """Weight of the frames' differences in L_rec (T2M-GPT, equation 4)."""

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.heads, self.depth) < 1 or self.codes < 2:
            raise BadConfig(f"sizes of a tokenizer must be positive and its books hold two codes or more, got {self}")
        if self.width % self.heads:
            raise BadConfig(f"width {self.width} must be a multiple of its {self.heads} heads")

    @property
    def levels(self) -> tuple[int, ...]:
        """A code is one digit."""
        return (self.codes,)


def joint_columns(layout: features.Layout) -> list[list[int]]:
    """The columns that tell of each joint of `smplx22`; those of no joint are the root's."""
    found: list[list[int]] = [[] for _ in SMPLX22.joints]
    for name, group in layout.layout.items():
        columns = range(group.start, group.stop)
        if name == "contacts":
            owners = [SMPLX22.index(joint) for joint in JOINTS]
        elif len(columns) % len(found) == 0:
            owners = list(range(len(found)))
        elif len(columns) % (len(found) - 1) == 0:
            owners = list(range(1, len(found)))
        else:
            owners = [0]
        each = len(columns) // len(owners)
        for i, joint in enumerate(owners):
            found[joint] += columns[i * each : (i + 1) * each]
    return found


def _count(layout: features.Layout, name: str) -> int:
    return layout.layout[name].stop - layout.layout[name].start


class Spatial(nn.Module):
    """Frames (N, D) -> one embedding a part (N, parts, width)."""

    mask: Tensor

    def __init__(self, config: BodyPartsConfig, columns: list[list[int]]) -> None:
        super().__init__()
        self.columns = columns
        self.enter = nn.ModuleList(nn.Linear(len(own), config.width) for own in columns)
        self.tokens = nn.Parameter(torch.randn(len(PARTS), config.width) * 0.02)
        self.places = nn.Parameter(torch.randn(len(PARTS) + len(columns), config.width) * 0.02)
        self.blocks = nn.ModuleList(Block(config.width, config.heads, 2 * config.width) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        owners = [i for i, _ in enumerate(PARTS)]
        owners += [next(i for i, own in enumerate(PARTS.values()) if joint in own) for joint in SMPLX22.joints]
        part = torch.tensor(owners)
        self.register_buffer("mask", part[:, None] == part, persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Normalised frames (N, D) -> (N, parts, width)."""
        joints = [enter(frames[:, own]) for enter, own in zip(self.enter, self.columns, strict=True)]
        tokens = self.tokens.expand(frames.shape[0], -1, -1)
        x = torch.cat([tokens, torch.stack(joints, dim=1)], dim=1) + self.places
        for block in self.blocks:
            x = block(x, self.mask)
        return self.norm(x[:, : len(PARTS)])


class BodyParts(nn.Module):
    """The tokenizer of poses or of motion."""

    told: Tensor
    stages = {"autoencoder": ("",)}  # noqa: RUF012

    def __init__(self, config: BodyPartsConfig, statistics: Statistics | None = None) -> None:
        super().__init__()
        self.config = config
        self.features = config.features
        layout = features.find(config.features)
        self.parts = len(PARTS) if config.parts else 1
        self.codes_per_frame = Fraction(self.parts, config.compression)
        self.scale = Scale(config.features, statistics)
        told = [
            config.compression > 1 or name not in _MOVING for name in layout.layout for _ in range(_count(layout, name))
        ]
        self.register_buffer("told", torch.tensor(told), persistent=False)
        width, times = config.width, config.compression.bit_length() - 1
        columns = [[c for c in own if told[c]] for own in joint_columns(layout)]
        self.spatial = Spatial(config, columns) if config.parts else nn.Linear(layout.width, width)
        self.temporal = down(width, times, config.depth) if times else nn.Identity()
        self.books = nn.ModuleList(VQ(config.codes, width, free=config.free) for _ in range(self.parts))
        if times:
            self.decoder = up(self.parts * width, width, layout.width, times, config.depth)
        else:
            hidden = nn.Conv1d(self.parts * width, width, 1), nn.ReLU(), nn.Conv1d(width, width, 1), nn.ReLU()
            self.decoder = nn.Sequential(*hidden, nn.Conv1d(width, layout.width, 1))

    def latents(self, frames: Tensor) -> Tensor:
        """Features (B, T, D) -> embeddings (B, K, parts, width), not yet quantized."""
        batch, length = frames.shape[:2]
        x = (self.scale(frames) * self.told).flatten(0, 1)
        x = self.spatial(x).reshape(batch, length, self.parts, -1)
        x = x.permute(0, 2, 3, 1).flatten(0, 1)  # (B parts, width, T): the convolutions see a part at a time
        x = self.temporal(x)
        return x.unflatten(0, (batch, self.parts)).permute(0, 3, 1, 2)

    def quantize(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, T, D) -> entries (B, K, parts, width), differentiable, and codes (B, K, parts)."""
        found = [book(latents) for book, latents in zip(self.books, self.latents(frames).unbind(2), strict=True)]
        entries, codes = torch.stack([e for e, _ in found], dim=2), torch.stack([c for _, c in found], dim=2)
        return entries, codes

    def encode(self, frames: Tensor) -> Tensor:
        """Features (B, T, D) -> codes (B, K, parts)."""
        return self.quantize(frames)[1]

    def reconstruct(self, entries: Tensor) -> Tensor:
        """Entries (B, K, parts, width) -> normalised features (B, T, D)."""
        return self.decoder(entries.flatten(2).transpose(1, 2)).transpose(1, 2) * self.told

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, K, parts) -> features (B, T, D)."""
        entries = [book.lookup(own) for book, own in zip(self.books, codes.unbind(2), strict=True)]  # type: ignore[operator]
        return self.scale.undo(self.reconstruct(torch.stack(entries, dim=2)))

    def losses(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        """L = L_rec + L_emb + 0.02 L_com (section 3.4), L_rec as T2M-GPT's: smooth L1 of frames and, for motion, half
        that of their differences."""
        assert stage in self.stages
        found = [
            book.learn(latents)  # type: ignore[operator]
            for book, latents in zip(self.books, self.latents(batch.frames).unbind(2), strict=True)
        ]
        output = self.reconstruct(torch.stack([entries for entries, _, _ in found], dim=2)).float()
        target = self.scale(batch.frames) * self.told
        share = self.told.float().mean()  # what is not told is right already
        terms = {"frames": F.smooth_l1_loss(output, target) / share}
        if self.config.compression > 1:
            terms["speed"] = F.smooth_l1_loss(output.diff(dim=1), target.diff(dim=1)) / share
        for name in ("embed", "commit"):
            terms[name] = torch.stack([own[name] for _, _, own in found]).mean()
        weights = {"frames": 1.0, "speed": self.config.speed, "embed": 1.0, "commit": self.config.commitment}
        loss = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
        used = torch.stack([torch.tensor(codes.unique().numel() / self.config.codes) for _, codes, _ in found])
        return {"loss": loss, **{name: value.detach() for name, value in terms.items()}, "used": used.mean()}

    def graphs(self) -> tuple[Graph, ...]:
        """The tokenizer and its detokenizer."""
        return coder(self, self.parts)


KIND = Kind(BodyPartsConfig, BodyParts)
