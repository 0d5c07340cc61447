"""Rotations for joint positions: the pose of a skeleton whose joints stand where they are told.

Joints with several children take the rotation that brings all of them home (Kabsch 1976). A joint with one child swings
by the least that points its bone; what a bone's direction leaves open, its twist, is shared along the spine, and on
`smplx22` thighs and upper arms roll until knees and elbows bend about their own axes, the more the further they bend.
Where nothing bends the twist is the parent's: that is a guess, and positions hold no better one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from motion import quat
from motion.clip import Clip
from motion.errors import BadClip
from motion.quat import F32
from motion.skeleton import Skeleton, to_local

_HINGES: dict[str, tuple[float, float, float]] = {
    "left_hip": (1, 0, 0),
    "right_hip": (1, 0, 0),
    "left_shoulder": (0, -1, 0),
    "right_shoulder": (0, 1, 0),
}
"""Of the first bone of a limb on `smplx22`: the axis about which the next bone bends forward or back, at rest."""
_LOOSE = 0.15  # sine of the bend (9 degrees) at which a hinge and the parent's twist count alike


def fit(
    skeleton: Skeleton,
    positions: F32,
    fps: float,
    known: Mapping[str, F32] | None = None,
    stretch: bool = False,
    name: str = "",
) -> Clip:
    """A clip whose joints stand at `positions` (T, J, 3), metres, in the skeleton's order.

    known: world rotations (T, 4) of joints that need no guess, by name.
    stretch: bones take the lengths of the positions frame by frame (`Clip.offsets`), so that every joint stands where
    it should; otherwise the skeleton's bones only point that way, and the root travels in the skeleton's own size.
    Raises BadClip where the positions do not fit the skeleton.
    """
    if positions.ndim != 3 or positions.shape[1:] != (len(skeleton), 3) or not len(positions):
        raise BadClip(
            f"positions have shape {positions.shape}, skeleton {skeleton.name!r} needs (frames, {len(skeleton)}, 3)"
        )
    at = _exact(positions)
    given = {skeleton.index(joint): rotations for joint, rotations in (known or {}).items()}
    world = _world(skeleton, at, given)
    rotations = quat.normalize(to_local(skeleton, world))
    if not stretch:
        root = at[:, 0] * _size(skeleton, at)
        return Clip(skeleton, fps, rotations, root.astype(np.float32), None, name)
    parents = np.maximum(skeleton.parents, 0)
    bones = quat.rotate(_exact(quat.inv(world[:, parents])), at - at[:, parents])
    bones[:, 0] = skeleton.offsets[0]
    return Clip(skeleton, fps, rotations, at[:, 0].astype(np.float32), None, name, bones.astype(np.float32))


def _world(skeleton: Skeleton, at: F32, given: Mapping[int, F32]) -> F32:
    """World rotations (T, J, 4) for positions (T, J, 3)."""
    children = [
        [c for c in skeleton.children(j) if np.linalg.norm(skeleton.offsets[c]) > 1e-6] for j in range(len(skeleton))
    ]
    world: F32 = np.zeros((*at.shape[:2], 4), np.float32)
    world[:] = quat.IDENTITY
    fixed = set(given)
    for joint, rotations in given.items():
        world[:, joint] = rotations
    for joint, below in enumerate(children):  # first those that need no neighbour
        if joint not in fixed and _spread(skeleton.offsets[below]):
            world[:, joint] = quat.align(skeleton.offsets[below], at[:, below] - at[:, [joint]], world[:, joint])
            fixed.add(joint)
    for joint, parent in enumerate(skeleton.parents):
        if joint in fixed:
            continue
        above = world[:, parent] if parent >= 0 else world[:, joint]
        near = _shared(children, world, joint, above, fixed)
        if not children[joint]:
            world[:, joint] = above
        elif len(children[joint]) > 1:
            below = children[joint]
            world[:, joint] = quat.align(skeleton.offsets[below], at[:, below] - at[:, [joint]], near)
        else:
            world[:, joint] = _swing(skeleton, at, children, joint, near)
    return world


def _exact(values: ArrayLike) -> F32:
    """In float64, for sums and differences that float32 would spoil; typed as the rotations' functions want it."""
    return cast(F32, np.asarray(values, np.float64))


def _spread(vectors: F32) -> bool:
    """Whether vectors (N, 3) lie in more than one direction, so that they tell a whole rotation."""
    if len(vectors) < 2:
        return False
    sizes = np.linalg.svd(vectors.astype(np.float64), compute_uv=False)
    return bool(sizes[1] > 0.1 * sizes[0])


def _shared(children: list[list[int]], world: F32, joint: int, above: F32, fixed: set[int]) -> F32:
    """The twist to begin with: the parent's, or part of the way to the next joint down the chain that is known."""
    steps, at = 1, joint
    while len(children[at]) == 1:
        at, steps = children[at][0], steps + 1
        if at in fixed:
            return quat.slerp(above, world[:, at], 1 / steps)
    return above


def _swing(skeleton: Skeleton, at: F32, children: list[list[int]], joint: int, near: F32) -> F32:
    """`near` (T, 4) swung by the least that points the joint's one bone home, then rolled to suit the hinge below."""
    child = children[joint][0]
    bone = at[:, child] - at[:, joint]
    turned = quat.rotate(_exact(near), _exact(skeleton.offsets[child]))
    swung = quat.mul(quat.between(turned, bone), near)
    hinge = _HINGES.get(skeleton.joints[joint])
    if hinge is None or len(children[child]) != 1:
        return quat.normalize(swung)
    axis = bone / np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-9)
    below = at[:, children[child][0]] - at[:, child]
    bend = np.cross(axis, below / np.maximum(np.linalg.norm(below, axis=-1, keepdims=True), 1e-9))
    own = quat.rotate(_exact(swung), _exact(hinge))
    roll = np.arctan2((np.cross(own, bend) * axis).sum(-1), (own * bend).sum(-1) + _LOOSE)
    return quat.normalize(quat.mul(quat.from_axis_angle(axis.astype(np.float32), roll.astype(np.float32)), swung))


def _size(skeleton: Skeleton, at: F32) -> float:
    """The skeleton's size over that of the positions, by all bones; 1 where they are of one size."""
    parents = np.maximum(skeleton.parents, 0)
    theirs = float(np.median(np.linalg.norm(at - at[:, parents], axis=-1).sum(axis=1)))
    ours = float(np.linalg.norm(skeleton.offsets[1:], axis=-1).sum())
    ratio = ours / max(theirs, 1e-9)
    return 1.0 if abs(ratio - 1) < 1e-4 else ratio
