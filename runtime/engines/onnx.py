"""ONNX graphs, run by onnxruntime on the CPU."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadBundle
from runtime.engines import Arrays

_ort: Any = import_module("onnxruntime")  # carries no types
_state: Any = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
_REFUSALS: Final[tuple[type[Exception], ...]] = (
    _state.Fail, _state.InvalidGraph, _state.InvalidProtobuf, _state.NoSuchFile, _state.NotImplemented
)  # fmt: skip


class OnnxEngine:
    """An onnxruntime session for one graph, on `threads` threads.

    The threads do not spin while they wait: the language model runs on the same cores. Raises BadBundle where the file
    is no graph that this onnxruntime can run.
    """

    def __init__(self, path: Path, threads: int) -> None:
        options: Any = _ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # windows differ in length, and a pattern would be kept for each
        try:
            self._session: Any = _ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _REFUSALS as error:
            raise BadBundle(f"onnxruntime {_ort.__version__} cannot load {path}: {error}") from error

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what `run` needs."""
        return tuple(argument.name for argument in self._session.get_inputs())

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The graph's first output."""
        return np.asarray(self._session.run(None, dict(inputs))[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._session
