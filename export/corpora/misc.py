"""Six BVH clips from other makers' pipelines, one action each."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from export.corpora import archive, phrase
from export.corpora.trial import Trial, symmetric

ARCHIVE = "misc.tar.xz"
WORDINGS = 12

SENTENCES = {  # written after looking at the motion
    "dab": (
        "a person dabs",
        "a person dabs again and again, to one side and then to the other",
        "someone does the dab, dropping the head toward a bent elbow and stretching the other arm out",
    ),
    "jesse_dance": (
        "a person dances",
        "a person dances, lifting and kicking one leg after the other",
        "someone dances on the spot with high, swinging legs",
    ),
    "jumping": (
        "a person jumps forward",
        "a person swings both arms back, squats and makes a standing long jump",
        "someone takes a long leap forward with both feet and stands up",
    ),
    "jumping_jacks": (
        "a person does jumping jacks",
        "someone jumps again and again, spreading the arms and legs and closing them",
        "a person exercises with jumping jacks",
    ),
    "wave_hello": (
        "a person waves hello",
        "a person waves hello with the right hand and lowers it",
        "someone raises the right hand beside the head, waves and drops it",
    ),
    "zombie": (
        "a person walks like a zombie",
        "a person staggers forward like a zombie, turns around and staggers back",
        "someone lurches along with swinging arms like the living dead",
    ),
}

ACTIONS = {"jesse_dance": "dance", "jumping": "jump", "wave_hello": "wave-right"}

REST_SECONDS = {"dab": 1.7, "jumping": 1.6, "wave_hello": 3.4, "zombie": 1.7}
"""These begin with a long T-pose: the time after which the hands have left it, read from their positions."""


def trials(mocap: Path, cache: Path) -> list[Trial]:
    """The clips there are sentences for, in order of their names."""
    found: list[Trial] = []
    for member in archive.members(archive.unpack(mocap / ARCHIVE, cache), ".bvh"):
        clip = PurePosixPath(member).stem
        if clip not in SENTENCES:
            continue
        captions = phrase.neutral_wordings(clip, SENTENCES[clip], WORDINGS)
        drop = REST_SECONDS.get(clip, 0.0)
        found.append(symmetric("misc", clip, ARCHIVE, member, "MIT", captions, ACTIONS.get(clip), drop))
    return found
