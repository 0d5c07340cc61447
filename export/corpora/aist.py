"""AIST++: basic street and jazz dances of ten styles, in pieces of two seconds.

Every dance comes as segments of 60 frames that were placed and turned each on its own: across a seam the joints turn by
9 degrees on average where within a segment they turn by 2 a frame, and the body by up to 118. So the poses do not go on
from one segment to the next either, and each segment is a clip of its own. All pieces of one dance stay in one split.
Both dances of street jazz are left out: in most of their segments no joint leaves a space of 30 cm.
"""

from __future__ import annotations

from pathlib import Path

from export.corpora import phrase, stored
from export.corpora.archive import MORE
from export.corpora.trial import Trial, symmetric

FOLDER = "aist_dance"
FILE = "aist_dance.npz"
LICENCE = "CC-BY-4.0"
SEGMENT_SECONDS = 2.0
WORDINGS = 20

STYLES: dict[str, tuple[str, ...]] = {  # by the name in the list
    "break": ("breakdance", "breaking"),
    "pop": ("popping", "pop"),
    "lock": ("locking", "lock dance"),
    "middle hip-hop": ("hip-hop", "middle hip-hop"),
    "LA hip-hop": ("hip-hop", "LA-style hip-hop"),
    "house": ("house", "house dance"),
    "waack": ("waacking", "waack"),
    "krump": ("krump", "krumping"),
    "ballet jazz": ("ballet jazz", "jazz ballet"),
}


def trials(more: Path) -> list[Trial]:
    """All segments of the dances there are words for, in order of their names.

    Raises BadFile where the list is missing or damaged.
    """
    found: list[Trial] = []
    for dance in stored.sheet(more / FOLDER / "index.json"):
        name, style = str(dance["name"]), str(dance["style"])
        if style not in STYLES:
            continue
        captions = phrase.neutral_wordings(name, sentences(style), WORDINGS)
        for piece in range(round(float(dance["seconds"]) / SEGMENT_SECONDS)):
            found.append(
                symmetric(
                    "aist", f"{name}@{piece}", MORE + FOLDER, f"{FILE}#{name}", LICENCE, captions, "dance",
                    piece * SEGMENT_SECONDS, SEGMENT_SECONDS,
                )
            )  # fmt: skip
    return found


def sentences(style: str) -> tuple[str, ...]:
    """What is true of every dance of a style."""
    first, second = STYLES[style]
    return (
        "a person dances",
        f"a person dances {first}",
        f"a dancer performs basic {second} moves",
        f"someone shows a few {first} steps",
        f"a person moves to music in the style of {second}",
    )
