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
from models.packing import Adapter, Experts
from models.vocabulary import SPECIAL
from motion.bundles.bundle import Bundle
from motion.bundles.manifest import Language, MultiTokenFiles, PackedTokenizer, Plan, Precision
from motion.errors import BadBundle
from runtime.language.sampling import Sampling

F32 = NDArray[np.float32]
Codes = NDArray[np.int64]
TOP_P: Final = 0.95
"""of the chances, the codes that are drawn from; the temperature is the bundle's"""
BEST: Final[tuple[Precision, ...]] = ("int8", "int4", "fp32")
"""precisions in the order in which a bundle's are looked for"""


class NoGraph(Exception):
    """The bundle has no language graph to run."""


@dataclass(frozen=True)
class Parts:
    """What a bundle brings to its language model."""

    source: Bundle
    language: Language
    tokenizer: PackedTokenizer
    """whose codes it writes"""
    adapter: Adapter | Experts
    embeddings: F32
    """of special tokens and codes (special + codes, width)"""
    head: F32
    bias: F32
    further: Mapping[str, NDArray[Any]] | None = None
    """the multi-token head's tensors, where it has one"""

    @classmethod
    def of(cls, source: Bundle, one_code: bool = False) -> Self:
        """What a bundle holds of it; one_code: without its multi-token head. Raises BadBundle where it holds none, or
        what does not fit."""
        manifest, language = source.manifest, source.manifest.language
        if language is None:
            raise BadBundle(f"bundle {manifest.name!r} has no language model; give one that has")
        tokenizer = manifest.tokenizer(language.vocabulary.tokenizer)
        weights: dict[str, Any] = load_file(source.path(language.vocabulary.file))
        kind = Experts if language.adapter.experts else Adapter
        adapter = kind(compact.read(source.path(language.adapter.file)), language.adapter.scale)
        further: dict[str, Any] | None = None
        if language.multi_token is not None and not one_code:
            further = compact.read(source.path(language.multi_token.weights))
            _check_head(further)
        return cls(source, language, tokenizer, adapter, *code_table.tables(weights, tokenizer.levels), further)

    @property
    def codes(self) -> int:
        """Motion codes."""
        return len(self.embeddings) - len(SPECIAL)

    @property
    def sampling(self) -> Sampling:
        """How freely motion is drawn."""
        return Sampling(temperature=self.language.temperature, top_p=TOP_P)

    @property
    def multi_token(self) -> MultiTokenFiles:
        """The files of its multi-token head. Raises BadBundle where it has none."""
        if self.language.multi_token is None:
            raise BadBundle(f"bundle {self.source.manifest.name!r} has no multi-token head; give one that has")
        return self.language.multi_token

    def graph(self, wanted: str | None) -> tuple[str, Plan]:
        """A language graph's file and plan, in precision `wanted` or the best there is. Raises NoGraph where the
        bundle has none."""
        for precision in BEST if wanted is None else (wanted,):
            for file, plan in self.language.graphs.items():
                if plan.precision == precision and plan.tokens == 1:
                    return file, plan
        name = self.source.manifest.name
        raise NoGraph(f"bundle {name!r} has no language graph in {wanted or 'any precision'}; pack it again")

    def several(self, plan: Plan) -> tuple[int, str, str]:
        """Codes drawn at once, the graph that reads so many, and that of the multi-token head, beside the graph of
        `plan`. Raises BadBundle."""
        head, graphs = self.multi_token, self.language.graphs
        read = next((file for file, other in graphs.items() if other == replace(plan, tokens=head.tokens)), None)
        drawn = head.graphs.get(plan.precision)
        if read is None or drawn is None:
            name = self.source.manifest.name
            raise BadBundle(f"bundle {name!r} has no {plan.precision} graph of {head.tokens} tokens; pack it again")
        return head.tokens, read, drawn

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


def _check_head(further: Mapping[str, NDArray[Any]]) -> None:
    """Raises BadBundle for a multi-token head that is none."""
    shapes = [further[name].shape if name in further else () for name in packing.FURTHER]
    hidden, width = shapes[0][0] if shapes[0] else 0, shapes[2][0] if shapes[2] else 0
    if shapes != [(hidden, 2 * width), (hidden,), (width, hidden), (width,)]:
        raise BadBundle(f"the multi-token head, of shapes {shapes}, is none; pack it again")
