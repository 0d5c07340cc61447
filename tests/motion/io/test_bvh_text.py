"""BVH files that are written: what is read of them is the clip, to the last digit that matters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import quat
from motion.io import bvh
from motion.skeleton import SMPLX22, Skeleton
from tests.motion.clips import FIXTURES, backflip, walk, wriggle
from tests.motion.io.test_bvh import PLAIN
from tests.motion.turns import angle_between


@pytest.mark.parametrize("source", [walk, backflip, wriggle], ids=lambda source: source.__name__)
def test_a_written_clip_comes_back(tmp_path: Path, source: object) -> None:
    clip = source()  # type: ignore[operator]
    bvh.write(clip, tmp_path / "clip.bvh")
    back = bvh.read(tmp_path / "clip.bvh")
    kept = [i for i, joint in enumerate(back.skeleton.joints) if joint in SMPLX22.joints]
    assert tuple(back.skeleton.joints[i] for i in kept) != ()
    order = [back.skeleton.index(joint) for joint in SMPLX22.joints]
    assert back.fps == pytest.approx(clip.fps, rel=1e-6)
    np.testing.assert_allclose(clips.positions(back)[:, order], clips.positions(clip), atol=2e-5)
    assert angle_between(back.rotations[:, order], clip.rotations).max() < 1e-4


@given(st.lists(st.text(max_size=5), min_size=2, max_size=5, unique=True))
def test_joints_of_any_names_come_back_as_many_and_where_they_were(names: list[str]) -> None:
    rng = np.random.default_rng(0)
    offsets = rng.uniform(0.1, 0.3, (len(names), 3)).astype(np.float32)
    clip = wriggle(Skeleton("tree", tuple(names), (-1, *range(len(names) - 1)), offsets), frames=3)
    back = bvh.parse(bvh.text(clip), scale=0.01)
    leaf_ends = len(back.skeleton) - len(names)
    assert leaf_ends in (0, 1)
    np.testing.assert_allclose(clips.positions(back)[:, : len(names)], clips.positions(clip), atol=1e-5)


def test_a_joint_called_like_an_end_site_that_stands_before_it_is_read() -> None:
    end = "    End Site\n    {\n      OFFSET 0.0 -80.0 0.0\n    }\n"
    joint = end.replace("End Site", "JOINT Left Leg_end")
    assert bvh.parse(PLAIN.replace(end, end + joint)).skeleton.joints[2:] == ("Left Leg_end2", "Left Leg_end")


def test_what_is_written_keeps_six_significant_digits() -> None:
    clip = wriggle()
    small = replace(clip, root=clip.root * np.array([1e-5, 1, 1e3], np.float32))
    words = bvh.text(small).partition("Frame Time:")[2].split()[1:]
    written = np.array(words, np.float64).reshape(len(clip), -1)[:, :3]
    np.testing.assert_allclose(written, small.root.astype(np.float64) * 100, rtol=5e-7)


def test_what_is_written_turns_without_jumps_of_a_whole_circle() -> None:
    spin = replace(wriggle(), rotations=np.tile(quat.IDENTITY, (20, 22, 1)))
    spin.rotations[:, 0] = quat.from_axis_angle(np.array([0, 0, 1], np.float32), np.arange(20, dtype=np.float32))
    rows = bvh.text(spin).partition("Frame Time:")[2].split("\n")[1:-1]
    turns = [float(row.split()[3]) for row in rows]
    np.testing.assert_allclose(np.diff(turns), np.rad2deg(1), atol=1e-3)


def test_a_clip_that_moves_bones_comes_back(tmp_path: Path) -> None:
    tree = Skeleton("tree", ("a", "b", "c"), (-1, 0, 1), np.ones((3, 3), np.float32))
    offsets = np.random.default_rng(0).normal(size=(20, 3, 3)).astype(np.float32)
    clip = replace(wriggle(tree), offsets=offsets)
    bvh.write(clip, tmp_path / "clip.bvh")
    back = bvh.read(tmp_path / "clip.bvh", scale=0.01)
    order = [back.skeleton.index(joint) for joint in tree.joints]
    np.testing.assert_allclose(clips.positions(back)[:, order], clips.positions(clip), atol=1e-5)


def test_reading_and_writing_once_more_changes_nothing() -> None:
    once = bvh.text(bvh.read(FIXTURES / "kaykit-walk.bvh"))
    twice = bvh.text(bvh.parse(once))
    assert once.count("End Site") == 5
    assert twice.partition("MOTION")[0] == once.partition("MOTION")[0]
    ours, theirs = (np.array(text.split("Frame Time:")[1].split(), np.float64) for text in (twice, once))
    np.testing.assert_allclose((ours - theirs + 180) % 360, 180, atol=1e-3)  # -180 and 180 degrees are one


def test_a_leaf_that_only_sounds_like_an_end_keeps_its_name_and_turns() -> None:
    tree = Skeleton("tree", ("a", "b", "rope_end"), (-1, 0, 1), np.full((3, 3), 0.3, np.float32))
    clip = wriggle(tree)
    back = bvh.parse(bvh.text(clip))
    assert angle_between(back.rotations[:, back.skeleton.index("rope_end")], clip.rotations[:, 2]).max() < 1e-4


def test_names_in_any_script_come_back(tmp_path: Path) -> None:
    tree = Skeleton("tree", ("骨盤", "腰", "Bécasse"), (-1, 0, 1), np.full((3, 3), 0.3, np.float32))
    bvh.write(wriggle(tree), tmp_path / "names.bvh")
    assert bvh.read(tmp_path / "names.bvh").skeleton.joints[:3] == tree.joints
