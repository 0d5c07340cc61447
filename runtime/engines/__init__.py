"""Engines: a graph that turns named arrays into named arrays, whatever runs it.

`Engine` is the one seam of the service. An engine owns something to close, so it is a context manager.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Port:
    """An input or an output of a graph."""

    name: str
    dtype: str
    """as numpy names it"""
    shape: tuple[int | str, ...]
    """a text stands for a size that may vary"""


class Engine(Protocol):
    """One compiled graph. `run` may be called by one thread at a time."""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What `run` needs."""
        ...

    @property
    def outputs(self) -> tuple[Port, ...]:
        """What the graph gives."""
        ...

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The graph's first output. Raises BadRequest for arrays that it cannot take, Busy where a device's memory is
        full."""
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


def names(engine: Engine) -> tuple[str, ...]:
    """Names of what `run` needs."""
    return tuple(port.name for port in engine.inputs)
