"""The mannequin and the capsules: closed skins that follow their joints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion import quat
from motion.bodies import body, capsules, loft, mannequin
from motion.bodies.body import FACE, LEFT, RIGHT, Body
from motion.errors import UnknownJoint
from motion.quat import F32
from motion.skeleton import ANKLE_HEIGHT, SMPLX22, Skeleton, fk

TREE = Skeleton(
    "crane",
    ("base", "mast", "boom", "hook_left", "hook_right"),
    (-1, 0, 1, 2, 2),
    np.array([[0, 0, 0], [0, 2, 0], [0, 0.3, 1.5], [0.4, -0.5, 0], [-0.4, -0.5, 0]], np.float32),
)
BODIES = {"mannequin": mannequin.dress(SMPLX22), "capsules": mannequin.dress(TREE)}


def posed(worn: Body, rotations: F32) -> F32:
    return body.pose(worn, *fk(worn.skeleton, rotations, np.zeros(3, np.float32)))[0]


def rest(skeleton: Skeleton) -> F32:
    return np.tile(np.array([1, 0, 0, 0], np.float32), (len(skeleton), 1))


def volume(worn: Body, vertices: F32) -> float:
    a, b, c = (vertices[worn.triangles[:, i]].astype(np.float64) for i in range(3))
    return float((np.cross(a, b) * c).sum() / 6)


def painted(worn: Body, paint: int) -> F32:
    return worn.vertices[np.unique(worn.triangles[worn.paints == paint])]


@pytest.mark.parametrize("name", BODIES)
def test_every_vertex_follows_one_to_four_joints_with_weights_that_sum_to_one(name: str) -> None:
    worn = BODIES[name]
    assert worn.weights.shape == worn.joints.shape == (len(worn.vertices), 4)
    assert (worn.weights >= 0).all()
    np.testing.assert_allclose(worn.weights.sum(axis=1), 1, atol=1e-6)
    assert worn.joints.min() >= 0
    assert worn.joints.max() < len(worn.skeleton)


@pytest.mark.parametrize("name", BODIES)
def test_the_skin_is_closed_and_faces_outward(name: str) -> None:
    worn = BODIES[name]
    edges = worn.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    forth = {(int(a), int(b)) for a, b in edges}
    assert len(forth) == len(edges)
    assert all((b, a) in forth for a, b in forth)
    assert volume(worn, worn.vertices) > 0
    np.testing.assert_allclose(np.linalg.norm(worn.normals, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", BODIES)
def test_the_bind_pose_gives_back_the_modelled_skin(name: str) -> None:
    worn = BODIES[name]
    np.testing.assert_allclose(posed(worn, rest(worn.skeleton)), worn.vertices, atol=1e-5)


@settings(deadline=None)  # other work may slow the machine
@given(st.floats(-3, 3), st.floats(-1.5, 1.5), st.floats(-3, 3), st.tuples(*[st.floats(-5, 5)] * 3))
def test_a_body_that_is_turned_and_moved_as_a_whole_keeps_its_shape(
    yaw: float, pitch: float, roll: float, to: tuple[float, float, float]
) -> None:
    worn = BODIES["mannequin"]
    turn = quat.from_euler(np.array([yaw, pitch, roll], np.float32), "yxz")
    rotations = rest(SMPLX22)
    rotations[0] = turn
    root = np.array(to, np.float32)
    vertices, normals = body.pose(worn, *fk(SMPLX22, rotations, root))
    np.testing.assert_allclose(vertices, quat.rotate(turn, worn.vertices) + root, atol=1e-4)
    np.testing.assert_allclose(normals, quat.rotate(turn, worn.normals), atol=1e-4)


@pytest.mark.parametrize(
    ("joint", "axis", "degrees"),
    [("left_elbow", (0, -1, 0), 120), ("right_knee", (1, 0, 0), 120), ("left_hip", (-1, 0, 0), 90)],
)
def test_bent_limbs_keep_their_girth(joint: str, axis: tuple[int, int, int], degrees: float) -> None:
    worn = BODIES["mannequin"]
    rotations = rest(SMPLX22)
    rotations[SMPLX22.index(joint)] = quat.from_axis_angle(
        np.array(axis, np.float32), np.array(np.deg2rad(degrees), np.float32)
    )
    assert volume(worn, posed(worn, rotations)) == pytest.approx(volume(worn, worn.vertices), rel=0.01)


def test_the_face_looks_to_plus_z_and_left_is_plus_x() -> None:
    worn = BODIES["mannequin"]
    head = SMPLX22.rest_positions()[SMPLX22.index("head")]
    assert (painted(worn, FACE)[:, 2] > head[2] + 0.05).all()
    assert (painted(worn, LEFT)[:, 0] > -0.01).all()
    assert (painted(worn, RIGHT)[:, 0] < 0.01).all()


def test_the_mannequin_is_as_wide_on_its_left_as_on_its_right() -> None:
    worn = BODIES["mannequin"]
    mirrored = worn.vertices * np.array([-1, 1, 1], np.float32)
    gaps = [np.linalg.norm(worn.vertices - point, axis=1).min() for point in mirrored[::37]]
    assert max(gaps) < 0.004


def test_the_soles_are_where_a_standing_skeleton_has_its_ground() -> None:
    ankle = SMPLX22.rest_positions()[SMPLX22.index("left_ankle")]
    assert BODIES["mannequin"].vertices[:, 1].min() == pytest.approx(ankle[1] - ANKLE_HEIGHT, abs=0.005)


@settings(deadline=None)  # other work may slow the machine
@given(st.floats(0.2, 3.0))
def test_a_larger_skeleton_wears_a_larger_mannequin(factor: float) -> None:
    large = Skeleton("smplx22", SMPLX22.joints, SMPLX22.parents, SMPLX22.offsets * np.float32(factor))
    np.testing.assert_allclose(
        mannequin.fit(large).vertices, BODIES["mannequin"].vertices * factor, atol=2e-5 * max(factor, 1)
    )


def test_a_skeleton_that_is_no_humanoid_wears_capsules_and_says_so_when_asked_for_more() -> None:
    with pytest.raises(UnknownJoint, match="'crane' cannot wear the mannequin: it has no pelvis"):
        mannequin.fit(TREE)
    worn = BODIES["capsules"]
    for joint in TREE.rest_positions()[1:]:
        assert np.linalg.norm(worn.vertices - joint, axis=1).min() < 0.3
    assert (painted(worn, LEFT)[:, 0] > -0.2).all()
    assert (painted(worn, RIGHT)[:, 0] < 0.2).all()


def test_a_humanoid_whose_rest_pose_is_no_stance_wears_capsules() -> None:
    flat = SMPLX22.offsets.copy()
    flat[SMPLX22.index("left_knee")] = [0.4, 0, 0]  # the thigh points sideways
    skeleton = Skeleton("flat", SMPLX22.joints, SMPLX22.parents, flat)
    assert len(mannequin.dress(skeleton).vertices) == len(capsules.fit(skeleton).vertices)


def test_a_single_joint_still_has_a_body() -> None:
    assert len(capsules.fit(Skeleton("dot", ("dot",), (-1,), np.zeros((1, 3), np.float32))).triangles) > 0


def test_a_curve_passes_through_its_knots() -> None:
    knots, values = [0.0, 0.5, 2.0, 3.0], np.array([[1.0], [2.0], [-1.0], [0.0]])
    np.testing.assert_allclose(loft.curve(knots, values, np.array(knots)), values, atol=1e-6)
