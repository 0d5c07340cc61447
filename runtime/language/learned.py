"""Points among the embeddings of what was learned, each with what it asks for."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from models import compact
from motion.errors import BadBundle
from runtime.language.familiarity import Familiarity

F32 = NDArray[np.float32]
_NEAREST: Final = 3


class Learned:
    """Points among the embeddings of what was learned, each with what it asks for (export/training/familiar.py)."""

    def __init__(self, centres: F32, names: list[str], slope: float, offset: float) -> None:
        """centres (N, 384) of about length 1; slope and offset: of the logistic curve from the best cosine to a
        share."""
        self._centres, self._names, self._slope, self._offset = centres, names, slope, offset

    @classmethod
    def load(cls, path: Path) -> Self:
        """The points of a file. Raises BadBundle where it holds none."""
        try:
            centres = compact.read(path)["centres"]
            about = compact.about(path)
            names = [str(name) for name in json.loads(about["names"])]
            if len(names) != len(centres):
                raise ValueError(f"{len(names)} names for {len(centres)} points")
            return cls(centres, names, float(about["slope"]), float(about["offset"]))
        except (KeyError, ValueError, OSError, SafetensorError) as error:
            raise BadBundle(f"{path} does not tell what was learned ({error}); pack the bundle again") from error

    def of(self, embedding: F32) -> Familiarity:
        """How near a sentence's embedding (384,) lies."""
        near = self._centres @ embedding
        share = (1 + math.tanh((self._slope * float(near.max()) + self._offset) / 2)) / 2  # the logistic curve
        order: list[int] = np.argsort(-near).tolist()
        found = dict.fromkeys(self._names[place] for place in order)
        return Familiarity(share, tuple(found)[:_NEAREST])
