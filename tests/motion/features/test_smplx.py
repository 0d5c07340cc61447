"""The layout `smplx`: pose, shape, orientation and a place that adds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import clip as clips
from motion import quat
from motion.features import smplx
from motion.features.smplx import LAYOUT
from tests.motion.clips import stroll
from tests.motion.turns import angle_between


def test_the_first_row_says_where_and_the_others_how_far() -> None:
    clip = clips.move(stroll(), np.array([3, 0, -2], np.float32))
    told = smplx.encode(clip)[:, LAYOUT["translation"]]
    np.testing.assert_array_equal(told[0], clip.root[0])
    np.testing.assert_allclose(told[1:], np.diff(clip.root, axis=0), atol=1e-6)
    assert np.abs(told[1:]).max() < 0.1
    back = smplx.decode(smplx.encode(clip))
    np.testing.assert_allclose(back.root, clip.root, atol=1e-5)
    assert angle_between(back.rotations, clip.rotations).max() < 2e-3


def test_the_shape_of_the_body_is_carried() -> None:
    betas = np.linspace(-2, 2, 16).astype(np.float32)
    frames = smplx.encode(replace(stroll(), betas=betas))
    np.testing.assert_array_equal(frames[:, LAYOUT["betas"]], np.tile(betas[:10], (len(frames), 1)))
    back = smplx.decode(frames)
    assert back.betas is not None
    np.testing.assert_allclose(back.betas, betas[:10], rtol=1e-5)
    few = smplx.encode(replace(stroll(), betas=betas[:3]))[:, LAYOUT["betas"]]
    np.testing.assert_array_equal(few[0], [*betas[:3], *[0] * 7])


def test_a_body_of_unknown_shape_stays_unknown() -> None:
    assert smplx.decode(smplx.encode(stroll())).betas is None


def test_rotations_are_smplxs_own_columns() -> None:
    clip = stroll()
    frames = smplx.encode(clip)
    np.testing.assert_allclose(frames[:, LAYOUT["orientation"]], quat.to_rot6d(clip.rotations[:, 0]))
    np.testing.assert_allclose(frames[:, LAYOUT["body_pose"]][:, 12:18], quat.to_rot6d(clip.rotations[:, 3]))
