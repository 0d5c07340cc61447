"""What every feature layout promises: it is found by name, its columns are named, and what it encodes comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import features
from motion.clip import Clip
from motion.errors import BadClip, BadConfig
from motion.features import LAYOUTS, Layout, h36m17
from motion.quat import F32
from motion.skeleton import SMPLX22, Skeleton
from tests.motion.clips import backflip, lie_down, stroll, walk, wriggle
from tests.motion.features.placing import farthest

REAL = {"walk": walk, "stroll": stroll, "backflip": backflip, "lie-down": lie_down}
every_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


def told(layout: Layout, clip: Clip) -> F32:
    """The positions that a layout tells of: of its own joints, where it has others than the clip."""
    return h36m17.marks(clip) if layout.name == "h36m17" else clips.positions(clip)


def test_the_layouts_of_the_papers_are_found_by_name() -> None:
    names = ["pos", "hml263", "uni269", "h36m17", "smplx", "root+rot6d+pos"]
    assert [features.find(name).name for name in names] == names
    assert [features.find(name).width for name in names] == [66, 263, 269, 51, 145, 201]
    assert features.find(features.NAME).encode is features.encode


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(BadConfig, match=r"called 'hml264'; choose one of pos, hml263, uni269, h36m17, smplx, root"):
        features.find("hml264")


@every_layout
def test_each_column_has_one_name(layout: Layout) -> None:
    taken = [column for columns in layout.layout.values() for column in range(*columns.indices(layout.width))]
    assert taken == list(range(layout.width))
    clip = wriggle(frames=7, fps=layout.fps)
    encoded = layout.encode(clip)
    assert encoded.shape == (7, layout.width)
    assert encoded.dtype == np.float32


@every_layout
@pytest.mark.parametrize("name", REAL)
def test_decoding_an_encoded_clip_returns_every_joint_within_1_mm(layout: Layout, name: str) -> None:
    source = clips.move(clips.turn(REAL[name](), 0.3), np.array([0.4, 0, -0.2], np.float32))
    clip = clips.resample(source, layout.fps)
    encoded = layout.encode(clip)
    expected = told(layout, clip)
    assert farthest(layout.joints(encoded), expected) < 1e-3
    back = layout.decode(encoded)
    assert (len(back), back.fps) == (len(clip), layout.fps)
    assert farthest(clips.positions(back), expected) < 1e-3
    assert farthest(expected.mean(axis=0, keepdims=True).repeat(len(clip), 0), expected) > 0.2, "the clip does move"


@every_layout
@given(seed=st.integers(0, 1000), frames=st.integers(1, 60))
def test_any_motion_of_any_length_comes_back(layout: Layout, seed: int, frames: int) -> None:
    clip = wriggle(frames=frames, fps=layout.fps, seed=seed)
    back = layout.decode(layout.encode(clip))
    assert farthest(clips.positions(back), told(layout, clip)) < 1e-3


@pytest.mark.parametrize("name", ["pos", "hml263", "uni269", "root+rot6d+pos"])
def test_features_that_place_a_clip_themselves_do_not_know_where_it_stood(name: str) -> None:
    layout = features.find(name)
    clip = clips.resample(stroll(), layout.fps)
    moved = clips.move(clips.turn(clip, 2.0), np.array([5, 0, 7], np.float32))
    np.testing.assert_allclose(layout.encode(moved), layout.encode(clip), atol=2e-4)


@pytest.mark.parametrize("layout", [x for x in LAYOUTS if x.holds == "rotations"], ids=lambda layout: layout.name)
def test_layouts_that_hold_rotations_give_them_back(layout: Layout) -> None:
    clip = clips.resample(backflip(), layout.fps)
    back = layout.decode(layout.encode(clip))
    same = np.abs((back.rotations[:, 1:] * clip.rotations[:, 1:]).sum(-1))
    assert same.min() > 1 - 1e-5


@every_layout
def test_statistics_have_a_mean_for_each_column_and_one_deviation_for_each_group(layout: Layout) -> None:
    rng = np.random.default_rng(0)
    spread = np.exp(rng.normal(size=layout.width))
    frames: F32 = (rng.normal(size=(4000, layout.width)) * spread + np.arange(layout.width)).astype(np.float32)
    found = layout.measure(frames)
    np.testing.assert_allclose(found.mean, np.arange(layout.width), atol=0.5)
    for columns in layout.layout.values():
        assert len(np.unique(found.std[columns])) == 1
        assert found.std[columns][0] == pytest.approx(spread[columns].mean(), rel=0.1)


@every_layout
def test_normalised_features_of_real_motion_are_of_order_one(layout: Layout) -> None:
    frames = np.concatenate([layout.encode(clips.resample(clip(), layout.fps)) for clip in REAL.values()])
    found = layout.measure(frames)
    normal = (frames - found.mean) / found.std
    for name, columns in layout.layout.items():
        # A group's deviation is the mean of its columns', so theirs lie on both sides of one; constants are zero.
        deviation = normal[:, columns].std(axis=0)
        assert deviation.max() == 0 or 0.99 < deviation.max() < 25, name
        assert np.abs(normal[:, columns].mean(axis=0)).max() < 1e-2, name


@every_layout
def test_another_skeleton_and_another_rate_are_refused(layout: Layout) -> None:
    tree = Skeleton("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32))
    with pytest.raises(BadClip, match="'stick'; retarget it first"):
        layout.encode(wriggle(tree, fps=layout.fps))
    with pytest.raises(BadClip, match="at 24; resample it first"):
        layout.encode(wriggle(fps=24.0))


@pytest.mark.parametrize("layout", [x for x in LAYOUTS if x.name != features.NAME], ids=lambda layout: layout.name)
def test_features_that_are_none_are_refused(layout: Layout) -> None:
    good = layout.encode(wriggle(frames=4, fps=layout.fps))
    for bad in (good[:, :-1], good[:0], good[0]):
        with pytest.raises(BadClip, match=rf"rows of {layout.width} columns"):
            layout.decode(bad)
    holed = good.copy()
    holed[2, 1] = np.nan
    with pytest.raises(BadClip, match="no number at frame 2, column 1"):
        layout.joints(holed)


def test_the_bodies_that_are_decoded_are_the_canonical_one() -> None:
    for layout in LAYOUTS:
        skeleton = layout.decode(layout.encode(wriggle(frames=2, fps=layout.fps))).skeleton
        assert skeleton is (h36m17.SKELETON if layout.name == "h36m17" else SMPLX22)
