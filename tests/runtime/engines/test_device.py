"""What graphs run on: the best that works, said once; what does not fit is one sentence, and nothing dies of it."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from motion.bundles import nvidia
from motion.errors import BadBundle, BadConfig, BadRequest, MissingPart
from motion.features import WIDTH
from runtime.engines import Arrays, Port, names
from runtime.engines.chain import Chain
from runtime.engines.device import Device
from runtime.engines.onnx import OnnxEngine, available
from runtime.engines.tensorrt import Relieved
from runtime.engines.torch_graph import TorchEngine

BUNDLE = Path(__file__).parents[3] / "runtime" / "bundles" / "base"
CODES = np.random.default_rng(0).integers(0, 4375, (1, 9))
CPU_ALONE = pytest.mark.skipif(nvidia.capability() is not None, reason="there is a card here")


@CPU_ALONE
def test_auto_takes_the_cpu_where_there_is_no_card_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    device = Device("auto", 1)
    with device.open(BUNDLE / "decoder.onnx") as one, device.open(BUNDLE / "encoder.onnx") as other:
        assert isinstance(one, OnnxEngine)
        assert isinstance(other, OnnxEngine)
    assert device.found == "cpu"
    said = [record.getMessage() for record in caplog.records]
    assert said == ["graphs run on cpu, since rtx, tensorrt, cuda cannot be used here"], "once, not once a graph"


@CPU_ALONE
@pytest.mark.parametrize("wanted", ["cuda", "tensorrt", "rtx"])
def test_what_was_asked_for_and_does_not_work_is_warned_of_once_and_the_cpu_serves(
    wanted: str, caplog: pytest.LogCaptureFixture
) -> None:
    device = Device(wanted, 1)
    for _ in range(2):
        with device.open(BUNDLE / "decoder.onnx") as engine:
            assert engine.run({"codes": CODES}).shape == (1, 36, WIDTH)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{wanted} cannot be used: ")


def test_torch_gives_what_the_cpu_gives() -> None:
    device = Device("torch", 1)
    with device.open(BUNDLE / "decoder.onnx") as reference, OnnxEngine(BUNDLE / "decoder.onnx", 1) as engine:
        assert isinstance(reference, TorchEngine)
        np.testing.assert_allclose(reference.run({"codes": CODES}), engine.run({"codes": CODES}), atol=1e-4)


def test_an_unknown_device_and_a_damaged_graph_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="--device must be one of auto, cpu, cuda, tensorrt, rtx, torch; got 'npu'"):
        Device("npu", 1)
    (tmp_path / "decoder.onnx").write_bytes((BUNDLE / "decoder.onnx").read_bytes()[:-5000])
    for wanted in ("auto", "cpu", "cuda"):
        with pytest.raises(BadBundle, match=r"cannot load .*decoder\.onnx"):
            Device(wanted, 1).open(tmp_path / "decoder.onnx")
    with pytest.raises(MissingPart, match=r"this onnxruntime has no NoSuchProvider; it has .*CPUExecutionProvider"):
        OnnxEngine(BUNDLE / "decoder.onnx", 1, "NoSuchProvider")
    assert "CPUExecutionProvider" in available()


def test_ports_have_names_types_and_sizes() -> None:
    with OnnxEngine(BUNDLE / "refiner.onnx", 1) as engine:
        assert names(engine) == ("codes", "features", "noise")
        assert [port.dtype for port in engine.inputs] == ["int64", "float32", "float32"]
        assert engine.inputs[1].shape[-1] == WIDTH
        assert engine.outputs[0].dtype == "float32"


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "the graph takes codes, and got nothing"),
        ({"codes": CODES, "noise": CODES}, "the graph takes codes, and got codes, noise"),
        ({"codes": CODES[:, :0]}, "codes hold no frame; an engine needs one token or more"),
        ({"codes": CODES.astype(np.float32)}, r"the graph cannot take codes \(1, 9\)"),
        ({"codes": CODES[0]}, r"the graph cannot take codes \(9,\)"),
    ],
)
def test_what_a_graph_cannot_take_is_one_sentence_and_the_next_one_is_run(
    inputs: dict[str, np.ndarray], words: str
) -> None:
    with OnnxEngine(BUNDLE / "decoder.onnx", 1) as engine:
        with pytest.raises(BadRequest, match=words):
            engine.run(inputs)
        assert np.isfinite(engine.run({"codes": CODES})).all()


def test_a_chain_of_two_graphs_gives_what_one_after_the_other_gives() -> None:
    decoder, refiner = (OnnxEngine(BUNDLE / f"{name}.onnx", 1) for name in ("decoder", "refiner"))
    noise = np.random.default_rng(1).standard_normal((1, 36, WIDTH)).astype(np.float32)
    plain = decoder.run({"codes": CODES})
    expected = refiner.run({"codes": CODES, "features": plain, "noise": noise})
    with Chain(decoder, refiner) as chain:
        assert names(chain) == ("codes", "noise")
        assert np.array_equal(chain.run({"codes": CODES, "noise": noise}), expected)
        assert chain.outputs == refiner.outputs


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_where_memory_is_full_a_call_may_be_made_again_and_a_smaller_one_is_served() -> None:
    """In a process of its own that may take half a gigabyte more than it has."""
    program = f"""
import resource, sys
import numpy as np
from motion.errors import Busy
from runtime.engines.onnx import OnnxEngine
from pathlib import Path
with OnnxEngine(Path({str(BUNDLE / "decoder.onnx")!r}), 1) as engine:
    codes = np.zeros((1, 9), np.int64)
    engine.run({{"codes": codes}})
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**29,) * 2)
    try:
        engine.run({{"codes": np.zeros((64, 4000), np.int64)}})
    except Busy as error:
        assert error.retry
        print(error)
    print(engine.run({{"codes": codes}}).shape)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "there is no memory for codes (64, 4000) just now; ask again in a moment" in done.stdout, done.stderr
    assert f"(1, 36, {WIDTH})" in done.stdout


class Fixed:
    """An engine that gives one number, or refuses."""

    inputs = outputs = (Port("x", "float32", ("N",)),)

    def __init__(self, number: float, most: int = 99) -> None:
        self.number, self.most = number, most
        self.closed = False

    def run(self, inputs: Arrays) -> np.ndarray:
        if len(inputs["x"]) > self.most:
            raise BadRequest("too many")
        return np.full(len(inputs["x"]), self.number)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Fixed:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def test_something_serves_while_a_better_engine_is_made_and_for_what_that_cannot_take() -> None:
    spare, better, built = Fixed(1), Fixed(2, most=3), threading.Event()
    with Relieved(spare, lambda: better if built.wait(10) else None) as engine:
        assert engine.run({"x": np.zeros(2)})[0] == 1
        assert not engine.relieved
        built.set()
        engine.wait()
        assert engine.relieved
        assert engine.run({"x": np.zeros(2)})[0] == 2
        assert engine.run({"x": np.zeros(9)})[0] == 1, "more than it was built for"
    assert spare.closed
    assert better.closed


def test_a_better_engine_that_comes_to_nothing_is_said_and_the_other_serves_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing() -> Fixed:
        raise BadBundle("the compiler ended with 2")

    with Relieved(Fixed(1), failing) as engine:
        engine.wait()
        assert engine.run({"x": np.zeros(2)})[0] == 1
    assert "the better engine came to nothing: the compiler ended with 2" in caplog.text
