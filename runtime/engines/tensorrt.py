"""Engines that export.to_tensorrt built, for TensorRT and TensorRT for RTX alike: their Python is the same.

An engine runs on the card, in the version and for the graph it was built for; another one is refused with a sentence
before TensorRT sees it. Where none fits, one is built in the background while something else serves, and takes over
when it is done.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from motion.bundles import bundle, engine_file, nvidia
from motion.bundles.engine_file import FLAVORS, SUFFIX
from motion.errors import BadBundle, BadFile, BadRequest, MissingPart
from runtime.engines import Arrays, Engine, Port
from runtime.engines.cuda import Buffer, Stream, contiguous
from runtime.engines.onnx import check

_log = logging.getLogger(__name__)
_ORDER: Final = ("fp16", "bf16", "fp32")
"""of precisions, where engines of several fit"""


class TensorRtEngine:
    """One engine on one card. Raises MissingPart without TensorRT or a card, BadBundle for an engine that does not fit,
    BadFile for a damaged one."""

    def __init__(self, path: Path, graph_sha256: str) -> None:
        about, content = engine_file.read(path)
        self.about = about
        trt = library(about.flavor)
        here = nvidia.capability()
        if here is None:
            raise MissingPart("there is no NVIDIA card here, or its driver does not load")
        wrong = engine_file.misfit(about, graph_sha256, str(trt.__version__), here)
        if wrong:
            raise BadBundle(f"{wrong}; build it again with export.to_tensorrt")
        self._stream = Stream()
        self._lock = threading.Lock()
        self._runtime: Any = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        engine: Any = self._runtime.deserialize_cuda_engine(content)
        if engine is None:
            raise BadBundle(
                f"{about.flavor} {about.version} cannot load {path}; build it again with export.to_tensorrt"
            )
        self._engine = engine
        self._context: Any = engine.create_execution_context()
        every = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        given = {name for name in every if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT}
        ports = {
            name: Port(name, np.dtype(trt.nptype(engine.get_tensor_dtype(name))).name, _shape(engine, name))
            for name in every
        }
        self.inputs = tuple(ports[name] for name in every if name in given)
        self.outputs = tuple(ports[name] for name in every if name not in given)
        self._bounds = {port.name: engine.get_tensor_profile_shape(port.name, 0) for port in self.inputs}
        self._buffers = {name: Buffer(self._stream) for name in every}

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The graph's first output. Raises BadRequest for sizes it was not built for, Busy where memory is full."""
        check(self.inputs, inputs)
        with self._lock:
            self._stream.bind()
            for port in self.inputs:
                array = contiguous(inputs[port.name], port.dtype)
                least, _, most = (tuple(one) for one in self._bounds[port.name])
                if not all(a <= size <= b for a, size, b in zip(least, array.shape, most, strict=True)):
                    raise BadRequest(
                        f"{port.name} has size {array.shape}; engine {self.about.file} holds {least} to {most}"
                    )
                address = self._buffers[port.name].reserve(array.nbytes)
                self._stream.upload(address, array)
                self._context.set_input_shape(port.name, array.shape)
                self._context.set_tensor_address(port.name, address)
            results: list[NDArray[Any]] = []
            for port in self.outputs:
                result = np.empty(tuple(self._context.get_tensor_shape(port.name)), port.dtype)
                self._context.set_tensor_address(port.name, self._buffers[port.name].reserve(result.nbytes))
                results.append(result)
            if not self._context.execute_async_v3(self._stream.handle):
                raise BadRequest(f"engine {self.about.file} could not be run; its own log says why")
            self._stream.download(results[0], self._buffers[self.outputs[0].name].address)
            self._stream.wait()
        return results[0]

    def close(self) -> None:
        """Gives the card's memory back."""
        for buffer in self._buffers.values():
            buffer.close()
        self._context = self._engine = self._runtime = None
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Relieved:
    """Serves with one engine while a better one is made, and for whatever the better one cannot take."""

    def __init__(self, spare: Engine, better: Callable[[], Engine | None]) -> None:
        """better: makes the other engine, on a thread of its own; None where it came to nothing."""
        self.inputs, self.outputs = spare.inputs, spare.outputs
        self._spare = spare
        self._better: Engine | None = None
        self._make = better
        self._thread = threading.Thread(target=self._relieve, name="engine", daemon=True)
        self._thread.start()

    @property
    def relieved(self) -> bool:
        """Whether the better engine serves."""
        return self._better is not None

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The graph's first output."""
        better = self._better
        if better is not None:
            try:
                return better.run(inputs)
            except BadRequest as error:  # a size it was not built for
                _log.debug("%s", error)
        return self._spare.run(inputs)

    def wait(self) -> None:
        """Returns when the better engine is there, or has come to nothing."""
        self._thread.join()

    def close(self) -> None:
        """Gives back what both hold."""
        self._spare.close()
        if self._better is not None:
            self._better.close()

    def _relieve(self) -> None:
        try:
            self._better = self._make()
        except (BadBundle, BadFile, MissingPart, OSError) as error:
            _log.warning("the better engine came to nothing: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def library(flavor: str) -> Any:
    """TensorRT's Python package. Raises MissingPart."""
    try:
        found: Any = import_module("tensorrt_rtx_bindings") if flavor == "rtx" else import_module("tensorrt")
        assert found.Runtime
    except (ImportError, AttributeError, OSError) as error:
        raise MissingPart(
            f"the package {FLAVORS[flavor]} is not installed or does not load ({error}): pip install -e '.[{flavor}]'"
        ) from error
    return found


def fitting(graph: Path, flavor: str, version: str, here: str, folder: Path) -> tuple[Path | None, list[str]]:
    """The engine file for a graph, a version and a card, the best precision first; and why others are not it."""
    digest = bundle.sha256(graph)
    found: dict[str, Path] = {}
    others: list[str] = []
    for path in sorted(folder.glob(f"{graph.stem}.{flavor}-*{SUFFIX}")) if folder.is_dir() else ():
        try:
            about = engine_file.about(path)
        except BadFile as error:
            others.append(str(error))
            continue
        wrong = engine_file.misfit(about, digest, version, here)
        if wrong:
            others.append(wrong)
        else:
            found[about.precision] = path
    return next((found[precision] for precision in _ORDER if precision in found), None), others


def open_engine(graph: Path, flavor: str, folder: Path, spare: Callable[[], Engine]) -> Engine:
    """The engine for this graph and card; where there is none yet, `spare` serves while it is built. Raises MissingPart
    without TensorRT or a card."""
    trt = library(flavor)
    here = nvidia.capability()
    if here is None:
        raise MissingPart("there is no NVIDIA card here, or its driver does not load")
    path, others = fitting(graph, flavor, str(trt.__version__), here, folder)
    for why in others if path is None else ():
        _log.warning("%s; it is built anew", why)
    digest = bundle.sha256(graph)
    if path is not None:
        made = TensorRtEngine(path, digest)
        return Relieved(spare(), lambda: made)

    def better() -> Engine | None:
        command = [sys.executable, "-m", "export.to_tensorrt", str(graph.parent), "--out", str(folder)]
        command += ["--flavor", flavor, *(("--target", here) if flavor == "rtx" else ())]
        _log.info("building %s for %s in the background", graph.name, here)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        built, _ = fitting(graph, flavor, str(trt.__version__), here, folder)
        if built is None:
            raise BadBundle(f"export.to_tensorrt ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return TensorRtEngine(built, digest)

    return Relieved(spare(), better)


def _shape(engine: Any, name: str) -> tuple[int | str, ...]:
    return tuple("?" if size == -1 else int(size) for size in engine.get_tensor_shape(name))
