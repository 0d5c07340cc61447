"""Several motion codes from one run of the language model: a small recurrent head draws those that follow the first.

The layers give the scores of the next code. Once that is drawn, this head works out from the layers' hidden state and
the code's embedding what the state would be one code on, and the motion head scores it as it does the layers' own; so
each further code is drawn knowing those before it, without a run of the layers, and the next run reads all of them at
once. Multi-token prediction (Gloeckle et al. 2024, Better & Faster Large Language Models via Multi-token Prediction)
with a recurrent drafter (Zhang et al. 2024, Recurrent Drafter for Fast Speculative Decoding in Large Language Models),
whose draws are kept instead of verified: docs/RESULTS.md says what that costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.packing import EPSILON, FURTHER
from motion.errors import BadBundle


class MultiTokenHead(nn.Module):
    """(state, code) -> the state one code on. It begins as if the code changed nothing."""

    def __init__(self, width: int, hidden: int) -> None:
        """width: of the backbone; hidden: of its one hidden layer."""
        super().__init__()
        self.enter = nn.Linear(2 * width, hidden)
        self.leave = nn.Linear(hidden, width)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    @classmethod
    def of(cls, weights: Mapping[str, NDArray[Any]]) -> Self:
        """The head with these weights, in float32. Raises BadBundle where they are not a whole head's."""
        try:
            enter = weights["enter.weight"]
            head = cls(enter.shape[1] // 2, enter.shape[0])
            head.load_state_dict({name: torch.from_numpy(np.asarray(weights[name], np.float32)) for name in FURTHER})
        except (KeyError, RuntimeError) as error:
            raise BadBundle(f"the multi-token head does not fit ({error}); pack the bundle again") from error
        return head.eval().requires_grad_(False)

    def forward(self, state: Tensor, embedding: Tensor) -> Tensor:
        """state (B, width) after some token; embedding (B, width) of the code drawn next -> the state (B, width) after
        that code."""
        both = torch.cat([state, F.rms_norm(embedding, embedding.shape[-1:], eps=EPSILON)], dim=-1)
        return state + self.leave(F.gelu(self.enter(both)))
