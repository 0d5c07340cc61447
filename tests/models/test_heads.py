"""The flow head and the bottleneck of latent reconstruction alignment."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from models import flow
from models.heads import DualPath, MotionHead, degraded


def test_between_a_fifth_and_half_of_the_frames_are_left_and_a_seventh_of_the_features_dropped() -> None:
    latents = torch.full((400, 50, 20), 10.0)
    found, left = degraded(latents, torch.Generator().manual_seed(0))
    counts = left.sum(1).float() / 50
    assert counts.min() >= 0.2 - 0.011
    assert counts.max() <= 0.5 + 0.011
    assert counts.std() > 0.05, "every clip its own share"
    assert not found[~left].any()
    kept = found[left]
    assert float((kept == 0).float().mean()) == pytest.approx(0.15, abs=0.02)
    dropped = (found == 0).all(1)  # a feature is dropped from a whole clip
    assert torch.equal(dropped, (found[left.cumsum(1).eq(1) & left] == 0))
    noise = kept[kept != 0] - 10
    assert float(noise.std()) == pytest.approx(0.05, rel=0.05)


def _head() -> MotionHead:
    torch.manual_seed(0)
    return MotionHead(3, 8, 16, 2, 2)


def test_a_fresh_head_says_that_nothing_moves() -> None:
    head = _head()
    noised, states = torch.randn(2, 5, 3), torch.randn(2, 5, 8)
    assert not head(noised, torch.tensor([0.2, 0.9]), states).any()
    torch.testing.assert_close(head.sample(noised, states, flow.sampling_sigmas(4)), noised)


def _stirred() -> MotionHead:
    head = _head()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return head


@torch.inference_mode()
def test_sampling_takes_eulers_steps_at_shifted_times_away_from_no_condition() -> None:
    head = _stirred()
    noise, states = torch.randn(2, 5, 3), torch.randn(2, 5, 8)
    x = noise
    for now, after in pairwise(1 - i / 4 for i in range(5)):
        sigma, later = (3 * s / (1 + 2 * s) for s in (now, after))
        told = head(x, torch.full((2,), sigma), states)
        untold = head(x, torch.full((2,), sigma), head.nothing.expand(2, 5, 8))
        x = x + (later - sigma) * (untold + 2.5 * (told - untold))
    torch.testing.assert_close(head.sample(noise, states, flow.sampling_sigmas(4), 2.5), x, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(head.sample(noise, states, flow.sampling_sigmas(4), 1.0), x, atol=1e-3)


def test_the_loss_is_equation_sixteen_at_logit_normal_times() -> None:
    head = _stirred()
    latents, states = torch.randn(3, 5, 3), torch.randn(3, 5, 8)
    found = head.loss(latents, states, 0.0, torch.Generator().manual_seed(4))
    generator = torch.Generator().manual_seed(4)
    torch.rand(3, generator=generator)
    sigma = 1 / (1 + np.exp(-torch.randn(3, generator=generator).numpy()))
    noise = torch.randn(3, 5, 3, generator=generator)
    weight = torch.from_numpy(sigma).float()
    with torch.no_grad():
        velocity = head((1 - weight[:, None, None]) * latents + weight[:, None, None] * noise, weight, states)
    expected = np.square(velocity.numpy() - (noise - latents).numpy()).mean()
    assert float(found.detach()) == pytest.approx(float(expected), rel=1e-4)


def test_clips_that_lose_their_condition_do_not_see_it() -> None:
    head = _stirred()
    latents, states = torch.randn(3, 5, 3), torch.randn(3, 5, 8)
    one, other = (head.loss(latents, s, 1.0, torch.Generator().manual_seed(4)) for s in (states, -states))
    assert torch.equal(one, other)


def test_times_are_most_often_in_the_middle() -> None:
    drawn = flow.logit_normal_sigmas(20_000, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert float(drawn.logit().mean()) == pytest.approx(0, abs=0.03)
    assert float(drawn.logit().std()) == pytest.approx(1, abs=0.03)


@torch.inference_mode()
def test_what_is_missing_is_not_read() -> None:
    torch.manual_seed(0)
    embedder = DualPath(3, 16, 2, 1)
    latents, left = torch.randn(1, 6, 3), torch.tensor([[True, False, True, False, False, True]])
    other = torch.where(left[..., None], latents, torch.randn(1, 6, 3))
    assert torch.equal(embedder(latents, left), embedder(other, left))
    assert not torch.allclose(embedder(latents), embedder(other))
