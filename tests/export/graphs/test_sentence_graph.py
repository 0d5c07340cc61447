"""The sentence encoder's graph makes of sentences what transformers makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.graphs import sentence_graph, sentence_parity
from models.sentences import minilm
from motion.errors import BadFile, MissingPart


def test_embeddings_point_where_those_of_transformers_point(tmp_path: Path) -> None:
    try:
        minilm.folder()
    except MissingPart as missing:
        pytest.skip(str(missing))
    with pytest.raises(BadFile, match=r"run python -m export\.to_onnx with this recipe first"):
        sentence_parity.measure(tmp_path / "sentence.onnx")
    sentence_graph.write(tmp_path)
    assert (tmp_path / "sentence.onnx").stat().st_size < 60_000, "it holds no weights"
    found = sentence_parity.measure(tmp_path / "sentence.onnx")
    assert found["passed"]
    assert 0.995 <= found["least_cosine"] <= found["mean_cosine"] <= 1
