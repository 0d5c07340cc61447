"""GGUF files, written by the package that defines them: fields, tensors, blocks of whole numbers, and damage."""

from __future__ import annotations

from pathlib import Path

import gguf as theirs
import numpy as np
import pytest
from gguf.constants import GGMLQuantizationType as Kind
from hypothesis import given
from hypothesis import strategies as st

from models import gguf
from motion.errors import BadFile

RNG = np.random.default_rng(0)
PLAIN = RNG.standard_normal((6, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("gguf") / "model.gguf"
    writer = theirs.GGUFWriter(file, "llama")
    writer.add_uint32("llama.block_count", 30)
    writer.add_float32("epsilon", 0.25)
    writer.add_bool("yes", True)
    writer.add_string("name", "ein Läufer 🏃")
    writer.add_array("tokens", ["a", "", "骨盤"])
    writer.add_array("kinds", [1, 3, 1])
    writer.add_tensor("plain", PLAIN)
    for name, kind in (("eight", Kind.Q8_0), ("four", Kind.Q4_1)):
        writer.add_tensor(name, theirs.quantize(PLAIN, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_fields_come_back_as_they_were_written(path: Path) -> None:
    fields = gguf.read(path).fields
    assert fields["general.architecture"] == "llama"
    assert (fields["llama.block_count"], fields["epsilon"], fields["yes"]) == (30, 0.25, True)
    assert fields["name"] == "ein Läufer 🏃"
    assert fields["tokens"] == ["a", "", "骨盤"]
    assert fields["kinds"] == [1, 3, 1]


def test_tensors_come_back_number_for_number(path: Path) -> None:
    tensors = gguf.read(path).tensors
    assert {name: tensor.shape for name, tensor in tensors.items()} == dict.fromkeys(
        ("plain", "eight", "four"), (6, 64)
    )
    assert np.array_equal(tensors["plain"].data.view(np.float32), PLAIN)
    scale, numbers = gguf.q8_0(tensors["eight"].data)
    eight = (scale[..., None] * numbers).reshape(6, 64)
    assert np.array_equal(eight, theirs.dequantize(tensors["eight"].data, Kind.Q8_0))
    scale, least, numbers4 = gguf.q4_1(tensors["four"].data)
    assert numbers4.max() <= 15
    four = (scale[..., None] * numbers4 + least[..., None]).reshape(6, 64)
    np.testing.assert_allclose(four, theirs.dequantize(tensors["four"].data, Kind.Q4_1), atol=1e-6)
    assert 0 < np.abs(four - PLAIN).max() < 0.25


def test_pages_let_go_of_come_back(path: Path) -> None:
    file = gguf.read(path)
    file.release()
    assert np.array_equal(file.tensors["plain"].data.view(np.float32), PLAIN)


@given(st.integers(0, 10_000))
def test_a_file_cut_short_is_refused_and_never_half_read(path: Path, cut: int) -> None:
    whole = path.read_bytes()
    short = path.with_name("short.gguf")
    short.write_bytes(whole[: cut % (len(whole) - 64)])
    with pytest.raises(BadFile, match=r"short\.gguf: is no GGUF file that can be read"):
        gguf.read(short)


@pytest.mark.parametrize("content", [b"", b"GGUF", b"PK\3\4" + b"\0" * 60, b"GGUF\x63\0\0\0" + b"\0" * 60])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.gguf").write_bytes(content)
    with pytest.raises(BadFile, match="install or copy it afresh"):
        gguf.read(tmp_path / "x.gguf")
