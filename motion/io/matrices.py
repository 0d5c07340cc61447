"""World matrices of joints -> Clip, whatever axes and scales the joints have at rest.

T frames, J joints; matrices are float64 (..., 4, 4) acting on columns, metres, Y up. A clip's joints rest without any
rotation: each takes the rotation by which its matrix differs from the one at rest, and its scale is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.clip import Clip
from motion.quat import F32
from motion.skeleton import Skeleton, to_local

F64 = NDArray[np.float64]
_STILL = 1e-4  # metres that a bone may change its length and still count as stiff


@dataclass(frozen=True)
class Motion:
    """What matrices say of joints, frame by frame."""

    rotations: F32
    """(T, J, 4) local."""
    root: F32
    """(T, 3) world."""
    offsets: F32
    """(T, J, 3) from each joint's parent; the root's are its place at rest."""


def turns(matrices: NDArray[Any]) -> F64:
    """The rotations (..., 3, 3) in matrices (..., 4, 4) or (..., 3, 3), scale and mirroring taken out."""
    m = matrices[..., :3, :3]
    m = m / np.maximum(np.linalg.norm(m, axis=-2, keepdims=True), 1e-30)
    return m * np.sign(np.linalg.det(m))[..., None, None]


def motion(world: F64, rest: F64, parents: tuple[int, ...]) -> Motion:
    """Rotations, places and bones of world matrices (T, J, 4, 4) with the rest pose (J, 4, 4)."""
    turned = turns(world) @ np.swapaxes(turns(rest), -1, -2)
    above = np.maximum(np.array(parents), 0)
    at = world[..., :3, 3]
    offsets = np.einsum("tjba,tjb->tja", turned[:, above], at - at[:, above]).astype(np.float32)
    offsets[:, 0] = rest[0, :3, 3]
    tree = Skeleton("", tuple(map(str, range(len(parents)))), parents, np.zeros((len(parents), 3), np.float32))
    local = to_local(tree, quat.from_matrix(cast(F32, turned)).astype(np.float32))
    return Motion(quat.normalize(local), at[:, 0].astype(np.float32), offsets)


def join(parts: list[Motion]) -> Motion:
    """Stretches of frames, end to end."""
    return Motion(
        np.concatenate([part.rotations for part in parts]),
        np.concatenate([part.root for part in parts]),
        np.concatenate([part.offsets for part in parts]),
    )


def bones(rest: F64, parents: tuple[int, ...]) -> F32:
    """Offsets (J, 3) from each parent at rest; the root's is its place."""
    at, index = rest[:, :3, 3], np.array(parents)
    return np.where(index[:, None] < 0, at, at - at[np.maximum(index, 0)]).astype(np.float32)


def clip(
    name: str, take: str, fps: float, joints: tuple[str, ...], parents: tuple[int, ...], rest: F64, moved: Motion
) -> Clip:
    """A clip; its bones move only where they change their length, and have the motion's length, not the rest's."""
    offsets: F32 | None = moved.offsets
    skeleton = bones(rest, parents)
    if np.ptp(moved.offsets[:, 1:], axis=0).max(initial=0) < _STILL:
        lengths = moved.offsets.mean(axis=0)
        if np.abs(lengths - skeleton).max() > _STILL:
            skeleton = lengths
        offsets = None
    return Clip(Skeleton(name, joints, parents, skeleton), fps, moved.rotations, moved.root, None, take, offsets)
