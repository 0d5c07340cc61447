"""Engine calls of several jobs made as one.

Jobs run on threads of their own. The first that calls an engine waits a moment for others whose arrays have the same
shapes, then makes one call for all of them; they wait for their rows. It does not wait longer than for as many as there
are jobs, so that a job that is alone waits for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from runtime.engines import Arrays, Engine

WINDOW_S: Final = 0.002
"""how long the first caller waits for others: a tenth of a decoder's call"""
MOST: Final = 16
"""rows in one call, which bounds its memory"""
_Shapes = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(eq=False)
class _Batch:
    calls: list[Mapping[str, NDArray[Any]]] = field(default_factory=list[Mapping[str, NDArray[Any]]])
    rows: int = 0
    full: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    result: NDArray[Any] | None = None
    error: Exception | None = None


class BatchedEngine:
    """An engine that many threads may call. `sizes` is what was called so far, rows of each call, until it is taken."""

    def __init__(self, engine: Engine, window_s: float = WINDOW_S, most: int = MOST) -> None:
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self._engine = engine
        self._window_s = window_s
        self._most = most
        self._lock = threading.Lock()
        self._open: dict[_Shapes, _Batch] = {}
        self._sizes: list[int] = []
        self.crowd: Callable[[], int] = lambda: 1
        """how many jobs there are that may call"""

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The graph's first output for these rows: of arrays (B, ...), one (B, ...). Raises what the engine raises."""
        rows = len(next(iter(inputs.values())))
        shapes = tuple(sorted((name, array.shape[1:]) for name, array in inputs.items()))
        with self._lock:
            batch = self._open.get(shapes)
            leads = batch is None or batch.rows + rows > self._most
            if batch is None or leads:
                batch = self._open[shapes] = _Batch()
            at = batch.rows
            batch.calls.append(inputs)
            batch.rows += rows
            if batch.rows >= min(self._most, self.crowd()):
                batch.full.set()
        if leads:
            self._lead(batch, shapes)
        else:
            batch.done.wait()
        if batch.error is not None:
            raise batch.error
        assert batch.result is not None
        return batch.result[at : at + rows]

    def take_sizes(self) -> list[int]:
        """Rows of each call since this was last asked."""
        with self._lock:
            sizes, self._sizes = self._sizes, []
            return sizes

    def _lead(self, batch: _Batch, shapes: _Shapes) -> None:
        batch.full.wait(self._window_s)
        with self._lock:
            if self._open.get(shapes) is batch:
                del self._open[shapes]
            self._sizes.append(batch.rows)
        try:
            names = batch.calls[0].keys()
            one = len(batch.calls) == 1
            batch.result = self._engine.run(
                batch.calls[0]
                if one
                else {name: np.concatenate([call[name] for call in batch.calls]) for name in names}
            )
        except Exception as error:  # noqa: BLE001  whatever it is, every caller of the batch has to hear of it
            batch.error = error
        finally:
            batch.done.set()

    def close(self) -> None:
        """Gives back what the engine holds."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
