"""A user's own word on which joint plays which role: a TOML file of one rig.

    left_hip = "MyThigh_L"       # a role of smplx22 = a joint of the rig
    left_collar = ""             # the rig has none: nothing is guessed for it

Roles are the names of `smplx22`'s joints, and of SMPL-X's fingers (`motion.retargeting.fingers`). What the sheet
leaves out is found by name and by shape, as without one.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from motion import config
from motion.errors import BadConfig, UnknownJoint
from motion.retargeting import fingers
from motion.skeleton import SMPLX22, Skeleton

ROLES = tuple(joint for joint in SMPLX22.joints if joint not in ("spine1", "spine2"))
"""Spine joints between pelvis and chest (`spine3`) follow from the tree."""
Sheet = dict[str, str]
"""role -> joint, or "" where the rig has none"""


def load(path: Path) -> Sheet:
    """Reads a sheet. Raises BadConfig naming file and entry."""
    return check(config.read(path), str(path))


def check(table: dict[str, Any], where: str = "joint map") -> Sheet:
    """The sheet in a table. Raises BadConfig for what is no role, or whose joint is no text or named twice."""
    owners: dict[str, str] = {}
    for role, joint in table.items():
        if role not in ROLES and role not in fingers.NAMES:
            near = get_close_matches(role, (*ROLES, *fingers.NAMES), n=1, cutoff=0)
            raise BadConfig(
                f"{where}: {role!r} is no role; the nearest is {near[0]!r}, all are {', '.join(ROLES)}, and fingers "
                "such as left_index1"
            )
        if not isinstance(joint, str):
            raise BadConfig(f'{where}: {role} = {joint!r} must be the name of a joint in quotes, or "" for none')
        if joint and joint in owners and {role, owners[joint]} != {"neck", "head"}:
            raise BadConfig(f"{where}: {role} and {owners[joint]} are both {joint!r}; one joint plays one role")
        owners[joint] = role
    return dict(table)


def joints_of(sheet: Sheet, skeleton: Skeleton) -> dict[str, int | None]:
    """The sheet's joints by index, None where the rig has none. Raises UnknownJoint naming the entry."""
    found: dict[str, int | None] = {}
    for role, joint in sheet.items():
        try:
            found[role] = skeleton.index(joint) if joint else None
        except UnknownJoint as error:
            raise UnknownJoint(f"joint map, entry {role}: {error}") from None
    return found
