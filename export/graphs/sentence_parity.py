"""The sentence encoder's graph against the same weights in transformers: the cosine of what both make of a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from export.corpora import conversations
from export.training.sentences import Sentences
from models.sentences import minilm
from motion.errors import BadFile

LEAST = 0.995
"""cosine that is let through; whole numbers of 8 bits cost 0.0004 of it"""
_SENTENCES = 48


def measure(path: Path) -> dict[str, Any]:
    """Least and mean cosine, and whether that is let through. Raises BadFile where there is no graph."""
    if not path.exists():
        raise BadFile("is not there; run python -m export.to_onnx with this recipe first", str(path))
    folder = minilm.folder()
    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    weights = minilm.arrays(folder)
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    options.add_external_initializers(list(weights), values)
    session: Any = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    talk = conversations.load("heldout")
    texts = [*talk.prompts[: _SENTENCES // 2], *(one.text for one in talk.requests[: _SENTENCES // 2])]
    cosines: list[float] = []
    for text, exact in zip(texts, Sentences()(texts).numpy(), strict=True):
        states = session.run(None, {"embeds": minilm.embeds(minilm.tokens(text, folder), folder)})[0]
        mean = states[0].mean(0)
        cosines.append(float(mean @ exact / np.linalg.norm(mean)))
    return {"least_cosine": min(cosines), "mean_cosine": float(np.mean(cosines)), "passed": min(cosines) >= LEAST}
