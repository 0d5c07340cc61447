"""Quantizers: continuous latents -> codes and back.

Finite scalar quantization (Mentzer et al. 2023) through vector-quantize-pytorch: each channel is bounded and rounded
to a few levels, gradients pass straight through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from vector_quantize_pytorch import FSQ as _FSQ


class FSQ(nn.Module):
    """Latents (B, K, width) <-> codes (B, K) int64 in [0, product of levels)."""

    def __init__(self, levels: Sequence[int], width: int) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.size = math.prod(levels)
        with torch.device("cpu"):  # it computes its tables while it is made, which the meta device cannot
            self.inner = _FSQ(levels=list(levels), dim=width)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Quantized latents (B, K, width), differentiable, and codes (B, K)."""
        quantized, codes = self.inner(latents)
        return quantized.to(latents.dtype), codes

    def lookup(self, codes: Tensor) -> Tensor:
        """Quantized latents (B, K, width) of codes (B, K)."""
        return self.inner.indices_to_codes(codes)

    def digits(self, codes: Tensor) -> Tensor:
        """Codes (...,) as one level index a channel (..., channels)."""
        return self.inner.indices_to_level_indices(codes)
