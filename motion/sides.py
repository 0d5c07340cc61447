"""Left and right of a skeleton: which joint is which one's partner, told by their names.

Known are Left and Right in any case anywhere in a name, and single letters at its ends or between signs: `left_hip`,
`LeftArm`, `mixamorig:RightLeg`, `Bip01 L Thigh`, `hand.r`, `UpperLeg_L`, `lShldr`, `rfemur`, `handL`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from motion import quat
from motion.quat import F32
from motion.skeleton import Skeleton

_WORD = re.compile(r"left|right", re.IGNORECASE)
_LETTER = re.compile(r"(?:^|(?<=[_.:\- ]))[lr]|[lr](?=$|[_.:\- ])", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}
FLIP: F32 = np.array([-1, 1, 1], np.float32)
"""What a mirror across the YZ plane does to places."""


def partners(skeleton: Skeleton) -> list[int]:
    """For each joint the index of its partner on the other side; its own where it has none."""
    found = list(range(len(skeleton)))
    at = {joint: i for i, joint in enumerate(skeleton.joints)}
    for i, joint in enumerate(skeleton.joints):
        parent = skeleton.parents[i]
        for name in _renamed(joint):
            other = at.get(name)
            # Partners hang from partners: a name alone may mislead.
            if other is not None and parent >= 0 and skeleton.parents[other] == found[parent]:
                found[i] = other
                break
    return [other if found[other] == i else i for i, other in enumerate(found)]


def lean(skeleton: Skeleton, order: list[int]) -> F32 | None:
    """What a mirrored rotation has to turn further by (J, 4), in a joint's own axes, because the rest pose is not the
    same on both sides; None where it is.

    A mirrored bone must point where the mirror shows its partner: the turn takes the offsets of a joint's children to
    the mirrored offsets of its partner's. Joints without children take their parent's.
    """
    shown = skeleton.offsets[order] * FLIP
    lengths = np.linalg.norm(skeleton.offsets, axis=1) + np.linalg.norm(shown, axis=1)
    far = np.linalg.norm(shown - skeleton.offsets, axis=1) > 1e-3 * lengths + 1e-6
    if not far[1:].any():
        return None
    turns = np.tile(quat.IDENTITY, (len(skeleton), 1))
    for joint, parent in enumerate(skeleton.parents):
        children = skeleton.children(joint)
        if not children:
            turns[joint] = turns[max(parent, 0)]
        elif far[children].any():
            ours, theirs = skeleton.offsets[children], shown[children]
            turns[joint] = quat.align(ours, theirs, _half_turn(ours) if (ours * theirs).sum() < 0 else quat.IDENTITY)
    return turns


def _half_turn(vectors: F32) -> F32:
    """Half a turn (4,) about Y, or about Z where vectors (N, 3) lie along Y: of all the ways to turn a bone back, one
    that is the same in the mirror. Rigs whose bones all point along X need one in each arm."""
    along = np.abs(vectors).sum(axis=0)
    return np.array([0, 0, 1, 0] if along[1] < along[2] or along[1] < along[0] else [0, 0, 0, 1], np.float32)


def _renamed(joint: str) -> Iterator[str]:
    """Names that the partner of a joint could have."""
    for pattern in (_WORD, _LETTER):
        for match in pattern.finditer(joint):
            yield joint[: match.start()] + _swapped(match[0]) + joint[match.end() :]
        if len(pattern.findall(joint)) > 1:  # LeftHand_Left
            yield pattern.sub(lambda match: _swapped(match[0]), joint)


def _swapped(side: str) -> str:
    other = _OTHER[side.lower()]
    return other.upper() if side.isupper() else other.capitalize() if side[0].isupper() else other
