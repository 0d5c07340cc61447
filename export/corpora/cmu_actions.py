"""Actions out of CMU's motion capture that `cmu` lacks: a referee's signals, directing traffic, soccer and others.

The list names glitches, frames after which a joint leaps: a take is cut there, and pieces of a second and more are
kept, all in one split. Where a body turned far round, the source's rotations of the hips went wrong: it lies in the air
for some frames, and faces up to 120 degrees away from where it goes before or after. Those takes are left out, or kept
up to their last sound frame (`SOUND`).

Many takes are trials that `cmu` holds too (`HELD`), some of them in another split: they are left out, so that nothing
is tested on what was trained on.
"""

from __future__ import annotations

from pathlib import Path

from export.corpora import phrase, stored
from export.corpora.archive import MORE
from export.corpora.trial import Trial, symmetric

FOLDER = "cmu_actions"
FILE = "cmu_actions.npz"
LICENCE = "CMU"
FPS = 60.0
WORDINGS = 16
SHORTEST_SECONDS = 1.0
_MARGIN = 2  # frames at a glitch that are left out with it
_SLOW, _FAST = 0.96, 1.45  # metres per second: below and above what most of the walks have

SOUND: dict[str, int] = {
    "train__directing_traffic__directing_traffic_1": 240,
    **{f"train__walking_extra__walking_{number}": 0 for number in (22, 23, 24, 25, 26, 48, 49, 50)},
}
"""Takes with wrong rotations of the hips -> how many frames are sound."""

_WALKS = (
    (7, 8, 10, *range(12, 24)),
    (*range(13, 19), 27, 28, *range(30, 34), 35, 36, 37, *range(39, 43), 45, 46, 47, 51, 52),
)
HELD = frozenset(
    [
        "test__soccer__soccer_1",
        "test__basketball__basketball_1",
        *(f"train__basketball__basketball_{number}" for number in (1, 2, 3, 5)),
        *(f"train__walking__walking_{number}" for number in (1, 2, 4, 5)),
        *(
            f"{part}__walking_extra__walking_{n}"
            for part, ns in zip(("test", "train"), _WALKS, strict=True)
            for n in ns
        ),
    ]
)
"""Takes whose knees and elbows bend as those of a trial of `cmu` do, to 1.5 degrees over a second, those of the
basketball ones to 2.4 from end to end; the test's walking_19 by its place among others of subject 35."""

ACTIONS = {
    "basketball": "dribble",
    "basketball_signal": "referee-signals",
    "directing_traffic": "direct-traffic",
    "jumping": "jump",
    "running": "run",
    "soccer": "kick",
    "walking": "walk",
    "walking_extra": "walk",
    "washwindow": "wash-window",
}

SENTENCES: dict[str, tuple[str, ...]] = {  # by kind of take
    "basketball": (
        "a person dribbles a basketball",
        "a person walks forward and dribbles a basketball with the right hand",
        "someone bounces a ball with the right hand while walking",
    ),
    "basketball_signal": (
        "a basketball referee gives signals",
        "a person stands and gives a referee's hand signals, one after the other",
        "someone makes the signs of a basketball referee with both arms",
    ),
    "directing_traffic": (
        "a person directs traffic",
        "a person stands and directs traffic with both arms",
        "someone waves cars on and stops them, like a traffic officer",
    ),
    "jumping": (
        "a person jumps",
        "a person swings the arms, jumps forward with both feet and stands",
        "someone squats, leaps ahead and lands on both feet",
    ),
    "running": ("a person runs", "a person runs forward", "someone runs straight ahead"),
    "soccer": (
        "a person kicks a ball",
        "a person runs up and kicks a soccer ball with the right foot",
        "someone takes a few steps and shoots a football",
    ),
    "walking": ("a person walks", "a person walks forward", "someone walks straight ahead"),
    "washwindow": (
        "a person washes a window",
        "a person wipes a window pane with the right hand",
        "someone cleans glass, reaching high and low",
    ),
}

HOPS = (
    "a person jumps",
    "a person jumps and hops again and again, on both feet and on one",
    "someone jumps up several times in different ways",
)
UP = ("a person jumps", "a person jumps straight up with both arms lifted", "someone crouches, springs up and lands")
OWN: dict[str, tuple[str, ...]] = {
    "test__jumping__jumping_1": HOPS,
    "train__jumping__jumping_2": HOPS,
    "train__jumping__jumping_5": UP,
}


def trials(more: Path) -> list[Trial]:
    """All sound pieces of all takes, in order of their names. Raises BadFile where the list is missing or damaged."""
    found: list[Trial] = []
    for take in stored.sheet(more / FOLDER / "index.json"):
        name, kind = str(take["name"]), str(take["action"])
        if name in HELD:
            continue
        length = int(take["frames"])
        sound = SOUND.get(name, length)
        speed = float(take["travel"]) / float(take["seconds"])
        captions = phrase.neutral_wordings(name, sentences(name, kind, speed), WORDINGS)
        spans = pieces(sound, [int(frame) for frame in take["glitch_frames"]])
        for number, (start, stop) in enumerate(spans):
            whole = (start, stop) == (0, length)
            found.append(
                symmetric(
                    "cmu-actions", name if whole else f"{name}@{number}", MORE + FOLDER, f"{FILE}#{name}", LICENCE,
                    captions, ACTIONS[kind], start / FPS, None if whole else (stop - start) / FPS,
                )
            )  # fmt: skip
    return sorted(found, key=lambda trial: trial.name)


def pieces(frames: int, glitches: list[int]) -> list[tuple[int, int]]:
    """Spans (first frame, frame behind the last) between glitches, each long enough to be kept.

    glitches: frames after which a joint leaps.
    """
    ends = [frame - _MARGIN for frame in sorted(glitches)] + [frames]
    starts = [0] + [frame + 1 + _MARGIN for frame in sorted(glitches)]
    spans = ((max(0, a), min(b, frames)) for a, b in zip(starts, ends, strict=True))
    return [(a, b) for a, b in spans if b - a >= SHORTEST_SECONDS * FPS]


def sentences(take: str, kind: str, speed: float) -> tuple[str, ...]:
    """What is true of a take; `speed` in metres per second."""
    if take in OWN:
        return OWN[take]
    if kind in ("walking", "walking_extra"):
        plain = SENTENCES["walking"]
        if speed < _SLOW:
            return (*plain, "a person walks slowly", "someone strolls along slowly")
        if speed > _FAST:
            return (*plain, "a person walks briskly", "someone walks fast")
        return plain
    return SENTENCES[kind]
