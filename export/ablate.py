"""Trains what a paper's ablation compares, one setting after the other, and measures all on the same clips.

    python -m export.ablate export/ablations/hmvlm.toml --json docs/figures/ablation-hmvlm.json

A file of export/ablations names a recipe, what is changed for all (mostly fewer steps: what counts is the order of the
variants, not how good they are), and what each variant changes. Each trains into a folder beside the recipe's run and
goes on from its last checkpoint when the same command is given again. Figures are those of `export.evaluate` on the
test split, and what only some tokenizers can be asked (export/measuring/probes.py).
"""

from __future__ import annotations

import logging
import re
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from export import program, recipe
from export.measuring import probes, side_by_side
from export.recipe import Recipe
from export.training import stages
from models.tokenizers.superman import VisionGuidedConfig
from motion import config
from motion.errors import BadConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ablation:
    """What is compared."""

    paper: str
    """Which of its tables."""
    told: str
    """What the paper says there."""
    recipe: Path
    skins: bool = False
    """Whether the error of Anny's skin is measured as well, which takes minutes."""
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    """Settings of the recipe that differ for all variants."""
    variants: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Name -> settings that are its own."""

    def __post_init__(self) -> None:
        if len(self.variants) < 2:
            raise BadConfig(f"an ablation compares two variants or more, got {list(self.variants)}")


def load(path: Path) -> Ablation:
    """Reads an ablation. Raises BadConfig naming the setting that is wrong."""
    return config.build(Ablation, config.read(path))


def recipes(ablation: Ablation) -> list[Recipe]:
    """Each variant's recipe, in order. Raises BadConfig."""
    found: list[Recipe] = []
    for name, own in ablation.variants.items():
        changed = recipe.load(ablation.recipe, recipe.merged(ablation.changes, own))
        run = changed.run.with_name(changed.run.name + "-ablation") / re.sub(r"[^a-z0-9]+", "-", name.lower()).strip(
            "-"
        )
        found.append(replace(changed, name=name, run=run))
    return found


def trained(one: Recipe) -> None:
    """Trains a variant unless it is trained. Raises MotionError."""
    if not (one.run / "tokenizer.safetensors").exists():
        log.info("%s", one.name)
        stages.train(one)


def measured(variants: list[Recipe], split: str, most: int | None, skins: bool = False) -> dict[str, dict[str, Any]]:
    """Name -> figures of the trained variants."""
    blind = [one for one in variants if not _by_pictures_alone(one)]
    rows = side_by_side.measure(blind, split, most, skins and side_by_side.skins_here())
    return {one.name: {**(rows[one.name].row if one.name in rows else {}), **probes.probe(one)} for one in variants}


def _by_pictures_alone(one: Recipe) -> bool:
    """Whether it cannot code a clip that has no pictures."""
    return isinstance(one.tokenizer, VisionGuidedConfig) and one.tokenizer.streams == "visual"


def main() -> int:
    """The command line."""
    parser = program.parser("export.ablate", __doc__)
    parser.add_argument("ablation", type=Path, help="a file of export/ablations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--split", choices=("val", "test"), default="test", help="clips to measure on (test)")
    parser.add_argument("--clips-most", type=int, metavar="N", help="so many clips of the split (all)")
    options = parser.parse_args()

    def work() -> None:
        ablation = load(options.ablation)
        variants = recipes(ablation)
        for one in variants:
            trained(one)
        rows = measured(variants, options.split, options.clips_most, ablation.skins)
        figures = {
            "paper": ablation.paper, "told": ablation.told, "split": options.split,
            "training": asdict(variants[0].tokenizer_training), "rows": rows,
        }  # fmt: skip
        program.report(parser, figures, options.json)

    return program.run(work, stopped=program.GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
