"""Which of eighteen actions a clip shows, told from its joints' places alone: a judge that nobody trained.

`shows` holds the numbers of `export.metrics.measures` against the rule of an action. A rule asks whether the action is
there, not whether it is all there is: who walks and waves shows both. Rules are meant for clips of 1 to 8 seconds.
Their thresholds were set on recordings of the training split; how many recordings of an action pass its rule, and how
many of others, is counted by `python -m export.evaluate geometry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from export.metrics.measures import Arm, Leg, Measures
from motion.errors import BadConfig

LONGEST_S: Final = 8.0
"""seconds of a clip that the rules are meant for, at most"""
ACTIONS: Final = (
    "walk", "run", "walk-back", "walk-left", "walk-right", "turn-left", "turn-right", "wave-left", "wave-right",
    "wave-both", "raise-left", "raise-right", "raise-both", "bow", "kick", "punch", "jump", "squat",
)  # fmt: skip
"""walk-left and walk-right: across the facing, straight aside or diagonally, without a turn"""
OVERLAPS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "walk": frozenset({"sneak"}),
        "run": frozenset({"jog-circle"}),
        "turn-left": frozenset({"jog-circle", "dance"}),
        "turn-right": frozenset({"jog-circle", "dance"}),
        "raise-left": frozenset({"grab-high"}),
        "raise-right": frozenset({"grab-high"}),
        "raise-both": frozenset({"rotate-arms", "throw"}),
        "bow": frozenset({"call"}),
        "kick": frozenset({"dance"}),
        "jump": frozenset({"throw", "dance"}),
    }
)
"""Action -> other labels whose recordings show it in truth: who jogs in a circle runs and turns, basketball is thrown
over the head in a jump, ballet leaps and throws the legs up, the one who calls is bent forward by 54 degrees."""

_TURN = np.radians(45)  # recorded turns: 76 degrees and more
_STRAIGHT = np.radians(60)  # a walk may end in a bend
_ASIDE = 0.25  # of the travel ahead, 14 degrees: recorded diagonals 14 to 56, straight walks up to 6
_WALK_M, _BACK_M, _ASIDE_M, _RUN_M = 1.0, 0.6, 0.5, 1.5
_SLOW_M_S, _BRISK_M_S = 1.6, 2.1  # up to the first anybody walks, over the second anybody runs
_FLIGHT = 0.03  # share of the time in the air that tells a run from a walk between these two speeds
_LEAP_M = 0.12
_RAISED_S, _WAVING_S, _RESTS_S = 0.2, 1.0, 0.2
_SWINGS, _STILL_SWINGS = 3, 4  # fewer is no wave, more is no mere raising; in between a clip shows both
_ON_THE_SPOT_M = 1.5
_BOW, _BOW_BEND = np.radians(30), np.radians(40)  # from upright, where the chest leans back by 3 to 12 degrees
_BOW_M, _BOW_HIPS, _BOW_HAND_M = 0.8, 0.75, 0.5  # nor who steps, sinks, or reaches for the floor
_KICK_M, _KICK_M_S = 0.4, 3.0
_PUNCH_M_S, _PUNCH_WAY_M = 2.5, 3.5
_SQUAT, _SQUAT_M = 0.3, 1.0


def _walks(m: Measures) -> bool:
    """At a walker's pace, or faster with a foot on the ground at all times."""
    return m.speed_m_s <= _SLOW_M_S or (m.speed_m_s <= _BRISK_M_S and m.airborne_s <= _FLIGHT * m.seconds)


def _walk(m: Measures) -> bool:
    straight = abs(m.left_m) <= _ASIDE * m.forward_m and abs(m.turn_rad) <= _STRAIGHT
    upright = m.lowest_hips >= 0.75 and m.leap_m < _LEAP_M
    return m.forward_m >= _WALK_M and straight and upright and _walks(m)


def _walk_back(m: Measures) -> bool:
    return m.forward_m <= -_BACK_M and abs(m.left_m) <= -0.5 * m.forward_m and abs(m.turn_rad) <= _STRAIGHT


def _aside(m: Measures, left_m: float) -> bool:
    return left_m >= max(_ASIDE_M, _ASIDE * abs(m.forward_m)) and abs(m.turn_rad) <= _TURN


def _turn(m: Measures, left_rad: float) -> bool:
    return left_rad >= _TURN and m.forward_m >= _ASIDE_M


def _waves(arm: Arm) -> bool:
    return arm.swings >= _SWINGS and arm.raised_s >= _WAVING_S


def _waves_both(m: Measures) -> bool:
    """One hand may trail the other, by a swing."""
    return any(map(_waves, m.hands)) and all(a.swings >= _SWINGS - 1 and a.raised_s >= _WAVING_S for a in m.hands)


def _raised(arm: Arm) -> bool:
    return arm.swings <= _STILL_SWINGS and arm.raised_s >= _RAISED_S


def _one(m: Measures, side: int, does: Callable[[Arm], bool]) -> bool:
    return does(m.hands[side]) and m.hands[1 - side].raised_s < _RESTS_S


def _stands(m: Measures) -> bool:
    return m.path_m <= _ON_THE_SPOT_M and m.lowest_hips >= 0.8


def _bow(m: Measures) -> bool:
    bends = m.bow_rad >= _BOW and m.lean_change_rad >= _BOW_BEND
    return bends and m.path_m <= _BOW_M and m.lowest_hips >= _BOW_HIPS and m.lowest_hand_m >= _BOW_HAND_M


def _kicks(leg: Leg) -> bool:
    return leg.kick_m >= _KICK_M and leg.fastest_m_s >= _KICK_M_S


def _punch(m: Measures) -> bool:
    punches = any(arm.punches and arm.fastest_m_s >= _PUNCH_M_S for arm in m.hands)
    return punches and m.path_m <= _PUNCH_WAY_M and m.lowest_hips >= 0.7


RULES: Final[Mapping[str, Callable[[Measures], bool]]] = MappingProxyType(
    {
        "walk": _walk,
        "run": lambda m: m.forward_m >= _RUN_M and not _walks(m),
        "walk-back": _walk_back,
        "walk-left": lambda m: _aside(m, m.left_m),
        "walk-right": lambda m: _aside(m, -m.left_m),
        "turn-left": lambda m: _turn(m, m.turn_rad),
        "turn-right": lambda m: _turn(m, -m.turn_rad),
        "wave-left": lambda m: _one(m, 0, _waves),
        "wave-right": lambda m: _one(m, 1, _waves),
        "wave-both": _waves_both,
        "raise-left": lambda m: _one(m, 0, _raised) and _stands(m),
        "raise-right": lambda m: _one(m, 1, _raised) and _stands(m),
        "raise-both": lambda m: all(map(_raised, m.hands)) and _stands(m),
        "bow": _bow,
        "kick": lambda m: _kicks(m.feet[0]) or _kicks(m.feet[1]),
        "kick-left": lambda m: _kicks(m.feet[0]),
        "kick-right": lambda m: _kicks(m.feet[1]),
        "punch": _punch,
        "jump": lambda m: m.leap_m >= _LEAP_M,
        "squat": lambda m: m.dip >= _SQUAT and m.path_m <= _SQUAT_M,
    }
)
"""The rules of `ACTIONS`, and of kicks by the foot."""


def shows(action: str, measures: Measures) -> bool:
    """Whether a clip shows an action of `RULES`. Raises BadConfig for one that has no rule."""
    if action not in RULES:
        raise BadConfig(f"no rule tells {action!r}; there are rules for {', '.join(RULES)}")
    return bool(RULES[action](measures))


def shown(measures: Measures) -> tuple[str, ...]:
    """Those of `ACTIONS` that a clip shows, in their order."""
    return tuple(action for action in ACTIONS if shows(action, measures))
