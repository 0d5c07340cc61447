"""ONNX graphs, run by onnxruntime: on the CPU, or on a card by one of its execution providers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadBundle, BadRequest, Busy, MissingPart
from runtime.engines import Arrays, Port

_ort: Any = import_module("onnxruntime")  # carries no types
_state: Any = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
_REFUSALS: Final[tuple[type[Exception], ...]] = (
    _state.Fail, _state.InvalidGraph, _state.InvalidProtobuf, _state.NoSuchFile, _state.NotImplemented,
    _state.InvalidArgument,
)  # fmt: skip
_FAILURES: Final[tuple[type[Exception], ...]] = (
    _state.Fail, _state.RuntimeException, _state.InvalidArgument, RuntimeError,
)  # fmt: skip
CPU: Final = "CPUExecutionProvider"
_TYPES: Final = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}
_CARD: Final = "cuda"  # what onnxruntime calls the memory of an NVIDIA card, whichever provider works there


def available() -> tuple[str, ...]:
    """The execution providers that this onnxruntime was built with, its own favourite first."""
    return tuple(_ort.get_available_providers())


def session(path: Path, threads: int, weights: Mapping[str, NDArray[Any]] | None = None, provider: str = CPU) -> Any:
    """An onnxruntime session of a graph; `weights` take the place of its external initializers and may be let go of
    afterwards. Raises BadBundle where the file is no graph that this onnxruntime can run, MissingPart where the
    provider cannot be had.

    Threads wait for each other by spinning while a graph runs, since a step of the language model has hundreds of
    joints of a few microseconds each, and stop as it ends: the service has other threads.
    """
    options: Any = _ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4 if provider != CPU else 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_mem_pattern = False  # windows differ in length, and a pattern would be kept for each
    if weights:
        values = [value(array) for array in weights.values()]
        options.add_external_initializers(list(weights), values)
    if provider not in available():
        raise MissingPart(f"this onnxruntime has no {provider}; it has {', '.join(available())}")
    try:
        graph = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what is looked at here
            made = _ort.InferenceSession(graph, options, providers=list(dict.fromkeys([provider, CPU])))
    except (*_REFUSALS, OSError) as error:
        raise BadBundle(f"onnxruntime {_ort.__version__} cannot load {path}: {error}") from error
    if made.get_providers()[0] != provider:
        raise MissingPart(f"onnxruntime's {provider} does not work here; a driver or a library of the card is missing")
    return made


def value(array: NDArray[Any]) -> Any:
    """An OrtValue on the array's own memory."""
    return _ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


class OnnxEngine:
    """An onnxruntime session for one graph, on `threads` threads. Raises BadBundle, MissingPart."""

    def __init__(self, path: Path, threads: int, provider: str = CPU) -> None:
        self._session = session(path, threads, provider=provider)
        self.provider = provider
        self._device = "cpu" if provider == CPU else _CARD
        self.inputs, self.outputs = (
            tuple(Port(port.name, _dtype(port.type), tuple(port.shape)) for port in ports)
            for ports in (self._session.get_inputs(), self._session.get_outputs())
        )

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The graph's first output. Raises BadRequest for arrays that do not fit, Busy where memory is full."""
        return np.asarray(self.hold(inputs)[self.outputs[0].name].numpy())

    def hold(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """All outputs, where they were made: OrtValues on the provider's device, which another engine there takes as
        they are. `inputs` are arrays or such values."""
        check(self.inputs, inputs)
        binding = self._session.io_binding()
        for name, given in inputs.items():
            binding.bind_ortvalue_input(name, given if hasattr(given, "numpy") else value(given))
        for port in self.outputs:
            binding.bind_output(port.name, self._device)
        try:
            self._session.run_with_iobinding(binding)
        except _FAILURES as error:
            if "allocate" in str(error) or "out of memory" in str(error).lower():
                raise Busy(f"there is no memory for {_sizes(inputs)} just now; ask again in a moment") from error
            raise BadRequest(f"the graph cannot take {_sizes(inputs)}: {error}") from error
        return dict(zip((port.name for port in self.outputs), binding.get_outputs(), strict=True))

    def close(self) -> None:
        """Gives back what it holds."""
        del self._session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def check(ports: tuple[Port, ...], inputs: Mapping[str, Any]) -> None:
    """Raises BadRequest where inputs are missing, are none of a graph's, or hold nothing."""
    wanted = {port.name for port in ports}
    if set(inputs) != wanted:
        raise BadRequest(
            f"the graph takes {', '.join(sorted(wanted))}, and got {', '.join(sorted(inputs)) or 'nothing'}"
        )
    empty = [name for name, given in inputs.items() if 0 in _shape(given)]
    if empty:
        raise BadRequest(f"{' and '.join(empty)} hold no frame; an engine needs one token or more")


def _sizes(inputs: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shape(given)}" for name, given in inputs.items())


def _shape(given: Any) -> tuple[int, ...]:
    return tuple(given.shape()) if hasattr(given, "numpy") else np.shape(given)


def _dtype(kind: str) -> str:
    return _TYPES.get(kind, kind.removeprefix("tensor(").removesuffix(")"))
