"""Two-bone limbs: they reach what they can, keep their bones and their bend, and turn no more than they must."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import quat
from motion.quat import F32
from motion.retargeting.ik import reach, shortfall
from tests.motion.turns import angle_between, directions, f32, rotations

LEFT = f32([1, 0, 0])
UPPER, LOWER = 0.4, 0.35
bends = st.floats(0.2, 2.8)
shares = st.floats(0.25, 0.99)


def leg(bend: float, turn: F32 = quat.IDENTITY) -> tuple[F32, F32, F32]:
    """Hip, knee and ankle of a leg that hangs down, its knee bent by so many radians, all of it turned."""
    shin = quat.rotate(quat.from_axis_angle(LEFT, f32(bend)), f32([0, -LOWER, 0]))
    knee = f32([0.1, 0.9 - UPPER, 0.2])
    points = f32([[0.1, 0.9, 0.2], knee, knee + shin])
    hip, middle, end = quat.rotate(turn, points)
    return hip, middle, end


def reached(hip: F32, knee: F32, ankle: F32, target: F32, hinge: F32) -> tuple[F32, F32]:
    """Where knee and ankle come to lie."""
    turns = reach(hip, knee, ankle, target, hinge)
    new_knee = hip + quat.rotate(turns.upper, knee - hip)
    return new_knee, new_knee + quat.rotate(turns.lower, ankle - knee)


@given(bends, rotations, directions, shares)
def test_a_limb_reaches_every_point_within_its_length(bend: float, turn: F32, way: F32, share: float) -> None:
    hip, knee, ankle = leg(bend, turn)
    target = f32(hip + way * (UPPER + LOWER) * share)
    _, end = reached(hip, knee, ankle, target, quat.rotate(turn, LEFT))
    np.testing.assert_allclose(end, target, atol=2e-4)


@given(bends, rotations, directions, st.floats(1.0, 3.0))
def test_a_limb_points_at_what_is_too_far(bend: float, turn: F32, way: F32, share: float) -> None:
    hip, knee, ankle = leg(bend, turn)
    target, hinge = f32(hip + way * (UPPER + LOWER) * share), quat.rotate(turn, LEFT)
    _, end = reached(hip, knee, ankle, target, hinge)
    np.testing.assert_allclose(end, hip + way * (UPPER + LOWER), atol=2e-3)
    there = reach(hip, knee, ankle, target, hinge).end
    np.testing.assert_allclose(there, end, atol=2e-4)


@given(st.floats(0, 2.8), rotations)
def test_a_limb_whose_end_is_where_it_should_be_does_not_turn(bend: float, turn: F32) -> None:
    hip, knee, ankle = leg(bend, turn)
    turns = reach(hip, knee, ankle, ankle, quat.rotate(turn, LEFT))
    assert angle_between(turns.upper, quat.IDENTITY) < 2e-3
    assert angle_between(turns.lower, quat.IDENTITY) < 2e-3


@given(bends, rotations, shares)
def test_a_limb_that_gets_shorter_or_longer_stays_in_its_plane(bend: float, turn: F32, share: float) -> None:
    hip, knee, ankle = leg(bend, turn)
    way = (ankle - hip) / np.linalg.norm(ankle - hip)
    new, _ = reached(hip, knee, ankle, f32(hip + way * (UPPER + LOWER) * share), quat.rotate(turn, LEFT))
    side = quat.rotate(turn, LEFT)
    assert abs(float((new - hip) @ side)) < 2e-4, "the knee left the plane of thigh and shin"
    forward = np.cross(side, way)
    assert float((new - hip) @ forward) * float((knee - hip) @ forward) > 0, "the knee went over to the other side"


@pytest.mark.parametrize("bend", [0.0, 0.001, -0.02])
def test_a_straight_leg_bends_its_knee_forward(bend: float) -> None:
    hip, knee, ankle = leg(bend)
    raised = ankle + f32([0, 0.1, 0])
    new, end = reached(hip, knee, ankle, raised, LEFT)
    assert new[2] > knee[2] + 0.1
    np.testing.assert_allclose(end, raised, atol=1e-3 if bend >= 0 else 2e-2)


@given(st.floats(0.01, 2.8), directions, st.floats(0, 0.05))
def test_a_small_step_of_the_target_is_a_small_turn(bend: float, way: F32, step: float) -> None:
    """No pop: the angles go as the square root of the step where a limb is straight, and no faster."""
    hip, knee, ankle = leg(bend)
    turns = reach(hip, knee, ankle, f32(ankle + way * step), LEFT)
    most = 4 * np.sqrt(step / LOWER) + 3e-3
    assert angle_between(turns.upper, quat.IDENTITY) < most
    assert angle_between(turns.lower, quat.IDENTITY) < most


def test_many_limbs_at_once_are_each_as_they_would_be_alone() -> None:
    rng = np.random.default_rng(0)
    legs = [leg(float(bend)) for bend in rng.uniform(0.1, 2, 6)]
    hips, knees, ankles = (f32([one[i] for one in legs]) for i in range(3))
    targets = f32(ankles + rng.normal(size=(6, 3)) * 0.1)
    together = reach(hips, knees, ankles, targets, LEFT)
    for i in range(6):
        alone = reach(hips[i], knees[i], ankles[i], targets[i], LEFT)
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_allclose(a[i], b, atol=1e-6)


@given(bends, directions, st.floats(0.0, 1.0))
def test_what_a_limb_lacks_is_never_more_than_it_would_have_to_grow(bend: float, way: F32, far: float) -> None:
    hip, knee, ankle = leg(bend)
    target = f32(ankle + way * far)
    lacks = float(shortfall(hip, knee, ankle, target))
    longer = float(np.linalg.norm(target - hip) - np.linalg.norm(ankle - hip))
    assert 0 <= lacks <= max(longer, 0) + 1e-6
    assert lacks >= np.linalg.norm(target - hip) - (UPPER + LOWER) - 1e-6
