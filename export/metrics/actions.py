"""An action classifier: which of the named actions a clip shows.

Trained on real training clips alone; it is the judge of generated ones. Input is what a body does, not how a tokenizer
codes it: joint positions in the heading frame and the root's speed, 30 frames a second, from any `smplx22` clip.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motion import features
from motion.quat import F32

log = logging.getLogger(__name__)
_COLUMNS = np.r_[
    features.LAYOUT["root_turn"], features.LAYOUT["root_step"], features.LAYOUT["root_height"], features.LAYOUT["pos"]
]  # fmt: skip


def inputs(frames: F32) -> F32:
    """Classifier inputs (T, 67) of features (T, 201)."""
    return frames[:, _COLUMNS].astype(np.float32)


class _Network(nn.Module):
    mean: Tensor
    std: Tensor

    def __init__(self, classes: int, mean: Tensor, std: Tensor, width: int = 96) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.layers = nn.ModuleList(
            nn.Conv1d(len(_COLUMNS) if i == 0 else width, width, 5, stride=2, padding=2) for i in range(4)
        )
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, 67), mask (B, T) one on real frames -> scores (B, classes)."""
        mask = mask[:, None]
        x = ((x - self.mean) / self.std).transpose(1, 2) * mask
        for layer in self.layers:
            x = F.gelu(layer(x))
            mask = mask[..., ::2]
            x = F.dropout(x * mask, 0.15, self.training)
        mean = x.sum(-1) / mask.sum(-1)
        most = x.masked_fill(mask == 0, -1e4).amax(-1)
        return self.head(torch.cat([mean, most], dim=-1))


@dataclass(frozen=True)
class Classifier:
    """A trained judge."""

    network: _Network
    actions: tuple[str, ...]

    def predict(self, clips: list[F32]) -> list[str]:
        """The likeliest action of each clip, features (T, 201)."""
        self.network.eval()
        answers: list[str] = []
        with torch.inference_mode():
            for clip in clips:
                x = torch.from_numpy(inputs(clip))[None]
                answers.append(self.actions[int(self.network(x, torch.ones(x.shape[:2])).argmax())])
        return answers


def train(clips: list[F32], labels: list[str], steps: int = 1500, seed: int = 1) -> Classifier:
    """A classifier for all actions among `labels`; clips are features (T, 201) of real training clips."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    actions = tuple(sorted(set(labels)))
    target = np.array([actions.index(label) for label in labels])
    data = [inputs(clip) for clip in clips]
    everything = np.concatenate(data)
    mean, std = everything.mean(0), everything.std(0) + 1e-3
    network = _Network(len(actions), torch.from_numpy(mean), torch.from_numpy(std))
    counts = np.bincount(target, minlength=len(actions))
    chance = counts[target] ** -0.6
    chance /= chance.sum()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    network.train()
    for step in range(steps):
        picks = rng.choice(len(data), 48, p=chance)
        crops: list[F32] = []
        for i in picks:  # the whole clip or most of it: which action it is must stay true
            clip = data[i]
            length = max(8, int(len(clip) * rng.uniform(0.75, 1.0)))
            start = int(rng.integers(0, max(1, len(clip) - length + 1)))
            crops.append(clip[start : start + length][:240])
        width = max(len(crop) for crop in crops)
        x, mask = torch.zeros(len(crops), width, data[0].shape[1]), torch.zeros(len(crops), width)
        for row, crop in enumerate(crops):
            x[row, : len(crop)] = torch.from_numpy(crop)
            mask[row, : len(crop)] = 1
        x = x + torch.randn(len(crops), 1, x.shape[2]) * torch.from_numpy(std) * 0.1
        loss = F.cross_entropy(network(x, mask), torch.from_numpy(target[picks]), label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 300 == 0:
            log.info("classifier: step %d of %d, loss %.3f", step + 1, steps, float(loss.detach()))
    return Classifier(network.eval(), actions)
