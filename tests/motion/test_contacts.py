"""Foot contacts of feet whose motion is known, and of recorded steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from motion import clip as clips
from motion import contacts
from motion.quat import F32
from motion.skeleton import ANKLE_HEIGHT, TOE_HEIGHT
from tests.motion.clips import backflip, walk

FPS = 30.0
REST = np.array([ANKLE_HEIGHT, TOE_HEIGHT, ANKLE_HEIGHT, TOE_HEIGHT], np.float32)


def feet(height: Sequence[float], speed: Sequence[float]) -> F32:
    """World positions (T, 4, 3) of feet this high above their standing height, moving along Z at this speed in m/s."""
    track = np.zeros((len(height), 4, 3), np.float32)
    track[..., 1] = REST + np.asarray(height, np.float32)[:, None]
    track[..., 2] = np.cumsum(np.asarray(speed, np.float32) / FPS)[:, None]
    return track


def test_planted_feet_are_in_contact_and_raised_ones_are_not() -> None:
    np.testing.assert_array_equal(contacts.detect_from(feet([0] * 10, [0] * 10), FPS), np.ones((10, 4)))
    np.testing.assert_array_equal(contacts.detect_from(feet([0.1] * 10, [0] * 10), FPS), np.zeros((10, 4)))


def test_a_foot_that_slides_over_the_floor_is_in_no_contact() -> None:
    np.testing.assert_array_equal(contacts.detect_from(feet([0] * 10, [1.0] * 10), FPS), np.zeros((10, 4)))


def test_each_of_the_four_columns_follows_its_own_joint() -> None:
    for column in range(4):
        track = feet([0.3] * 5, [0] * 5)
        track[:, column, 1] = REST[column]
        np.testing.assert_array_equal(contacts.detect_from(track, FPS), np.tile(np.eye(4)[column], (5, 1)))


def test_a_foot_lands_below_one_height_and_leaves_above_a_greater_one() -> None:
    between = 0.05  # metres: too high to land, too low to leave
    heights = [0.2, between, between, 0.0, between, between, 0.1, between]
    slow = contacts.detect_from(feet(heights, [0] * 8), 1.0)  # one frame a second: the moves are slow
    np.testing.assert_array_equal(slow[:, 1], [0, 0, 0, 1, 1, 1, 0, 0])


def test_a_foot_lands_below_one_speed_and_leaves_above_a_greater_one() -> None:
    between = 0.5  # metres a second: too fast to land, too slow to leave
    track = feet([0] * 8, [1.0, between, between, 0.1, between, between, 1.0, between])
    np.testing.assert_array_equal(contacts.detect_from(track, FPS)[:, 1], [0, 0, 0, 1, 1, 1, 0, 0])


def test_speed_is_measured_in_seconds_not_in_frames() -> None:
    track = feet([0] * 10, [1.0] * 10)
    assert contacts.detect_from(track, FPS).sum() == 0
    assert contacts.detect_from(track, FPS / 10).sum() == 40


def test_a_single_frame_is_judged_by_its_height() -> None:
    np.testing.assert_array_equal(contacts.detect_from(feet([0], [0]), FPS), np.ones((1, 4)))


def test_a_walk_always_has_a_foot_near_the_floor_and_the_feet_take_turns() -> None:
    clip = clips.resample(walk(), 30.0)
    down = contacts.detect(clip)
    left, right = down[:, :2].max(axis=1), down[:, 2:].max(axis=1)
    # This walk is on the spot, so that planted feet slide backwards at walking speed: only slow ones count as contact.
    assert 0 <= (left * right).mean() < 0.5
    heights = clips.positions(clip)[:, [clip.skeleton.index(joint) for joint in contacts.JOINTS], 1] - REST
    assert (heights.min(axis=1) < 0.06).mean() > 0.9
    lifted = heights[:, 1] - heights[:, 3]
    assert lifted.max() > 0.03
    assert lifted.min() < -0.03


def test_a_body_in_the_air_touches_nothing() -> None:
    clip = backflip()
    airborne = clip.root[:, 1] > 1.6
    assert airborne.sum() > 5
    np.testing.assert_array_equal(contacts.detect(clip)[airborne], 0)
    assert contacts.detect(clip)[~airborne].sum() > 0


def test_a_skeleton_without_feet_is_refused() -> None:
    from motion.errors import UnknownJoint
    from motion.skeleton import Skeleton
    from tests.motion.clips import wriggle

    stick = Skeleton("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32))
    with pytest.raises(UnknownJoint, match="left_ankle"):
        contacts.detect(wriggle(stick))
