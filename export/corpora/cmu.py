"""The CMU motion capture database: 144 trials as AMC (with an ASF for each subject) or as BVH of several exporters.

A trial's number is `subject_trial`, e.g. "07_12". One that exists in both forms is read from its AMC.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

from export.corpora import archive, phrase
from export.corpora.captions import load
from export.corpora.trial import Trial, symmetric
from motion.errors import BadFile

ARCHIVE = "cmu.tar.xz"
WORDINGS = 16
FAR_START_SECONDS = 0.075
"""A T-pose and its blend into the motion: joint speeds settle after frame 8 at 120 fps in all files concerned."""

ACTIONS = {  # by the database's own description, where that names one action and nothing else
    "walk": "walk",
    "slow walk": "walk",
    "brisk walk": "walk",
    "walk/stride": "walk",
    "slow walk/stride": "walk",
    "walk, exaggerated stride": "walk",
    "run": "run",
    "run/jog": "run",
    "jump": "jump",
    "jump, balance": "jump",
    "forward jump": "jump",
    "soccer - kick ball": "kick",
    "basketball - forward dribble": "dribble",
    "basketball - backward dribble": "dribble",
    "basketball - sideways dribble": "dribble",
    "basketball - forward dribble, 90-degree left turns": "dribble",
    "basketball - forward dribble, 90-degree right turns": "dribble",
    "basketball - forward dribble, 90-degree right turns, crossover dribble": "dribble",
}

TRIAL_ACTIONS: dict[str, str | None] = {
    "02_07": "slash",
    "02_08": "slash",
    "32_01": None,  # turns to the right at the end
    "32_02": None,
    "131_01": "dance",
    "131_02": "dance",
    "131_03": "dance",
}


def trials(mocap: Path, cache: Path) -> list[Trial]:
    """All trials with sound motion, in order of their numbers."""
    sheet = load(mocap / "captions.json")
    descriptions = _descriptions(mocap / "cmu_index.json")
    folder = archive.unpack(mocap / ARCHIVE, cache)
    files = {PurePosixPath(member).stem: member for member in archive.members(folder, ".bvh")}
    files |= {PurePosixPath(member).stem: member for member in archive.members(folder, ".amc")}
    found: list[Trial] = []
    for number, member in sorted(files.items()):
        if number in sheet.bad_motion:
            continue
        from_bvh = PurePosixPath(member).suffix.lower() == ".bvh"
        sentences = sheet.cmu.get(number) or (phrase.plain(descriptions[number]),)
        captions = phrase.neutral_wordings(number, sentences, WORDINGS)
        own = symmetric("cmu", number, ARCHIVE, member, "CMU", captions, action(number, descriptions[number]))
        if from_bvh:
            drop = FAR_START_SECONDS if sheet.starts_far(number) else 0.0
            found.append(replace(own, fps=sheet.true_fps.get(number), drop_seconds=drop))
        else:
            found.append(replace(own, skeleton_member=_skeleton(member)))
    return found


def action(number: str, description: str) -> str | None:
    """The trial's action label, None where the description is not plainly one action."""
    if description.startswith("dance - "):
        return "dance"
    return TRIAL_ACTIONS.get(number, ACTIONS.get(description))


def _skeleton(member: str) -> str:
    folder = PurePosixPath(member).parent
    return (folder / f"{folder.name}.asf").as_posix()


def _descriptions(path: Path) -> dict[str, str]:
    try:
        return {number: entry["description"] for number, entry in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BadFile(f"cannot be read as the index of the CMU trials ({problem!r})", str(path)) from problem
