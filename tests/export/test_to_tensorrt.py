"""Engines are really built, with TensorRT for RTX, which needs no card for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from export import to_tensorrt
from export.to_tensorrt import Build
from motion.bundles import bundle, engine_file, nvidia
from motion.bundles.engine_file import About
from motion.errors import BadBundle, BadConfig, BadFile, MissingPart
from motion.features import WIDTH
from runtime.engines import tensorrt
from runtime.engines.onnx import OnnxEngine
from runtime.engines.tensorrt import Relieved

BUNDLE = Path(__file__).parents[2] / "runtime" / "bundles" / "base"
SMALL = Build(targets=("sm89",), frames=(8, 16, 32), batch=(1, 1, 2))


def rtx() -> str:
    try:
        return str(to_tensorrt.compiler("rtx").__version__)
    except MissingPart as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rtx()
    made, engine = to_tensorrt.build(BUNDLE / "decoder.onnx", SMALL)
    assert len(engine) > 1_000_000
    return engine_file.write(tmp_path_factory.mktemp("engines"), made, engine)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_refiner_is_built_in_every_precision_for_several_cards(precision: to_tensorrt.Precision) -> None:
    version = rtx()
    settings = Build(precision=precision, frames=(8, 16, 32), batch=(1, 1, 2))
    made, engine = to_tensorrt.build(BUNDLE / "refiner.onnx", settings)
    assert made.targets == ("sm86", "sm89", "sm120")
    assert (made.graph, made.flavor, made.version, made.precision) == ("refiner", "rtx", version, precision)
    assert made.graph_sha256 == bundle.sha256(BUNDLE / "refiner.onnx")
    assert len(engine) > 1_000_000


def test_the_command_line_builds_every_graph_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rtx()
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "decoder.onnx").write_bytes((BUNDLE / "decoder.onnx").read_bytes())
    arguments = [str(tmp_path / "graphs"), "--out", str(tmp_path / "out"), "--target", "sm120", "--precision", "fp16"]
    monkeypatch.setattr(sys, "argv", ["to_tensorrt", *arguments, "--frames", "8", "16", "32", "--batch", "1", "1", "2"])
    assert to_tensorrt.main() == 0
    (path,) = (tmp_path / "out").iterdir()
    about, _ = engine_file.read(path)
    assert (about.targets, about.frames, about.batch) == (("sm120",), (8, 16, 32), (1, 1, 2))


def test_the_service_takes_the_engine_that_fits_and_says_why_others_do_not(built: Path) -> None:
    version, graph = rtx(), BUNDLE / "decoder.onnx"
    (built.parent / "decoder.rtx-9.sm89.fp16.x.engine").write_bytes(b"broken")
    assert tensorrt.fitting(graph, "rtx", version, "sm89", built.parent)[0] == built
    found, why = tensorrt.fitting(graph, "rtx", version, "sm120", built.parent)
    assert found is None
    assert any("was built for sm89, and this card is sm120" in one for one in why)
    assert any("is no engine file that can be read" in one for one in why)
    _, why = tensorrt.fitting(graph, "rtx", "1.0.0", "sm89", built.parent)
    assert any(f"was built by rtx {version}, and this is 1.0.0" in one for one in why)
    assert tensorrt.fitting(BUNDLE / "encoder.onnx", "rtx", version, "sm89", built.parent) == (None, [])


def test_an_engine_needs_a_card(built: Path) -> None:
    if nvidia.capability() is not None:
        pytest.skip("there is a card here")
    with pytest.raises(MissingPart, match="there is no NVIDIA card here"):
        tensorrt.TensorRtEngine(built, bundle.sha256(BUNDLE / "decoder.onnx"))


def test_an_engine_of_another_card_is_refused_before_tensorrt_sees_it(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvidia, "capability", lambda: "sm86")
    with pytest.raises(BadBundle, match=r"built for sm89, and this card is sm86; build it again with export\.to_tens"):
        tensorrt.TensorRtEngine(built, bundle.sha256(BUNDLE / "decoder.onnx"))


def test_where_no_engine_fits_one_is_built_in_the_background_while_onnxruntime_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a card it cannot take over, but it is there, and it is the right one."""
    if nvidia.capability() is not None:
        pytest.skip("there is a card here")
    version, graph, engines = rtx(), tmp_path / "graphs" / "decoder.onnx", tmp_path / "engines"
    graph.parent.mkdir()
    graph.write_bytes((BUNDLE / "decoder.onnx").read_bytes())
    engines.mkdir()
    old = About("decoder", bundle.sha256(graph), "rtx", "1.0.0", "fp16", ("sm89",), (8, 80, 512), (1, 1, 16))
    engine_file.write(engines, old, b"of an older version")
    monkeypatch.setattr(nvidia, "capability", lambda: "sm89")
    codes = {"codes": np.zeros((1, 5), np.int64)}
    with tensorrt.open_engine(graph, "rtx", engines, lambda: OnnxEngine(graph, 1)) as engine:
        assert isinstance(engine, Relieved)
        assert engine.run(codes).shape == (1, 20, WIDTH)
        engine.wait()
        assert not engine.relieved
        assert engine.run(codes).shape == (1, 20, WIDTH)
    assert f"was built by rtx 1.0.0, and this is {version}" in caplog.text
    assert "it is built anew" in caplog.text
    found, _ = tensorrt.fitting(graph, "rtx", version, "sm89", engines)
    assert found is not None
    assert engine_file.about(found).targets == ("sm89",)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"flavor": "x"}, "--flavor must be one of rtx, tensorrt"),
        ({"frames": (16, 8, 32)}, "--frames must be fewest, usual and most"),
        ({"frames": (6, 8, 32)}, "--frames must be multiples of 4"),
        ({"batch": (0, 1, 2)}, "--batch must be fewest"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        Build(**settings)  # type: ignore[arg-type]


def test_unknown_cards_and_broken_graphs_are_named(tmp_path: Path) -> None:
    rtx()
    with pytest.raises(BadConfig, match=r"--target must be of sm75, .*; got sm1"):
        to_tensorrt.build(BUNDLE / "decoder.onnx", Build(targets=("sm1",)))
    (tmp_path / "decoder.onnx").write_bytes(b"nothing")
    for precision in ("fp32", "fp16"):
        with pytest.raises(BadFile, match=r"decoder\.onnx: is no ONNX graph"):
            to_tensorrt.build(tmp_path / "decoder.onnx", Build(precision=precision))


def test_tensorrt_itself_builds_for_the_card_that_is_here() -> None:
    if nvidia.capability() is not None:
        pytest.skip("there is a card here")
    with pytest.raises(MissingPart, match="tensorrt"):
        to_tensorrt.build(BUNDLE / "decoder.onnx", Build(flavor="tensorrt"))
