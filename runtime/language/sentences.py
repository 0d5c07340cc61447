"""Sentences as embeddings: MiniLM in onnxruntime, each sentence once for as long as it is remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.sentences import minilm
from runtime.engines.onnx import session

F32 = NDArray[np.float32]
_KEPT: Final = 512  # sentences; 800 kB


class SentenceEncoder:
    """A bundle's sentence encoder, loaded. Several threads may use it."""

    def __init__(self, graph: Path, threads: int, folder: Path | None = None) -> None:
        """graph: as export/graphs/sentence_graph.py makes it; folder: of its weights, None for the packaged ones.
        Raises MissingPart, BadBundle."""
        self._folder = minilm.folder() if folder is None else folder
        self._session: Any = session(graph, threads, minilm.arrays(self._folder))
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, F32] = OrderedDict()

    def __call__(self, text: str) -> F32:
        """The embedding (384,) of a sentence, of length 1."""
        with self._lock:
            if text not in self._kept:
                ids = minilm.tokens(text, self._folder)
                states = self._session.run(None, {"embeds": minilm.embeds(ids, self._folder)})[0]
                mean = states[0].mean(0)
                self._kept[text] = (mean / np.linalg.norm(mean)).astype(np.float32)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(text)
            return self._kept[text]
