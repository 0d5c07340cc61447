"""Messages to watchers of live sessions, beside the `Frames` that their owners get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from motion.protocol.schema import Count, Float, Id, Shape


@dataclass(frozen=True, eq=False)
class Scene:
    """What is to be seen under a published name."""

    id: Id
    agents: Count
    fps: float
    clock: float
    licence: str
    skeleton: str
    joints: Annotated[tuple[str, ...], Shape("J")]
    parents: Annotated[tuple[int, ...], Shape("J")]
    offsets: Annotated[Float, Shape("J", 3)]


@dataclass(frozen=True)
class Ended:
    """Nothing more will come under this name."""

    id: Id
    reason: str


@dataclass(frozen=True)
class Beat:
    """The server is alive."""

    clock: float
