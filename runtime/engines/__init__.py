"""Engines: a graph that turns named arrays into named arrays, whatever runs it.

`Engine` is the one seam of the service. An engine owns something to close, so it is a context manager.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class Engine(Protocol):
    """One compiled graph. `run` may be called by one thread at a time."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what `run` needs."""
        ...

    def run(self, inputs: Arrays) -> NDArray[Any]:
        """The graph's first output."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
