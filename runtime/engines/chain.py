"""Two graphs, one after the other; what the first gives the second stays on their device."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from runtime.engines import Arrays, Engine
from runtime.engines.onnx import OnnxEngine


def joined(first: Engine, second: Engine | None) -> tuple[Engine, Engine | None]:
    """Both as one engine and nothing more, where onnxruntime runs both in the same place; else both as they are."""
    if isinstance(first, OnnxEngine) and isinstance(second, OnnxEngine) and first.provider == second.provider:
        return Chain(first, second), None
    return first, second


class Chain:
    """The decoder and the refiner as one engine: codes and noise in, refined features out."""

    def __init__(self, first: OnnxEngine, second: OnnxEngine) -> None:
        self._first, self._second = first, second
        given = {port.name for port in first.outputs}
        both = {port.name: port for port in (*first.inputs, *second.inputs) if port.name not in given}
        self.inputs, self.outputs = tuple(both.values()), second.outputs

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The second graph's first output."""
        held: dict[str, Any] = dict(inputs)
        held |= self._first.hold({port.name: held[port.name] for port in self._first.inputs})
        found = self._second.hold({port.name: held[port.name] for port in self._second.inputs})
        return np.asarray(found[self.outputs[0].name].numpy())

    def close(self) -> None:
        """Gives back what both hold."""
        self._first.close()
        self._second.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
