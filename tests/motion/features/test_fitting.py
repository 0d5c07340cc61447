"""Rotations for joint positions: every joint stands where it should, and what positions leave open is guessed well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import quat
from motion.errors import BadClip
from motion.features import fitting
from motion.skeleton import SMPLX22, Skeleton
from tests.motion.clips import backflip, lie_down, walk, wriggle
from tests.motion.turns import angle_between

TREE = Skeleton(
    "tree",
    ("root", "a", "b", "c", "end", "still"),
    (-1, 0, 0, 1, 3, 0),
    np.array([[0, 0, 0], [0.2, 0.1, 0], [-0.1, 0, 0.3], [0, 0.4, 0], [0.1, 0, 0.1], [0, 0, 0]], np.float32),
)


@given(st.integers(0, 500), st.integers(1, 12), st.sampled_from([SMPLX22, TREE]))
def test_a_fitted_body_stands_where_the_joints_stand(seed: int, frames: int, skeleton: Skeleton) -> None:
    clip = wriggle(skeleton, frames=frames, seed=seed)
    at = clips.positions(clip)
    back = fitting.fit(skeleton, at, 30.0)
    np.testing.assert_allclose(clips.positions(back), at, atol=1e-5)
    assert np.abs(np.linalg.norm(back.rotations, axis=-1) - 1).max() < 1e-5


def test_bones_of_other_lengths_point_the_same_way_and_the_path_grows_with_the_body() -> None:
    clip = backflip()
    small = replace(SMPLX22, offsets=SMPLX22.offsets * np.float32(0.5))
    at = clips.positions(replace(clip, skeleton=small, root=clip.root * np.float32(0.5)))
    np.testing.assert_allclose(clips.positions(fitting.fit(SMPLX22, at, 30.0)), clips.positions(clip), atol=1e-4)


def test_stretched_bones_reach_joints_that_no_rigid_body_has() -> None:
    rng = np.random.default_rng(3)
    at = (clips.positions(walk()) + rng.normal(size=(33, 22, 3)) * 0.03).astype(np.float32)
    stretched = fitting.fit(SMPLX22, at, 30.0, stretch=True)
    np.testing.assert_allclose(clips.positions(stretched), at, atol=1e-5)
    assert np.abs(clips.positions(fitting.fit(SMPLX22, at, 30.0)) - at).max() > 0.02


@pytest.mark.parametrize("make", [walk, backflip, lie_down])
def test_thighs_and_upper_arms_roll_as_knees_and_elbows_bend(make: object) -> None:
    clip = make()  # type: ignore[operator]
    back = fitting.fit(SMPLX22, clips.positions(clip), 30.0)
    for joint in ("left_hip", "right_hip", "left_shoulder", "right_shoulder"):
        i = SMPLX22.index(joint)
        child = SMPLX22.children(i)[0]
        bent = quat.rotate(clip.rotations[:, child], SMPLX22.offsets[SMPLX22.children(child)[0]])
        bend = 1 - (bent * SMPLX22.offsets[SMPLX22.children(child)[0]]).sum(-1) / (bent * bent).sum(-1)
        off_deg = np.degrees(angle_between(back.rotations[:, i], clip.rotations[:, i]))[bend > 0.5]
        assert not len(off_deg) or np.median(off_deg) < 30, joint


def test_a_turn_of_the_chest_is_shared_along_the_spine() -> None:
    clip = walk()
    turned = clip.rotations.copy()
    twist = quat.from_yaw(np.full(len(clip), 0.3, np.float32))
    for joint in ("spine1", "spine2", "spine3"):
        turned[:, SMPLX22.index(joint)] = quat.mul(twist, turned[:, SMPLX22.index(joint)])
    back = fitting.fit(SMPLX22, clips.positions(replace(clip, rotations=turned)), 30.0)
    steps = [quat.yaw(back.rotations[:, SMPLX22.index(joint)]).mean() for joint in ("spine1", "spine2", "spine3")]
    np.testing.assert_allclose(steps, 0.3, atol=0.12)


def test_a_joint_that_is_known_is_not_guessed() -> None:
    clip = walk()
    known = quat.mul(quat.from_yaw(np.full(len(clip), 1.0, np.float32)), clip.rotations[:, 0])
    back = fitting.fit(SMPLX22, clips.positions(clip), 30.0, {"pelvis": known})
    assert angle_between(back.rotations[:, 0], known).max() < 1e-3


def test_positions_of_another_skeleton_are_refused() -> None:
    with pytest.raises(BadClip, match=r"shape \(5, 17, 3\), skeleton 'smplx22' needs \(frames, 22, 3\)"):
        fitting.fit(SMPLX22, np.zeros((5, 17, 3), np.float32), 30.0)


def test_joints_in_one_point_give_a_pose_and_no_error() -> None:
    assert np.isfinite(fitting.fit(SMPLX22, np.zeros((2, 22, 3), np.float32), 30.0).rotations).all()
