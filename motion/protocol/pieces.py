"""What messages of several kinds hold: motion, and the skeleton that it is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from motion.protocol.schema import Float, Shape, Since

NEW: Final = Since(1)
"""marks what version 1.1 added"""
NEW_2: Final = Since(2)
"""marks what version 1.2 added"""
Root = Annotated[Float, Shape("T", 3)]
"""(T, 3) metres"""
Rotations = Annotated[Float, Shape("T", "J", 4)]
"""(T, J, 4) local quaternions w x y z"""


@dataclass(frozen=True, eq=False)
class Pose:
    """A piece of motion inside a request: on the bundle's skeleton, or the request's rig, and at the bundle's fps."""

    rotations: Rotations
    root: Root


@dataclass(frozen=True, eq=False)
class Rig:
    """A skeleton of the client's own: motion of the request is on it, and frames come on it."""

    name: str
    joints: Annotated[tuple[str, ...], Shape("J")]
    parents: Annotated[tuple[int, ...], Shape("J")]
    offsets: Annotated[Float, Shape("J", 3)]
