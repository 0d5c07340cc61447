"""Codes by analysis and synthesis, on the shipped tokenizer's kind of network and a real recording."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models import kinematics
from models.tokenizers import search
from models.tokenizers.vermo import FlowVQ, FlowVQConfig
from motion import clip as clips
from motion import features
from motion.features import Statistics

_CLIP = Path(__file__).parents[2] / "fixtures" / "backflip.npz"


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    """Features (1, T, 201) of a recorded back flip."""
    made = features.encode(clips.resample(clips.load(_CLIP), features.FPS))
    return torch.from_numpy(made[: len(made) // 4 * 4])[None]


@pytest.fixture(scope="module")
def tokenizer(frames: torch.Tensor) -> FlowVQ:
    """A small tokenizer that has seen the clip a few times."""
    torch.manual_seed(0)
    config = FlowVQConfig(width=64, depth=1, refiner_width=32, refiner_blocks=1, refiner_heads=2, refiner_hidden=32)
    tokenizer = FlowVQ(config, Statistics.measure(frames[0].numpy()))
    optimizer = torch.optim.Adam(tokenizer.parameters(), lr=1e-3)
    for _ in range(60):
        optimizer.zero_grad()
        output = tokenizer.reconstruct(tokenizer.quantize(frames)[0])
        torch.nn.functional.smooth_l1_loss(output, tokenizer.scale(frames)).backward()
        optimizer.step()
    return tokenizer.requires_grad_(False).eval()


def _error(tokenizer: FlowVQ, frames: torch.Tensor, codes: torch.Tensor) -> float:
    ours, theirs = (kinematics.world_positions(one) for one in (tokenizer.decode(codes), frames))
    return float((ours - theirs).norm(dim=-1).mean())


def test_searched_codes_decode_much_nearer_to_the_recording_than_the_encoders(
    tokenizer: FlowVQ, frames: torch.Tensor
) -> None:
    encoded, searched = tokenizer.encode(frames), search.codes(tokenizer, frames, 30)
    assert searched.shape == encoded.shape
    assert searched.dtype == encoded.dtype
    assert _error(tokenizer, frames, searched) < 0.8 * _error(tokenizer, frames, encoded)


def test_without_steps_the_codes_are_the_encoders(tokenizer: FlowVQ, frames: torch.Tensor) -> None:
    assert torch.equal(search.codes(tokenizer, frames, 0), tokenizer.encode(frames))


def test_clips_of_a_batch_are_searched_each_for_itself(tokenizer: FlowVQ, frames: torch.Tensor) -> None:
    half = frames.shape[1] // 8 * 4
    both = torch.cat([frames[:, :half], frames[:, -half:]])
    together = search.codes(tokenizer, both, 3)
    alone = torch.cat([search.codes(tokenizer, one[None], 3) for one in both])
    assert (together == alone).float().mean() > 0.9, "rounding aside"
