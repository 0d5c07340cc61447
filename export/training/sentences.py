"""Embeddings of sentences while a language model learns: MiniLM in transformers, each sentence once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer

from models.sentences import minilm
from models.sentences.gate import EMBEDDING

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
        for text in texts:
            if text is None or text in self._kept:
                continue
            # Each by itself: beside others its last digits would be others, and a run that is resumed meets it in
            # other company.
            given = self._words([text], truncation=True, max_length=minilm.LONGEST, return_tensors="pt")
            with torch.autocast("cpu", enabled=False):
                states = self._model(**given).last_hidden_state
            self._kept[text] = F.normalize(states[0].mean(0), dim=-1)
        nothing = torch.zeros(EMBEDDING)
        found = torch.stack([nothing if text is None else self._kept[text] for text in texts])
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found
