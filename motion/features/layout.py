"""One contract for all feature layouts: named groups of columns, and the way from a clip to them and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from motion.clip import Clip
from motion.features.statistics import Statistics
from motion.quat import F32
from motion.skeleton import SMPLX22, Skeleton


class PathIntegrator(Protocol):
    """Turns features into world motion piece by piece; carries heading (radians) and place (metres) between pieces."""

    heading: float
    x: float
    z: float
    started: bool
    """whether frames went before"""

    def push(self, frames: F32) -> tuple[F32, F32]:
        """The next features (T, D) -> root (T, 3) metres and local rotations (T, J, 4)."""
        ...


@dataclass(frozen=True)
class Layout:
    """A feature layout: (T, D) float32 at a fixed frame rate."""

    name: str
    fps: float
    layout: Mapping[str, slice]
    """The columns of each group, in order and without gaps."""
    holds: Literal["rotations", "positions", "picture"]
    """What a pose is told by: rotations as they were; joint positions, to which `decode` fits rotations, so that the
    twist of limbs is a guess; or joints in a camera's picture, which must be known to bring them back."""
    encode: Callable[[Clip], F32]
    """A `smplx22` clip at `fps` -> (T, D). Raises BadClip for another skeleton or rate."""
    decode: Callable[[F32], Clip]
    """(T, D) -> the clip that `encode` took, placed as the layout's page says."""
    joints: Callable[[F32], F32]
    """(T, D) -> joint positions (T, J, 3) in metres, as the layout places them."""
    skeleton: Skeleton = SMPLX22
    """Of its joints."""
    integrator: Callable[[float, float, float, bool], PathIntegrator] | None = None
    """(heading, x, z, whether frames went before) -> what decodes frames one after the other, for motion that is served
    while it is made. None where a clip is decoded as a whole. A layout that has one has the groups `root_turn`,
    `root_offset`, `root_height` and `rot6d`, each told frame by frame."""

    @property
    def width(self) -> int:
        """D, the number of columns."""
        return max(columns.stop for columns in self.layout.values())

    def measure(self, frames: F32) -> Statistics:
        """The avg-std statistics of features (N, D)."""
        return Statistics.measure(frames, self.layout)
