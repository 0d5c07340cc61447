"""What a language model has learned, as points among sentence embeddings: how near a new sentence lies to it.

Each concept gets a few centres (k-means, Lloyd 1982) of its sentences' embeddings. How near a sentence is
to the nearest centre, by cosine, becomes a share from 0 to 1 by logistic regression (Platt 1999): its positives are
sentences that were kept out when the centres were made, its negatives the same sentences against the centres of other
actions, which is how something looks that nobody recorded.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from export.training.concepts import Concepts
from export.training.sentences import Sentences
from models import compact
from motion.bundles.manifest import LEARNED
from motion.quat import F32

_CENTRES = 16  # a key at most
_KEPT_OUT = 5  # every so manieth sentence
_ROUNDS = 12


def write(folder: Path, concepts: Concepts, sentences: Sentences) -> None:
    """Writes `learned.safetensors`."""
    texts: dict[int, list[str]] = defaultdict(list)
    for text, place, style in concepts.asked:
        if not style:
            texts[place].append(text)
    places = sorted(texts)
    said = [concepts.captions[place] for place in places]
    embedded = [sentences(texts[place]).numpy() for place in places]
    fitted = [_centres(np.delete(one, np.s_[::_KEPT_OUT], 0)) if len(one) > 1 else one for one in embedded]
    scores: list[float] = []
    truth: list[float] = []
    for place, points in enumerate(embedded):
        out = points[::_KEPT_OUT]
        near = np.stack([(out @ one.T).max(-1) for one in fitted], axis=1)  # (sentences, concepts)
        others = [not _alike(said[place], other) for other in said]
        scores += [*near.max(-1), *near[:, others].max(-1)]
        truth += [1.0] * len(out) + [0.0] * len(out)
    slope, offset = _platt(np.array(scores), np.array(truth))
    centres = [_centres(one) for one in embedded]
    names = [name for name, one in zip(said, centres, strict=True) for _ in one]
    about = {"names": json.dumps(names), "slope": str(slope), "offset": str(offset)}
    compact.write(folder / LEARNED, {"centres": np.concatenate(centres)}, about)


def _alike(one: str, other: str) -> bool:
    """Whether two plain sentences are of one action: they share their verb."""
    a, b = (set(text.split()) - {"a", "person", "someone", "the", "with", "and", "to"} for text in (one, other))
    return bool(a & b)


def _centres(points: F32) -> F32:
    """At most `_CENTRES` of points (N, 384) of length 1, by cosine."""
    count = min(_CENTRES, len(points))
    centres = points[:: max(1, len(points) // count)][:count]
    for _ in range(_ROUNDS):
        nearest = (points @ centres.T).argmax(-1)
        held = [points[nearest == i] for i in range(len(centres))]
        means = [one.mean(0) if len(one) else centre for one, centre in zip(held, centres, strict=True)]
        centres = np.stack([mean / np.linalg.norm(mean) for mean in means]).astype(np.float32)
    return centres


def _platt(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the logistic curve."""
    # Platt's targets, a little off 0 and 1: where the two are apart the slope would grow without end.
    own = truth.sum()
    near, far = (own + 1) / (own + 2), 1 / (len(truth) - own + 2)
    x, y = (torch.tensor(one, dtype=torch.float64) for one in (scores, np.where(truth > 0, near, far)))
    line = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(line[0] * x + line[1], y)
        loss.backward()
        return loss

    optimizer.step(closure)
    slope, offset = line.detach().tolist()
    return slope, offset
