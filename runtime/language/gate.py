"""The gate of a mixture at work: a sentence's embedding -> weights of the experts and soft tokens, in numpy.

`models/sentences/gate.py` says how both are trained; these are its numbers, without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from models import compact
from motion.bundles.bundle import Bundle
from motion.bundles.manifest import PackedGate
from motion.errors import BadBundle
from runtime.language.familiarity import Familiarity
from runtime.language.learned import Learned
from runtime.language.sentences import SentenceEncoder

F32 = NDArray[np.float32]
_TABLES: Final = ("concepts", "styles")
LEFT_OUT: Final = 0.98
"""weight of the zero expert from which on the other experts are left out altogether"""


class Gate:
    """Weights and soft tokens of sentences. Several threads may use it."""

    def __init__(
        self,
        weights: Mapping[str, NDArray[Any]],
        soft_tokens: int,
        encoder: SentenceEncoder,
        learned: Learned | None = None,
    ) -> None:
        """Raises BadBundle where weights are missing."""
        self._learned = learned
        self.encoder = encoder
        self.soft_tokens = soft_tokens
        names = [f"gate.{layer}.{part}" for layer in ("enter", "leave") for part in ("weight", "bias")]
        if soft_tokens:
            names += [name.replace("gate.", "soft.") for name in names] + [f"soft.{name}" for name in _TABLES]
        missing = [name for name in names if name not in weights]
        if missing:
            raise BadBundle(f"the gate lacks {missing[0]}; pack the bundle again")
        self._weights = {name: np.asarray(weights[name], np.float32) for name in names}
        self._nothing = np.zeros(self._weights["gate.enter.weight"].shape[1] // 2, np.float32)

    @classmethod
    def load(cls, source: Bundle, packed: PackedGate, threads: int) -> Self:
        """The gate of a bundle. Raises BadBundle, MissingPart."""
        encoder = SentenceEncoder(source.path(packed.encoder), threads)
        learned = None if packed.learned is None else Learned.load(source.path(packed.learned))
        return cls(compact.read(source.path(packed.file)), packed.soft_tokens, encoder, learned)

    @property
    def experts(self) -> int:
        """How many there are, the zero expert not counted."""
        return len(self._weights["gate.leave.bias"]) - 1

    @property
    def even(self) -> F32:
        """Weights (E,) with which all experts count alike: what stands before a message's conditions is read so."""
        return np.full(self.experts, 1 / (self.experts + 1), np.float32)

    def all_weights(self, instruction: str | None, text: str | None) -> F32:
        """Weights of all experts (E + 1,), the zero expert's first, for an instruction and a sentence."""
        given = np.concatenate([self._nothing if one is None else self.encoder(one) for one in (instruction, text)])
        scores = self._layer("gate.leave", np.maximum(self._layer("gate.enter", given * _norm(given)), 0))
        return _chances(scores)

    def weights(self, instruction: str | None, text: str | None) -> F32:
        """Weights of the experts (E,) but the zero expert, exactly 0 where that one has more than `LEFT_OUT`."""
        found = self.all_weights(instruction, text)
        return np.zeros(self.experts, np.float32) if found[0] > LEFT_OUT else found[1:]

    def soft(self, text: str) -> F32:
        """The soft tokens' embeddings (K, width) of a sentence."""
        given = self.encoder(text)
        inside = np.maximum(self._layer("soft.enter", given * np.float32(len(given) ** 0.5)), 0)
        tables = [self._weights[f"soft.{name}"] for name in _TABLES]
        scores = np.split(self._layer("soft.leave", inside), [len(tables[0])])
        width = tables[1].shape[1]
        return np.concatenate([(_chances(one) @ t).reshape(-1, width) for one, t in zip(scores, tables, strict=True)])

    def familiarity(self, text: str) -> Familiarity | None:
        """How near a sentence lies to what was learned; None where the bundle does not tell."""
        return None if self._learned is None else self._learned.of(self.encoder(text))

    def _layer(self, name: str, x: F32) -> F32:
        return (self._weights[f"{name}.weight"] @ x + self._weights[f"{name}.bias"]).astype(np.float32)


def _chances(scores: F32) -> F32:
    found = np.exp(scores - scores.max())
    return (found / found.sum()).astype(np.float32)


def _norm(given: F32) -> np.float32:
    """What brings numbers of an embedding of length 1 to a deviation of 1."""
    return np.float32((len(given) / 2) ** 0.5)
