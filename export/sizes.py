"""Counts the parameters of all tokenizers at their papers' sizes, beside what the papers count.

    python -m export.sizes --json docs/figures/sizes.json

They are made on torch's meta device, of the recipes `*-paper.toml`, without memory for weights. Books that are moving
averages are no parameters.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from export import program
from export.recipe import load
from models.tokenizers import kinds

log = logging.getLogger(__name__)
RECIPES = Path(__file__).with_name("recipes")


@dataclass(frozen=True)
class Part:
    """Some of a tokenizer's parameters."""

    name: str
    recipe: str
    """Of `*-paper.toml`: what stands for the star."""
    theirs: float | None
    """Millions that the paper counts; None where it tells sizes alone."""
    where: str = ""
    """In the paper."""
    prefixes: tuple[str, ...] = ()
    """What the parameters' names begin with; none: all."""
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings that differ from the recipe's."""


def _unimo(strides: tuple[int, ...], share: int, theirs: float) -> Part:
    return Part(f"UniMo, s = 1/{share}", "unimo", theirs, "table 5", changes={"strides": strides})


PARTS: tuple[Part, ...] = (
    Part("VerMo, autoencoder", "vermo", None, "A.1", ("encoder.", "quantizer.", "decoder.")),
    Part("VerMo, refiner", "vermo", None, "A.1", ("refiner.",)),
    Part("HMVLM, motion tokenizer", "hmvlm", None, "appendix"),
    Part("HMVLM, pose tokenizer", "hmvlm-pose", None, "appendix"),
    Part(
        "UniMotion, VAE without what sees pictures", "unimotion", 45, "table 15",
        ("enter.", "places", "motion.", "look.", "join.", "fused.", "decoder."),
    ),
    Part("UniMotion, flow head", "unimotion", None, "D.4", ("head.",)),
    Part("Superman, visual encoder", "superman", 17.12, "table 5", ("visual.",), {"backbone": "small"}),
    Part("Superman, hybrid book", "superman", 16.78, "8,192 entries of 2,048", ("book.",), {"backbone": "small"}),
    _unimo((3, 3, 2, 2), 36, 123.13), _unimo((3, 2, 2, 2), 24, 101.63), _unimo((2, 2, 2, 1), 8, 95.31),
    _unimo((1, 1, 1, 1), 1, 90.49),
)  # fmt: skip


def made(recipe: str, changes: Mapping[str, Any]) -> nn.Module:
    """A tokenizer at its paper's size, without memory for its weights."""
    config: Any = load(RECIPES / f"{recipe}-paper.toml").tokenizer
    config = dataclasses.replace(config, **changes)
    with torch.device("meta"):
        return kinds.find(recipe.partition("-")[0]).make(config, None)


def millions(module: nn.Module, prefixes: tuple[str, ...] = ()) -> float:
    """Parameters whose names begin with one of `prefixes`; of all when none is given."""
    return sum(p.numel() for name, p in module.named_parameters() if name.startswith(prefixes or ("",))) / 1e6


def counted() -> Iterator[tuple[Part, float]]:
    """Every part and its millions."""
    for part in PARTS:
        yield part, millions(made(part.recipe, part.changes), part.prefixes)


def main() -> int:
    """The command line."""
    parser = program.parser("export.sizes", __doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()

    def work() -> None:
        rows = [
            {"part": part.name, "ours_m": count, "paper_m": part.theirs, "where": part.where}
            for part, count in counted()
        ]
        program.report(parser, {"rows": rows}, options.json)

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
