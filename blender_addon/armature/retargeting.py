"""From the server's skeleton to a user's rig and back, exactly, where both are one skeleton."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blender_addon.armature.rig import Rig
from motion.clip import Clip
from motion.retargeting.retarget import Options, retarget
from motion.skeleton import Skeleton

_SAME = 1e-4
"""metres between two rest poses that are taken for one"""


def onto(clip: Clip, rig: Rig, lock_feet: bool = False) -> Clip:
    """The clip on `rig.skeleton`, in character space."""
    if same(clip.skeleton, rig):
        order = [clip.skeleton.index(joint) for joint in rig.skeleton.joints]
        return replace(clip, skeleton=rig.skeleton, rotations=clip.rotations[:, order])
    return retarget(clip, rig.skeleton, target_map=rig.sheet, options=Options(lock_floor=False, lock_feet=lock_feet))


def back(clip: Clip, rig: Rig, to: Skeleton) -> Clip:
    """A clip of the rig's on the server's skeleton, in character space."""
    if same(to, rig):
        order = [rig.skeleton.index(joint) for joint in to.joints]
        return replace(clip, skeleton=to, rotations=clip.rotations[:, order], offsets=None)
    return retarget(clip, to, source_map=rig.sheet, options=Options(lock_floor=False))


def same(skeleton: Skeleton, rig: Rig) -> bool:
    """Whether the rig is this very skeleton, in names, tree and size, so that nothing has to be fitted."""
    ours = rig.skeleton
    if _tree(skeleton) != _tree(ours):
        return False
    order = [skeleton.index(joint) for joint in ours.joints]
    return bool(np.abs(skeleton.offsets[order][1:] - ours.offsets[1:]).max() < _SAME)


def _tree(skeleton: Skeleton) -> dict[str, str]:
    """Each joint's parent, by name."""
    above = [skeleton.joints[parent] if parent >= 0 else "" for parent in skeleton.parents]
    return dict(zip(skeleton.joints, above, strict=True))
