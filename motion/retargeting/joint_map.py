"""Which joint of a foreign skeleton plays which role of `smplx22`: by a user's sheet, by name, or by shape.

A role is the name of a `smplx22` joint. The pelvis, the chest and the spine between them follow from the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from motion.errors import UnknownJoint
from motion.quat import F32
from motion.retargeting import fingers, joint_names, joint_shape, joint_sheet
from motion.retargeting.joint_names import LIMBS, SIDES, WORDS
from motion.skeleton import Skeleton

How = Literal["named", "guessed", "given"]
NEEDED = (*(f"{side}_{part}" for side in SIDES for part in LIMBS if part not in ("collar", "foot")), "head")


@dataclass(frozen=True)
class JointMap:
    """Joint indices of a skeleton by role."""

    roles: dict[str, int]
    """`smplx22` joint name -> index; `collar` and `foot` may be missing, `spine3` is the chest."""
    how: dict[str, How] = field(default_factory=dict[str, How])
    """role -> how it was found: by its name, by the skeleton's shape, or given by a sheet."""
    fingers: dict[str, int] = field(default_factory=dict[str, int])
    """finger joints by the names of `motion.retargeting.fingers`, as far as there are any; `how` tells of them too"""


def map_joints(skeleton: Skeleton, sheet: Mapping[str, str] | None = None, places: F32 | None = None) -> JointMap:
    """Finds the roles.

    sheet: role -> joint as a user gives it (`motion.retargeting.joint_sheet`). places (T, J, 3): where the joints are
    over a motion, which tells limbs apart where neither names nor the rest pose do. Raises UnknownJoint naming the
    role and what was looked for.
    """
    told = joint_sheet.joints_of(joint_sheet.check(dict(sheet or {})), skeleton)
    given = {role: joint for role, joint in told.items() if role not in fingers.NAMES}
    how: dict[str, How] = {}
    roles: dict[str, int] = {}

    def take(found: Mapping[str, int | None], way: How) -> None:
        for role, joint in found.items():
            if role not in roles and role not in given and joint is not None:
                roles[role], how[role] = joint, way

    roles |= {role: joint for role, joint in given.items() if joint is not None}
    how |= dict.fromkeys(roles, "given")
    take(joint_names.find_roles(skeleton), "named")
    if missing_from(roles):
        take(_by_shape(skeleton, roles, places), "guessed")
    missing = missing_from(roles)
    if missing:
        words = " or ".join(WORDS[missing[0].split("_")[-1]])
        raise UnknownJoint(
            f"skeleton {skeleton.name!r} has no joint for {missing[0]!r} (looked for {words}, and for the shape of a "
            f"body); its joints are {', '.join(skeleton.joints[:12])}...; say which is which in a joint map"
        )
    trunk = _trunk(skeleton, roles)
    take(trunk, "guessed" if any(how[role] == "guessed" for role in NEEDED if role != "head") else "named")
    if "neck" not in given:
        take({"neck": roles["head"]}, how["head"])
    hands = {role: joint for role, joint in told.items() if role in fingers.NAMES and joint is not None}
    how |= dict.fromkeys(hands, "given")
    taken = {*roles.values(), *hands.values()}
    for name, (joint, way) in fingers.find(skeleton, {side: roles[f"{side}_wrist"] for side in SIDES}).items():
        if name not in told and joint not in taken:
            hands[name], how[name] = joint, way
    return JointMap(roles, how, hands)


def missing_from(roles: Mapping[str, int]) -> list[str]:
    """Roles that no body can do without and that are not there."""
    return [role for role in NEEDED if role not in roles]


def _by_shape(skeleton: Skeleton, known: Mapping[str, int], places: F32 | None) -> dict[str, int]:
    """Guesses for the roles that are not known: the head alone where it is all that lacks, else the whole body."""
    if all(role in known for role in NEEDED if role != "head"):
        chest = _trunk(skeleton, known)["spine3"]
        arms = [known.get(f"{side}_collar", known[f"{side}_shoulder"]) for side in SIDES]
        return joint_shape.guess_head(skeleton, chest, arms)
    taken = set(known.values())
    found = joint_shape.guess_roles(skeleton, places)
    return {role: joint for role, joint in found.items() if joint not in taken or role in ("neck", "head")}


def _trunk(skeleton: Skeleton, roles: Mapping[str, int]) -> dict[str, int]:
    arms = [roles.get(f"{side}_collar", roles[f"{side}_shoulder"]) for side in SIDES]
    return {
        "pelvis": _common_ancestor(skeleton, roles["left_hip"], roles["right_hip"]),
        "spine3": _common_ancestor(skeleton, arms[0], arms[1]),
    }


def _chain(skeleton: Skeleton, joint: int) -> list[int]:
    chain: list[int] = []
    while joint >= 0:
        chain.append(joint)
        joint = skeleton.parents[joint]
    return chain


def _common_ancestor(skeleton: Skeleton, a: int, b: int) -> int:
    above = set(_chain(skeleton, a)[1:])
    return next((joint for joint in _chain(skeleton, b)[1:] if joint in above), 0)
