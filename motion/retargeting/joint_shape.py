"""Which joint plays which role, told by a skeleton's shape alone: for rigs whose names say nothing.

A body is two pairs of equal chains: legs where the lower pair branches off, arms where the upper one does, a spine
between the two, and a head on a chain that has no twin. Within a limb, the joints are those whose bones are as long
against each other as a human's. Left is where left is when the toes point forward and the head is up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from motion.quat import F32
from motion.retargeting import joint_names
from motion.skeleton import Skeleton

_TWIN = 0.04  # relative difference in length up to which two chains are a pair
_SHORTEST_LIMB = 0.3  # of the longest chain: fingers, eyes, ribbons and buckles come in pairs too
_SAME = 1e-4  # metres between joints that lie at one place
_ALIKE = 4  # bones of two chains that have to be as long
_BUTTOCK = 0.1  # of a thigh: a joint so near before the hip is a part of the pelvis
_BALL = 0.3  # of a shin: from the ankle to where the toes begin
_ANKLE = 0.5  # radians: an ankle is bent by more than that where a knee may be straight


@dataclass(frozen=True)
class _Tree:
    """A skeleton's bones as lengths and chains."""

    skeleton: Skeleton
    children: list[list[int]]
    lengths: F32
    """(J,) of the bone that ends at each joint"""
    chains: list[list[int]]
    """for each joint the longest chain from it down, itself first"""
    reach: F32
    """(J,) how long that chain is, the bone to the joint itself included"""

    @staticmethod
    def of(skeleton: Skeleton) -> _Tree:
        children: list[list[int]] = [[] for _ in skeleton.joints]
        for joint, parent in enumerate(skeleton.parents):
            if parent >= 0:
                children[parent].append(joint)
        lengths = np.linalg.norm(skeleton.offsets, axis=-1).astype(np.float32)
        reach, chains = lengths.copy(), [[joint] for joint in range(len(skeleton))]
        for joint in reversed(range(len(skeleton))):
            if children[joint]:
                far = max(children[joint], key=lambda child: float(reach[child]))
                reach[joint] += reach[far]
                chains[joint] = [joint, *chains[far]]
        return _Tree(skeleton, children, lengths, chains, reach)

    def depth(self, joint: int) -> int:
        """Joints above."""
        count = 0
        while (joint := self.skeleton.parents[joint]) >= 0:
            count += 1
        return count

    def path(self, above: int, below: int) -> list[int]:
        """Joints from `above` to `below`, both included; empty where there is no such way."""
        way = [below]
        while way[-1] != above:
            if way[-1] < 0:
                return []
            way.append(self.skeleton.parents[way[-1]])
        return way[::-1]


def guess_roles(skeleton: Skeleton, places: F32 | None = None) -> dict[str, int]:
    """Roles by shape: `left_hip` ... `right_wrist`, `pelvis`, `spine3`, `neck`, `head`; empty where there is no body.

    places (T, J, 3): where the joints are over a motion, in metres, for skeletons whose rest pose is no stance.
    """
    tree = _Tree.of(skeleton)
    pairs = _pairs(tree)
    if len(pairs) < 2:
        return {}
    legs, arms = _legs_and_arms(tree, pairs)
    if legs is None or arms is None:
        return {}
    rest = skeleton.rest_positions()
    own = rest[None] if places is None else places
    pelvis, chest = (skeleton.parents[pair[0]] for pair in (legs, arms))
    roles = {"pelvis": pelvis, "spine3": chest}
    both_legs, both_arms = _legs(tree, legs, own), _arms(tree, arms)
    if not both_legs or not both_arms:
        return {}
    tips = any("foot" in leg and float(tree.reach[leg["foot"]] - tree.lengths[leg["foot"]]) > 0 for leg in both_legs)
    roles |= _head(tree, chest, arms, tips)
    if "head" not in roles:
        return {}
    for left, right in (both_legs, both_arms):
        if not _is_left(own, roles, both_legs, left, right):
            left, right = right, left
        roles |= {f"left_{part}": joint for part, joint in left.items()}
        roles |= {f"right_{part}": joint for part, joint in right.items()}
    return roles


def _pairs(tree: _Tree) -> list[tuple[int, int]]:
    """Twin chains that branch off one joint, longest first."""
    least = _SHORTEST_LIMB * float(tree.reach.max())
    found: list[tuple[float, tuple[int, int]]] = []
    for joint in range(len(tree.skeleton)):
        for a, b in combinations(tree.children[joint], 2):
            if min(tree.reach[a], tree.reach[b]) > least and _are_twins(tree, a, b):
                found.append((float(tree.reach[a] + tree.reach[b]), (a, b)))
    return [pair for _, pair in sorted(found, key=lambda one: -one[0])]


def _are_twins(tree: _Tree, a: int, b: int) -> bool:
    """Whether the longest chains from two joints have bones as long; in hands and feet they may end differently."""
    first, second = (np.cumsum(tree.lengths[tree.chains[joint]])[:_ALIKE] for joint in (a, b))
    most = _TWIN * float(tree.reach[a])
    if len(first) != len(second) or abs(float(tree.reach[a] - tree.reach[b])) > 2 * most:
        return False
    return float(np.abs(first - second).max()) < most


def _legs_and_arms(tree: _Tree, pairs: list[tuple[int, int]]) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """The two longest pairs on one spine; the legs branch off nearer to the root, or else are the longer ones."""
    for first, second in combinations(pairs[:6], 2):
        a, b = tree.skeleton.parents[first[0]], tree.skeleton.parents[second[0]]
        if {*first} & {*second} or any(tree.path(one, b) for one in first) or any(tree.path(one, a) for one in second):
            continue
        if a == b:
            return first, second
        if tree.path(a, b):
            return first, second
        if tree.path(b, a):
            return second, first
        return (first, second) if tree.depth(a) <= tree.depth(b) else (second, first)
    return None, None


def _bends(chain: list[int], places: F32) -> F32:
    """How far each inner joint of a chain is bent on average, radians; places (T, J, 3)."""
    bones = np.diff(places[:, chain], axis=1)
    bones = bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9)
    cosines = (bones[:, 1:] * bones[:, :-1]).sum(-1).mean(axis=0)
    return np.concatenate([[0], np.arccos(np.clip(cosines, -1, 1)), [0]]).astype(np.float32)


def _legs(tree: _Tree, pair: tuple[int, int], places: F32) -> list[dict[str, int]]:
    """Hip, knee, ankle and, where there is one, foot of both legs: thigh and shin alike, the foot at an angle."""
    chains = [[joint for joint in tree.chains[first] if tree.lengths[joint] > _SAME] for first in pair]

    def cost(chain: list[int], choice: tuple[int, int, int]) -> float:
        i, j, k = choice
        at, bends = np.cumsum(tree.lengths[chain]), _bends(chain, places)
        thigh, shin, rest = at[j] - at[i], at[k] - at[j], at[-1] - at[k]
        alike = abs(np.log(thigh / shin)) + 0.5 * min(abs(np.log((rest + 0.05 * shin) / (0.5 * shin))), 0.6)
        near = max(float(at[i] / (thigh + shin)) - 0.6, 0)  # the hip lies near the pelvis
        return float(alike + near + 1.5 * (1 - bends[k] / max(float(bends.max()), _ANKLE)))

    legs: list[dict[str, int]] = []
    for chain, (hip, knee, ankle) in _choose(chains, cost):
        at = np.cumsum(tree.lengths[chain])
        while hip + 1 < knee and at[hip + 1] - at[hip] < _BUTTOCK * (at[knee] - at[hip]):
            hip += 1
        leg = {"hip": chain[hip], "knee": chain[knee], "ankle": chain[ankle]}
        ball = at[ankle] + _BALL * (at[ankle] - at[knee])  # where toes begin, in some rigs beyond a joint of the instep
        beyond = sorted(range(ankle + 1, len(chain)), key=lambda i: abs(float(at[i] - ball)))
        legs.append(leg | ({"foot": chain[beyond[0]]} if beyond else {}))
    return legs


def _arms(tree: _Tree, pair: tuple[int, int]) -> list[dict[str, int]]:
    """Collar where there is one, shoulder, elbow and wrist of both arms: fingers branch off the hand, which is two
    thirds of the forearm."""
    chains = [[joint for joint in tree.chains[first] if tree.lengths[joint] > _SAME] for first in pair]

    def cost(chain: list[int], choice: tuple[int, int, int]) -> float:
        i, j, k = choice
        at = np.cumsum(tree.lengths[chain])
        hands = [i for i, joint in enumerate(chain) if _is_hand(tree, joint)]
        upper, fore, hand = at[j] - at[i], at[k] - at[j], at[-1] - at[k]
        alike = abs(np.log(upper / (1.1 * fore))) + 0.5 * abs(np.log((hand + 0.1 * fore) / (0.6 * fore)))
        near = max(float(at[i] / upper) - 1.5, 0) + max(0.3 - float(at[i] / upper), 0)
        return float(alike + near - 0.3 * (k in hands[:1]))

    arms: list[dict[str, int]] = []
    for first, (chain, (shoulder, elbow, wrist)) in zip(pair, _choose(chains, cost), strict=False):
        arm = {"shoulder": chain[shoulder], "elbow": chain[elbow], "wrist": chain[wrist]}
        before = tree.path(first, chain[shoulder])[:-1]
        arms.append(arm | ({"collar": before[-1]} if before else {}))
    return arms


def _choose(
    chains: list[list[int]], cost: Callable[[list[int], tuple[int, int, int]], float]
) -> list[tuple[list[int], tuple[int, int, int]]]:
    """The cheapest three joints of each of two chains, the same of both; nothing where one is too short."""
    count = min(map(len, chains))
    if count < 3:
        return []
    best = min(combinations(range(count), 3), key=lambda choice: sum(cost(chain, choice) for chain in chains))
    return [(chain, best) for chain in chains]


def _is_hand(tree: _Tree, joint: int) -> bool:
    return sum(_is_finger(tree, child) for child in tree.children[joint]) > 2


def _is_finger(tree: _Tree, joint: int) -> bool:
    """Whether at least two bones lie ahead: a finger's, and not a twist bone or the end of one."""
    return sum(float(tree.lengths[below]) > _SAME for below in tree.chains[joint][1:]) > 0


def guess_head(skeleton: Skeleton, chest: int, arms: list[int]) -> dict[str, int]:
    """Neck and head of a skeleton whose arms are known; empty where nothing else branches off its chest."""
    tree = _Tree.of(skeleton)
    first = [next((way[1] for way in [tree.path(chest, arm)] if len(way) > 1), arm) for arm in arms]
    return _head(tree, chest, first, any(len(tree.chains[arm]) > 1 and _ends_twice(tree, arm) for arm in arms))


def _ends_twice(tree: _Tree, joint: int) -> bool:
    """Whether the longest chain from a joint ends in one that is called its end."""
    return joint_names.is_tip(tree.skeleton.joints[tree.chains[joint][-1]])


def _head(tree: _Tree, chest: int, arms: Sequence[int], tips: bool) -> dict[str, int]:
    """Neck and head on the longest chain from the chest that is no arm; tips: bones' ends are joints of this rig."""
    others = [child for child in tree.children[chest] if child not in arms and not _has_twin(tree, chest, child)]
    if not others:
        return {}
    whole = tree.chains[max(others, key=lambda child: float(tree.reach[child]))]
    chain = [joint for i, joint in enumerate(whole) if i == 0 or tree.lengths[joint] > _SAME]
    face = [i for i, joint in enumerate(whole) if len(tree.children[joint]) > 1]
    if face:
        head = max(i for i, joint in enumerate(chain) if whole.index(joint) <= face[0])
    else:
        head = len(chain) - 1 - (tips and len(chain) > 1)
    return {"neck": chain[0], "head": chain[head]}


def _has_twin(tree: _Tree, chest: int, joint: int) -> bool:
    return any(_are_twins(tree, joint, other) for other in tree.children[chest] if other != joint)


def _is_left(
    places: F32, roles: dict[str, int], legs: list[dict[str, int]], limb: dict[str, int], other: dict[str, int]
) -> bool:
    """Whether a limb is on the left of the other one; legs in any order tell where the body faces."""
    up = places[:, roles["neck"]] - places[:, roles["pelvis"]]
    ahead = np.zeros_like(up)
    for leg in legs:
        if "foot" in leg:
            ahead += places[:, leg["foot"]] - places[:, leg["ankle"]]
        # A knee bends forward: it lies before the line from hip to ankle.
        ahead += places[:, leg["knee"]] - (places[:, leg["hip"]] + places[:, leg["ankle"]]) / 2
    across = places[:, next(iter(limb.values()))] - places[:, next(iter(other.values()))]
    return float((np.cross(up, ahead) * across).sum(-1).mean()) >= 0
