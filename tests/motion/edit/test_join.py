"""Joined clips: nobody sees the seam, and away from it both are what they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import quat
from motion.edit.join import join
from motion.errors import BadClip
from motion.skeleton import SMPLX22, Skeleton
from tests.motion.clips import backflip, lie_down, stroll, wriggle
from tests.motion.edit.seams import jerk, turn_jerk
from tests.motion.features.placing import farthest
from tests.motion.turns import angle_between

seeds = st.integers(0, 500)


@given(seeds, seeds, st.integers(1, 30), st.integers(1, 30), st.floats(0, 0.6))
def test_place_and_speed_go_on_over_the_seam(a: int, b: int, before: int, after: int, seconds: float) -> None:
    first, second = wriggle(frames=before, seed=a), wriggle(frames=after, seed=b)
    joined = join(first, second, seconds)
    assert len(joined) == before + after
    if before == 1:  # without speed the body stands for a frame
        np.testing.assert_allclose(clips.positions(joined)[1], clips.positions(first)[0], atol=1e-4)
        return
    # The steps to the seam, over it, and the next one after it are one and the same, in place and in turn.
    around = clips.cut(joined, before - 2, min(before + 2, before + after))
    root = np.linalg.norm(np.diff(around.root, n=2, axis=0), axis=-1)
    assert root.max() < 1e-5
    assert turn_jerk(around).max() < 2e-3


@given(seeds, seeds, st.integers(12, 40))
def test_away_from_the_seam_both_are_what_they_were(a: int, b: int, after: int) -> None:
    first, second = wriggle(frames=10, seed=a), wriggle(frames=after, seed=b)
    joined = join(first, second, 0.3)
    np.testing.assert_array_equal(joined.rotations[:10], first.rotations)
    np.testing.assert_array_equal(joined.root[:10], first.root)
    rest, same = clips.positions(joined)[10 + 9 :], clips.positions(second)[9:]
    assert farthest(rest, same) < 1e-4
    np.testing.assert_array_equal(joined.rotations[10 + 9 :, 1:], second.rotations[9:, 1:])


def test_recorded_motions_join_as_smoothly_as_they_move_themselves() -> None:
    first, second = clips.cut(stroll(), 0, 50), lie_down()
    joined = join(first, second)
    hard = clips.concatenate([first, second])
    own = max(jerk(first).max(), jerk(second).max())
    assert jerk(joined).max() < 2 * own
    assert jerk(hard).max() > 10 * own, "without blending there is a jump"
    assert turn_jerk(joined).max() < 1.2 * max(turn_jerk(first).max(), turn_jerk(second).max())


def test_the_second_goes_on_where_the_first_ends_and_the_way_it_faces() -> None:
    first, second = stroll(), clips.move(clips.turn(stroll(), 2.0), np.array([9, 0, 9], np.float32))
    joined = join(first, second)
    before, after = first.root[-1], joined.root[len(first)]
    assert np.linalg.norm(after - before) < 0.06
    assert abs(quat.yaw(quat.mul(joined.rotations[len(first), 0], quat.inv(first.rotations[-1, 0])))) < 0.1
    stays = join(first, second, placed=False)
    np.testing.assert_allclose(stays.root[-1], second.root[-1], atol=1e-6)
    np.testing.assert_allclose(stays.rotations[-1], second.rotations[-1], atol=1e-6)


def test_the_second_takes_the_firsts_rate() -> None:
    joined = join(stroll(), clips.resample(backflip(), 120.0))
    assert joined.fps == 30
    assert len(joined) == len(stroll()) + len(backflip())


def test_contacts_are_kept_where_both_have_them() -> None:
    with_contacts = replace(stroll(), contacts=np.ones((len(stroll()), 4), np.float32))
    joined = join(with_contacts, backflip())
    assert joined.contacts is not None
    np.testing.assert_array_equal(joined.contacts[len(stroll()) :], backflip().contacts)  # type: ignore[arg-type]
    assert join(stroll(), backflip()).contacts is None


def test_bones_that_differ_grow_over_the_seam() -> None:
    small = replace(SMPLX22, offsets=SMPLX22.offsets * np.float32(0.8))
    joined = join(wriggle(frames=10), wriggle(small, frames=20, seed=1), 0.3)
    lengths = np.linalg.norm(clips.bones(joined)[:, 1:], axis=-1) / np.linalg.norm(SMPLX22.offsets[1:], axis=-1)
    np.testing.assert_allclose(lengths[:12], 1, atol=1e-5)
    np.testing.assert_allclose(lengths[19:], 0.8, atol=1e-5)
    assert np.abs(np.diff(lengths, axis=0)).max() < 0.06


def test_another_skeleton_and_a_time_that_is_none_are_refused() -> None:
    stick = Skeleton("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32))
    with pytest.raises(BadClip, match="a clip on 'stick' to one on 'smplx22'; retarget"):
        join(stroll(), wriggle(stick))
    for seconds in (-1.0, float("nan")):
        with pytest.raises(BadClip, match="from zero on"):
            join(stroll(), stroll(), seconds)


def test_the_longer_the_blend_the_gentler() -> None:
    first, second = clips.cut(stroll(), 0, 50), lie_down()
    gentle = [float(jerk(join(first, second, seconds))[46:70].max()) for seconds in (0.1, 0.2, 0.3, 0.6)]
    assert gentle == sorted(gentle, reverse=True)
    assert gentle[3] < gentle[0] / 3


def test_a_clip_joined_to_its_own_rest_is_the_clip() -> None:
    whole = stroll()
    joined = join(clips.cut(whole, 0, 40), clips.cut(whole, 40, len(whole)), placed=False)
    assert angle_between(joined.rotations, whole.rotations).mean() < 0.005
    assert np.abs(joined.root - whole.root).max() < 0.03
    np.testing.assert_array_equal(joined.rotations[49:], whole.rotations[49:])
