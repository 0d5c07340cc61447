"""How the axes of a body's joints stand to those of `smplx22`, joint by joint, from its rest pose or from its motion.

An alignment is a constant C (4,) such that (the joint's world rotation) C is the world rotation that the same joint of
`smplx22` has in the same pose. World: Y up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from motion import quat
from motion.quat import F32
from motion.skeleton import SMPLX22

# Limbs that are aligned by their direction: (joint that turns, joint at the far end).
LIMBS: tuple[tuple[str, str], ...] = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("collar", "shoulder"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)
_UP = np.array([0, 1, 0], np.float32)
_LEFT = np.array([1, 0, 0], np.float32)
_THUMB = np.array([0.75, -0.15, 0.65], np.float32)  # as `motion.smplx` has it, of the left hand
_MIRROR = np.array([-1, 1, 1], np.float32)
_ASKEW = float(np.cos(np.deg2rad(80) / 2))  # no head is held 80 degrees away from the chest on average


@dataclass(frozen=True, eq=False)
class Motion:
    """A clip by role, in a world with Y up."""

    roles: tuple[str, ...]
    places: F32
    """(T, R, 3)"""
    turns: F32
    """(T, R, 4)"""

    @cached_property
    def at(self) -> dict[str, F32]:
        """World positions (T, 3) by role."""
        return {role: self.places[:, i] for i, role in enumerate(self.roles)}

    @cached_property
    def turn(self) -> dict[str, F32]:
        """World rotations (T, 4) by role."""
        return {role: self.turns[:, i] for i, role in enumerate(self.roles)}

    @property
    def hips(self) -> F32:
        """(T, 3) the middle between the hips."""
        return (self.at["left_hip"] + self.at["right_hip"]) * np.float32(0.5)


def unit(v: F32) -> F32:
    """Vectors (..., 3) of length one."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _frame(primary: F32, secondary: F32) -> F32:
    """The rotation (..., 4) whose X axis is `primary` and whose Y axis lies nearest to `secondary`, both (..., 3)."""
    x = unit(primary)
    z = unit(np.cross(x, np.broadcast_to(secondary, x.shape)))
    return quat.from_matrix(np.stack([x, np.cross(z, x), z], axis=-1).astype(np.float32))


@cache
def _canonical() -> dict[str, F32]:
    return dict(zip(SMPLX22.joints, SMPLX22.rest_positions(), strict=True))


def _target_rest(role: str) -> F32:
    return _canonical()[role]


def from_rest(rest: Mapping[str, F32]) -> dict[str, F32]:
    """From where the joints are in a rest pose that stands: `smplx22`'s is turned until each limb points as there.

    `rest`: place (3,) of each role, metres. Of each role: how the joint's axes stand to those of `smplx22`, (4,).
    """
    left = rest["left_hip"] - rest["right_hip"]
    heading = quat.from_yaw(np.arctan2(-left[2], left[0]).astype(np.float32))  # it may not face +Z
    result = dict.fromkeys(rest, heading)
    bones = [*LIMBS, ("left_ankle", "left_foot"), ("right_ankle", "right_foot")]
    for role, end in bones:
        if role in rest and end in rest:
            ours = quat.rotate(heading, _target_rest(end) - _target_rest(role))
            theirs = rest[end] - rest[role]
            if role.endswith("ankle"):  # the heights of ankles and toes differ between rigs: align the yaw alone
                ours, theirs = ours * np.array([1, 0, 1], np.float32), theirs * np.array([1, 0, 1], np.float32)
                if np.linalg.norm(theirs) < 0.1 * np.linalg.norm(rest[end] - rest[role]):
                    continue
            result[role] = quat.mul(quat.between(ours, theirs), heading)
    for side in ("left", "right"):
        result[f"{side}_wrist"] = result[f"{side}_elbow"]
        if f"{side}_foot" in result:
            result[f"{side}_foot"] = result[f"{side}_ankle"]
    return result


def of_hand(known: Mapping[str, F32], side: str, wrist: F32, index: F32, little: F32) -> dict[str, F32]:
    """Alignments of a hand whose palm is known by where index and little finger begin, (3,) in the rest pose.

    A hand that is rolled against its arm in the rest pose turns its palm where it should nevertheless; the forearm
    takes half of the roll, as it does in a living arm.
    """
    across = np.array([0, 0, 1], np.float32)  # with palms down and arms along X the index finger is in front
    ahead = _LEFT if side == "left" else -_LEFT
    middle = (index + little) * np.float32(0.5)
    palm = quat.mul(_frame(middle - wrist, index - little), quat.inv(_frame(ahead, across)))
    elbow = known[f"{side}_elbow"]
    roll = quat.mul(quat.inv(elbow), palm)  # in the canonical arm's axes, which lie along X
    half = np.arctan2(roll[1] * np.sign(roll[0] + 1e-12), abs(float(roll[0])))
    return {
        f"{side}_wrist": palm,
        f"{side}_elbow": quat.mul(elbow, quat.from_axis_angle(_LEFT, np.asarray(half, np.float32))),
    }


def of_finger(palm: F32, side: str, thumb: bool, at: F32, count: int) -> list[F32]:
    """Alignments of the `count` joints of a finger, from where they and perhaps its end are in the rest pose, (n, 3).

    palm: the alignment of the hand. Fingers of a flat hand go on along the arm, a thumb points ahead and to the front;
    each bone is swung there from its own direction, the last one without an end from that of the bone before.
    """
    ahead = quat.rotate(palm, (_THUMB if thumb else _LEFT) * (1 if side == "left" else _MIRROR))
    found: list[F32] = []
    for k in range(count):
        bone = at[k + 1] - at[k] if k + 1 < len(at) else np.zeros(3, np.float32)
        if np.linalg.norm(bone) > 1e-6:
            found.append(quat.mul(quat.between(ahead, bone), palm))
        else:
            found.append(found[-1] if found else palm)
    return found


def from_motion(body: Motion) -> dict[str, F32]:
    """The rest pose is no stance (bones all along one axis): build each bone's frame from its direction and from the
    axis about which the knee or elbow bends, both seen from the joint itself over the whole clip.

    Of each role: how the joint's axes stand to those of `smplx22`, (4,).
    """
    result: dict[str, F32] = {}
    _trunk(body, result)
    for side in ("left", "right"):
        _limbs(body, side, result)
    before = "pelvis"
    for role in [role for role in body.roles if role not in result]:  # the joints between the roles
        before = "spine3" if role == "neck:1" else before
        result[role] = _carried(body, role, before, result)
        before = role
    return result


def _aligned(body: Motion, role: str, primary: F32, secondary: F32, target_primary: F32, target_secondary: F32) -> F32:
    """How a joint's axes stand (4,), in which two world directions (T, 3) have, on average, those of the target."""
    seen = (quat.rotate(quat.inv(body.turn[role]), vectors).mean(axis=0) for vectors in (primary, secondary))
    return quat.mul(_frame(*seen), quat.inv(_frame(target_primary, target_secondary)))


def _trunk(body: Motion, result: dict[str, F32]) -> None:
    """Adds pelvis, chest, neck and head."""
    at = body.at
    hips = at["left_hip"] - at["right_hip"]
    trunk = at["neck"] - at["pelvis"]
    result["pelvis"] = _aligned(body, "pelvis", hips, trunk, _LEFT, _target_rest("neck"))
    shoulders = at["left_shoulder"] - at["right_shoulder"]
    if "left_collar" in at:
        width = at["left_collar"] - at["right_collar"]
        shoulders = width if np.linalg.norm(width[0]) > 1e-4 else shoulders
    chest_up = at["neck"] - at["spine3"]
    up = _target_rest("neck") - _target_rest("spine3")
    result["spine3"] = _aligned(body, "spine3", shoulders, chest_up, _LEFT, up)
    for role in ("neck", "head"):
        # Such rigs share one set of axes along the spine: at zero rotation the head stands as the chest does. Where it
        # would then, over the whole clip, hang far to one side, its axes are others, and its average stands straight.
        straight = _carried(body, role, "spine3", result)
        shared = abs(float((straight * result["spine3"]).sum())) > _ASKEW
        result[role] = result["spine3"] if shared else straight


def _limbs(body: Motion, side: str, result: dict[str, F32]) -> None:
    """Adds the arm and the leg of a side."""
    at = body.at
    for root, middle, end, bend in (("hip", "knee", "ankle", _LEFT), ("shoulder", "elbow", "wrist", _bend_axis(side))):
        upper = at[f"{side}_{middle}"] - at[f"{side}_{root}"]
        lower = at[f"{side}_{end}"] - at[f"{side}_{middle}"]
        axis = np.cross(unit(upper), unit(lower))  # longer the more the joint is bent
        for role, bone, tip in ((root, upper, middle), (middle, lower, end)):
            name, far = f"{side}_{role}", f"{side}_{tip}"
            result[name] = _aligned(body, name, bone, axis, _target_rest(far) - _target_rest(name), bend)
    ankle, foot = f"{side}_ankle", f"{side}_foot"
    result[f"{side}_wrist"] = _carried(body, f"{side}_wrist", f"{side}_elbow", result)
    if foot in at:
        shin_left = quat.rotate(quat.mul(body.turn[f"{side}_knee"], result[f"{side}_knee"]), _LEFT)
        down = _target_rest(foot) - _target_rest(ankle)
        result[ankle] = _aligned(body, ankle, at[foot] - at[ankle], shin_left, down, _LEFT)
        result[foot] = _carried(body, foot, ankle, result)
    else:
        result[ankle] = _carried(body, ankle, f"{side}_knee", result)
    if f"{side}_collar" in at:
        result[f"{side}_collar"] = _carried(body, f"{side}_collar", "spine3", result)


def _bend_axis(side: str) -> F32:
    """The axis about which an elbow bends forward from a T-pose: down for the left arm, up for the right."""
    return -_UP if side == "left" else _UP


def _carried(body: Motion, role: str, parent: str, known: dict[str, F32]) -> F32:
    """A calibration that makes `role` stand, on average, as its parent does."""
    relative = quat.mul(quat.inv(body.turn[role]), body.turn[parent])
    return quat.mul(quat.mean(relative), known[parent])
