"""Flow matching: the noise levels, and a step along them, are diffusers'."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import pytest
import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

from models import flow


@pytest.mark.parametrize("steps", [1, 2, 4, 28, 100])
def test_sampling_goes_from_one_to_zero_in_as_many_steps_and_is_shifted_towards_noise(steps: int) -> None:
    sigmas = flow.sampling_sigmas(steps)
    assert len(sigmas) == steps + 1
    assert (sigmas[0], sigmas[-1]) == (1.0, 0.0)
    assert all(a > b for a, b in pairwise(sigmas))
    for i, sigma in enumerate(sigmas):
        even = 1 - i / steps
        assert sigma == pytest.approx(3 * even / (1 + 2 * even), abs=1e-6)  # shift 3: Esser et al. 2024, section 5.3.2


def test_euler_steps_along_these_levels_are_the_schedulers_own() -> None:
    """Followed with the true velocity, noise becomes the data; and each step is what diffusers would have made it."""
    generator = torch.Generator().manual_seed(0)
    data, noise = (torch.randn(2, 6, 3, generator=generator) for _ in range(2))
    scheduler = FlowMatchEulerDiscreteScheduler(flow.TRAINING_STEPS, shift=flow.SHIFT)
    scheduler.set_timesteps(sigmas=[1 - step / 4 for step in range(4)])
    x, theirs = noise.clone(), noise.clone()
    sigmas = flow.sampling_sigmas(4)
    for now, after, timestep in zip(sigmas[:-1], sigmas[1:], cast(torch.Tensor, scheduler.timesteps), strict=True):
        velocity = torch.sin(x) + now  # any velocity will do
        x = x + (after - now) * velocity
        theirs = scheduler.step(velocity, timestep, theirs).prev_sample  # type: ignore[arg-type, union-attr]
        torch.testing.assert_close(x, theirs)
    x = noise
    for now, after in pairwise(sigmas):
        x = x + (after - now) * (noise - data)
    torch.testing.assert_close(x, data)


def test_training_levels_are_the_schedulers_drawn_evenly_with_one_generator() -> None:
    levels = cast(torch.Tensor, FlowMatchEulerDiscreteScheduler(flow.TRAINING_STEPS, shift=flow.SHIFT).sigmas)
    drawn = flow.training_sigmas(20_000, torch.Generator().manual_seed(1), torch.device("cpu"))
    again = flow.training_sigmas(20_000, torch.Generator().manual_seed(1), torch.device("cpu"))
    assert torch.equal(drawn, again)
    assert set(drawn.tolist()) <= set(levels.tolist())
    assert len(drawn.unique()) > 0.99 * flow.TRAINING_STEPS
    assert drawn.mean().item() == pytest.approx(levels.mean().item(), abs=0.01)
    assert 0 < drawn.min() < 0.02
    assert drawn.max() == 1


def test_noise_is_mixed_in_by_each_samples_own_level() -> None:
    data, noise = torch.full((3, 4, 2), 2.0), torch.full((3, 4, 2), -6.0)
    mixed = flow.noisy(data, noise, torch.tensor([0.0, 0.5, 1.0]))
    assert torch.equal(mixed[:, 0, 0], torch.tensor([2.0, -2.0, -6.0]))
    assert mixed.shape == data.shape
