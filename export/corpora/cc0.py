"""Short game animations without conditions of use: mesh2motion and KayKit.

Walks and runs are treadmill-style, so sentences that let them travel are left out. Of a KayKit clip the `exact` variant
is taken where there is one: it animates joint positions, and only its positions are right.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath

from export.corpora import archive, phrase
from export.corpora.trial import Trial, symmetric
from motion.errors import BadFile

ARCHIVE = "cc0/clips.tar.xz"
WORDINGS = 12

_IN_PLACE = re.compile(r"\b(?:in place|on the spot|without moving)\b")
_TRAVELS = re.compile(r"\b(?:walks|runs|jogs|strafes|sprints|crawls)\b")

ACTIONS = {
    "mesh2motion/bow": "bow",
    "mesh2motion/dance-body-roll": "dance",
    "mesh2motion/dance-charleston": "dance",
    "mesh2motion/dance-reach-hip": "dance",
    "mesh2motion/fighting-left-jab": "punch",
    "mesh2motion/fighting-right-jab": "punch",
    "mesh2motion/throw-ball": "throw",
    "kaykit/1H_Melee_Attack_Chop": "slash",
    "kaykit/1H_Melee_Attack_Slice_Diagonal": "slash",
    "kaykit/1H_Melee_Attack_Slice_Horizontal": "slash",
    "kaykit/2H_Melee_Attack_Chop": "slash",
    "kaykit/2H_Melee_Attack_Slice": "slash",
    "kaykit/Dualwield_Melee_Attack_Chop": "slash",
    "kaykit/Dualwield_Melee_Attack_Slice": "slash",
    "kaykit/Jump_Full_Long": "jump",
    "kaykit/Jump_Full_Short": "jump",
    "kaykit/Lie_Down": "lie-down",
    "kaykit/Throw": "throw",
    "kaykit/Unarmed_Melee_Attack_Kick": "kick",
    "kaykit/Unarmed_Melee_Attack_Punch_A": "punch",
    "kaykit/Unarmed_Melee_Attack_Punch_B": "punch",
}


def trials(mocap: Path, cache: Path) -> list[Trial]:
    """All clips that have sentences, in order of their names."""
    sheet = _sheet(mocap / "cc0" / "captions.json")
    files = set(archive.members(archive.unpack(mocap / ARCHIVE, cache), ".bvh"))
    found: list[Trial] = []
    for listed, texts in sorted(sheet.items()):
        path = PurePosixPath(listed)
        exact = (path.parent / "exact" / path.name).as_posix()
        member = exact if exact in files else listed
        if member not in files:
            continue
        clip = path.with_suffix("").as_posix()
        captions = phrase.neutral_wordings(clip, true_in_place(tuple(map(phrase.plain, texts))), WORDINGS)
        found.append(symmetric("cc0", clip, ARCHIVE, member, "CC0-1.0", captions, ACTIONS.get(clip)))
    return found


def true_in_place(sentences: tuple[str, ...]) -> tuple[str, ...]:
    """The sentences, without those that let a clip travel of which another says that it stays in place."""
    if not any(_IN_PLACE.search(sentence) for sentence in sentences):
        return sentences
    return tuple(s for s in sentences if _IN_PLACE.search(s) or not _TRAVELS.search(s))


def _sheet(path: Path) -> dict[str, list[str]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BadFile(f"cannot be read as the sentences of the CC0 clips ({problem})", str(path)) from problem
