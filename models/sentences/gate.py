"""What HMVLM's language model makes of a sentence's embedding: the weights of its experts, and a few soft tokens.

The gate (section 4, implementation details) is a two-layer perceptron on the embedding of instruction and prompt; here
both are embedded by themselves and stand one after the other, so that the embeddings of instructions are known
beforehand. Soft tokens stand before the sentence's own tokens and tell it once more in plain words: what it asks for is
told from the embedding among things that were learned (and in which style), and each of these has tokens of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

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
        """Logarithms of the weights (B, experts)."""
        hidden = torch.relu(self.enter(torch.cat([instruction, prompt], dim=-1) * EMBEDDING**0.5))
        return self.leave(hidden).float().log_softmax(-1)


class SoftTokens(nn.Module):
    """A sentence's embedding (B, 384) -> embeddings (B, K, width) that stand before its tokens: means of what each
    concept and, after it, each style has, by how likely the sentence speaks of them."""

    def __init__(self, concepts: tuple[int, int], styles: tuple[int, int], width: int, hidden: int = 512) -> None:
        """concepts, styles: how many there are, and the tokens of each."""
        super().__init__()
        self.parts = (concepts, styles)
        self.enter = nn.Linear(EMBEDDING, hidden)
        self.leave = nn.Linear(hidden, concepts[0] + styles[0])
        self.concepts = nn.Parameter(torch.zeros(concepts[0], concepts[1] * width))
        self.styles = nn.Parameter(torch.zeros(styles[0], styles[1] * width))

    @classmethod
    def like(cls, weights: Mapping[str, Tensor], tokens: int) -> Self:
        """Soft tokens with these weights, `tokens` a sentence, one of them a style's."""
        concepts, styles = (weights[name] for name in ("concepts", "styles"))
        made = cls((len(concepts), tokens - 1), (len(styles), 1), styles.shape[1], len(weights["enter.bias"]))
        made.load_state_dict(dict(weights))
        return made

    @property
    def tokens(self) -> int:
        """That stand before a sentence's own."""
        return self.parts[0][1] + self.parts[1][1]

    def scores(self, prompt: Tensor, dropout: float = 0.0) -> tuple[Tensor, Tensor]:
        """Logarithms of the chances of concepts (B, concepts) and of styles (B, styles)."""
        inside = torch.relu(self.enter(prompt * EMBEDDING**0.5))
        if dropout:
            inside = nn.functional.dropout(inside, dropout)
        found = self.leave(inside).float().split([count for count, _ in self.parts], dim=-1)
        return found[0].log_softmax(-1), found[1].log_softmax(-1)

    def forward(self, prompt: Tensor) -> Tensor:
        """The soft tokens (B, K, width)."""
        concepts, styles = (scores.exp() for scores in self.scores(prompt))
        own = (concepts @ self.concepts).unflatten(-1, (self.parts[0][1], -1))
        return torch.cat([own, (styles @ self.styles).unflatten(-1, (self.parts[1][1], -1))], dim=1)
