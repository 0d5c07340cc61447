"""Convolutions over time that several tokenizers are built of: T2M-GPT's residual blocks, and what halves or doubles.

Tensors are (B, C, T).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Residual(nn.Module):
    """ReLU, a convolution of 3, ReLU, one of `last`, beside the identity (T2M-GPT, Zhang et al. 2023, figure 2: 1)."""

    def __init__(self, width: int, dilation: int = 1, last: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv1d(width, width, last, padding=last // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> the same."""
        return x + self.second(F.relu(self.first(F.relu(x))))


class Twice(nn.Module):
    """Each frame twice: nearest-neighbour up-sampling."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, 2 T)."""
        return x[..., None].expand(-1, -1, -1, 2).flatten(-2)


def residuals(width: int, depth: int, growth: int = 1, last: int = 1) -> list[nn.Module]:
    """`depth` blocks whose dilation falls to 1 by a factor `growth` each (T2M-GPT: 3; 1 is none)."""
    return [Residual(width, growth**i, last) for i in reversed(range(depth))]


def down(width: int, times: int, depth: int, growth: int = 3) -> nn.Sequential:
    """Halves the frames `times` times, with blocks after each: T2M-GPT's encoder."""
    layers: list[nn.Module] = [nn.Conv1d(width, width, 3, padding=1), nn.ReLU()]
    for _ in range(times):
        layers += [nn.Conv1d(width, width, 4, stride=2, padding=1), *residuals(width, depth, growth)]
    return nn.Sequential(*layers, nn.Conv1d(width, width, 3, padding=1))


def up(enter: int, width: int, leave: int, times: int, depth: int, growth: int = 3) -> nn.Sequential:
    """Doubles the frames `times` times, with blocks before each: T2M-GPT's decoder."""
    layers: list[nn.Module] = [nn.Conv1d(enter, width, 3, padding=1), nn.ReLU()]
    for _ in range(times):
        layers += [*residuals(width, depth, growth), Twice(), nn.Conv1d(width, width, 3, padding=1)]
    last = [nn.Conv1d(width, width, 3, padding=1), nn.ReLU(), nn.Conv1d(width, leave, 3, padding=1)]
    return nn.Sequential(*layers, *last)
