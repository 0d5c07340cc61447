"""Six BVH clips from other makers' pipelines, one action each."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from export.corpora import archive, mirror, phrase
from export.corpora.trial import Trial

ARCHIVE = "misc.tar.xz"
WORDINGS = 12

SENTENCES = {
    "dab": (
        "a person dabs",
        "a person does the dab, dropping the head into a bent elbow",
        "someone strikes a dab pose with both arms thrown out to one side",
    ),
    "jesse_dance": (
        "a person dances",
        "a person dances to music",
        "someone dances freely, moving the arms and the whole body",
    ),
    "jumping": (
        "a person jumps",
        "a person jumps up and lands again",
        "someone bends the knees and leaps into the air",
    ),
    "jumping_jacks": (
        "a person does jumping jacks",
        "someone jumps again and again, spreading the arms and legs and closing them",
        "a person exercises with jumping jacks",
    ),
    "wave_hello": (
        "a person waves hello",
        "a person raises a hand and waves it in greeting",
        "someone greets somebody with a wave",
    ),
    "zombie": (
        "a person walks like a zombie",
        "a zombie shuffles along with its arms held out",
        "someone staggers forward stiffly like the living dead",
    ),
}

ACTIONS = {"jesse_dance": "dance", "jumping": "jump"}


def trials(mocap: Path, cache: Path) -> list[Trial]:
    """The clips there are sentences for, in order of their names."""
    found: list[Trial] = []
    for member in archive.members(archive.unpack(mocap / ARCHIVE, cache), ".bvh"):
        clip = PurePosixPath(member).stem
        if clip not in SENTENCES:
            continue
        captions = phrase.neutral_wordings(clip, SENTENCES[clip], WORDINGS)
        label = ACTIONS.get(clip)
        found.append(
            Trial(
                name=f"misc/{clip}",
                corpus="misc",
                archive=ARCHIVE,
                member=member,
                skeleton_member=None,
                licence="MIT",
                fps=None,
                drop_seconds=0.0,
                captions=captions,
                mirrored_captions=mirror.sentences(captions),
                action=label,
                mirrored_action=mirror.action(label),
            )
        )
    return found
