"""Long dances and martial arts drills: CMU recordings, retargeted to one BVH skeleton by their packager.

Every file starts with a reference pose far away.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from export.corpora import archive, phrase
from export.corpora.captions import load
from export.corpora.cmu import FAR_START_SECONDS
from export.corpora.trial import Trial, symmetric

ARCHIVE = "dance.tar.xz"
WORDINGS = 24
REST_POSE = "standard"

ACTIONS = {"salsa": "dance", "indian": "dance", "martial": None}


def trials(mocap: Path, cache: Path) -> list[Trial]:
    """All dances, in order of kind and number; the file that holds only the rest pose is none."""
    sheet = load(mocap / "captions.json")
    found: list[Trial] = []
    for member in archive.members(archive.unpack(mocap / ARCHIVE, cache), ".bvh"):
        path = PurePosixPath(member)
        if path.stem == REST_POSE:
            continue
        kind, name = path.parent.name, f"{path.parent.name}/{path.stem}"
        own = sheet.clips.get(name, ())
        captions = own + phrase.neutral_wordings(name, sheet.dance[kind], WORDINGS - len(own))
        found.append(symmetric("dance", name, ARCHIVE, member, "MIT", captions, ACTIONS[kind], FAR_START_SECONDS))
    return found
