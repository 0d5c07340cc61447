"""Embeddings of sentences while a language model learns: MiniLM in transformers, each sentence once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer

from models import minilm
from models.gate import EMBEDDING

_KEPT = 200_000  # sentences; 300 MB


class Sentences:
    """The sentence encoder, and what it said."""

    def __init__(self) -> None:
        """Raises MissingPart where the encoder is not installed."""
        folder = minilm.folder()
        self._words: Any = AutoTokenizer.from_pretrained(folder)
        self._model: Any = AutoModel.from_pretrained(folder).eval()
        self._kept: OrderedDict[str, Tensor] = OrderedDict()

    @torch.no_grad()
    def __call__(self, texts: Sequence[str | None]) -> Tensor:
        """Embeddings (N, 384) of length 1; zeros for None."""
        fresh = sorted({text for text in texts if text is not None and text not in self._kept}, key=len)
        for start in range(0, len(fresh), 64):
            group = fresh[start : start + 64]
            given = self._words(group, padding=True, truncation=True, max_length=minilm.LONGEST, return_tensors="pt")
            with torch.autocast("cpu", enabled=False):
                states = self._model(**given).last_hidden_state
            mask = given["attention_mask"][..., None]
            means = F.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
            self._kept.update(zip(group, means, strict=True))
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        nothing = torch.zeros(EMBEDDING)
        return torch.stack([nothing if text is None else self._kept[text] for text in texts])
