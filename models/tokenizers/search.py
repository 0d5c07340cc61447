"""Codes by analysis and synthesis: the codes whose decoded motion lies nearest to a recording in the world.

An encoder sees 44 frames about a token and cannot know where the errors of all turns and steps before have led; this
search can. It starts from the encoder's latents and descends the error of the decoded joints in the world by Adam,
gradients passing the rounding straight through (Bengio et al. 2013), and keeps the best codes it has met. It costs
seconds where the encoder costs milliseconds: for measuring and for converting, not for a running service.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from models import kinematics
from models.quantize import FSQ
from models.tokenizers.vermo import FlowVQ
from motion.errors import BadConfig
from motion.features import LAYOUT

STEPS = 100
_RATE = 0.1  # Adam's, in units of the unbounded latents
_BOUND = 3.0  # beyond it tanh is flat and nothing comes back
_TWIST = 0.02  # metres an error of one deviation of the rotations counts, beside the joints' own


def codes(tokenizer: FlowVQ, frames: Tensor, steps: int = STEPS) -> Tensor:
    """Raw features (B, T, D), T a multiple of 4 -> codes (B, T / 4) int64; `steps` times the cost of a decoder's
    forward and backward pass. 0 steps: the encoder's own. Raises BadConfig for another quantizer than FSQ."""
    joints = kinematics.world_positions(frames)
    rotations = tokenizer.scale(frames)[..., LAYOUT["rot6d"]]
    fsq = tokenizer.quantizer
    if not isinstance(fsq, FSQ):
        raise BadConfig(f"codes are searched for between FSQ's levels, not in the book of a {type(fsq).__name__}")
    with torch.no_grad():
        latents = fsq.channels(tokenizer.latents(frames))
    latents = latents.clamp(-_BOUND, _BOUND).requires_grad_(True)
    optimizer = torch.optim.Adam([latents], lr=_RATE)
    least = frames.new_full((frames.shape[0],), torch.inf)
    best = tokenizer.encode(frames)
    for _ in range(steps + 1):
        quantized, found = fsq.round(latents)
        made = tokenizer.scale.undo(tokenizer.reconstruct(quantized))
        ours = kinematics.world_positions(made)
        errors = ((ours - joints).square().sum(-1) + 1e-6).sqrt().mean(dim=(1, 2))
        turned = F.smooth_l1_loss(tokenizer.scale(made)[..., LAYOUT["rot6d"]], rotations, reduction="none")
        cost = errors + _TWIST * turned.mean(dim=(1, 2))
        better = cost.detach() < least
        least = torch.where(better, cost.detach(), least)
        best = torch.where(better[:, None], found, best)
        optimizer.zero_grad()
        cost.sum().backward()
        optimizer.step()
        with torch.no_grad():
            latents.clamp_(-_BOUND, _BOUND)
    return best
