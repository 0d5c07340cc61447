"""Recorded clips in any tokenizer's layout, and a tokenizer of a tiny recipe, for the tests of them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from export import recipe
from models.tokenizers import contract, kinds
from motion import clip as clips
from motion import features
from motion.quat import F32
from tests.motion.clips import backflip, lie_down, stroll

FOLDER = Path(recipe.__file__).parent / "recipes"


def frames(layout: str, length: int = 24) -> Tensor:
    """Four pieces (4, length, D) of three recorded motions."""
    found = features.find(layout)
    pieces: list[F32] = []
    for clip in (backflip(), lie_down(), stroll()):
        encoded = found.encode(clips.resample(clip, found.fps))
        pieces += [encoded[start : start + length] for start in range(0, len(encoded) - length + 1, length)][:2]
    return torch.from_numpy(np.stack(pieces[:4]))


def made(config: Any, kind: str, seed: int = 0) -> Any:
    """A tokenizer that knows the statistics of `frames`."""
    torch.manual_seed(seed)
    fresh = kinds.find(kind).make(config, None)
    layout = features.find(fresh.features)
    torch.manual_seed(seed)
    return kinds.find(kind).make(config, layout.measure(frames(fresh.features).flatten(0, 1).numpy()))


def learned(tokenizer: Any, batch: contract.Batch, steps: int, rate: float = 3e-3, stage: str = "") -> list[float]:
    """The losses of a few steps of training."""
    stage = stage or next(iter(tokenizer.stages))
    mine = [p for name, p in tokenizer.named_parameters() if name.startswith(tokenizer.stages[stage])]
    optimizer = torch.optim.Adam(mine, rate)
    found: list[float] = []
    tokenizer.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = tokenizer.losses(batch, stage)["loss"]
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    tokenizer.eval()
    return found


def error(tokenizer: Any, ours: Tensor, theirs: Tensor) -> float:
    """How far features are from each other, as a share of how far the mean pose is."""
    scale = torch.as_tensor(features.find(tokenizer.features).measure(theirs.flatten(0, 1).numpy()).std)
    mean = theirs.mean((0, 1), keepdim=True)
    return float(((ours - theirs) / scale).square().mean() / ((mean - theirs) / scale).square().mean())


def views(tokenizer: Any, frames: Tensor, shown: int | None = None) -> contract.Views | None:
    """Noise pictures for the first clips, half of them if not told, with joints spread over them; none where none are
    looked at."""
    if not hasattr(tokenizer, "backbone"):
        return None
    generator = torch.Generator().manual_seed(1)
    count = frames.shape[1] if tokenizer.view_each_frame else 1
    clips = len(frames) // 2 if shown is None else shown
    images = torch.rand(clips, count, 3, 32, 32, generator=generator)
    places = torch.rand(clips, count, tokenizer.joints, 2, generator=generator) * 1.6 - 0.8
    return contract.Views(images, places, torch.arange(len(frames)) < clips)
