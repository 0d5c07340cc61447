"""A client's motion, and its own skeleton: onto the bundle's skeleton and back, chunk by chunk.

The world has Y up on either side; a rig's offsets have whatever axes its maker likes, and its rotations turn those.
Frames are independent of each other, so that the same pose comes out wherever a stream is cut. Fitting a rig takes tens
of milliseconds, so that it is for workers: the front admits a rig by its joint tree alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from motion import quat
from motion.clip import Clip
from motion.errors import BadClip, BadRequest, UnknownJoint
from motion.protocol import Pose, Rig
from motion.quat import F32
from motion.retargeting.humanoid import Humanoid
from motion.retargeting.joint_map import map_joints
from motion.retargeting.transfer import Transfer
from motion.skeleton import Skeleton

_Tree = tuple[str, tuple[str, ...], tuple[int, ...], bytes]
"""a skeleton's name, joints, parents and offsets, so that a fit can be remembered by it"""
_FARTHEST = 1e4  # metres
_UP = np.array([0, 1, 0], np.float32)
_UNIT = 0.01  # how far from 1 the length of a quaternion may be


@dataclass(frozen=True, eq=False)
class Fit:
    """How a rig and the bundle's skeleton stand to each other."""

    theirs: Skeleton
    """The rig, on the offsets that the client gave."""
    lift: F32
    """(4,) from the axes of those offsets to axes with Y up"""
    out: Transfer
    """onto the rig, on offsets with Y up"""
    home: Transfer
    """and back"""

    def forth(self, root: F32, rotations: F32) -> tuple[F32, F32]:
        """Root (T, 3) and local rotations (T, J, 4) of theirs for those of ours."""
        clip = self.out.carry(_clip(self.out.source.skeleton, root, rotations))
        return clip.root, _seen_in(clip.rotations, self.lift)

    def back(self, root: F32, rotations: F32) -> tuple[F32, F32]:
        """Root (T, 3) and local rotations (T, J, 4) of ours for those of theirs."""
        turned = _seen_in(rotations, quat.inv(self.lift))
        clip = self.home.carry(_clip(self.home.source.skeleton, root, turned))
        return clip.root, clip.rotations


def brought(ours: Skeleton, name: str, pose: Pose, rig: Rig | None) -> tuple[F32, F32]:
    """Root (T, 3) and local rotations (T, J, 4) of ours for the pose that a request has as `name`, on its rig where it
    has one. Raises BadRequest where it is no motion."""
    lengths = np.linalg.norm(pose.rotations, axis=-1)
    if np.abs(lengths - 1).max() > _UNIT:
        frame, joint = divmod(int(np.abs(lengths - 1).argmax()), lengths.shape[1])
        raise BadRequest(
            f"{name!r} holds rotations that are not unit quaternions: frame {frame}, joint "
            f"{(rig or ours).joints[joint]!r} has length {lengths[frame, joint]:.3f}; normalise them"
        )
    return (pose.root, pose.rotations) if rig is None else rig_of(ours, rig).back(pose.root, pose.rotations)


def rig_of(ours: Skeleton, rig: Rig) -> Fit:
    """The fit of a rig. Raises BadRequest where it is no skeleton of a humanoid that can be told."""
    return _fit(_tree(ours), _tree(rig))


def _tree(one: Skeleton | Rig) -> _Tree:
    return one.name, one.joints, one.parents, one.offsets.tobytes()


def _skeleton(tree: _Tree) -> Skeleton:
    name, joints, parents, offsets = tree
    return Skeleton(name, joints, parents, np.frombuffer(offsets, np.float32).reshape(-1, 3))


@lru_cache(maxsize=64)
def _fit(ours: _Tree, rig: _Tree) -> Fit:
    try:
        theirs = _skeleton(rig)
        if (far := float(np.abs(theirs.offsets).max())) > _FARTHEST:
            raise BadRequest(f"the rig has joints {far:.3g} m apart; give its offsets in metres")
        lift = _lift(theirs)
        body = Humanoid.of(replace(theirs, offsets=quat.rotate(lift, theirs.offsets)))
    except (BadClip, UnknownJoint) as error:
        raise BadRequest(f"the rig cannot be used: {error}") from error
    own = Humanoid.of(_skeleton(ours))
    fit = Fit(theirs, lift, Transfer(own, body), Transfer(body, own))
    if not 1e-4 < fit.out.scale < 1e4:
        raise BadRequest(
            f"the rig's legs are {fit.out.scale:.3g} times as long as the bundle's; give its offsets in metres"
        )
    return fit


def _lift(skeleton: Skeleton) -> F32:
    """(4,) from the axes of a skeleton's rest pose to a world with Y up: what leads from feet to neck is up."""
    roles, at = map_joints(skeleton).roles, skeleton.rest_positions()
    tall = at[roles["neck"]] - (at[roles["left_ankle"]] + at[roles["right_ankle"]]) / 2
    up = np.zeros(3, np.float32)
    up[np.abs(tall).argmax()] = np.sign(tall[np.abs(tall).argmax()])
    return quat.between(up, _UP) if up.any() else quat.IDENTITY


def _clip(skeleton: Skeleton, root: F32, rotations: F32) -> Clip:
    return Clip(skeleton, 1.0, rotations, root)  # no frame looks at the next, so that any rate will do


def _seen_in(rotations: F32, turn: F32) -> F32:
    """Local rotations (T, J, 4) of the same bones when the axes of their offsets are turned back by `turn` (4,)."""
    result = quat.mul(quat.mul(quat.inv(turn), rotations), turn)
    result[:, 0] = quat.mul(rotations[:, 0], turn)  # above the root is the world, which stays
    return result
