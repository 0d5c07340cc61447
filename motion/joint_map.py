"""Which joint of a foreign skeleton plays which role of `smplx22`, found by name.

A role is the name of a `smplx22` joint. Sides are read from prefixes and suffixes (Left, l_, .L, ...); the rest of the
name is looked up among the field's usual words. The pelvis, the chest and the spine between them follow from the tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from motion.errors import UnknownJoint
from motion.skeleton import Skeleton

# Words for each role, best first. "shoulder" means the clavicle where an upper arm is named besides, else the arm.
_WORDS: dict[str, tuple[str, ...]] = {
    "hip": ("upleg", "upperleg", "thigh", "femur", "hip"),
    "knee": ("lowerleg", "leg", "shin", "calf", "tibia", "knee"),
    "ankle": ("ankle", "foot"),
    "foot": ("toebase", "toes", "toe", "ball", "metatarsals"),
    "collar": ("collar", "clavicle"),
    "shoulder": ("upperarm", "uparm", "arm", "humerus", "shldr"),
    "elbow": ("forearm", "lowerarm", "radius", "elbow"),
    "wrist": ("hand", "wrist"),
    "neck": ("neck", "lowerneck", "necktwist"),
    "head": ("head",),
}
_SIDED = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")


@dataclass(frozen=True)
class JointMap:
    """Joint indices of a skeleton by role."""

    roles: dict[str, int]
    """`smplx22` joint name -> index; `collar` and `foot` may be missing, `spine3` is the chest."""


def _split(joint: str) -> tuple[str, str]:
    """A joint's side ("left", "right" or "") and the rest of its name in lower case without digits."""
    plain = re.split(r"[:|]", joint)[-1]
    plain = re.sub(r"^(CC_Base_|mixamorig\d*_?|Bip\d*[_ ]?|DEF-|ORG-)", "", plain)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain).lower()
    words = re.sub(r"^(l|r)_(?=[a-z])", lambda m: f"{m[1]}.", words)
    compact = words
    side = ""
    found = re.match(r"^(left|right|l|r)[_.\- ]", compact) or re.search(r"[_.\- ](left|right|l|r)$", compact)
    if found:
        side = {"l": "left", "r": "right"}.get(found[1], found[1])
        compact = compact[: found.start()] + compact[found.end() :]
    elif compact[:1] in "lr" and any(
        compact[1:].startswith(w) for group in (*_WORDS.values(), ("shoulder", "buttock")) for w in group
    ):
        side = {"l": "left", "r": "right"}[compact[0]]
        compact = compact[1:]
    return side, re.sub(r"[^a-z]", "", compact)


def map_joints(skeleton: Skeleton) -> JointMap:
    """Finds the roles. Raises UnknownJoint naming the role and what was looked for."""
    names = [_split(joint) for joint in skeleton.joints]
    inner = [i for i, joint in enumerate(skeleton.joints) if not re.search(r"_end\d*$", joint)]
    roles: dict[str, int] = {}

    def find(side: str, words: tuple[str, ...]) -> int | None:
        for word in words:
            for i in inner:
                if names[i] == (side, word):
                    return i
        return None

    for side in ("left", "right"):
        for role in _SIDED:
            words = _WORDS[role]
            if role == "shoulder" and find(side, words) is None:
                words = (*words, "shoulder")
            if role == "collar" and find(side, _WORDS["shoulder"]) is not None:
                words = (*words, "shoulder")
            if role == "foot" and find(side, ("ankle",)) is not None:
                words = (*words, "foot")  # a rig that has both calls the ball of the foot "foot", as SMPL-X does
            at = find(side, words)
            if role == "wrist" and at is not None:
                at = _wrist(skeleton, names, side, roles, at)
            if role == "foot" and at is None and f"{side}_ankle" in roles:
                ends = [c for c in skeleton.children(roles[f"{side}_ankle"]) if c not in inner]
                at = ends[0] if ends and np.linalg.norm(skeleton.offsets[ends[0]]) > 0 else None
            if at is not None:
                roles[f"{side}_{role}"] = at
    for role in ("neck", "head"):
        at = find("", _WORDS[role])
        if at is not None:
            roles[role] = at
    missing = [f"{s}_{r}" for s in ("left", "right") for r in _SIDED if r not in ("collar", "foot")]
    missing = [role for role in [*missing, "head"] if role not in roles]
    if missing:
        words = " or ".join(_WORDS[missing[0].split("_")[-1]])
        raise UnknownJoint(
            f"skeleton {skeleton.name!r} has no joint for {missing[0]!r} (looked for {words}); "
            f"its joints are {', '.join(skeleton.joints[:12])}..."
        )
    roles["pelvis"] = _common_ancestor(skeleton, roles["left_hip"], roles["right_hip"])
    arms = [roles.get(f"{s}_collar", roles[f"{s}_shoulder"]) for s in ("left", "right")]
    roles["spine3"] = _common_ancestor(skeleton, *arms)
    roles.setdefault("neck", roles["head"])
    return JointMap(roles)


def _wrist(skeleton: Skeleton, names: list[tuple[str, str]], side: str, roles: dict[str, int], first: int) -> int:
    """Where a rig has both a wrist and a hand joint, the one whose forearm is nearest to 0.95 of the upper arm."""
    if f"{side}_elbow" not in roles or f"{side}_shoulder" not in roles:
        return first
    rest = skeleton.rest_positions()
    elbow = rest[roles[f"{side}_elbow"]]
    upper = float(np.linalg.norm(elbow - rest[roles[f"{side}_shoulder"]]))
    candidates = [i for i, name in enumerate(names) if name in ((side, "hand"), (side, "wrist"))]
    return min(candidates, key=lambda i: abs(float(np.linalg.norm(rest[i] - elbow)) - 0.95 * upper))


def _chain(skeleton: Skeleton, joint: int) -> list[int]:
    chain: list[int] = []
    while joint >= 0:
        chain.append(joint)
        joint = skeleton.parents[joint]
    return chain


def _common_ancestor(skeleton: Skeleton, a: int, b: int) -> int:
    above = set(_chain(skeleton, a)[1:])
    return next((joint for joint in _chain(skeleton, b)[1:] if joint in above), 0)
