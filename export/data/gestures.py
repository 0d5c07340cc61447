"""Gestures of the arms out of recordings that permit commercial use, on walks, runs and stands out of such recordings.

No free corpus shows somebody who just lifts a hand. But CMU's actors reach up, direct traffic and give signals, and
game characters cheer: their arms, on a body that stands or goes. Where a span shows one arm, its mirror image gives the
other one, and both together. `SPANS` and `STANDS` were found by the height of the wrists over the shoulders and by feet
that rest, and looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from export.corpora import licence
from export.data import compose
from export.data.compose import ARMS, GESTURES, Composition, Recorded
from motion import clip as clips
from motion.clip import Clip
from motion.edit.join import join

CORPUS = "composed-free"
_COUNTS = {"stand": 40, "walk": 40, "run": 10}  # grafts of each gesture
_PACES = (0.85, 1.15)  # of a gesture, drawn from here to there
_LENGTHS = (80, 150)  # frames of a stand or a run, drawn from here to there; walks are long enough
_SEAM = 0.25  # seconds of passage from a stand or a run to itself again
_LEAP_M = 0.25  # change of a joint's step from a frame to the next at most; recorded runs and waves: up to 0.2
_DRAWS = 20
_CYCLE = 12  # frames of a stride of a run at least: the fastest take 16
WAYS = {"walk": 75, "run": 30}
"""Actions whose arms are replaced, and how many frames a recording of them needs."""
_OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Span:
    """Frames of a recording, at 30 a second, in which arms do something."""

    name: str
    start: int
    stop: int
    does: str
    """raise or wave"""
    arms: tuple[str, ...]


_RIGHT, _LEFT, _BOTH = ("right",), ("left",), ("left", "right")
_TRAFFIC = "cmu-actions/train__directing_traffic__directing_traffic_4"
_SIGNALS = "cmu-actions/train__basketball_signal__basketball_signal_"

SPANS = (
    *(Span("cmu/02_06", a, b, "raise", _RIGHT) for a, b in ((49, 98), (133, 182), (214, 261), (296, 343), (379, 427))),
    Span("cmu/13_10", 0, 60, "raise", _BOTH),
    *(Span("cmu/14_07", a, b, "raise", _BOTH) for a, b in ((386, 440), (470, 504))),
    *(Span("cmu/14_08", a, b, "raise", _BOTH) for a, b in ((110, 151), (165, 210), (402, 440))),
    Span(f"{_SIGNALS}1", 488, 572, "raise", _BOTH),
    Span(f"{_SIGNALS}2", 521, 586, "raise", _BOTH),
    Span(f"{_SIGNALS}3", 535, 586, "raise", _BOTH),
    Span(f"{_SIGNALS}4", 520, 566, "raise", _BOTH),
    Span(f"{_SIGNALS}5", 541, 637, "raise", _BOTH),
    Span("cc0/kaykit/Spellcast_Raise", 3, 57, "raise", _RIGHT),
    Span("cc0/mesh2motion/dance-reach-hip", 2, 36, "raise", _RIGHT),
    Span("cc0/mesh2motion/dance-reach-hip", 36, 71, "raise", _LEFT),
    Span("game/Greeting", 10, 144, "wave", _RIGHT),
    Span(_TRAFFIC, 340, 456, "wave", _RIGHT),
    Span(_TRAFFIC, 388, 456, "wave", _BOTH),
)
STANDS = (
    ("game/Idle_Loop", 0, 76),
    ("misc/wave_hello", 44, 108),
    (f"{_SIGNALS}3", 239, 301),
    (f"{_SIGNALS}3", 435, 534),
    (f"{_SIGNALS}4", 246, 305),
    (f"{_SIGNALS}4", 452, 514),
    (f"{_SIGNALS}5", 4, 75),
    (f"{_SIGNALS}5", 456, 544),
    ("cmu-actions/train__soccer__soccer_1", 0, 53),
)
"""Recordings with the frames in which somebody stands with hanging arms."""
_STANDING_STILL = ("a person stands", "someone stands still")


@dataclass(frozen=True)
class _Piece:
    clip: Clip
    licence: str


def grafts(recorded: Mapping[str, Recorded]) -> Iterator[Composition]:
    """All gestures of `compose.GESTURES` on stands, walks and runs; the same ones every time.

    recorded: clips of the training split by name, not mirrored. Spans of others are left out.
    """
    free = {name: one for name, one in recorded.items() if one.licence in licence.FREE}
    bases = {step: _ways(free, step) for step in WAYS} | {"stand": _stands(free)}
    for i, (step, count) in enumerate(_COUNTS.items()):
        for j, (gesture, (sides, _)) in enumerate(GESTURES.items()):
            shown = _shown(free, gesture.partition("-")[0], sides)
            if not shown or not bases[step]:
                continue
            rng = np.random.default_rng([i, j])
            action = gesture if step == "stand" else f"{step}+{gesture}"
            captions = standing(gesture) if step == "stand" else compose.sentences(step, gesture)
            for k in range(count):
                clip, strictest = _drawn(bases[step], shown, sides, step, rng)
                yield Composition(clip, f"{CORPUS}/{action}/{k}", "grafted", action, captions, strictest)


def standing(gesture: str) -> list[str]:
    """All wordings for a gesture of somebody who stands."""
    found: list[str] = []
    for arms in GESTURES[gesture][1]:
        found += [f"a person {arms}", f"someone {arms}", f"the person {arms}"]
        found += [f"{stands} and {arms}" for stands in _STANDING_STILL]
    return found


def _drawn(
    bases: Sequence[_Piece], shown: Sequence[_Piece], sides: tuple[str, ...], step: str, rng: np.random.Generator
) -> tuple[Clip, str]:
    """A graft of a drawn pair, and its licence; drawn again where an arm takes the other way round and leaps."""
    draws = 0
    while True:
        base, arms = (pieces[int(rng.integers(len(pieces)))] for pieces in (bases, shown))
        clip = _graft(base.clip, arms.clip, sides, step, rng)
        leap = np.linalg.norm(np.diff(clips.positions(clip), n=2, axis=0), axis=-1).max()
        draws += 1
        if leap <= _LEAP_M or draws == _DRAWS:
            return clip, licence.strictest((base.licence, arms.licence))


def _graft(base: Clip, arms: Clip, sides: tuple[str, ...], step: str, rng: np.random.Generator) -> Clip:
    base = clips.mirror(base) if rng.random() < 0.5 else base
    arms = compose.paced(arms, float(rng.uniform(*_PACES)))
    if step == "walk":
        base = clips.cut(base, 0, min(len(base), 240))
    else:
        base = _longer(base, max(len(arms) + 8, int(rng.integers(*_LENGTHS))), 0 if step == "stand" else _CYCLE)
    slack = max(0, len(base) - len(arms))
    return compose.graft(base, arms, sides, int(rng.integers(0, slack // 2 + 1)))


def _longer(clip: Clip, frames: int, cycle: int) -> Clip:
    """The clip again and again until it has so many frames.

    cycle: least frames of a stride, whose start and end are then looked for, so that the legs go on; 0: there is none.
    """
    start, stop = _stride(clip, cycle) if cycle else (0, len(clip))
    whole = clips.cut(clip, 0, stop)
    while len(whole) < frames:
        whole = join(whole, clips.cut(clip, start, stop), _SEAM)
    return clips.cut(whole, 0, frames)


def _stride(clip: Clip, cycle: int) -> tuple[int, int]:
    """Two frames, at least so many apart, with the likest poses."""
    apart = 1 - np.abs(np.einsum("ajc,bjc->abj", clip.rotations[:, 1:], clip.rotations[:, 1:])).mean(axis=-1)
    apart[np.tril_indices(len(clip), cycle - 1)] = np.inf
    start, stop = np.unravel_index(int(apart.argmin()), apart.shape)
    return int(start), int(stop)


def _ways(free: Mapping[str, Recorded], step: str) -> list[_Piece]:
    found = (one for _, one in sorted(free.items()) if one.action == step and len(one.clip) >= WAYS[step])
    return [_Piece(one.clip, one.licence) for one in found]


def _stands(free: Mapping[str, Recorded]) -> list[_Piece]:
    spans = [(free[name], start, stop) for name, start, stop in STANDS if name in free]
    return [_Piece(_span(one.clip, start, stop), one.licence) for one, start, stop in spans]


def _shown(free: Mapping[str, Recorded], does: str, sides: tuple[str, ...]) -> list[_Piece]:
    """Clips whose arms of `sides` do it, as recorded, mirrored, or one arm as both."""
    found: list[_Piece] = []
    for span in SPANS:
        if span.does != does or span.name not in free:
            continue
        one = free[span.name]
        clip = _span(one.clip, span.start, span.stop)
        found += [_Piece(arms, one.licence) for arms in _arms(clip, span.arms, sides)]
    return found


def _arms(clip: Clip, has: tuple[str, ...], wanted: tuple[str, ...]) -> Sequence[Clip]:
    """Clips whose `wanted` arms do what those that the clip `has` do."""
    if len(has) == 2:
        return (clip, clips.mirror(clip))
    if len(wanted) == 1:
        return (clip if has == wanted else clips.mirror(clip),)
    joints = list(ARMS[_OTHER[has[0]]])
    rotations = clip.rotations.copy()
    rotations[:, joints] = clips.mirror(clip).rotations[:, joints]
    return (replace(clip, rotations=rotations),)


def _span(clip: Clip, start: int, stop: int) -> Clip:
    return clips.cut(clip, min(start, len(clip) - 1), min(stop, len(clip)))
