"""Trains what a recipe's bundle makes of people's own words, from its wordings alone; takes minutes.

    python -m export.train_words export/recipes/vermo-base.toml

Writes into the run learned.safetensors, which tells how near a sentence lies to what was learned, and unless the recipe
has a mixture of experts, which learns people's words itself and brings its gate: paraphrase.safetensors, which puts a
sentence in plain words that the language model learned, and gate.safetensors, which tells a question from an order to
move.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import torch

from export import program
from export.corpora import conversations
from export.corpora import words as worded
from export.data import dataset
from export.data.messages import Sample
from export.recipe import Recipe, load
from export.training import adapters, familiar, paraphrasing
from export.training.concepts import Concepts
from export.training.gating import Gating
from models.sentences.gate import Gate
from motion.errors import BadConfig

log = logging.getLogger(__name__)


def train(recipe: Recipe) -> None:
    """All of it. Raises MotionError where the recipe has no wordings, or data or the sentence encoder are missing."""
    talk = conversations.load("train")
    words = worded.with_requests(recipe.words, talk)
    if words is None:
        raise BadConfig(f"recipe {recipe.name!r} names no folder of wordings; give it words")
    data = dataset.load(recipe.data, "train", recipe.corpora)
    concepts = Concepts(
        [Sample(e.name, e.action, e.captions, (), e.origin, words.of(e.name)) for e in data.entries], words
    )
    log.info("%d sentences of %d concepts", len(concepts.asked), len(concepts.captions))
    recipe.run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    gating = Gating(Gate(2), talk)
    if not recipe.language.experts:
        paraphrasing.write(recipe.run, concepts, talk.prompts)
        log.info("the gate")
        adapters.save_gate(gating.alone(), None, recipe.run)
    log.info("what was learned: %d sentences are embedded", len(concepts.asked))
    familiar.write(recipe.run, concepts, gating.sentences)


def main() -> int:
    """The command line."""
    parser = program.parser("export.train_words", __doc__)
    parser.add_argument("recipe", type=Path, help="a file of export/recipes")
    options = parser.parse_args()
    return program.run(lambda: train(load(options.recipe)))


if __name__ == "__main__":
    sys.exit(main())
