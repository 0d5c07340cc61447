"""Trains a recipe's motion tokenizer of any kind, stage after stage (export/training/stages.py): VerMo's FSQ
autoencoder, then the flow-matching refiner on its frozen codes.

    python -m export.train_tokenizer export/recipes/vermo-base.toml
    accelerate launch -m export.train_tokenizer export/recipes/vermo-base.toml      several GPUs

Goes on from its last checkpoint when it was stopped. Ends with <run>/tokenizer.safetensors.
"""

from __future__ import annotations

import sys
from pathlib import Path

from export import program
from export.recipe import load
from export.training import stages


def main() -> int:
    """The command line."""
    parser = program.parser("export.train_tokenizer", __doc__)
    parser.add_argument("recipe", type=Path, help="a file of export/recipes")
    parser.add_argument(
        "--stage",
        metavar="STAGE",
        help="only this stage (autoencoder, then VerMo's refiner or UniMotion's head); decoder: "
        "train VerMo's decoder on, every motion keeping its codes",
    )
    parser.add_argument("--begin", type=Path, metavar="FILE", help="start from these weights")
    options = parser.parse_args()
    return program.run(lambda: stages.train(load(options.recipe), options.stage, options.begin), program.GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
