"""The layout `h36m17`: joints in a picture, and the way back through perspective."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion.camera import Camera, turned, watching
from motion.errors import BadClip
from motion.features import h36m17
from motion.features.h36m17 import LAYOUT
from motion.skeleton import SMPLX22
from tests.motion.clips import backflip, stroll, walk, wriggle


def test_pixels_are_those_of_a_pinhole() -> None:
    clip = clips.resample(walk(), 25.0)
    frames = h36m17.encode(clip)
    at = h36m17.marks(clip)
    tilt = np.arctan2(0.6, 6)  # the camera stands 1.5 m high and looks at a point 0.9 m high, six metres away
    up, ahead = np.array([0, np.cos(tilt), -np.sin(tilt)]), np.array([0, -np.sin(tilt), -np.cos(tilt)])
    from_eye = at - np.array([0, 1.5, 6])
    depth = from_eye @ ahead
    x = 500 + 1146 * from_eye[..., 0] / depth
    y = 500 - 1146 * (from_eye @ up) / depth
    np.testing.assert_allclose(frames[:, LAYOUT["image_px"]].reshape(-1, 17, 2), np.stack([x, y], -1), atol=1e-2)
    np.testing.assert_allclose(frames[:, LAYOUT["depth_mm"]], (depth - depth[:, :1]) * 1000, atol=1e-1)
    assert (frames[:, LAYOUT["depth_mm"].start] == 0).all()


def test_a_body_that_faces_the_camera_has_its_left_at_the_pictures_right_and_its_head_up() -> None:
    rest = replace(walk(), fps=25.0)
    pixels = h36m17.encode(clips.cut(rest, 0, 1))[0, LAYOUT["image_px"]].reshape(17, 2)
    at = dict(zip(h36m17.SKELETON.joints, pixels, strict=True))
    assert at["left_shoulder"][0] > at["right_shoulder"][0] + 40
    assert at["head_top"][1] < at["pelvis"][1] - 80 < at["left_ankle"][1] - 160


@given(st.floats(-3.1, 3.1), st.floats(0.5, 1.6), st.integers(0, 100))
def test_joints_come_back_from_any_side_for_bodies_of_any_size(angle: float, size: float, seed: int) -> None:
    clip = wriggle(frames=6, fps=25.0, seed=seed)
    grown = replace(clip.skeleton, offsets=clip.skeleton.offsets * np.float32(size))
    expected = h36m17.marks(replace(clip, skeleton=grown))
    camera = turned(watching(expected), angle)
    back = h36m17.joints(h36m17.encode(replace(clip, skeleton=grown), camera), camera, size)
    assert np.linalg.norm(back - expected, axis=-1).max() < 1e-3


@pytest.mark.parametrize("make", [stroll, backflip])
def test_another_camera_gives_other_features_and_the_same_joints(make: object) -> None:
    clip = clips.resample(make(), 25.0)  # type: ignore[operator]
    beside = turned(watching(h36m17.marks(clip)), 1.2)
    frames = h36m17.encode(clip, beside)
    back = h36m17.decode(frames, "seen", beside)
    assert np.linalg.norm(clips.positions(back) - h36m17.marks(clip), axis=-1).max() < 1e-3
    assert np.abs(h36m17.joints(frames) - h36m17.marks(clip)).max() > 0.3, "the wrong camera shows elsewhere"


def test_a_watching_camera_sees_all_of_a_clip() -> None:
    at = h36m17.marks(clips.resample(stroll(), 25.0))
    pixels, depth = watching(at).seen(at)
    assert pixels.min() > 0
    assert pixels.max() < 1000
    assert depth.min() > 4


def test_a_body_that_walks_into_the_camera_is_refused_with_a_sentence() -> None:
    clip = clips.move(clips.resample(stroll(), 25.0), np.array([0, 0, 5], np.float32))
    with pytest.raises(BadClip, match="put the camera further away"):
        h36m17.encode(clip)
    with pytest.raises(BadClip, match="put it beside its target"):
        Camera((0, 2, 0), (0, 0, 0)).axes()


def test_marks_ride_on_the_joints_they_are_named_for() -> None:
    clip = clips.resample(stroll(), 25.0)
    marks, at = h36m17.marks(clip), clips.positions(clip)
    for joint in ("pelvis", "left_knee", "right_wrist"):
        np.testing.assert_array_equal(marks[:, h36m17.SKELETON.index(joint)], at[:, SMPLX22.index(joint)])
    assert len(h36m17.SKELETON) == 17
    nose = marks[:, h36m17.SKELETON.index("nose")] - at[:, SMPLX22.index("head")]
    np.testing.assert_allclose(np.linalg.norm(nose, axis=-1), np.hypot(0.01, 0.05), atol=1e-5)
