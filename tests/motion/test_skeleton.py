"""Skeletons and forward kinematics, against 4 x 4 matrices multiplied down the tree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import quat, skeleton
from motion.errors import BadClip, UnknownJoint
from motion.skeleton import SMPLX22, Skeleton, fk
from tests.motion.clips import wriggle
from tests.motion.turns import F64, angle_between


def _rigid(rotation: F64, place: F64) -> F64:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, place
    return matrix


@st.composite
def trees(draw: st.DrawFn) -> Skeleton:
    count = draw(st.integers(1, 8))
    parents = (-1, *(draw(st.integers(0, joint - 1)) for joint in range(1, count)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offsets = rng.normal(size=(count, 3)).astype(np.float32)
    return Skeleton("tree", tuple(f"j{joint}" for joint in range(count)), parents, offsets)


@given(trees(), st.integers(0, 1000))
def test_forward_kinematics_multiplies_rigid_motions_down_the_tree(tree: Skeleton, seed: int) -> None:
    clip = wriggle(tree, frames=3, seed=seed)
    positions, world = fk(tree, clip.rotations, clip.root)
    for t in range(len(clip)):
        frames: list[F64] = []
        for joint, parent in enumerate(tree.parents):
            local = quat.to_matrix(clip.rotations[t, joint]).astype(np.float64)
            if parent < 0:
                frames.append(_rigid(local, clip.root[t].astype(np.float64)))
            else:
                frames.append(frames[parent] @ _rigid(local, tree.offsets[joint].astype(np.float64)))
        np.testing.assert_allclose(positions[t], [frame[:3, 3] for frame in frames], atol=2e-5)
        np.testing.assert_allclose(quat.to_matrix(world[t]), [frame[:3, :3] for frame in frames], atol=2e-5)


@given(trees(), st.integers(0, 1000))
def test_local_rotations_come_back_out_of_world_rotations(tree: Skeleton, seed: int) -> None:
    clip = wriggle(tree, frames=4, seed=seed)
    _, world = fk(tree, clip.rotations, clip.root)
    assert angle_between(skeleton.to_local(tree, world), clip.rotations).max() < 1e-5


def test_animated_offsets_replace_those_of_the_rest_pose() -> None:
    clip = wriggle(frames=5)
    longer = np.broadcast_to(SMPLX22.offsets * 2, (5, 22, 3)).astype(np.float32)
    plain, _ = fk(SMPLX22, clip.rotations, clip.root)
    stretched, _ = fk(SMPLX22, clip.rotations, clip.root, longer)
    np.testing.assert_allclose(stretched - stretched[:, :1], 2 * (plain - plain[:, :1]), atol=1e-5)


def test_the_rest_pose_is_what_identity_rotations_give() -> None:
    still = np.tile(quat.IDENTITY, (22, 1))
    positions, _ = fk(SMPLX22, still, SMPLX22.offsets[0])
    np.testing.assert_allclose(positions, SMPLX22.rest_positions(), atol=1e-6)


def test_smplx22_is_a_symmetric_adult_in_a_t_pose_facing_plus_z() -> None:
    at = dict(zip(SMPLX22.joints, SMPLX22.rest_positions(), strict=True))
    for joint, place in at.items():
        if joint.startswith("left_"):
            np.testing.assert_allclose(place * [-1, 1, 1], at["right_" + joint[5:]], atol=1e-6)
            assert place[0] > 0, "left lies along +X"
    assert at["left_foot"][2] > at["left_ankle"][2] + 0.1, "toes point along +Z"
    assert at["left_wrist"][1] == pytest.approx(at["left_shoulder"][1])
    height = at["head"][1] - at["left_foot"][1] + 0.02 + 0.18  # ground below the toes, crown above the head joint
    assert 1.55 < height < 1.85
    ankle_over_ground = at["left_ankle"][1] - at["left_foot"][1] + skeleton.TOE_HEIGHT
    assert ankle_over_ground == pytest.approx(skeleton.ANKLE_HEIGHT, abs=1e-6)


def test_children_are_those_whose_parent_it_is() -> None:
    spine3 = SMPLX22.index("spine3")
    assert [SMPLX22.joints[i] for i in SMPLX22.children(spine3)] == ["neck", "left_collar", "right_collar"]


def test_an_unknown_joint_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UnknownJoint, match=r"smplx22.*'left_wrst'.*'left_wrist'"):
        SMPLX22.index("left_wrst")


@pytest.mark.parametrize(
    ("joints", "parents", "words"),
    [
        ((), (), "one root"),
        (("a",), (0,), "one root"),
        (("a", "b"), (-1,), "2 joints, 1 parents"),
        (("a", "b", "c"), (-1, 2, 0), "'b' stands before its parent"),
        (("a", "b"), (-1, -1), "'b' stands before its parent"),
        (("a", "a"), (-1, 0), "two joints called 'a'"),
    ],
)
def test_a_skeleton_that_is_no_tree_is_refused(joints: tuple[str, ...], parents: tuple[int, ...], words: str) -> None:
    with pytest.raises(BadClip, match=words):
        Skeleton("odd", joints, parents, np.zeros((len(joints), 3), np.float32))
