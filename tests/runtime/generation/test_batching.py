"""Engine calls of several threads: each gets its own rows, calls that meet are made as one, an error reaches all."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.engines import Port
from runtime.generation.batching import BatchedEngine


class Adder:
    """An engine that adds one to its input; `arrive` waits until `crowd` threads have come."""

    inputs = (Port("x", "float64", ("B", 3)),)
    outputs = (Port("y", "float64", ("B", 3)),)

    def __init__(self, crowd: int = 1) -> None:
        self.sizes: list[int] = []
        self._crowd = threading.Barrier(crowd)

    def arrive(self) -> None:
        self._crowd.wait(10)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        self.sizes.append(len(inputs["x"]))
        if (inputs["x"] < 0).any():
            raise ValueError("no negative numbers")
        return inputs["x"] + 1

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


def together(engine: Adder, batched: BatchedEngine, rows: list[NDArray[Any]]) -> list[NDArray[Any] | Exception]:
    def call(x: NDArray[Any]) -> NDArray[Any] | Exception:
        engine.arrive()
        try:
            return batched.run({"x": x})
        except ValueError as error:
            return error

    batched.crowd = lambda: len(rows)
    with ThreadPoolExecutor(len(rows)) as pool:
        return list(pool.map(call, rows))


def test_each_caller_gets_its_own_rows_and_calls_that_meet_are_one() -> None:
    engine = Adder(8)
    batched = BatchedEngine(engine, window_s=30.0, most=8)
    rows = [np.full((1, 3), float(i)) for i in range(8)]
    for x, result in zip(rows, together(engine, batched, rows), strict=True):
        assert np.array_equal(result, x + 1)  # type: ignore[arg-type]
    assert sum(engine.sizes) == 8
    assert engine.sizes == [8]
    assert batched.take_sizes() == engine.sizes
    assert batched.take_sizes() == []


def test_rows_of_other_shapes_are_not_mixed() -> None:
    engine = Adder(4)
    batched = BatchedEngine(engine, window_s=0.2, most=8)
    rows = [np.zeros((1, 3)), np.zeros((1, 4)), np.ones((1, 3)), np.ones((1, 4))]
    for x, result in zip(rows, together(engine, batched, rows), strict=True):
        assert np.array_equal(result, x + 1)  # type: ignore[arg-type]


def test_no_call_has_more_rows_than_allowed() -> None:
    engine = Adder(9)
    batched = BatchedEngine(engine, window_s=0.2, most=4)
    together(engine, batched, [np.full((1, 2), float(i)) for i in range(9)])
    assert max(engine.sizes) <= 4
    assert sum(engine.sizes) == 9


def test_an_error_reaches_every_caller_of_the_call_and_none_after_it() -> None:
    engine = Adder(3)
    batched = BatchedEngine(engine, window_s=30.0, most=3)
    results = together(engine, batched, [np.ones((1, 2)), -np.ones((1, 2)), np.ones((1, 2))])
    failed = [result for result in results if isinstance(result, ValueError)]
    assert len(failed) == 3 == engine.sizes[0]
    batched.crowd = lambda: 1
    assert np.array_equal(batched.run({"x": np.ones((1, 2))}), np.full((1, 2), 2.0))


def test_who_is_alone_waits_for_nobody() -> None:
    batched = BatchedEngine(Adder(), window_s=3600.0)
    with pytest.raises(ValueError, match="no negative"):
        batched.run({"x": -np.ones((1, 2))})
    assert np.array_equal(batched.run({"x": np.zeros((2, 2))}), np.ones((2, 2)))
