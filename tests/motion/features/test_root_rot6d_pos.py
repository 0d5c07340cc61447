"""The layout `root+rot6d+pos`: what is encoded comes back in place, turn and pose."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import contacts, features, quat
from motion.clip import Clip
from motion.errors import BadClip
from motion.features import LAYOUT, WIDTH, Integrator, Statistics
from motion.quat import F32
from motion.skeleton import SMPLX22, Skeleton
from tests.motion.clips import backflip, lie_down, stroll, walk, wriggle
from tests.motion.turns import angle_between, f32

REAL = {"walk": walk, "stroll": stroll, "backflip": backflip, "lie-down": lie_down}


def placed(clip: Clip) -> Clip:
    """The clip turned and moved so that its smoothed path begins over the origin along +Z, as decoding places it."""
    heading = features.smooth(np.unwrap(quat.yaw(clip.rotations[:, 0])).astype(np.float32))
    turned = clips.turn(clip, -float(heading[0]))
    path = features.smooth(turned.root)
    return clips.move(turned, np.array([-path[0, 0], 0, -path[0, 2]], np.float32))


@pytest.mark.parametrize("name", REAL)
def test_encoding_then_decoding_keeps_every_joint_within_1_mm(name: str) -> None:
    clip = REAL[name]()
    turned = clips.move(clips.turn(clip, 1.1), np.array([3, 0, -2], np.float32))
    back = features.decode(features.encode(turned))
    expected = clips.positions(placed(turned))
    assert len(back) == len(clip)
    assert np.linalg.norm(clips.positions(back) - expected, axis=-1).max() < 1e-3
    assert angle_between(back.rotations[:, 1:], clip.rotations[:, 1:]).max() < 2e-3, "twist survives"
    assert np.ptp(expected.reshape(len(clip), -1), axis=0).max() > 0.2, "the clip does move"


@given(st.integers(0, 1000), st.integers(1, 70))
def test_any_motion_of_any_length_comes_back(seed: int, frames: int) -> None:
    clip = wriggle(frames=frames, seed=seed)
    back = features.decode(features.encode(clip))
    assert np.linalg.norm(clips.positions(back) - clips.positions(placed(clip)), axis=-1).max() < 1e-3


@pytest.mark.parametrize("name", REAL)
def test_features_do_not_know_where_a_clip_stands_or_faces(name: str) -> None:
    clip = REAL[name]()
    moved = clips.move(clips.turn(clip, 2.0), np.array([5, 0, 7], np.float32))
    np.testing.assert_allclose(features.encode(moved), features.encode(clip), atol=2e-4)


def test_encoding_what_was_decoded_gives_the_features_back_but_for_the_smoothed_ends() -> None:
    frames = features.encode(stroll())
    again = features.encode(features.decode(frames))
    np.testing.assert_allclose(again, frames, atol=1e-4)


@pytest.mark.parametrize("name", REAL)
def test_the_position_columns_are_the_joints_around_the_root(name: str) -> None:
    clip = REAL[name]()
    frames = features.encode(clip)
    heading = features.smooth(np.unwrap(quat.yaw(clip.rotations[:, 0])).astype(np.float32))
    around = clips.positions(clip) - clip.root[:, None] * np.array([1, 0, 1])
    expected = quat.rotate(quat.from_yaw(-heading)[:, None], around.astype(np.float32))[:, 1:]
    np.testing.assert_allclose(frames[:, LAYOUT["pos"]].reshape(-1, 21, 3), expected, atol=1e-4)
    np.testing.assert_allclose(frames[:, LAYOUT["root_height"]][:, 0], clip.root[:, 1])


def test_columns_are_named_once_each_and_cover_the_width() -> None:
    taken = [column for columns in LAYOUT.values() for column in range(*columns.indices(WIDTH))]
    assert taken == list(range(WIDTH))
    assert features.encode(walk()).shape == (len(walk()), WIDTH)


def test_a_steady_curve_has_steady_turns_and_steps() -> None:
    frames = 60
    heading = np.arange(frames, dtype=np.float32) * 0.02
    ahead = np.stack([np.sin(heading), np.zeros(frames), np.cos(heading)], axis=-1) * 0.03
    root = (np.cumsum(ahead, axis=0) - ahead + np.array([0, 0.9, 0])).astype(np.float32)
    rotations = np.tile(quat.IDENTITY, (frames, 22, 1))
    rotations[:, 0] = quat.from_yaw(heading)
    encoded = features.encode(Clip(SMPLX22, 30.0, rotations, root))
    inner = slice(25, 35)  # away from the smoothed ends
    np.testing.assert_allclose(encoded[inner, LAYOUT["root_turn"]], 0.02, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(encoded[inner, LAYOUT["root_step"]], axis=-1), 0.03, rtol=0.02)
    np.testing.assert_allclose(encoded[inner, LAYOUT["root_step"]][:, 1], 0.03, rtol=0.02)
    assert (encoded[0, LAYOUT["root_turn"]] == 0).all()
    assert (encoded[0, LAYOUT["root_step"]] == 0).all()


@given(st.lists(st.integers(0, 99), max_size=6), st.integers(0, 99))
def test_pieces_pushed_one_after_the_other_make_the_whole(cuts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = f32(features.encode(stroll()) + rng.normal(size=(99, WIDTH)) * 0.01)
    whole = Integrator().push(frames)
    joined = Integrator()
    edges = [0, *sorted(cuts), len(frames)]
    pieces = [joined.push(frames[a:b]) for a, b in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate([root for root, _ in pieces]), whole[0], atol=1e-6)
    np.testing.assert_allclose(np.concatenate([rotations for _, rotations in pieces]), whole[1], atol=1e-6)


def test_a_decoded_clip_begins_where_its_path_begins() -> None:
    frames = features.encode(stroll())
    frames[0, LAYOUT["root_turn"]] = 3
    frames[0, LAYOUT["root_step"]] = 9  # before the first frame there was nothing to turn or step from
    clip = features.decode(frames)
    assert np.linalg.norm(clip.root[0, [0, 2]]) < 0.1
    assert clip.fps == features.FPS
    np.testing.assert_array_equal(clip.contacts, contacts.detect(clip))  # type: ignore[arg-type]


@given(st.integers(1, 80), st.floats(-2, 2), st.floats(-0.1, 0.1))
def test_smoothing_leaves_a_straight_line_straight(frames: int, start: float, slope: float) -> None:
    line = (start + slope * np.arange(frames)).astype(np.float32)
    np.testing.assert_allclose(features.smooth(line), line, atol=1e-4)


def test_smoothing_takes_the_sway_out_of_a_walk() -> None:
    t = np.arange(120, dtype=np.float32)
    sway = np.sin(t * 2 * np.pi / 30).astype(np.float32)  # one second, as of hips
    assert np.abs(features.smooth(sway)[30:-30]).max() < 0.3
    steady = features.smooth((t * 0.1).astype(np.float32) + sway)
    assert np.abs(steady - t * 0.1)[30:-30].max() < 0.3


def test_another_skeleton_is_refused() -> None:
    tree = Skeleton("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32))
    with pytest.raises(BadClip, match="'stick'; retarget it first"):
        features.encode(wriggle(tree))


def test_another_rate_is_refused() -> None:
    with pytest.raises(BadClip, match="at 24; resample it first"):
        features.encode(wriggle(fps=24.0))


def test_statistics_have_a_mean_for_each_column_and_one_deviation_for_each_group() -> None:
    rng = np.random.default_rng(0)
    spread = np.exp(rng.normal(size=WIDTH))
    frames: F32 = (rng.normal(size=(5000, WIDTH)) * spread + np.arange(WIDTH)).astype(np.float32)
    found = Statistics.measure(frames)
    np.testing.assert_allclose(found.mean, np.arange(WIDTH), atol=0.3)
    for columns in LAYOUT.values():
        assert len(np.unique(found.std[columns])) == 1
        assert found.std[columns][0] == pytest.approx(spread[columns].mean(), rel=0.05)


def test_a_column_that_never_changes_has_a_deviation_one_can_divide_by() -> None:
    assert (Statistics.measure(np.ones((10, WIDTH), np.float32)).std > 0).all()
