"""Quaternions, by property, against matrices written out by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import quat
from motion.quat import F32
from tests.motion.turns import angle_between, angles, axis_matrix, directions, f32, numbers, rotations

ORDERS = ["".join(order) for order in permutations("xyz")]
FRACTIONS = st.floats(0, 1)


@given(rotations, rotations, directions)
def test_a_product_turns_by_its_right_factor_first(a: F32, b: F32, v: F32) -> None:
    np.testing.assert_allclose(quat.rotate(quat.mul(a, b), v), quat.rotate(a, quat.rotate(b, v)), atol=1e-6)


@given(rotations, directions)
def test_the_inverse_undoes_a_rotation(q: F32, v: F32) -> None:
    np.testing.assert_allclose(quat.mul(q, quat.inv(q)), quat.IDENTITY, atol=1e-6)
    np.testing.assert_allclose(quat.rotate(quat.inv(q), quat.rotate(q, v)), v, atol=1e-6)


@pytest.mark.parametrize("axis", "xyz")
@given(angles, directions)
def test_axis_and_angle_turn_as_the_matrix_does(axis: str, angle: float, v: F32) -> None:
    unit = np.eye(3, dtype=np.float32)["xyz".index(axis)]
    q = quat.from_axis_angle(unit, f32(angle))
    np.testing.assert_allclose(quat.rotate(q, v), axis_matrix(axis, angle) @ v, atol=1e-6)
    np.testing.assert_allclose(quat.to_matrix(q), axis_matrix(axis, angle), atol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
@given(st.tuples(angles, angles, angles))
def test_euler_angles_turn_about_the_axes_one_after_the_other(order: str, three: tuple[float, ...]) -> None:
    expected = np.eye(3)
    for axis, angle in zip(order, three, strict=True):
        expected = expected @ axis_matrix(axis, angle)
    np.testing.assert_allclose(quat.to_matrix(quat.from_euler(f32(three), order)), expected, atol=2e-6)


@pytest.mark.parametrize("order", ORDERS)
@given(rotations)
def test_euler_angles_of_any_order_give_the_rotation_back(order: str, q: F32) -> None:
    assert angle_between(quat.from_euler(quat.to_euler(q, order), order), q) < 2e-6


@pytest.mark.parametrize("order", ORDERS)
@given(angles, angles, st.sampled_from([-np.pi / 2, np.pi / 2]))
def test_euler_angles_survive_gimbal_lock(order: str, first: float, last: float, middle: float) -> None:
    q = quat.from_euler(f32([first, middle, last]), order)
    assert angle_between(quat.from_euler(quat.to_euler(q, order), order), q) < 2e-6


@given(rotations)
def test_a_matrix_gives_its_quaternion_back_with_a_positive_w(q: F32) -> None:
    back = quat.from_matrix(quat.to_matrix(q))
    assert back[0] >= 0
    assert back.dtype == np.float32
    assert angle_between(back, q) < 2e-6


@given(directions)
def test_half_turns_lose_no_precision_in_a_matrix(axis: F32) -> None:
    q = quat.from_axis_angle(axis, f32(np.pi))
    assert angle_between(quat.from_matrix(quat.to_matrix(q)), q) < 2e-6
    matrix = 2 * np.outer(axis, axis).astype(np.float32) - np.eye(3, dtype=np.float32)
    assert angle_between(quat.from_matrix(matrix), q) < 2e-6


@given(rotations)
def test_six_numbers_hold_a_rotation(q: F32) -> None:
    six = quat.to_rot6d(q)
    np.testing.assert_allclose(six[:3], quat.rotate(q, f32([1, 0, 0])), atol=1e-6)
    np.testing.assert_allclose(six[3:], quat.rotate(q, f32([0, 1, 0])), atol=1e-6)
    assert angle_between(quat.from_rot6d(six), q) < 2e-6


@given(rotations, st.floats(0.2, 5), st.floats(0.2, 5), st.floats(-2, 2))
def test_six_numbers_need_be_neither_of_length_one_nor_at_right_angles(
    q: F32, long: float, wide: float, skew: float
) -> None:
    six = quat.to_rot6d(q)
    slanted = np.concatenate([six[:3] * np.float32(long), six[3:] * np.float32(wide) + six[:3] * np.float32(skew)])
    assert angle_between(quat.from_rot6d(slanted), q) < 2e-4


@given(rotations, rotations)
def test_slerp_begins_at_the_first_and_ends_at_the_second(a: F32, b: F32) -> None:
    assert angle_between(quat.slerp(a, b, 0.0), a) < 1e-3
    assert angle_between(quat.slerp(a, b, 1.0), b) < 1e-3


@given(rotations, directions, st.floats(0, 3.1), FRACTIONS)
def test_slerp_goes_the_shortest_way_at_a_steady_speed(q: F32, axis: F32, angle: float, t: float) -> None:
    for sign in (1, -1):  # both quaternions of the one rotation
        end = np.float32(sign) * quat.mul(q, quat.from_axis_angle(axis, f32(angle)))
        expected = quat.mul(q, quat.from_axis_angle(axis, f32(angle * t)))
        assert angle_between(quat.slerp(q, end, t), expected) < 2e-3


@given(directions, directions)
def test_between_is_the_smallest_rotation_from_one_direction_to_the_other(a: F32, b: F32) -> None:
    q = quat.between(a * 3, b * np.float32(0.2))
    np.testing.assert_allclose(quat.rotate(q, a), b, atol=3e-3)
    assert abs(np.linalg.norm(q) - 1) < 1e-6
    angle = np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)
    assert angle_between(q, quat.IDENTITY) == pytest.approx(angle, abs=3e-3)


@given(directions)
def test_between_opposite_directions_is_half_a_turn(a: F32) -> None:
    np.testing.assert_allclose(quat.rotate(quat.between(a, -a), a), -a, atol=1e-5)


@given(directions)
def test_between_a_direction_and_itself_is_no_turn(a: F32) -> None:
    assert angle_between(quat.between(a, a), quat.IDENTITY) < 1e-3


@given(rotations, st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_the_mean_of_turns_spread_evenly_about_one_is_that_one(q: F32, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    small = rng.normal(size=(count, 3)) * 0.2
    spread = np.concatenate([small, -small])
    length = np.linalg.norm(spread, axis=-1, keepdims=True)
    around = quat.from_axis_angle((spread / length).astype(np.float32), length[:, 0].astype(np.float32))
    signs = rng.choice([-1, 1], size=(2 * count, 1)).astype(np.float32)
    assert angle_between(quat.mean(quat.mul(q, around) * signs), q) < 1e-4


@given(rotations, st.integers(0, 99))
def test_the_turn_of_several_vectors_is_found_and_the_best_one_where_none_fits(q: F32, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours = rng.normal(size=(4, 3)).astype(np.float32)
    assert angle_between(quat.align(ours, quat.rotate(q, ours)), q).max() < 1e-3
    noisy = (quat.rotate(q, ours) + rng.normal(size=(4, 3)) * 0.2).astype(np.float32)
    best = quat.align(ours, noisy)
    nudges = quat.from_vector((rng.normal(size=(20, 3)) * 0.05).astype(np.float32))
    others = ((quat.rotate(quat.mul(nudges, best)[:, None], ours) - noisy) ** 2).sum(axis=(1, 2))
    assert (others >= ((quat.rotate(best, ours) - noisy) ** 2).sum() - 1e-5).all()


@given(rotations, directions)
def test_what_one_vector_leaves_open_is_as_in_the_reference(near: F32, v: F32) -> None:
    goal = quat.rotate(near, v)
    assert angle_between(quat.align(v[None], goal[None], near), near).max() < 1e-3


@given(directions, st.floats(0, 6.2))
def test_rotation_vectors_are_axis_times_angle_and_come_back_beyond_half_a_turn_too(axis: F32, angle: float) -> None:
    v = f32(axis * np.float32(angle))
    q = quat.from_vector(v)
    np.testing.assert_allclose(q, quat.from_axis_angle(axis, f32(angle)), atol=1e-6)
    np.testing.assert_allclose(quat.to_vector(q), v, atol=2e-5)


@given(st.lists(rotations, min_size=2, max_size=12))
def test_unrolled_neighbours_lie_in_one_hemisphere_and_are_the_same_rotations(turns: list[F32]) -> None:
    track = np.stack(turns)
    smooth = quat.unroll(track)
    assert ((smooth[1:] * smooth[:-1]).sum(-1) >= 0).all()
    np.testing.assert_array_equal(np.abs(smooth), np.abs(track))


@given(angles)
def test_yaw_reads_what_from_yaw_wrote(angle: float) -> None:
    read = float(quat.yaw(quat.from_yaw(f32(angle))))
    assert np.cos(read - angle) > 1 - 1e-6
    turned = quat.rotate(quat.from_yaw(f32(angle)), f32([0, 0, 1]))
    np.testing.assert_allclose(turned, [np.sin(angle), 0, np.cos(angle)], atol=1e-6)


@given(angles, angles)
def test_yaw_stays_while_a_body_bows_or_somersaults(heading: float, bow: float) -> None:
    q = quat.mul(quat.from_yaw(f32(heading)), quat.from_euler(f32([bow]), "x"))
    assert np.cos(float(quat.yaw(q)) - heading) > 1 - 1e-6


@given(st.lists(numbers, min_size=4, max_size=4))
def test_normalised_quaternions_have_length_one_and_zero_becomes_the_identity(values: list[float]) -> None:
    q = quat.normalize(f32(values))
    assert np.linalg.norm(q) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(quat.normalize(np.zeros(4, np.float32)), quat.IDENTITY)


def test_functions_broadcast_keep_float32_and_leave_their_inputs_alone() -> None:
    rng = np.random.default_rng(0)
    q = quat.normalize(rng.normal(size=(5, 1, 4)).astype(np.float32))
    p = quat.normalize(rng.normal(size=(3, 4)).astype(np.float32))
    v = rng.normal(size=(5, 3, 3)).astype(np.float32)
    before = q.copy(), p.copy(), v.copy()
    results = {
        "mul": (quat.mul(q, p), (5, 3, 4)),
        "rotate": (quat.rotate(p, v), (5, 3, 3)),
        "slerp": (quat.slerp(q, p, f32(0.3)), (5, 3, 4)),
        "between": (quat.between(v, v[:, ::-1]), (5, 3, 4)),
        "matrix": (quat.to_matrix(q), (5, 1, 3, 3)),
        "from_matrix": (quat.from_matrix(quat.to_matrix(q)), (5, 1, 4)),
        "rot6d": (quat.to_rot6d(p), (3, 6)),
        "euler": (quat.to_euler(q, "zyx"), (5, 1, 3)),
        "mean": (quat.mean(quat.mul(q, p), axis=1), (5, 4)),
        "yaw": (quat.yaw(q), (5, 1)),
        "align": (quat.align(v, v[:, ::-1], q[:, 0]), (5, 4)),
        "vector": (quat.to_vector(q), (5, 1, 3)),
        "from_vector": (quat.from_vector(v), (5, 3, 4)),
    }
    for name, (result, shape) in results.items():
        assert result.shape == shape, name
        assert result.dtype == np.float32, name
    for now, then in zip((q, p, v), before, strict=True):
        np.testing.assert_array_equal(now, then)
