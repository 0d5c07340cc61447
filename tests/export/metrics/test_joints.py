"""Errors between joint positions, of motions that differ in a known way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.metrics import joints
from motion import clip as clips
from motion import quat
from motion.quat import F32
from tests.motion.clips import backflip
from tests.motion.turns import directions, f32, rotations

AT = clips.positions(backflip())  # (48, 22, 3)


def test_a_motion_has_no_error_against_itself() -> None:
    assert joints.mpjpe(AT, AT) == 0
    assert joints.root_relative(AT, AT) == 0
    assert joints.pa_mpjpe(AT, AT) == pytest.approx(0, abs=1e-6)
    assert joints.acceleration_error(AT, AT, 30) == 0


@given(directions, st.floats(0.01, 2))
def test_a_shift_is_all_of_the_error_and_none_of_it_from_the_root(direction: F32, distance: float) -> None:
    moved = f32(AT + direction * distance)
    assert joints.mpjpe(moved, AT) == pytest.approx(distance, rel=1e-4)
    assert joints.root_relative(moved, AT) == pytest.approx(0, abs=1e-5)
    assert joints.pa_mpjpe(moved, AT) == pytest.approx(0, abs=1e-5)


def test_one_joint_off_counts_for_its_share() -> None:
    moved = AT.copy()
    moved[:, 20, 1] += 0.22
    assert joints.mpjpe(moved, AT) == pytest.approx(0.01, rel=1e-4)
    assert joints.root_relative(moved, AT) == pytest.approx(0.01, rel=1e-4)
    assert 0 < joints.pa_mpjpe(moved, AT) < 0.025


@given(rotations, st.floats(0.3, 3), directions)
def test_procrustes_is_blind_to_turn_size_and_place_of_each_frame(q: F32, scale: float, shift: F32) -> None:
    turned = f32(quat.rotate(q, AT) * scale + shift)
    assert joints.pa_mpjpe(turned, AT) == pytest.approx(0, abs=2e-5)


def test_procrustes_does_not_mirror() -> None:
    """A left arm for a right one is an error, not a symmetry."""
    raised = AT.copy()
    raised[:, [20, 18], 1] += 0.5  # the left arm alone
    assert joints.pa_mpjpe(f32(raised * [-1, 1, 1]), raised) > 0.05


@given(directions, st.floats(0.01, 2))
def test_a_shift_is_no_error_of_velocity_and_a_drift_is_its_speed(direction: F32, speed: float) -> None:
    seconds = np.arange(len(AT))[:, None, None] / 30
    assert joints.velocity_error(f32(AT + direction), AT, 30) == pytest.approx(0, abs=1e-4)
    drifted = f32(AT + seconds * direction * speed)
    assert joints.velocity_error(drifted, AT, 30) == pytest.approx(speed, rel=1e-3, abs=1e-4)


def test_features_count_in_units_of_their_variance() -> None:
    rng = np.random.default_rng(0)
    theirs = f32(rng.normal(size=(4000, 3)) * [0.01, 1, 100])
    theirs[:, 2] = 7  # never changes
    assert joints.feature_mse(theirs, theirs) == 0
    mean = np.broadcast_to(theirs.mean(axis=0), theirs.shape)
    assert joints.feature_mse(f32(mean), theirs) == pytest.approx(1, rel=1e-3)
    off = f32(theirs + np.array([0.005, 0, 50]))
    assert joints.feature_mse(off, theirs) == pytest.approx(0.25 / 2, rel=0.1)


def test_another_pose_is_an_error_after_procrustes() -> None:
    assert joints.pa_mpjpe(AT[:20], AT[20:40]) > 0.05


def _thrown(acceleration: F32, fps: float = 30.0, frames: int = 20) -> F32:
    t = np.arange(frames)[:, None, None] / fps
    return f32(AT[:1] + 0.5 * t**2 * acceleration + t * 0.3)


def test_constant_acceleration_has_no_jitter() -> None:
    steady = _thrown(f32([0, -9.81, 0]))
    assert joints.jitter(steady, 30) < 1.0, "float32 rounding over a frame cubed"
    shaken = f32(steady + np.random.default_rng(0).normal(size=steady.shape) * 0.01)
    assert joints.jitter(shaken, 30) > 500


def test_jitter_is_the_third_derivative_in_metres_per_second_cubed() -> None:
    t = np.arange(30)[:, None, None] / 30
    cubic = np.zeros((30, 22, 3)) + np.array([0, 1, 0]) * t**3 * 5 / 6
    assert joints.jitter(f32(cubic), 30) == pytest.approx(5, rel=0.01)


def test_accelerations_differ_by_what_they_differ_whatever_place_and_speed() -> None:
    ours, theirs = _thrown(f32([0, -9.81, 0])), _thrown(f32([0, -7.81, 0]))
    drifting = f32(theirs + np.arange(20)[:, None, None] * 0.1 + 3)
    assert joints.acceleration_error(ours, drifting, 30) == pytest.approx(2, rel=0.05)


def test_a_foot_that_slides_at_a_known_speed_is_measured_at_that_speed() -> None:
    feet = np.zeros((31, 4, 3), np.float32)
    feet[..., 0] = np.arange(31)[:, None] * 0.03 / 30  # 3 cm a second, sideways
    feet[..., 2] = np.arange(31)[:, None] * 0.04 / 30  # 4 cm a second, forward
    feet[..., 1] = np.arange(31)[:, None]  # heights do not count
    down = np.ones((31, 4), np.float32)
    assert joints.foot_skate(feet, down, 30) == pytest.approx(5, rel=1e-4)


def test_feet_in_the_air_do_not_skate() -> None:
    feet = np.zeros((31, 4, 3), np.float32)
    feet[:, 0, 0] = np.arange(31)
    down = np.ones((31, 4), np.float32)
    down[:, 0] = 0
    assert joints.foot_skate(feet, down, 30) == 0
    assert joints.foot_skate(feet, np.zeros((31, 4), np.float32), 30) == 0
    landed = np.zeros((31, 4), np.float32)
    landed[15:, 0] = 1
    landed[16:17, 0] = 0  # neither the step onto the ground nor the one off it counts
    assert joints.foot_skate(feet, landed, 30) == pytest.approx(3000)


def test_clips_too_short_to_differentiate_have_no_error() -> None:
    assert joints.acceleration_error(AT[:2], AT[1:3], 30) == 0
    assert joints.jitter(AT[:3], 30) == 0
    assert joints.foot_skate(AT[:1, :4], np.ones((1, 4), np.float32), 30) == 0


def test_the_lowest_point_of_the_feet_tells_how_deep_they_are_in_the_ground() -> None:
    feet = np.full((10, 4, 3), 0.05, np.float32)
    assert joints.penetration(feet) == 0
    feet[:5, 2, 1] = -0.03  # one point, in half of the frames
    feet[:5, 0, 1] = -0.01
    assert joints.penetration(feet) == pytest.approx(1.5, rel=1e-4)
