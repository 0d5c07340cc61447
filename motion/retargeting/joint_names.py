"""What joint names say: which side of the body, and which part of it.

A name is cut into words at signs, at digits and where capitals begin; words that only say whose rig it is are dropped.
Sides are `left`, `right` or neither; the rest, joined, is looked up among the field's usual words: Mixamo, Rigify,
Unreal, VRM, Character Creator, MotionBuilder, 3ds Max's Biped, Daz and Poser, CMU's Acclaim files and their BVH
exports, Bandai-Namco, SMPL-X, KayKit, Unity.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from motion.skeleton import Skeleton

SIDES = ("left", "right")
LEG, ARM = ("hip", "knee", "ankle", "foot"), ("collar", "shoulder", "elbow", "wrist")
LIMBS = (*LEG, *ARM)

# Words for each part, best first. "shoulder" means the clavicle where an upper arm is named besides, else the arm.
WORDS: dict[str, tuple[str, ...]] = {
    "hip": ("upleg", "upperleg", "thigh", "thighbend", "femur", "legupper", "hip"),
    "knee": ("lowerleg", "leg", "shin", "shinbend", "calf", "tibia", "lowleg", "leglower", "knee"),
    "ankle": ("ankle", "foot", "footankle"),
    "foot": ("toebase", "toes", "toe", "ball", "football", "metatarsals"),
    "collar": ("collar", "clavicle", "clav", "scapula", "thorax"),
    "shoulder": ("upperarm", "upperarmbend", "uparm", "uarm", "armupper", "arm", "humerus", "shldr", "shldrbend"),
    "elbow": ("forearm", "forearmbend", "lowerarm", "lowarm", "farm", "armlower", "radius", "elbow"),
    "wrist": ("hand", "wrist", "handwrist", "fist"),
    "neck": ("neck", "lowerneck", "necklower", "necktwist"),
    "head": ("head",),
}
_SIDE = {"l": "left", "left": "left", "lft": "left", "r": "right", "right": "right", "rgt": "right"}
# Words that say whose rig a joint is of, or that it is a joint; so do words that most names of a rig have in common.
_RIG = frozenset(
    ("cc", "base", "bip", "biped", "mixamorig", "character", "j", "c", "m", "def", "org", "jnt", "bone", "bn", "b")
)
_SHARED = 0.6  # share of the joints
_TIP = re.compile(r"(?:(?:^|[_.\- ])(?:end|tip|end ?site)\d*|nub)$", re.IGNORECASE)
# Rigs hold the bones that move the skin beside copies that controls move: the first family that has legs is taken.
_FAMILIES = (re.compile(r"^DEF-"), re.compile(r"^ORG-"), re.compile(r"^(?!DEF-|ORG-|MCH-|VIS_|WGT-)"))
_GLUED = (*(word for group in WORDS.values() for word in group), "shoulder", "buttock", "hipjoint")


@dataclass(frozen=True)
class Name:
    """What one joint's name says."""

    side: str
    """"left", "right" or "" """
    part: str
    """the rest of its words, joined, in lower case, without digits"""
    tip: bool
    """the end of a bone, which nothing hangs from"""


def read(skeleton: Skeleton) -> list[Name]:
    """The names of all joints."""
    words = [_words(joint) for joint in skeleton.joints]
    known = {word for group in WORDS.values() for word in group} | set(_SIDE)
    counts = Counter(word for joint in words for word in set(joint))
    shared = {word for word, count in counts.items() if count > _SHARED * len(words)} - known
    return [_name(joint, spelt, _RIG | shared) for joint, spelt in zip(skeleton.joints, words, strict=True)]


def _words(joint: str) -> list[str]:
    plain = re.split(r"[:|]", joint)[-1]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return re.sub(r"[^A-Za-z]+", " ", spaced).lower().split()


def _name(joint: str, words: list[str], rig: frozenset[str] | set[str]) -> Name:
    at = next((i for i, word in enumerate(words) if word in _SIDE and len(words) > 1), None)
    side = "" if at is None else _SIDE[words[at]]
    rest = [word for i, word in enumerate(words) if i != at]
    part = "".join([word for word in rest if word not in rig] or rest)
    if not side:
        for letters in ("left", "right", "l", "r"):
            if part.startswith(letters) and part[len(letters) :].startswith(_GLUED):
                side, part = _SIDE[letters], part[len(letters) :]
                break
    return Name(side, part, is_tip(joint))


def is_tip(joint: str) -> bool:
    """Whether a name says that its joint is the end of a bone, which nothing hangs from."""
    return _TIP.search(joint) is not None


def hangs_from(skeleton: Skeleton, joint: int, above: int) -> bool:
    """Whether `above` is a joint's parent, its parent's parent, and so on."""
    while joint > above:
        joint = skeleton.parents[joint]
        if joint == above:
            return True
    return False


def families(skeleton: Skeleton) -> list[frozenset[int]]:
    """Groups of joints in which to look for a body, best first."""
    groups = [frozenset(i for i, j in enumerate(skeleton.joints) if family.search(j)) for family in _FAMILIES]
    return [group for group in groups if group] + [frozenset(range(len(skeleton)))]


def find_roles(skeleton: Skeleton) -> dict[str, int]:
    """Roles told by names: `left_hip` ... `right_wrist`, `neck`, `head`; those that no name tells are left out.

    A limb is a chain: each of its joints hangs, at some distance, from the one before.
    """
    names = read(skeleton)
    best: dict[str, int] = {}
    for family in families(skeleton):
        roles = _find_in(skeleton, names, family)
        if len(roles) > len(best):
            best = roles
        if all(f"{side}_{part}" in roles for side in SIDES for part in LIMBS if part not in ("collar", "foot")):
            return roles
    return best


def _find_in(skeleton: Skeleton, names: list[Name], family: frozenset[int]) -> dict[str, int]:
    roles: dict[str, int] = {}

    def find(side: str, words: tuple[str, ...], below: int | None = None) -> int | None:
        for word in words:
            for i, name in enumerate(names):
                if i not in family or name.tip or (name.side, name.part) != (side, word):
                    continue
                if below is None or hangs_from(skeleton, i, below):
                    return i
        return None

    for side in SIDES:
        for part in LIMBS:
            words = WORDS[part]
            if part == "hip" and find(side, words) is None and find(side, WORDS["knee"][2:]) is not None:
                words = (*words, "leg")  # "leg" is the thigh of rigs that call the shin otherwise
            if part == "knee" and f"{side}_hip" in roles and names[roles[f"{side}_hip"]].part == "leg":
                words = words[2:]
            if part == "shoulder" and find(side, words) is None:
                words = (*words, "shoulder")
            if part == "collar" and find(side, WORDS["shoulder"]) is not None:
                words = (*words, "shoulder")
            if part == "foot" and find(side, ("ankle",)) is not None:
                words = (*words, "foot")  # a rig that has both calls the ball of the foot "foot", as SMPL-X does
            chain = LEG if part in LEG else ARM
            above = next(
                (roles[f"{side}_{p}"] for p in reversed(chain[: chain.index(part)]) if f"{side}_{p}" in roles), None
            )
            at = find(side, words, above)
            if part == "wrist" and at is not None:
                at = _wrist(skeleton, names, side, roles, at)
            if part == "foot" and at is None and f"{side}_ankle" in roles:
                ends = [c for c in skeleton.children(roles[f"{side}_ankle"]) if names[c].tip]
                at = ends[0] if ends and np.linalg.norm(skeleton.offsets[ends[0]]) > 0 else None
            if at is not None:
                roles[f"{side}_{part}"] = at
    for part in ("neck", "head"):
        at = find("", WORDS[part])
        if at is not None:
            roles[part] = at
    return roles


def _wrist(skeleton: Skeleton, names: list[Name], side: str, roles: dict[str, int], first: int) -> int:
    """Where a rig has both a wrist and a hand joint, the one whose forearm is nearest to 0.95 of the upper arm."""
    if f"{side}_elbow" not in roles or f"{side}_shoulder" not in roles:
        return first
    rest = skeleton.rest_positions()
    elbow = rest[roles[f"{side}_elbow"]]
    upper = float(np.linalg.norm(elbow - rest[roles[f"{side}_shoulder"]]))
    candidates = [
        i for i, name in enumerate(names)
        if name.side == side and name.part in WORDS["wrist"] and not name.tip
        and hangs_from(skeleton, i, roles[f"{side}_elbow"])
    ]  # fmt: skip
    return min(candidates, key=lambda i: abs(float(np.linalg.norm(rest[i] - elbow)) - 0.95 * upper))
