"""Teaches a small network to tell what sentences ask for, so that a language model that learned a few plain wordings of
each thing obeys people's own words.

A bag of hashed features (models/sentences/paraphrase.py), a hidden layer, and the chances of each concept and each
style (export/training/concepts.py). Questions that ask for no motion are a concept of their own, for which there are no
plain words. Features are dropped while it learns, so that no single word decides.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.training.concepts import Concepts
from models import compact
from models.sentences.paraphrase import SIZE, features
from motion.bundles.manifest import PARAPHRASE

log = logging.getLogger(__name__)
_HIDDEN = 384
_STEPS, _BATCH = 1600, 256
_DROPPED = 0.2  # of the features
_GAIN = 4.0  # of the table: brings its numbers to those of the layers after it


class Paraphraser(nn.Module):
    """Features of sentences -> scores of concepts and styles."""

    def __init__(self, concepts: int, styles: int) -> None:
        """How many there are; the concept that asks for nothing is the last."""
        super().__init__()
        self.table = nn.EmbeddingBag(SIZE, _HIDDEN, mode="sum")
        nn.init.normal_(self.table.weight, std=0.05)
        self.concepts = nn.Linear(_HIDDEN, concepts)
        self.styles = nn.Linear(_HIDDEN, styles)

    def forward(self, texts: Sequence[Sequence[int]], dropout: float = 0.0) -> tuple[Tensor, Tensor]:
        """Scores (B, concepts), (B, styles) of sentences' features."""
        starts = np.cumsum([0, *(len(one) for one in texts)])[:-1]
        each = torch.tensor([len(one) ** -0.5 for one in texts for _ in one])
        inside = self.table(
            torch.tensor([number for one in texts for number in one]), torch.from_numpy(starts), per_sample_weights=each
        )
        inside = F.dropout(torch.relu(inside * _GAIN), dropout, self.training)
        return self.concepts(inside), self.styles(inside)


def learn(asked: Sequence[tuple[str, int, int]], concepts: int, styles: int, seed: int = 1) -> Paraphraser:
    """A network that tells the concept and the style of sentences (text, concept, style)."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Paraphraser(concepts, styles).train()
    seen = [features(text) or [0] for text, _, _ in asked]
    kinds, manners = (torch.tensor([one[at] for one in asked]) for at in (1, 2))
    # Concepts of many clips have many captions; each sentence of a rare one is drawn more often.
    counts = np.bincount(kinds.numpy(), minlength=concepts)
    chance = counts[kinds.numpy()] ** -0.5 * np.where(manners.numpy() > 0, 2, 1)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=_STEPS)
    for step in range(_STEPS):
        picks = rng.choice(len(seen), _BATCH, p=chance / chance.sum())
        batch = [[one for one in seen[i] if rng.random() >= _DROPPED] or seen[i] for i in picks]
        found, manner = network(batch, 0.3)
        loss = F.cross_entropy(found, kinds[picks], label_smoothing=0.05) + F.cross_entropy(manner, manners[picks])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 400 == 0:
            log.info("paraphraser: step %d of %d, loss %.3f", step + 1, _STEPS, float(loss.detach()))
    return network.eval()


def write(folder: Path, concepts: Concepts, questions: Sequence[str]) -> None:
    """Learns and writes `paraphrase.safetensors`; questions: what asks for no motion."""
    nothing = len(concepts.captions)
    asked = [*concepts.asked, *((text, nothing, 0) for text in questions)]
    network = learn(asked, nothing + 1, len(concepts.styles))
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    about = {"captions": json.dumps([*concepts.captions, ""]), "styles": json.dumps(concepts.styles)}
    compact.write(folder / PARAPHRASE, weights, {**about, "gain": str(_GAIN)})
