"""Clips in place: the travel is gone, all else is there."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion.edit.in_place import in_place, travel
from tests.motion.clips import backflip, stroll, wriggle


@given(st.integers(0, 500), st.integers(1, 90), st.booleans(), st.floats(-0.05, 0.05))
def test_the_root_stays_about_one_point_and_the_pose_is_untouched(
    seed: int, frames: int, sway: bool, drift: float
) -> None:
    clip = wriggle(frames=frames, seed=seed)
    along = np.arange(frames, dtype=np.float32)[:, None] * np.array([drift, 0, drift], np.float32)
    clip = clips.Clip(clip.skeleton, clip.fps, clip.rotations, (clip.root + along).astype(np.float32))
    still = in_place(clip, sway)
    np.testing.assert_array_equal(still.rotations, clip.rotations)
    np.testing.assert_array_equal(still.root[:, 1], clip.root[:, 1])
    np.testing.assert_allclose(
        clips.positions(still) - still.root[:, None], clips.positions(clip) - clip.root[:, None], atol=1e-5
    )
    steps = np.linalg.norm(np.diff(clip.root[:, [0, 2]], axis=0), axis=-1)
    aside = np.linalg.norm((still.root - travel(clip)[0] if sway else still.root - clip.root[0])[:, [0, 2]], axis=-1)
    # A track is never further from its own Gaussian than it goes in the 8 frames of its deviation.
    assert aside.max() <= (8 * steps.max(initial=0) if sway else 0) + 1e-5


def test_a_walk_on_the_spot_keeps_the_sway_of_the_hips() -> None:
    clip = stroll()
    still = in_place(clip)
    assert np.ptp(clip.root[:, [0, 2]], axis=0).max() > 2
    spread = np.ptp(still.root[:, [0, 2]], axis=0)
    assert spread.min() > 0.005
    assert spread.max() < 0.3
    assert np.ptp(in_place(clip, sway=False).root[:, [0, 2]], axis=0).max() == 0


def test_a_jump_still_leaves_the_ground() -> None:
    clip = backflip()
    assert np.ptp(in_place(clip).root[:, 1]) == np.ptp(clip.root[:, 1])


def test_the_way_that_is_taken_out_brings_the_clip_back() -> None:
    clip = stroll()
    path = travel(clip)
    np.testing.assert_allclose(in_place(clip).root + path - path[0], clip.root, atol=1e-6)


@given(st.floats(20, 130))
def test_the_path_is_the_same_at_any_frame_rate(fps: float) -> None:
    whole = stroll()
    coarse, fine = travel(whole), travel(clips.resample(whole, fps))
    at = np.arange(len(fine)) / fps * 30
    inner = (at > 25) & (at < 70)
    expected = np.stack([np.interp(at, np.arange(len(coarse)), coarse[:, i]) for i in range(3)], axis=-1)
    np.testing.assert_allclose(fine[inner], expected[inner], atol=0.01)
