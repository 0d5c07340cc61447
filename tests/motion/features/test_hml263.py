"""The layout `hml263` against an official pair of HumanML3D: joints from features, and features from joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import quat
from motion.errors import BadClip
from motion.features import hml263, hml_skeleton
from motion.features.hml263 import LAYOUT
from motion.quat import F32
from motion.skeleton import SMPLX22, TOE_HEIGHT
from tests.mocap import MOCAP
from tests.motion.clips import backflip, stroll, walk, wriggle
from tests.motion.features.placing import farthest

SAMPLES = MOCAP.parent / "samples" / "humanml3d"
official = pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs the official pair beside the mocap folder")
# Rotations of the first joints of each chain are relative to the heading; the others are relative to each other.
FIRST = [SMPLX22.index(joint) - 1 for joint in ("left_hip", "right_hip", "spine1", "left_collar", "right_collar")]
LATER = [joint for joint in range(21) if joint not in FIRST]


def pair() -> tuple[F32, F32]:
    """Features (170, 263) and joints (170, 22, 3) of clip 012314; of joints there were 171 before processing."""
    return np.load(_at("012314_features.npy")), np.load(_at("012314_joints.npy"))


def _at(name: str) -> Path:
    return SAMPLES / name


def lost_frame(features: F32, joints: F32) -> F32:
    """The 171st frame: where the last row's velocities carry the joints."""
    halves = features[:-1, 0].astype(np.float64).sum()
    back = np.array([np.cos(halves), 0, -np.sin(halves), 0], np.float32)
    return joints[-1:] + quat.rotate(back, features[-1, LAYOUT["velocity"]].reshape(1, 22, 3))


def rot6d(features: F32, joints: list[int]) -> F32:
    return features[:, LAYOUT["rot6d"]].reshape(len(features), 21, 6)[:, joints]


@official
def test_official_features_give_the_official_joints() -> None:
    features, joints = pair()
    np.testing.assert_allclose(hml263.joints(features), joints, atol=1e-5)
    assert np.ptp(joints[:, 0], axis=0).max() > 0.3, "the body travels"


@official
@pytest.mark.parametrize("group", LAYOUT)
def test_official_joints_with_the_frame_that_was_lost_give_each_group_of_the_official_features(group: str) -> None:
    features, joints = pair()
    ours = hml263.from_joints(np.concatenate([joints, lost_frame(features, joints)]))
    assert ours.shape == features.shape
    np.testing.assert_allclose(ours[:, LAYOUT[group]], features[:, LAYOUT[group]], atol=1e-4)


@official
@pytest.mark.parametrize("group", ["root_height", "contacts"])
def test_official_joints_alone_give_the_columns_that_no_heading_enters(group: str) -> None:
    features, joints = pair()
    np.testing.assert_allclose(
        hml263.from_joints(joints)[:, LAYOUT[group]], features[:-1, LAYOUT[group]], atol=1e-4
    )  # the last row tells of the step to the lost frame


@official
@pytest.mark.parametrize("group", ["root_turn", "root_step", "pos", "velocity"])
def test_official_joints_alone_give_the_columns_that_depend_on_the_heading(group: str) -> None:
    features, joints = pair()
    ours, theirs = hml263.from_joints(joints)[:, LAYOUT[group]], features[:-1, LAYOUT[group]]
    np.testing.assert_allclose(ours, theirs, atol=1e-2)
    np.testing.assert_allclose(ours[:89], theirs[:89], atol=1e-5)  # beyond the reach of the lost frame


@official
@pytest.mark.parametrize("group", LAYOUT)
def test_official_joints_that_go_on_for_a_frame_give_every_row_of_each_group(group: str) -> None:
    """The frame that was lost is guessed: the last row too is within 1e-2, and exact where no heading enters."""
    features, joints = pair()
    ours = hml263.from_joints(joints, continued=True)
    assert ours.shape == features.shape
    close = 1e-4 if group in ("root_height", "contacts") else 1e-2
    np.testing.assert_allclose(ours[:, LAYOUT[group]], features[:, LAYOUT[group]], atol=close)


@official
def test_official_joints_alone_give_the_rotations_of_all_but_the_first_joints_whatever_the_heading() -> None:
    features, joints = pair()
    ours = hml263.from_joints(joints, continued=True)
    np.testing.assert_allclose(rot6d(ours, LATER), rot6d(features, LATER), atol=1e-4)
    np.testing.assert_allclose(rot6d(ours, FIRST), rot6d(features, FIRST), atol=1e-2)
    np.testing.assert_allclose(rot6d(ours, FIRST)[:89], rot6d(features, FIRST)[:89], atol=1e-4)


@official
def test_official_rotations_point_along_the_official_bones() -> None:
    features, joints = pair()
    expected = joints - joints[:, hml_skeleton.PARENTS]
    expected[:, 1:] /= np.linalg.norm(expected[:, 1:], axis=-1, keepdims=True)
    np.testing.assert_allclose(hml263.bones(features), expected, atol=1e-4)


@official
def test_the_official_joints_are_already_of_the_data_sets_one_body() -> None:
    _, joints = pair()
    np.testing.assert_allclose(hml_skeleton.uniform(joints), joints, atol=1e-5)


@official
def test_an_official_clip_becomes_a_clip_of_ours_that_points_the_same_way() -> None:
    features, joints = pair()
    clip = hml263.decode(features)
    ours = clips.positions(clip)
    for a, b in (("left_hip", "left_knee"), ("right_elbow", "right_wrist"), ("left_knee", "left_ankle")):
        i, j = SMPLX22.index(a), SMPLX22.index(b)
        mine, theirs = ours[:, j] - ours[:, i], joints[:, j] - joints[:, i]
        cosine = (mine * theirs).sum(-1) / np.linalg.norm(mine, axis=-1) / np.linalg.norm(theirs, axis=-1)
        assert cosine.min() > 0.9999
    np.testing.assert_array_equal(clip.contacts, features[:, LAYOUT["contacts"]])


def test_the_data_sets_one_body_keeps_directions_and_takes_its_lengths() -> None:
    at = clips.positions(stroll())
    body = hml_skeleton.uniform(at)
    theirs, ours = at - at[:, hml_skeleton.PARENTS], body - body[:, hml_skeleton.PARENTS]
    long, short = np.linalg.norm(ours[:, 1:], axis=-1), np.linalg.norm(theirs[:, 1:], axis=-1)
    np.testing.assert_allclose((ours[:, 1:] * theirs[:, 1:]).sum(-1), long * short, rtol=1e-4)
    assert np.ptp(long, axis=0).max() < 1e-5
    assert long[0, SMPLX22.index("right_knee") - 1] == pytest.approx(0.390188, abs=1e-5)
    legs = (0.390188 + 0.425643) / (0.405 + 0.41)
    np.testing.assert_allclose(body[:, 0], at[:, 0] * legs, rtol=1e-4)


def test_columns_mean_what_they_say() -> None:
    clip = clips.resample(stroll(), 20.0)
    rows = hml263.encode(clip)
    at = hml_skeleton.placed(clips.positions(clip))
    steps = np.linalg.norm(np.diff(at[:, 0], axis=0)[:, [0, 2]], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(rows[:-1, LAYOUT["root_step"]], axis=-1), steps, atol=1e-5)
    np.testing.assert_allclose(rows[:, LAYOUT["root_height"]][:, 0], at[:, 0, 1], atol=1e-6)
    moves = np.linalg.norm(np.diff(at, axis=0), axis=-1)
    told = np.linalg.norm(rows[:-1, LAYOUT["velocity"]].reshape(-1, 22, 3), axis=-1)
    np.testing.assert_allclose(told, moves, atol=1e-5)
    resting = moves[:, [7, 10, 8, 11]] ** 2 < 0.002
    np.testing.assert_array_equal(rows[:-1, LAYOUT["contacts"]], resting)
    assert 0.1 < resting.mean() < 0.9
    assert rows[1:, LAYOUT["root_turn"]].max() < -0.005, "half of a steady turn to the left"


@given(st.integers(0, 300), st.floats(0.05, 0.3))
def test_a_body_that_spins_past_straight_back_comes_back(seed: int, turn: float) -> None:
    clip = backflip() if seed % 2 else walk()
    clip = clips.resample(clip, 20.0)
    rotations = clip.rotations.copy()
    heading = (np.arange(len(clip)) * turn * (1 if seed % 3 else -1)).astype(np.float32)
    rotations[:, 0] = quat.mul(quat.from_yaw(heading), rotations[:, 0])
    spun = clips.Clip(SMPLX22, 20.0, rotations, clip.root)
    assert farthest(hml263.joints(hml263.encode(spun)), clips.positions(spun)) < 1e-3


def test_rows_of_the_data_set_are_one_less_than_frames() -> None:
    at = clips.positions(wriggle(frames=9))
    assert hml263.from_joints(at).shape == (8, 263)
    assert hml263.from_joints(at, continued=True).shape == (9, 263)
    with pytest.raises(BadClip, match="two or more frames of 22 joints"):
        hml263.from_joints(at[:1])
    with pytest.raises(BadClip, match="two or more frames of 22 joints"):
        hml263.from_joints(at[:, :21])


def test_a_decoded_clip_stands_as_high_above_the_ground_as_a_toe() -> None:
    clip = clips.resample(walk(), 20.0)
    back = hml263.decode(hml263.encode(clip))
    assert clips.positions(back)[..., 1].min() == pytest.approx(TOE_HEIGHT, abs=1e-5)
