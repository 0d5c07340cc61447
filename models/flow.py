"""Flow matching between noise and data, with diffusers' FlowMatchEulerDiscreteScheduler.

m_t = (1 - sigma) m + sigma eps; a model predicts the velocity eps - m (VerMo, section 4.2, equations 3 to 5). UniMotion
(section D.4) counts its time t = 1 - sigma from noise to data, and its velocity is m - eps; noise levels are the same.
"""

from __future__ import annotations

from typing import cast

import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor

TRAINING_STEPS = 1000  # VerMo, appendix A.1
SHIFT = 3.0  # VerMo, appendix A.1


def training_sigmas(count: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """Noise levels (count,) drawn evenly from the scheduler's shifted training levels."""
    levels = cast(Tensor, FlowMatchEulerDiscreteScheduler(TRAINING_STEPS, shift=SHIFT).sigmas)
    picks = torch.randint(0, TRAINING_STEPS, (count,), generator=generator)
    return levels[picks].to(device)


def sampling_sigmas(steps: int) -> list[float]:
    """Noise levels from 1 to 0, `steps` + 1 of them: evenly spaced, then shifted by the scheduler."""
    scheduler = FlowMatchEulerDiscreteScheduler(TRAINING_STEPS, shift=SHIFT)
    scheduler.set_timesteps(sigmas=[1 - step / steps for step in range(steps)])
    return [float(sigma) for sigma in cast(Tensor, scheduler.sigmas)]


def noisy(data: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """Data (B, ...) moved towards noise of the same shape by sigma (B,)."""
    weight = sigma.reshape(-1, *[1] * (data.dim() - 1))
    return (1 - weight) * data + weight * noise


def logit_normal_sigmas(count: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """Noise levels (count,), most of them in the middle: the logistic function of normal numbers (UniMotion, D.4)."""
    return torch.randn(count, generator=generator).sigmoid().to(device)


def guided(with_condition: Tensor, without: Tensor, scale: float) -> Tensor:
    """A velocity away from the one without condition (classifier-free guidance; UniMotion, equation 18)."""
    return without + scale * (with_condition - without)
