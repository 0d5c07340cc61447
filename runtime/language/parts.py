"""What a bundle brings to its language model: adapter, vocabulary, head, graphs, and how it wants to be drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType] (a bare PathLike)

from models import code_table, compact, packing
from models.packing import Adapter, Plan, Precision
from models.vocabulary import SPECIAL
from motion.bundles.bundle import Bundle
from motion.errors import BadBundle
from runtime.language.sampling import Sampling

F32 = NDArray[np.float32]
Codes = NDArray[np.int64]
MOTION = Sampling(temperature=0.7, top_p=0.95)  # unless the bundle has a temperature of its own
GUIDANCE = 3.0  # how much the sentence counts, unless the bundle says; docs/RESULTS.md says what other values gave
BEST: Final[tuple[Precision, ...]] = ("int8", "int4", "fp32")
"""precisions in the order in which a bundle's are looked for"""


class NoGraph(Exception):
    """The bundle has no language graph to run."""


@dataclass(frozen=True)
class Parts:
    """What a bundle brings to its language model."""

    source: Bundle
    adapter: Adapter
    embeddings: F32
    """of special tokens and codes (special + codes, width)"""
    head: F32
    bias: F32
    further: Mapping[str, NDArray[Any]] | None = None
    """the multi-token head's tensors, where it has one"""

    @classmethod
    def of(cls, source: Bundle, one_code: bool = False) -> Self:
        """What a bundle holds of it; one_code: without its multi-token head. Raises BadBundle where its manifest does
        not tell."""
        facts = source.manifest.vocabulary
        try:
            levels, scale = tuple(facts["levels"]), float(facts["alpha"]) / float(facts["rank"])
        except KeyError as error:
            raise BadBundle(f"the manifest of bundle {source.manifest.name!r} lacks {error}; pack it again") from error
        weights: dict[str, Any] = load_file(source.path("embeddings.safetensors"))
        tensors = compact.read(source.path("adapter.safetensors"))
        further: dict[str, Any] | None = None
        if "multi_token" in facts and not one_code:
            further = compact.read(source.path("multi-token.safetensors"))
            _check_head(further, facts["multi_token"])
        return cls(source, Adapter(tensors, scale), *code_table.tables(weights, levels), further)

    @property
    def codes(self) -> int:
        """Motion codes."""
        return len(self.embeddings) - len(SPECIAL)

    @property
    def guidance(self) -> float:
        """How much a sentence counts."""
        return float(self.source.manifest.vocabulary.get("guidance", GUIDANCE))

    @property
    def sampling(self) -> Sampling:
        """How freely motion is drawn."""
        return replace(
            MOTION, temperature=float(self.source.manifest.vocabulary.get("temperature", MOTION.temperature))
        )

    @property
    def rate(self) -> float:
        """Tokens a second of motion."""
        return self.source.manifest.fps / self.source.manifest.tokens.frames_per_token

    @property
    def tokens(self) -> int:
        """Codes that the multi-token head and the layers draw together."""
        return int(self.source.manifest.vocabulary["multi_token"]["tokens"])

    def graph(self, wanted: str | None) -> tuple[str, Plan]:
        """A language graph's file and plan, in precision `wanted` or the best there is. Raises NoGraph where the
        bundle has none."""
        for precision in BEST if wanted is None else (wanted,):
            found = next(
                (item for item in self._plans() if item[1].precision == precision and item[1].tokens == 1), None
            )
            if found is not None:
                return found
        name = self.source.manifest.name
        raise NoGraph(f"bundle {name!r} has no language graph in {wanted or 'any precision'}; pack it again")

    def several(self, plan: Plan) -> tuple[int, str, str]:
        """Codes drawn at once, the graph that reads so many, and that of the multi-token head, beside the graph of
        `plan`. Raises BadBundle."""
        tokens = self.tokens
        read = next((file for file, other in self._plans() if other == replace(plan, tokens=tokens)), None)
        if read is None:
            name = self.source.manifest.name
            raise BadBundle(f"bundle {name!r} has no {plan.precision} graph of {tokens} tokens; pack it again")
        return tokens, read, packing.multi_token_graph(plan.precision)

    def _plans(self) -> list[tuple[str, Plan]]:
        rows: dict[str, dict[str, Any]] = self.source.manifest.vocabulary.get("graphs", {})
        return [(file, Plan(**facts)) for file, facts in rows.items()]

    def check(self, width: int, backbone: Path) -> None:
        """Raises BadBundle where the bundle was not made for a backbone of this width."""
        head = self.embeddings.shape[1] if self.further is None else len(self.further["leave.bias"])
        if not self.embeddings.shape[1] == head == width:
            raise BadBundle(
                f"the motion vocabulary of bundle {self.source.manifest.name!r} does not fit the backbone in "
                f"{backbone}; serve the bundle on the backbone it names"
            )

    def embedding(self, first: int, text: Callable[[Codes], F32]) -> Callable[[Sequence[int]], F32]:
        """Token ids -> embeddings (N, width); `text` gives those of text tokens, which end before `first`."""

        def embed(ids: Sequence[int]) -> F32:
            at = np.asarray(ids, np.int64)
            own = at >= first
            found = np.empty((len(at), self.embeddings.shape[1]), np.float32)
            found[own] = self.embeddings[at[own] - first]
            found[~own] = text(at[~own])
            return found

        return embed


def _check_head(further: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Raises BadBundle for a multi-token head that is none."""
    shapes = [further[name].shape if name in further else () for name in packing.FURTHER]
    hidden, width = shapes[0][0] if shapes[0] else 0, shapes[2][0] if shapes[2] else 0
    told = facts.get("tokens")
    if shapes != [(hidden, 2 * width), (hidden,), (width, hidden), (width,)] or not isinstance(told, int) or told < 2:
        raise BadBundle(f"the multi-token head, of shapes {shapes} for {told} codes a run, is none; pack it again")
