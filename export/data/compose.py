"""New training clips made of recorded ones: a walk with the arms of a gesture, rare actions at other paces, and short
ones again and again.

After SINC (Athanasiou et al. 2023): body parts that two sentences speak of separately may be put together. The
recordings never show somebody who walks and waves at once; people ask for it all the same. What a handful of
recordings show, such as punches, would be learned by heart instead of understood. And a recorded kick lasts a second
and a half: who asks for three seconds of it must get more than a shuffle of that length.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from motion import clip as clips
from motion import quat
from motion.clip import Clip
from motion.edit.join import join
from motion.quat import F32
from motion.skeleton import SMPLX22

ARMS: dict[str, tuple[int, ...]] = {
    side: tuple(SMPLX22.index(f"{side}_{joint}") for joint in ("collar", "shoulder", "elbow", "wrist"))
    for side in ("left", "right")
}
CORPUS = "composed"
_GRAFTS = 40  # clips of each gesture on a walk; a quarter of it on other ways to go
PACES = (0.76, 0.88, 1.14, 1.3)
RARE = 12  # recordings of an action at most, mirrored ones counted, that are shown at these paces as well
SERIES: dict[str, tuple[str, ...]] = {
    "kick": ("a person kicks", "someone kicks", "a person kicks again and again", "a fighter kicks"),
    "punch": ("a person punches", "someone punches", "a person punches again and again", "a boxer throws punches"),
    "jump": ("a person jumps", "someone jumps", "a person jumps again and again", "someone jumps several times"),
    "squat": ("a person squats", "someone does squats", "a person squats again and again", "someone squats and rises"),
    "slash": ("a person swings a sword", "someone slashes", "a person strikes again and again with a sword"),
}
"""Actions that take a second or two, and what is said of several in a row."""
_SHORT = 120  # frames of a recording at most that is shown several times
_LONGEST = (60, 210)  # frames of a series, drawn from here to there
_ALIKE = 6  # series of what one person did
_ONCE = re.compile(r"\b(one|once|single|then)\b")
_SEAM = 0.25  # seconds of passage from one to the next
_BLEND = 8  # frames over which the arms pass from the walk's own swing to the gesture and back

# What the arms of an action do, as it is said beside a walk: (which arms, phrases).
GESTURES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "wave-right": (("right",), ("waves", "waves with the right hand", "waves the right hand")),
    "wave-left": (("left",), ("waves with the left hand", "waves the left hand")),
    "wave-both": (("left", "right"), ("waves with both hands", "waves both arms")),
    "raise-right": (("right",), ("raises the right hand", "lifts the right arm")),
    "raise-left": (("left",), ("raises the left hand", "lifts the left arm")),
    "raise-both": (("left", "right"), ("raises both hands", "lifts both arms")),
}
STEPS: dict[str, tuple[str, ...]] = {
    "walk": ("a person walks forward", "a person walks", "someone walks straight ahead"),
    "run": ("a person runs forward", "a person runs", "someone jogs forward"),
    "turn-left": ("a person walks and turns left", "someone walks to the left"),
    "turn-right": ("a person walks and turns right", "someone walks to the right"),
}


def sentences(step: str, gesture: str) -> list[str]:
    """All wordings for a gesture made on the way."""
    found: list[str] = []
    for walk in STEPS[step]:
        for arms in GESTURES[gesture][1]:
            gerund = arms.replace("waves", "waving").replace("raises", "raising").replace("lifts", "lifting")
            found += [f"{walk} and {arms}", f"{walk} while {gerund}", f"{walk}, {gerund}"]
    return found


def graft(walk: Clip, gesture: Clip, sides: tuple[str, ...], start: int) -> Clip:
    """The walk with the arms of `sides` taken from the gesture, which begins at frame `start` of the walk.

    Both clips are `smplx22` at one frame rate. The result is as long as the walk.
    """
    rotations = walk.rotations.copy()
    stop = min(len(walk), start + len(gesture))
    frames = np.arange(start, stop)
    rise = np.clip((frames - start + 1) / _BLEND, 0, 1)
    fall = np.clip((stop - frames) / _BLEND, 0, 1) if stop < len(walk) else np.ones(len(frames))
    weight: F32 = (np.minimum(rise, fall) if start > 0 else fall).astype(np.float32)
    joints = [joint for side in sides for joint in ARMS[side]]
    theirs = gesture.rotations[: stop - start][:, joints]
    rotations[start:stop, joints] = quat.slerp(rotations[start:stop, joints], theirs, weight[:, None])
    return replace(walk, rotations=rotations, contacts=walk.contacts)


def paced(clip: Clip, pace: float) -> Clip:
    """The clip `pace` times as fast, at its own frame rate."""
    return clips.resample(replace(clip, fps=clip.fps * pace), clip.fps)


def compose(walks: list[Clip], gestures: list[Clip], sides: tuple[str, ...], count: int, seed: int) -> list[Clip]:
    """`count` grafts of randomly drawn pairs; long walks are cut to at most 8 s."""
    rng = np.random.default_rng(seed)
    made: list[Clip] = []
    for _ in range(count):
        walk = walks[int(rng.integers(len(walks)))]
        gesture = gestures[int(rng.integers(len(gestures)))]
        walk = clips.cut(walk, 0, min(len(walk), 240))
        slack = max(0, len(walk) - len(gesture))
        made.append(graft(walk, gesture, sides, int(rng.integers(0, slack // 2 + 1))))
    return made


@dataclass(frozen=True)
class Composition:
    """One composed clip with what is said of it."""

    clip: Clip
    name: str
    origin: str
    """As `dataset.Entry.origin`."""
    action: str
    captions: list[str]
    licence: str

    @property
    def corpus(self) -> str:
        """The first part of its name."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Recorded:
    """A clip of the training split, and the action that it shows."""

    clip: Clip
    name: str
    action: str
    captions: tuple[str, ...]
    licence: str


def corpus(by_action: dict[str, list[Clip]], licence: str) -> Iterator[Composition]:
    """All gestures of `GESTURES` on all ways of `STEPS` that there are recordings of, which are under `licence`; the
    same ones every time."""
    for i, step in enumerate(STEPS):
        for j, (gesture, (sides, _)) in enumerate(GESTURES.items()):
            walks = [clip for clip in by_action.get(step, []) if len(clip) >= 75]
            gestures = [clip for clip in by_action.get(gesture, []) if len(clip) >= 40]
            if not walks or not gestures:
                continue
            count = _GRAFTS if step == "walk" else _GRAFTS // 4
            for k, clip in enumerate(compose(walks, gestures, sides, count, 100 * i + j)):
                action = f"{step}+{gesture}"
                yield Composition(clip, f"{CORPUS}/{action}/{k}", "grafted", action, sentences(step, gesture), licence)


def rare(recorded: Iterable[Recorded], into: str = CORPUS) -> Iterator[Composition]:
    """Clips of actions with at most `RARE` recordings, at all `PACES`; `into` is the corpus that they make."""
    by_action: dict[str, list[Recorded]] = {}
    for one in recorded:
        by_action.setdefault(one.action, []).append(one)
    for action, found in sorted(by_action.items()):
        for one in found if len(found) <= RARE else ():
            for pace in PACES:
                name = f"{into}/paced/{one.name}/{pace:g}"
                yield Composition(paced(one.clip, pace), name, "paced", action, list(one.captions), one.licence)


def series(recorded: Iterable[Recorded], into: str = CORPUS) -> Iterator[Composition]:
    """Short actions of `SERIES` again and again, each series of what one person did, in random order; the same ones
    every time. `into` is the corpus that they make."""
    alike: dict[tuple[str, str], list[Recorded]] = defaultdict(list)
    for one in recorded:
        if one.action in SERIES and len(one.clip) <= _SHORT:
            alike[one.action, re.sub(r"\d+", "", one.name)].append(one)
    for number, ((action, name), found) in enumerate(sorted(alike.items(), key=lambda item: item[0])):
        rng = np.random.default_rng(number)
        for k in range(_ALIKE):
            picked = found[int(rng.integers(len(found)))]
            made, frames = picked.clip, int(rng.integers(*_LONGEST))
            while len(made) < frames:
                made = join(made, found[int(rng.integers(len(found)))].clip, _SEAM)
            captions = [*SERIES[action], *(text for text in picked.captions if not _ONCE.search(text))]
            yield Composition(made, f"{into}/series/{name}/{k}", "series", action, captions, picked.licence)
