"""What HMVLM's language model makes of a sentence's embedding: the weights of its experts, and a few soft tokens.

The gate (section 4, implementation details) is a two-layer perceptron on the embedding of instruction and prompt; here
both are embedded by themselves and stand one after the other, so that the embeddings of instructions are known
beforehand. Soft tokens stand before the sentence's own tokens and tell it once more, in words of any kind.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EMBEDDING = 384
"""width of a sentence's embedding"""


class Gate(nn.Module):
    """(instruction, prompt), each (B, 384), zeros where there is none -> logarithms of the weights (B, experts), the
    zero expert's first."""

    def __init__(self, experts: int, hidden: int = 512) -> None:
        super().__init__()
        self.enter = nn.Linear(2 * EMBEDDING, hidden)
        self.leave = nn.Linear(hidden, experts)
        nn.init.zeros_(self.leave.weight)  # all experts alike
        nn.init.zeros_(self.leave.bias)

    def forward(self, instruction: Tensor, prompt: Tensor) -> Tensor:
        hidden = torch.relu(self.enter(torch.cat([instruction, prompt], dim=-1) * EMBEDDING**0.5))
        return self.leave(hidden).float().log_softmax(-1)


class SoftTokens(nn.Module):
    """A sentence's embedding (B, 384) -> embeddings (B, K, width) that stand before its tokens."""

    def __init__(self, tokens: int, width: int, hidden: int = 512, scale: float = 0.1) -> None:
        """scale: deviation of the backbone's text embeddings."""
        super().__init__()
        self.tokens, self.width = tokens, width
        self.enter = nn.Linear(EMBEDDING, hidden)
        self.leave = nn.Linear(hidden, tokens * width)
        nn.init.normal_(self.leave.weight, std=scale / hidden**0.5)
        nn.init.zeros_(self.leave.bias)

    def features(self, prompt: Tensor) -> Tensor:
        """The hidden layer (B, hidden)."""
        return torch.relu(self.enter(prompt * EMBEDDING**0.5))

    def forward(self, prompt: Tensor) -> Tensor:
        return self.leave(self.features(prompt)).unflatten(-1, (self.tokens, self.width))
