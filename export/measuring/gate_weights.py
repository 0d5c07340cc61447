"""How a mixture's gate weighs its experts by task (HMVLM, section 4.4, table 3), and whether it tells a question from
an order to move by the sentence alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from export.corpora import conversations
from export.data import dataset
from export.recipe import Recipe
from export.training import adapters
from export.training.sentences import Sentences
from models import tasks
from models.sentences.gate import Gate
from motion.errors import BadConfig

_MOST = 400  # sentences of each row
LEFT_OUT = 0.98
"""weight of the zero expert from which on the service leaves the others out"""


def measure(recipe: Recipe) -> dict[str, Any]:
    """Mean weights of all experts by task, on held-out prompts and captions of the test split, and routing. Raises
    BadConfig for a recipe without a mixture, BadFile where it is not trained."""
    if not recipe.language.experts:
        raise BadConfig(f"recipe {recipe.name!r} has no mixture of experts; give [language] experts")
    gate = Gate(recipe.language.experts)
    gate.load_state_dict(adapters.gate_weights(recipe.run))
    sentences = Sentences()
    talk = conversations.load("heldout")
    data = dataset.load(recipe.data, "test", recipe.corpora, mirrored=False)
    captions = [entry.captions[0] for entry in data.entries if entry.captions][:_MOST]
    given: dict[str, tuple[str | None, list[str | None]]] = {
        "conversation": (None, list(talk.prompts)),
        "auto, motion asked for": (None, [one.text for one in talk.requests]),
    }
    for task in tasks.TASKS:
        texts: list[str | None] = list(captions) if "text" in task.needs + task.optional else [None]
        given[task.name] = (task.instruction, texts)
    rows: dict[str, Any] = {}
    for name, (instruction, texts) in given.items():
        with torch.no_grad():
            weights = gate(sentences([instruction] * len(texts)), sentences(texts)).exp().numpy()
        rows[name] = {
            "sentences": len(texts),
            "weights": weights.mean(0).tolist(),
            "zero_most": float(np.mean(weights[:, 0] > 0.5)),
            "left_out": float(np.mean(weights[:, 0] > LEFT_OUT)),
        }
    return {"rows": rows}
