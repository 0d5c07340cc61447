"""Numbers of a clip agree with what was done to it, wherever it happens and however often it is sampled."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from numpy.typing import NDArray

from export.metrics.measures import Measures, measure
from motion import clip as clips
from motion.clip import Clip
from motion.skeleton import SMPLX22
from tests.motion.clips import FIXTURES, backflip, lie_down, stroll

F64 = NDArray[np.float64]


def recorded() -> Clip:
    """A walk of six steps."""
    return clips.load(FIXTURES / "cmu-16_15.npz")


def of(clip: Clip) -> Measures:
    return measure(clips.positions(clip), clip.fps)


def stand(frames: int = 90) -> F64:
    """Upright on the ground, facing +Z, arms down, (T, 22, 3)."""
    places = np.repeat(SMPLX22.rest_positions()[None].astype(np.float64), frames, axis=0)
    places[..., 1] -= places[..., 1].min() - 0.02
    for side, way in (("left", 1), ("right", -1)):
        shoulder = places[:, SMPLX22.index(f"{side}_shoulder")]
        places[:, SMPLX22.index(f"{side}_elbow")] = shoulder + np.array([0.05 * way, -0.27, 0])
        places[:, SMPLX22.index(f"{side}_wrist")] = shoulder + np.array([0.08 * way, -0.52, 0.02])
    return places


def test_a_recorded_walk_travels_ahead_as_far_as_its_pelvis() -> None:
    found, way = of(recorded()), clips.positions(recorded())[:, 0]
    assert found.forward_m == pytest.approx(float(np.linalg.norm((way[-1] - way[0])[[0, 2]])), rel=0.05)
    assert abs(found.left_m) < 0.1 * found.forward_m
    assert abs(found.turn_rad) < 0.2
    assert found.leap_m < 0.05


@pytest.mark.parametrize("make", [recorded, stroll, backflip, lie_down])
def test_place_and_heading_in_the_world_change_nothing(make: object) -> None:
    clip = make()  # type: ignore[operator]
    moved = clips.move(clips.turn(clip, 2.2), np.array([3, 0, -5], np.float32))
    _same(of(clip), of(moved), 5e-3)


@pytest.mark.parametrize("make", [recorded, stroll])
def test_a_mirrored_clip_has_the_mirrored_measures(make: object) -> None:
    clip = make()  # type: ignore[operator]
    ours, theirs = of(clip), of(clips.mirror(clip))
    assert theirs.turn_rad == pytest.approx(-ours.turn_rad, abs=1e-3)
    assert theirs.left_m == pytest.approx(-ours.left_m, abs=1e-3)
    assert theirs.forward_m == pytest.approx(ours.forward_m, abs=1e-3)
    for one, other in zip(ours.hands, theirs.hands[::-1], strict=True):
        _same(one, other, 1e-3)


def test_the_rate_hardly_matters() -> None:
    ours, theirs = of(recorded()), of(clips.resample(recorded(), 60))
    assert theirs.forward_m == pytest.approx(ours.forward_m, rel=0.03)
    assert theirs.speed_m_s == pytest.approx(ours.speed_m_s, rel=0.05)
    assert theirs.airborne_s == pytest.approx(ours.airborne_s, abs=0.15)


def test_a_stroll_in_a_bend_turns_by_the_bend() -> None:
    assert of(stroll()).turn_rad == pytest.approx(2.1, abs=0.1)


def test_swings_of_a_raised_wrist_are_counted_and_those_of_one_that_hangs_are_not() -> None:
    places = stand()
    aside = 0.15 * np.sin(2 * np.pi * 1.5 * np.arange(90) / 30)
    shoulder = places[:, SMPLX22.index("left_shoulder")]
    places[:, SMPLX22.index("left_elbow")] = shoulder + np.array([0.2, -0.05, 0.1])
    places[:, SMPLX22.index("left_wrist")] = shoulder + np.array([0.2, 0.2, 0.1])
    places[:, SMPLX22.index("left_wrist"), 0] += aside
    places[:, SMPLX22.index("right_wrist"), 0] += aside
    left, right = measure(places, 30).hands
    assert 7 <= left.swings <= 10, "three seconds at 1.5 Hz"
    assert (left.raised_s, right.raised_s, right.swings) == (3.0, 0.0, 0)


def test_a_leap_is_as_high_as_its_lower_foot_and_a_dip_as_deep_as_the_hips_sink() -> None:
    jump, squat = stand(), stand()
    arc = np.zeros(90)
    arc[40:55] = np.sin(np.linspace(0, np.pi, 15))
    jump[..., 1] += 0.3 * arc[:, None]
    upper = [i for i, joint in enumerate(SMPLX22.joints) if not any(part in joint for part in ("ankle", "foot"))]
    squat[:, upper, 1] -= 0.4 * arc[:, None]
    assert measure(jump, 30).leap_m == pytest.approx(0.3, abs=0.01)
    assert measure(squat, 30).leap_m == pytest.approx(0, abs=1e-6)
    hips = stand()[0, 0, 1] - 0.02
    assert measure(squat, 30).dip == pytest.approx(0.4 / hips, rel=0.06)
    assert measure(jump, 30).dip == pytest.approx(0, abs=0.02)


def _same(one: object, other: object, within: float) -> None:
    for ours, theirs in zip(_numbers(one), _numbers(other), strict=True):
        assert theirs == pytest.approx(ours, abs=within)


def _numbers(one: object) -> list[float]:
    def walk(value: object) -> list[float]:
        if isinstance(value, dict):
            return [number for part in value.values() for number in walk(part)]
        if isinstance(value, list | tuple):
            return [number for part in value for number in walk(part)]
        return [float(value)]  # type: ignore[arg-type]

    return walk(asdict(one))  # type: ignore[call-overload]
