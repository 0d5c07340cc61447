"""A rig of some maker, built from its joint names and the proportions of an adult.

Each line of a rig is a joint, its parent and its place; `{s}` stands for either side. Twist bones, fingers, controls
and helpers are there as their makers have them. Arms hang down by the rig's own angle from a T-pose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from motion import quat
from motion.quat import F32
from motion.retargeting.joint_names import ARM, LEG
from motion.skeleton import Skeleton

FINGERS = ("thumb", "index", "middle", "ring", "pinky")
# The left half of an adult in a T-pose, metres above the floor, facing +Z.
_PLACES: dict[str, tuple[float, float, float]] = {
    "floor": (0, 0, 0), "pelvis": (0, 0.96, 0), "waist": (0, 1.0, -0.01), "spine1": (0, 1.06, -0.01),
    "spine2": (0, 1.18, -0.015), "spine3": (0, 1.29, -0.02), "chest": (0, 1.36, -0.02), "neck": (0, 1.48, -0.03),
    "neck2": (0, 1.53, -0.02), "head": (0, 1.59, -0.01), "top": (0, 1.78, 0), "jaw": (0, 1.6, 0.03),
    "eye": (0.03, 1.66, 0.07), "hip": (0.09, 0.9, 0), "buttock": (0.03, 0.95, -0.02), "knee": (0.095, 0.48, 0.01),
    "ankle": (0.1, 0.085, -0.02), "heel": (0.1, 0.0, -0.07), "ball": (0.11, 0.02, 0.11), "toe": (0.11, 0.015, 0.18),
    "collar": (0.02, 1.44, 0.01), "shoulder": (0.17, 1.44, -0.02), "elbow": (0.45, 1.44, -0.03),
    "wrist": (0.71, 1.44, -0.02), "palm": (0.74, 1.44, -0.02), "breast": (0.08, 1.3, 0.1),
    "thumb1": (0.74, 1.425, 0.02), "thumb2": (0.77, 1.42, 0.04), "thumb3": (0.795, 1.415, 0.055),
    "index1": (0.8, 1.44, 0.01), "index2": (0.84, 1.44, 0.012), "index3": (0.865, 1.44, 0.013),
    "middle1": (0.805, 1.44, -0.015), "middle2": (0.85, 1.44, -0.015), "middle3": (0.88, 1.44, -0.015),
    "ring1": (0.8, 1.438, -0.035), "ring2": (0.84, 1.438, -0.037), "ring3": (0.866, 1.438, -0.038),
    "pinky1": (0.79, 1.434, -0.055), "pinky2": (0.82, 1.434, -0.058), "pinky3": (0.84, 1.434, -0.06),
}  # fmt: skip
_ON_ARM = ("elbow", "wrist", "palm", *(f"{finger}{i}" for finger in FINGERS for i in (1, 2, 3)))


@dataclass(frozen=True)
class Rig:
    """A rig and who plays which role in it."""

    skeleton: Skeleton
    roles: dict[str, str]
    """role -> joint name"""


def _place(word: str, left: bool, droop: float, roll: float) -> F32:
    """A place by name; "elbow/wrist" is the middle of two; on the right where `left` is not."""
    names = word.split("/")
    at = np.mean([_posed(name, droop, roll) for name in names], axis=0)
    return (at * (1 if left else -1, 1, 1)).astype(np.float32)


def _posed(name: str, droop: float, roll: float) -> F32:
    at = np.array(_PLACES[name], np.float32)
    if name not in _ON_ARM:
        return at
    shoulder, wrist = (np.array(_PLACES[joint], np.float32) for joint in ("shoulder", "wrist"))
    if name not in ("elbow", "wrist"):
        inward = quat.from_axis_angle(np.array([1, 0, 0], np.float32), np.array(np.radians(roll), np.float32))
        at = wrist + quat.rotate(inward, at - wrist)
    down = quat.from_axis_angle(np.array([0, 0, 1], np.float32), np.array(-np.radians(droop), np.float32))
    return shoulder + quat.rotate(down, at - shoulder)


def build(
    name: str, lines: str, sides: tuple[str, str], parts: dict[str, str], droop: float = 0.0, roll: float = 0.0
) -> Rig:
    """A rig from its lines; `parts` are joint names by role, with {s} for the side.

    In degrees: `droop` is how far arms hang down from a T-pose, `roll` how far palms are turned to the body.
    """
    rows: list[tuple[str, str, F32]] = []
    for line in lines.strip().splitlines():
        joint, parent, place = (part.strip() for part in line.split("|"))
        for left, side in ((True, sides[0]), (False, sides[1])):
            if left or "{s}" in joint:
                rows.append((joint.format(s=side), parent.format(s=side), _place(place, left, droop, roll)))
    order = [row[0] for row in rows]
    at = np.stack([row[2] for row in rows])
    parents = tuple(order.index(row[1]) if row[1] else -1 for row in rows)
    offsets = np.stack([at[i] - (at[p] if p >= 0 else 0) for i, p in enumerate(parents)]).astype(np.float32)
    roles: dict[str, str] = {}
    for role, joint in parts.items():
        if role in (*LEG, *ARM):
            roles |= {f"left_{role}": joint.format(s=sides[0]), f"right_{role}": joint.format(s=sides[1])}
        else:
            roles[role] = joint
    return Rig(Skeleton(name, tuple(order), parents, offsets), roles)


def limbs(*names: str) -> dict[str, str]:
    """Joint names of hip, knee, ankle, foot, collar, shoulder, elbow, wrist, then pelvis, chest, neck, head; "" for
    those that the rig has not."""
    roles = (*LEG, *ARM, "pelvis", "spine3", "neck", "head")
    return {role: joint for role, joint in zip(roles, names, strict=True) if joint}


def fingers(pattern: str, names: tuple[str, ...], hand: str) -> str:
    """Lines of five fingers of three joints; the pattern has {f} for the finger and {i} for the joint."""
    lines: list[str] = []
    for finger, word in zip(FINGERS, names, strict=True):
        above = hand
        for i in (1, 2, 3):
            joint = pattern.replace("{f}", word).replace("{i}", str(i))
            lines.append(f"{joint} | {above} | {finger}{i}")
            above = joint
    return "\n".join(lines)


def renamed(rig: Rig, name: Callable[[str], str]) -> Rig:
    """The same rig with other joint names."""
    skeleton = rig.skeleton
    joints = tuple(name(joint) for joint in skeleton.joints)
    return Rig(
        Skeleton(skeleton.name, joints, skeleton.parents, skeleton.offsets),
        {role: name(joint) for role, joint in rig.roles.items()},
    )
