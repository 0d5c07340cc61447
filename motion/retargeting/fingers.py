"""Which joints of a hand are its fingers: up to three of each, from the palm outwards, called as SMPL-X calls them.

    left_index1, left_index2, left_index3, left_middle1, ..., right_thumb3

By a user's sheet, by names, or, where these only count ("finger2-1", "Finger11"), by where five chains begin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import numpy as np

from motion.retargeting import joint_names
from motion.retargeting.joint_names import SIDES, Name
from motion.skeleton import Skeleton

FINGERS = ("thumb", "index", "middle", "ring", "pinky")
BONES = 3  # of each
NAMES = tuple(f"{side}_{finger}{k}" for side in SIDES for finger in FINGERS for k in range(1, BONES + 1))
_WORDS = {"thumb": "thumb", "index": "index", "middle": "mid", "ring": "ring", "pinky": "pink|little"}
_PALM = re.compile("inhand|meta|palm|carpal")  # bones within the hand, before the fingers

Found = dict[str, tuple[int, Literal["named", "guessed"]]]
"""name -> joint, and how it was found"""


def find(skeleton: Skeleton, wrists: Mapping[str, int]) -> Found:
    """The finger joints that hang from the wrists, by name; fingers that a hand has not, or that cannot be told, are
    left out."""
    names = joint_names.read(skeleton)
    found: Found = {}
    for side, wrist in wrists.items():
        below = [joint for joint in _below(skeleton, wrist) if not names[joint].tip]
        chains = _by_name(skeleton, names, below)
        how: Literal["named", "guessed"] = "named"
        if not chains:
            chains, how = _by_place(skeleton, names, wrist, below), "guessed"
        for finger, chain in chains.items():
            found |= {f"{side}_{finger}{k}": (joint, how) for k, joint in enumerate(chain[:BONES], 1)}
    return found


def _below(skeleton: Skeleton, wrist: int) -> list[int]:
    found = {wrist}
    for joint in range(wrist + 1, len(skeleton)):
        if skeleton.parents[joint] in found:
            found.add(joint)
    return sorted(found - {wrist})


def _by_name(skeleton: Skeleton, names: list[Name], below: list[int]) -> dict[str, list[int]]:
    """Chains of joints by finger."""
    found: dict[str, list[int]] = {}
    for finger, word in _WORDS.items():
        chain: list[int] = []
        for joint in below:
            if not re.search(word, names[joint].part):
                continue
            if not chain or joint_names.hangs_from(skeleton, joint, chain[-1]):
                chain.append(joint)
        bones = [joint for joint in chain if not _PALM.search(names[joint].part)]
        if finger == "thumb" and len(bones) < BONES:
            bones = chain  # a thumb's first bone is its metacarpal, which VRM calls by that name
        if bones:
            found[finger] = bones
    return found


def _by_place(skeleton: Skeleton, names: list[Name], wrist: int, below: list[int]) -> dict[str, list[int]]:
    """Five chains of two joints or more: the thumb begins nearest to the wrist, and the others lie in order from it."""
    children = Counter(skeleton.parents[joint] for joint in below)
    chains: list[list[int]] = []
    for end in (joint for joint in below if not children[joint]):
        chain = [end]
        while (above := skeleton.parents[chain[0]]) != wrist and children[above] == 1:
            chain.insert(0, above)
        chain = [joint for joint in chain if not _PALM.search(names[joint].part)]
        if len(chain) > 1:
            chains.append(chain)
    if len(chains) != len(FINGERS):
        return {}
    at = skeleton.rest_positions()
    thumb = min(chains, key=lambda chain: float(np.linalg.norm(at[chain[0]] - at[wrist])))
    chains.sort(key=lambda chain: float(np.linalg.norm(at[chain[0]] - at[thumb[0]])))
    return dict(zip(FINGERS, chains, strict=True))
