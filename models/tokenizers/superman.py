"""Superman's vision-guided motion tokenizer (section 3.1): a code pairs a piece of a skeleton with what it looks like.

Features `h36m17` (B, T, 51), T even: 17 joints in a picture with root-relative depths <-> codes (B, T / 2, 17), one a
joint and two frames. Convolutions over the grid of joints and frames code the skeleton; what a backbone sees is
gathered at each joint and wherever from there the gathered feature points to (visual-skeleton attention), then coded
likewise. One entry of the hybrid book is both prototypes side by side, so that the nearest one is nearest in the sum
of both distances (equation 2). The decoder sees the skeleton's half alone. Without pictures that half alone chooses.

What differs from the paper: equation 3 as printed moves the book alone, and nothing would reach the visual encoder;
both modalities get the usual pair of terms, each at its weight: the book's, and the commitment of the latents. The
paper's backbone has weights that know poses (HRNet, frozen); ours is trained here, and since the decoder sees the
skeleton's half alone, what it sees would shrink to a constant: so a linear layer must also tell the pose from z^v.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import vision
from models.quantize import VQ, nearest
from models.tokenizers.contract import Batch, Graph, Kind, Scale, Views, coder
from motion import features
from motion.errors import BadConfig
from motion.features import Statistics
from motion.features.h36m17 import SKELETON

LAYOUT = features.find("h36m17")
PARTS = {
    "torso": ("pelvis", "spine", "thorax", "nose", "head_top"),
    "left_arm": ("left_shoulder", "left_elbow", "left_wrist"),
    "right_arm": ("right_shoulder", "right_elbow", "right_wrist"),
    "left_leg": ("left_hip", "left_knee", "left_ankle"),
    "right_leg": ("right_hip", "right_knee", "right_ankle"),
}
"""Joints in the order in which table S1 writes their tokens."""
PIXELS = 256  # width and height of the pictures of the exported graph
_ORDER = [SKELETON.index(joint) for part in PARTS.values() for joint in part]


@dataclass(frozen=True)
class VisionGuidedConfig:
    """Sizes and weights of the tokenizer."""

    width: int = 1024
    """Of either modality's latents, half of the book's (section 4, implementation details)."""
    codes: int = 8192
    """Entries of the book."""
    layers: int = 2
    """Convolutions of the skeleton's encoder before it halves time; the visual one has one less."""
    heads: int = 4
    """Of the visual-skeleton attention (figure S5)."""
    points: int = 4
    """Places that a head gathers from."""
    backbone: str = "small"
    """What sees pictures (models/vision.py); the paper's is timm:hrnet_w48."""
    streams: Literal["fused", "skeleton", "visual"] = "fused"
    """What codes are chosen and decoded by (table 8)."""
    beta_skeleton: float = 0.5
    beta_visual: float = 0.5
    """Weights of the modalities' terms (equation 3)."""
    pose: float = 1.0
    """Weight of the pose told from what is seen; 0 for a backbone that has weights."""

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.heads, self.points) < 1 or self.codes < 2:
            raise BadConfig(f"sizes of a tokenizer must be positive and its book hold two codes or more, got {self}")
        if min(self.beta_skeleton, self.beta_visual, self.pose) < 0:
            raise BadConfig(f"weights must not be negative, got {self}")

    @property
    def levels(self) -> tuple[int, ...]:
        """A code is one digit."""
        return (self.codes,)


class _Grid(nn.Module):
    """A convolution over frames and joints beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.conv(x))


def _encoder(enter: int, width: int, layers: int) -> nn.Sequential:
    """(B, enter, T, J) -> (B, width, T / 2, J); enter equal to width spares the first convolution."""
    first = [] if enter == width else [nn.Conv2d(enter, width, 3, padding=1), nn.ReLU()]
    blocks = [_Grid(width) for _ in range(layers - 1)]
    return nn.Sequential(*first, *blocks, nn.Conv2d(width, width, 3, stride=(2, 1), padding=1))


class _Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x, x], dim=3).flatten(2, 3)


class VisualSkeletonAttention(nn.Module):
    """What is seen around joints: from the feature at a joint come offsets and weights of the places to gather from
    (equation 1; deformable sampling, Zhu et al. 2021)."""

    def __init__(self, channels: int, heads: int, points: int) -> None:
        super().__init__()
        self.heads, self.points = heads, points
        inner = -(-channels // heads) * heads
        self.values = nn.Conv2d(channels, inner, 1)
        self.offsets = nn.Linear(channels, heads * points * 2)
        self.weights = nn.Linear(channels, heads * points)
        self.leave = nn.Linear(inner, channels)
        nn.init.normal_(self.offsets.weight, std=1e-3)
        angles = torch.arange(heads) * (2 * torch.pi / heads)  # each head begins in a direction of its own
        rays = torch.stack([angles.cos(), angles.sin()], dim=-1)[:, None] * (1 + torch.arange(points)[:, None])
        with torch.no_grad():
            self.offsets.bias.copy_(rays.flatten())

    def gathered_from(self, query: Tensor, places: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Queries (N, P, C) at places (N, P, 2) -> places (N, P, heads, points, 2) and weights, which add up to one
        for each head. Offsets are counted in cells of the map, whose size is (h, w)."""
        cell = torch.tensor([2 / size[1], 2 / size[0]], device=query.device, dtype=query.dtype)
        offsets = self.offsets(query).unflatten(-1, (self.heads, self.points, 2))
        weights = self.weights(query).unflatten(-1, (self.heads, self.points)).softmax(-1)
        return places[:, :, None, None] + offsets * cell, weights

    def forward(self, maps: Tensor, places: Tensor) -> Tensor:
        """Maps (N, C, h, w) at places (N, P, 2) -> features (N, P, C)."""
        query = vision.sampled(maps, places)
        where, weights = self.gathered_from(query, places, maps.shape[-2:])
        values = self.values(maps).unflatten(1, (self.heads, -1)).flatten(0, 1)  # (N heads, C / heads, h, w)
        each = where.permute(0, 2, 1, 3, 4).flatten(0, 1)  # (N heads, P, points, 2)
        found = F.grid_sample(values, each, mode="bilinear", align_corners=False)  # (N heads, C / heads, P, points)
        heavy = weights.permute(0, 2, 1, 3).flatten(0, 1)[:, None]
        gathered = (found * heavy).sum(-1).unflatten(0, (-1, self.heads)).permute(0, 3, 1, 2).flatten(2)
        return query + self.leave(gathered)


class VisionGuided(nn.Module):
    """The tokenizer."""

    stages = {"autoencoder": ("",)}  # noqa: RUF012
    features = "h36m17"
    codes_per_frame = Fraction(17, 2)
    view_each_frame = True
    joints = len(SKELETON)

    def __init__(self, config: VisionGuidedConfig, statistics: Statistics | None = None) -> None:
        super().__init__()
        self.config = config
        self.scale = Scale("h36m17", statistics)
        self.seeing = config.streams != "skeleton"
        width = config.width
        if config.streams != "visual":
            self.skeleton = _encoder(3, width, config.layers)
        if self.seeing:
            self.backbone = vision.build(config.backbone)
            self.attention = VisualSkeletonAttention(self.backbone.channels, config.heads, config.points)
            self.project = nn.Linear(self.backbone.channels, width)
            self.visual = _encoder(width, width, config.layers)
            self.tell = nn.Linear(width, 2 * 3)  # the pose at both frames of a token, in training alone
        self.halves = {"fused": ("skeleton", "visual")}.get(config.streams, (config.streams,))
        self.book = VQ(config.codes, width * len(self.halves), learned=True)  # each half by the clips that have it
        layers = [nn.Conv2d(width, width, 3, padding=1), *[_Grid(width) for _ in range(config.layers - 1)], _Twice()]
        self.decoder = nn.Sequential(*layers, nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 3, 1))

    def grid(self, frames: Tensor) -> Tensor:
        """Features (B, T, 51) -> x, y and depth of each joint, normalised (B, 3, T, 17)."""
        scaled = self.scale(frames)
        pixels = scaled[..., LAYOUT.layout["image_px"]].unflatten(-1, (-1, 2))
        depth = scaled[..., LAYOUT.layout["depth_mm"]][..., None]
        return torch.cat([pixels, depth], dim=-1).permute(0, 3, 1, 2)

    def flat(self, grid: Tensor) -> Tensor:
        """The inverse of `grid`."""
        pixels, depth = grid[:, :2].permute(0, 2, 3, 1).flatten(2), grid[:, 2]
        return self.scale.undo(torch.cat([pixels, depth], dim=-1))

    def seen(self, views: Views) -> Tensor:
        """z^v (B, T / 2, 17, width) of pictures."""
        batch, length = views.images.shape[:2]
        maps = self.backbone(views.images.flatten(0, 1))
        found = self.project(self.attention(maps, views.places.flatten(0, 1)))  # (B T, 17, width)
        return self.visual(found.unflatten(0, (batch, length)).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    def latents(self, frames: Tensor, views: Views | None = None) -> Tensor:
        """What is compared to the book (B, T / 2, 17, halves x width): z^s, then z^v; without pictures z^s alone.
        Raises BadConfig where there is neither."""
        found: list[Tensor] = []
        if "skeleton" in self.halves:
            found.append(self.skeleton(self.grid(frames)).permute(0, 2, 3, 1))
        if self.seeing and views is not None:
            found.append(self.seen(views))
        if not found:
            raise BadConfig("a tokenizer that sees pictures alone cannot code a clip without any; give it pictures")
        return torch.cat(found, dim=-1)

    def choose(self, latents: Tensor) -> Tensor:
        """Codes (B, T / 2, 17) of latents: the nearest in the halves that are there (equation 2)."""
        return nearest(latents, self.book.inner.codebook[:, : latents.shape[-1]])

    def entries(self, codes: Tensor) -> Tensor:
        """What the decoder sees of codes: the first half, c^s; of a tokenizer by pictures alone, c^v."""
        return self.book.lookup(codes)[..., : self.config.width]

    def quantize(self, frames: Tensor, views: Views | None = None) -> tuple[Tensor, Tensor]:
        """Features (B, T, 51), pictures if there are any -> entries (B, T / 2, 17, width), differentiable, codes."""
        latents = self.latents(frames, views)
        codes = self.choose(latents)
        first = latents[..., : self.config.width]
        return first + (self.entries(codes) - first).detach(), codes

    def encode(self, frames: Tensor, views: Views | None = None) -> Tensor:
        """Features (B, T, 51), pictures if there are any -> codes (B, T / 2, 17)."""
        return self.quantize(frames, views)[1]

    def reconstruct(self, entries: Tensor) -> Tensor:
        """Entries (B, T / 2, 17, width) -> x, y and depth, normalised (B, 3, T, 17)."""
        return self.decoder(entries.permute(0, 3, 1, 2))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, T / 2, 17) -> features (B, T, 51)."""
        return self.flat(self.reconstruct(self.entries(codes)))

    def losses(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        """Equation 3: squared errors of the joints, and of each modality's latents and entries; and of the pose told
        from pictures. Clips without pictures are chosen and counted by their skeletons alone."""
        assert stage in self.stages
        frames, views = batch.frames, batch.views
        if views is None and "skeleton" not in self.halves:
            raise BadConfig("a tokenizer that sees pictures alone learns nothing without; give it pictures")
        shown = views.shown if views is not None and self.seeing else torch.zeros(len(frames), dtype=torch.bool)
        target, width = self.grid(frames), self.config.width
        weights = {"skeleton": self.config.beta_skeleton, "visual": self.config.beta_visual, "pose": self.config.pose}
        terms: dict[str, Tensor] = {}
        used: list[Tensor] = []
        for which, with_views in ((shown.nonzero()[:, 0], True), ((~shown).nonzero()[:, 0], False)):
            if not len(which) or (not with_views and "skeleton" not in self.halves):
                continue
            latents = self.latents(frames[which], views if with_views else None)
            codes = self.choose(latents)
            entries = self.book.lookup(codes)[..., : latents.shape[-1]]
            if self.training and latents.shape[-1] == self.book.inner.codebook.shape[-1]:
                self.book.inner.update_indices(latents.detach().flatten(1, 2), codes.flatten(1))
            first = latents[..., :width]
            output = self.reconstruct(first + (entries[..., :width] - first).detach())
            found = {"joints": F.mse_loss(output.float(), target[which])}
            for i, half in enumerate(self.halves[: latents.shape[-1] // width]):
                ours, theirs = latents[..., i * width : (i + 1) * width], entries[..., i * width : (i + 1) * width]
                found[half] = F.mse_loss(ours.detach(), theirs) + F.mse_loss(ours, theirs.detach())
            if with_views:
                told = self.tell(latents[..., -width:]).unflatten(-1, (2, 3))  # (B, T / 2, 17, 2, 3)
                poses = target[which].unflatten(2, (-1, 2)).permute(0, 2, 4, 3, 1)
                found["pose"] = F.mse_loss(told.float(), poses)
            for name, value in found.items():
                terms[name] = terms.get(name, torch.zeros(())) + value * len(which) / len(frames)
            used.append(codes.unique())
        loss = torch.stack([weights.get(name, 1.0) * value for name, value in terms.items()]).sum()
        share = torch.tensor(torch.cat(used).unique().numel() / self.config.codes)
        return {"loss": loss, **{name: value.detach() for name, value in terms.items()}, "used": share}

    def graphs(self) -> tuple[Graph, ...]:
        """The coder of skeletons, and where pictures count `sighted`, which codes them with pictures of 256 x 256."""
        if self.config.streams == "visual":
            return ()
        plain = coder(self, self.joints)
        if not self.seeing:
            return plain
        given = {"features": torch.zeros(2, 4, LAYOUT.width), "images": torch.zeros(2, 4, 3, PIXELS, PIXELS)}
        given["places"] = torch.zeros(2, 4, self.joints, 2)
        axes = {name: {0: ("B", 1), 1: ("K", 2)} for name in given}
        return (*plain, Graph("sighted", _Sighted(self), given, axes, ("codes",)))


class _Sighted(nn.Module):
    def __init__(self, tokenizer: VisionGuided) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, features: Tensor, images: Tensor, places: Tensor) -> Tensor:
        return self.tokenizer.encode(features, Views(images, places, torch.ones(1, dtype=torch.bool)))


def write(codes: Tensor) -> str:
    """Codes (K, 17) of a clip as text, grouped by body part as table S1 does."""
    lines: list[str] = []
    for number, row in enumerate(codes.tolist(), 1):
        tokens = iter(row[joint] for joint in _ORDER)
        parts = [f"{part}: {''.join(f'<skel_{next(tokens)}>' for _ in own)}." for part, own in PARTS.items()]
        lines.append(f"Frame {number}: {' '.join(parts)}")
    return " ".join(lines)


def read(text: str) -> Tensor:
    """The inverse of `write`. Raises BadConfig where the text has not 17 tokens a frame."""
    found = [int(piece.split(">")[0]) for piece in text.split("<skel_")[1:]]
    if not found or len(found) % len(_ORDER):
        raise BadConfig(f"a frame has {len(_ORDER)} skeleton tokens; this text has {len(found)} in all")
    rows = torch.tensor(found).unflatten(0, (-1, len(_ORDER)))
    codes = torch.empty_like(rows)
    codes[:, _ORDER] = rows
    return codes


KIND = Kind(VisionGuidedConfig, VisionGuided)
