"""A clip in numbers that need no training: travel, turn, hands, lean, feet, from its joints' places alone.

`measure` sums up joint positions (T, J, 3) of `smplx22`, metres, Y up, at any rate, in `Measures`. Facing is the
horizontal direction that hips and shoulders look to, smoothed over 0.3 s; travel is the pelvis's. What the numbers mean
is judged in `export.metrics.geometry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motion.skeleton import SMPLX22, TOE_HEIGHT

Places = NDArray[np.float64]
SIDES: Final = ("left", "right")


@dataclass(frozen=True)
class Arm:
    """What one hand does. Heights are the wrist's over its shoulder."""

    highest_m: float
    raised_s: float
    """time with the hand up: no more than `_HAND_UP_M` under the shoulder, and over its elbow"""
    swings: int
    """half turns of the wrist to the other side about the elbow, or of the whole arm, while the hand is up"""
    punches: int
    """times that the bent arm shoots out straight, at the height of chest and head"""
    fastest_m_s: float
    """of the wrist, beside the pelvis"""


@dataclass(frozen=True)
class Leg:
    """What one foot does."""

    kick_m: float
    """greatest height over the ground of a foot well away from its hip and not behind it, the other foot down"""
    fastest_m_s: float
    """of the ankle, beside the pelvis"""


@dataclass(frozen=True)
class Measures:
    """A clip in numbers."""

    seconds: float
    forward_m: float
    """travel along the facing, frame by frame"""
    left_m: float
    """travel across the facing"""
    path_m: float
    """length of the way"""
    speed_m_s: float
    """along the facing, in the fastest second"""
    turn_rad: float
    """of the facing from the first frame to the last, to the left positive, whole turns counted"""
    airborne_s: float
    """time with both feet `_AIR_M` and more over the ground"""
    leap_m: float
    """greatest height of the lower foot over the ground while both are beside each other under lifted hips"""
    dip: float
    """how far the hips sink and come up again, in shares of their standing height, the trunk not folded forward"""
    bow_rad: float
    """greatest lean of the chest to the front while the hips stay up, over feet that stand"""
    lowest_hips: float
    """least height of the hips, in shares of their standing height"""
    lowest_hand_m: float
    """over the ground"""
    lean_change_rad: float
    """between the least and the greatest lean of the chest"""
    trunk_rad: float
    """median lean of the trunk, pelvis to neck, to the front"""
    hands: tuple[Arm, Arm]
    """left, right"""
    feet: tuple[Leg, Leg]
    """left, right"""


# What counts while measuring.
_FACING_S = 0.3
_PATH_S = 0.2  # the pelvis sways at every step; travel is measured on its path smoothed over so long
_HAND_UP_M = 0.15  # a wrist so far under the shoulder is up when it lies over its elbow: shy waves are that low
_OVER_ELBOW_M = 0.05
_LIFT_S = 0.2  # to lift or lower a hand that is up; it swings aside then, which is no wave
_SWING_RAD, _SWING_M = np.radians(10), 0.04  # of the forearm about the elbow, of the wrist beside the shoulder
_AIR_M = 0.04
_UNEVEN_M = 0.06  # the floor under one foot over the other's, at most: recordings of CMU stand so askew
_TOGETHER_M = 0.45  # between the ankles in a jump; a runner's in the air are 0.47 m and more apart
_HIPS_UP = 0.85  # share of the standing height: a bow and a jump have the hips there, a crouch and a fall have not
_OVER_FEET_M = 0.35
_PLANTED_M = 0.1
_FOLDED = np.radians(60)  # who puts something down folds by 95 degrees in the median, who squats by 22
_PUNCH_S = 0.25
_PUNCH_REACH, _PUNCH_AHEAD, _PUNCH_GAIN = 0.7, 0.4, 0.2  # lengths of the arm: at the end, to the front, and gained
_PUNCH_LOW_M, _PUNCH_HIGH_M, _PUNCH_RISE_M = -0.35, 0.25, 0.25  # wrist over shoulder: all the while; its change
_AWAY_M, _BEHIND_M = 0.3, 0.1  # a kicking ankle from its hip, on the ground plane
_DOWN_M = 0.25  # the other foot, while one kicks


def measure(positions: NDArray[np.floating], fps: float) -> Measures:
    """Measures of joint positions (T, J, 3), T at least 2, of `smplx22` at `fps` frames a second."""
    places = np.asarray(positions, np.float64)
    forward, left = _facing(places, fps)
    pelvis = _smooth(places[:, 0], _PATH_S * fps)
    step = np.diff(pelvis, axis=0)
    ahead, across = _dot(step, forward[:-1]), _dot(step, left[:-1])
    second = max(1, min(round(fps), len(step)))
    yaw = np.unwrap(np.arctan2(forward[:, 0], forward[:, 2]))

    soles = np.minimum(_joint(places, "foot") - [0, TOE_HEIGHT, 0], _joint(places, "ankle") - [0, 0.085, 0])[..., 1]
    ground = np.percentile(soles.min(axis=1), 10)
    soles = soles - np.clip(np.percentile(soles, 10, axis=0), ground, ground + _UNEVEN_M)  # (T, 2)
    low = soles.min(axis=1)
    hips = places[:, 0, 1] - ground
    up = hips >= _HIPS_UP * np.percentile(hips, 90)
    ankles = _joint(places, "ankle")
    apart = np.linalg.norm(ankles[:, 0] - ankles[:, 1], axis=-1)
    chest = _lean(_at(places, "neck") - _at(places, "spine3"), forward, fps)
    trunk = _lean(_at(places, "neck") - places[:, 0], forward, fps)
    over = np.abs(_dot(places[:, 0] - ankles.mean(axis=1), forward)) <= _OVER_FEET_M
    return Measures(
        seconds=len(places) / fps,
        forward_m=float(ahead.sum()),
        left_m=float(across.sum()),
        path_m=float(np.hypot(ahead, across).sum()),
        speed_m_s=float(np.convolve(ahead, np.full(second, fps / second), "valid").max()),
        turn_rad=float(yaw[-1] - yaw[0]),
        airborne_s=float((low >= _AIR_M).sum() / fps),
        leap_m=float(np.max(low * (up & (apart <= _TOGETHER_M)))),
        dip=_dip(hips, trunk),
        bow_rad=float(np.max(chest * (up & over & (soles.max(axis=1) <= _PLANTED_M)))),
        lowest_hips=float(hips.min() / np.percentile(hips, 90)),
        lowest_hand_m=float(_joint(places, "wrist")[..., 1].min() - ground),
        lean_change_rad=float(np.ptp(chest)),
        trunk_rad=float(np.median(trunk)),
        hands=(_arm(places, 0, forward, left, fps), _arm(places, 1, forward, left, fps)),
        feet=(_leg(places, 0, forward, soles, fps), _leg(places, 1, forward, soles, fps)),
    )


def _arm(places: Places, side: int, forward: Places, left: Places, fps: float) -> Arm:
    wrist, elbow, shoulder = (_joint(places, part)[:, side] for part in ("wrist", "elbow", "shoulder"))
    height = wrist[:, 1] - shoulder[:, 1]
    up = (height >= -_HAND_UP_M) & (wrist[:, 1] >= elbow[:, 1] + _OVER_ELBOW_M)
    forearm = np.arctan2(_dot(wrist - elbow, left), wrist[:, 1] - elbow[:, 1])
    beside = _dot(wrist - shoulder, left)
    swings = [max(_swings(forearm[run], _SWING_RAD), _swings(beside[run], _SWING_M)) for run in _held(up, fps)]

    length = np.median(np.linalg.norm(wrist - elbow, axis=-1) + np.linalg.norm(elbow - shoulder, axis=-1))
    reach = np.linalg.norm(wrist - shoulder, axis=-1) / length
    ahead = _dot(wrist - shoulder, forward) / length
    level = (height >= _PUNCH_LOW_M) & (height <= _PUNCH_HIGH_M)
    back = max(1, round(_PUNCH_S * fps))
    out = np.zeros(len(reach), bool)
    for last in np.flatnonzero((reach >= _PUNCH_REACH) & (ahead >= _PUNCH_AHEAD)):
        first = max(0, last - back)
        bent = first + int(reach[first : last + 1].argmin())
        rises = abs(height[last] - height[bent]) <= _PUNCH_RISE_M
        out[last] = rises and reach[last] - reach[bent] >= _PUNCH_GAIN and level[bent : last + 1].all()
    return Arm(
        float(height.max()),
        float(up.sum() / fps),
        max(swings, default=0),
        len(_runs(out)),
        _fastest(wrist - places[:, 0], fps),
    )


def _held(up: NDArray[np.bool_], fps: float) -> list[NDArray[np.intp]]:
    """Frames in which the hand is up, run by run, without those in which it is still lifted or already lowered."""
    lift = round(_LIFT_S * fps)
    whole = [run[lift if run[0] else 0 : len(run) - (lift if run[-1] + 1 < len(up) else 0)] for run in _runs(up)]
    return [run for run in whole if len(run)]


def _leg(places: Places, side: int, forward: Places, soles: Places, fps: float) -> Leg:
    ankle, hip = _joint(places, "ankle")[:, side], _joint(places, "hip")[:, side]
    away = (ankle - hip) * [1, 0, 1]
    out = (np.linalg.norm(away, axis=-1) >= _AWAY_M) & (_dot(away, forward) >= -_BEHIND_M)
    kick = soles[:, side] * (out & (soles[:, 1 - side] <= _DOWN_M))
    return Leg(float(kick.max()), _fastest(ankle - places[:, 0], fps))


def _dip(hips: Places, trunk: Places) -> float:
    """Depth from which the hips come up again, as far as they had sunk before; (T,) heights, (T,) leans."""
    before, after = np.maximum.accumulate(hips), np.maximum.accumulate(hips[::-1])[::-1]
    depth = (np.minimum(before, after) - hips) * (trunk <= _FOLDED)
    return float(depth.max() / np.percentile(hips, 90))


def _facing(places: Places, fps: float) -> tuple[Places, Places]:
    """Unit vectors (T, 3) on the ground: to the front, to the left."""
    hips, shoulders = _joint(places, "hip"), _joint(places, "shoulder")
    across = hips[:, 0] - hips[:, 1] + shoulders[:, 0] - shoulders[:, 1]
    across = _smooth(across, _FACING_S * fps) * [1, 0, 1]
    left = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    return np.cross(left, [0.0, 1.0, 0.0]), left


def _lean(spine: Places, forward: Places, fps: float) -> Places:
    """Angle (T,) of a line (T, 3) against the vertical, to the front positive, radians."""
    spine = _smooth(spine, 0.1 * fps)
    return np.arctan2(_dot(spine, forward), spine[:, 1])


def _swings(angles: Places, least: float) -> int:
    """How often a signal (T,) goes at least so far one way before it turns back."""
    count, way, low, high = 0, 0, angles[0], angles[0]
    for value in angles:
        low, high = min(low, value), max(high, value)
        if way >= 0 and value <= high - least:
            count, way, low = count + 1, -1, value
        elif way <= 0 and value >= low + least:
            count, way, high = count + 1, 1, value
    return count


def _runs(mask: NDArray[np.bool_], gap: int = 3) -> list[NDArray[np.intp]]:
    """Indices of the frames where the mask holds, run by run; what is no more than `gap` frames apart is one run."""
    found = np.flatnonzero(mask)
    return np.split(found, np.flatnonzero(np.diff(found) > gap) + 1) if len(found) else []


def _fastest(places: Places, fps: float) -> float:
    return float(np.linalg.norm(np.diff(_smooth(places, 0.1 * fps), axis=0), axis=-1).max() * fps)


def _smooth(values: Places, frames: float) -> Places:
    """A running mean over so many frames (an odd number), the ends repeated; (T, 3)."""
    half = round(frames) // 2
    if half < 1:
        return values
    padded = np.pad(values, [(half + 1, half), (0, 0)], mode="edge").cumsum(axis=0)
    return (padded[2 * half + 1 :] - padded[: -2 * half - 1]) / (2 * half + 1)


def _at(places: Places, joint: str) -> Places:
    return places[:, SMPLX22.index(joint)]


def _joint(places: Places, part: str) -> Places:
    """Left and right (T, 2, 3) of a part of the body."""
    return places[:, [SMPLX22.index(f"{side}_{part}") for side in SIDES]]


def _dot(a: Places, b: Places) -> Places:
    return (a * b).sum(axis=-1)
