"""What the graphs run on: `--device auto` takes the best that works here, and says which and why.

    cpu        onnxruntime on the CPU
    cuda       onnxruntime's CUDA provider
    tensorrt   an engine that export.to_tensorrt built, else onnxruntime's TensorRT provider
    rtx        the same with TensorRT for RTX
    torch      the graphs node by node in torch: a reference, slow

What does not work is said once, and the next best takes its place; the CPU always does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from motion.errors import BadBundle, BadConfig, MissingPart
from runtime.engines import Engine

_log = logging.getLogger(__name__)
DeviceName = Literal["auto", "cpu", "cuda", "tensorrt", "rtx", "torch"]
DEVICES: Final = get_args(DeviceName)
_PROVIDERS: Final = {
    "rtx": "NvTensorRTRTXExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_BEST: Final = ("rtx", "tensorrt", "cuda", "cpu")
Opening = Callable[[Path, int], Engine]


@dataclass
class Device:
    """Opens graphs on what was asked for, or on the next best that works. Remembers what did not."""

    wanted: str
    threads: int
    folder: Path = Path()
    """where engines lie that export.to_tensorrt built"""
    found: str = ""
    """what graphs run on, known once one was opened"""
    failed: dict[str, str] = field(default_factory=dict[str, str])
    """what does not work here, and why"""

    def __post_init__(self) -> None:
        if self.wanted not in DEVICES:
            raise BadConfig(f"--device must be one of {', '.join(DEVICES)}; got {self.wanted!r}")

    def open(self, path: Path) -> Engine:
        """An engine for a graph. Raises BadBundle where not even the CPU can run it."""
        for name in self._order():
            if name in self.failed:
                continue
            try:
                engine = self._opening(name)(path, self.threads)
            except MissingPart as error:
                self._say(name, str(error))
                continue
            except BadBundle as error:
                if name == "cpu":
                    raise
                self._say(name, str(error))
                continue
            if name != self.found:
                _log.info("graphs run on %s, since %s", name, self._reason(name))
                self.found = name
            return engine
        raise BadBundle(f"nothing here can run {path}: {'; '.join(self.failed.values())}")

    def _order(self) -> tuple[str, ...]:
        if self.wanted == "auto":
            return _BEST
        return (self.wanted,) if self.wanted == "cpu" else (self.wanted, "cpu")

    def _opening(self, name: str) -> Opening:
        if name == "torch":
            try:
                from runtime.engines.torch_graph import TorchEngine
            except ModuleNotFoundError as error:
                raise MissingPart(f"torch is not installed ({error}): pip install -e '.[train]'") from error

            return TorchEngine
        from runtime.engines.onnx import OnnxEngine

        provider = _PROVIDERS[name]
        if name in ("rtx", "tensorrt"):
            return lambda path, threads: self._native(path, name, threads)
        return lambda path, threads: OnnxEngine(path, threads, provider)

    def _native(self, path: Path, name: str, threads: int) -> Engine:
        """The engine that was built for this graph and this card, or onnxruntime's provider of the same name."""
        from runtime.engines import tensorrt
        from runtime.engines.onnx import CPU, OnnxEngine, available

        spare = _PROVIDERS["cuda"] if _PROVIDERS["cuda"] in available() else CPU
        try:
            return tensorrt.open_engine(path, name, self.folder, lambda: OnnxEngine(path, threads, spare))
        except MissingPart as error:
            if _PROVIDERS[name] not in available():
                raise MissingPart(f"{error}; nor has this onnxruntime {_PROVIDERS[name]}") from error
            return OnnxEngine(path, threads, _PROVIDERS[name])

    def _say(self, name: str, why: str) -> None:
        """Once for each device; where nobody asked for this one, it is no news that it is not installed."""
        from runtime.engines.onnx import available

        self.failed[name] = why
        expected = self.wanted != "auto" or _PROVIDERS[name] in available()
        _log.log(logging.WARNING if expected else logging.DEBUG, "%s cannot be used: %s", name, why)

    def _reason(self, name: str) -> str:
        if name == self.wanted:
            return "it was asked for"
        better = [other for other in self._order() if other in self.failed]
        return f"{', '.join(better)} cannot be used here" if better else "it is the best"
