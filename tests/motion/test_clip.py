"""Clips: shape checks, cutting, resampling, mirroring, and files that give back every bit."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import contacts, quat
from motion.clip import Clip
from motion.errors import BadClip, BadFile
from motion.quat import F32
from motion.skeleton import SMPLX22, Skeleton, fk
from tests.motion.clips import backflip, stroll, walk, wriggle
from tests.motion.turns import angle_between, angles


@given(st.integers(2, 60), st.sampled_from([24.0, 30.0, 60.0, 120.0]), st.sampled_from([24.0, 25.0, 30.0, 60.0]))
def test_resampling_keeps_the_length_to_less_than_a_frame(frames: int, fps: float, wanted: float) -> None:
    clip = wriggle(frames=frames, fps=fps)
    result = clips.resample(clip, wanted)
    assert result.fps == wanted
    span, kept = (len(clip) - 1) / fps, (len(result) - 1) / wanted
    assert kept <= span + 1e-6
    assert span - kept < 1 / wanted


@given(st.integers(2, 30), st.integers(2, 5))
def test_resampling_passes_through_the_samples(frames: int, factor: int) -> None:
    clip = wriggle(frames=frames)
    finer = clips.resample(clip, 30.0 * factor)
    np.testing.assert_allclose(finer.root[::factor], clip.root, atol=1e-6)
    assert angle_between(finer.rotations[::factor], clip.rotations).max() < 1e-3
    back = clips.resample(finer, 30.0)
    np.testing.assert_allclose(back.root, clip.root, atol=1e-6)
    assert angle_between(back.rotations, clip.rotations).max() < 1e-3


def test_resampling_lies_halfway_between_two_frames_in_place_and_turn() -> None:
    clip = wriggle(frames=2)
    middle = clips.resample(clip, 60.0)
    np.testing.assert_allclose(middle.root[1], clip.root.mean(axis=0), atol=1e-6)
    before = angle_between(clip.rotations[0], middle.rotations[1])
    np.testing.assert_allclose(angle_between(middle.rotations[1], clip.rotations[1]), before, atol=1e-4)


def test_resampling_carries_contacts_and_animated_offsets() -> None:
    clip = wriggle(frames=3)
    offsets = np.broadcast_to(SMPLX22.offsets, (3, 22, 3)) * np.array([1, 2, 3], np.float32)[:, None, None]
    marked = replace(clip, contacts=np.array([[0] * 4, [1] * 4, [1] * 4], np.float32), offsets=offsets)
    finer = clips.resample(marked, 60.0)
    assert finer.contacts is not None
    assert finer.offsets is not None
    assert set(np.unique(finer.contacts)) == {0.0, 1.0}
    np.testing.assert_allclose(finer.offsets[1], SMPLX22.offsets * 1.5, atol=1e-6)


def test_a_clip_of_one_frame_takes_any_rate() -> None:
    assert len(clips.resample(clips.cut(wriggle(), 0, 1), 7.0)) == 1


@pytest.mark.parametrize("fps", [0.0, -30.0, float("nan")])
def test_a_rate_that_is_none_is_refused(fps: float) -> None:
    with pytest.raises(BadClip, match="positive"):
        clips.resample(wriggle(), fps)
    with pytest.raises(BadClip, match="positive"):
        replace(wriggle(), fps=fps)


def test_cutting_takes_these_frames_of_every_array() -> None:
    clip = replace(wriggle(), contacts=np.arange(80, dtype=np.float32).reshape(20, 4))
    part = clips.cut(clip, 3, 9)
    assert len(part) == 6
    assert part.seconds == pytest.approx(0.2)
    np.testing.assert_array_equal(clips.positions(part), clips.positions(clip)[3:9])
    assert part.contacts is not None
    np.testing.assert_array_equal(part.contacts[:, 0], np.arange(12, 36, 4))


def test_an_empty_cut_is_refused() -> None:
    with pytest.raises(BadClip, match="no frames"):
        clips.cut(wriggle(), 5, 5)


@given(angles, st.integers(0, 50))
def test_a_canonical_clip_begins_over_the_origin_facing_plus_z_whatever_it_was(angle: float, seed: int) -> None:
    clip = clips.move(clips.turn(walk(), angle), np.array([seed, 0.25, -seed], np.float32))
    result = clips.canonicalise(clip)
    np.testing.assert_allclose(result.root[0, [0, 2]], 0, atol=1e-5)
    assert abs(float(quat.yaw(result.rotations[0, 0]))) < 1e-3
    np.testing.assert_allclose(result.root[:, 1], clip.root[:, 1], atol=1e-6)
    np.testing.assert_allclose(_spans(result), _spans(clip), atol=1e-4)


def _spans(clip: Clip) -> F32:
    """Distances from each joint to where the left wrist was at the first frame: blind to turns and shifts."""
    at = clips.positions(clip)
    return np.linalg.norm(at - at[:1, 20:21], axis=-1)


@given(st.integers(0, 1000))
def test_mirroring_reflects_every_joint_and_gives_it_to_the_other_side(seed: int) -> None:
    clip = wriggle(frames=4, seed=seed)
    ours, theirs = clips.positions(clips.mirror(clip)), clips.positions(clip)
    for i, joint in enumerate(SMPLX22.joints):
        other = joint.replace("left", "L").replace("right", "left").replace("L", "right")
        np.testing.assert_allclose(ours[:, i], theirs[:, SMPLX22.index(other)] * [-1, 1, 1], atol=1e-5)


def test_mirroring_twice_gives_the_clip_back() -> None:
    clip = backflip()
    twice = clips.mirror(clips.mirror(clip))
    np.testing.assert_array_equal(twice.rotations, clip.rotations)
    np.testing.assert_array_equal(twice.root, clip.root)
    assert clip.contacts is not None
    np.testing.assert_array_equal(twice.contacts, clip.contacts)  # type: ignore[arg-type]
    assert np.abs(clips.positions(clips.mirror(clip)) - clips.positions(clip)).max() > 0.1


def test_contacts_change_sides_in_a_mirror() -> None:
    clip = walk()
    mirrored = clips.mirror(clip)
    np.testing.assert_array_equal(mirrored.contacts, contacts.detect(mirrored))  # type: ignore[arg-type]


def test_animated_offsets_are_reflected_in_a_mirror() -> None:
    clip = wriggle(frames=4)
    rng = np.random.default_rng(1)
    moved = replace(clip, offsets=rng.normal(size=(4, 22, 3)).astype(np.float32))
    ours, theirs = clips.positions(clips.mirror(moved)), clips.positions(moved)
    np.testing.assert_allclose(ours[:, 20], theirs[:, 21] * [-1, 1, 1], atol=1e-5)


@pytest.mark.parametrize("extras", [False, True])
def test_a_saved_clip_comes_back_bit_for_bit(tmp_path: Path, extras: bool) -> None:
    tree = Skeleton(
        "ünï", ("root", "Bone.L", "骨"), (-1, 0, 1), np.random.default_rng(0).normal(size=(3, 3)).astype("f4")
    )
    clip = replace(wriggle(tree, frames=7, fps=23.976), name="a name / with «signs»")
    if extras:
        rng = np.random.default_rng(2)
        clip = replace(
            clip,
            contacts=rng.integers(0, 2, (7, 4)).astype(np.float32),
            offsets=rng.normal(size=(7, 3, 3)).astype(np.float32),
        )
    clips.save(clip, tmp_path / "clip.npz")
    back = clips.load(tmp_path / "clip.npz")
    assert (back.name, back.fps, back.skeleton.name) == (clip.name, clip.fps, tree.name)
    assert (back.skeleton.joints, back.skeleton.parents) == (tree.joints, tree.parents)
    for ours, theirs in (
        (back.rotations, clip.rotations),
        (back.root, clip.root),
        (back.skeleton.offsets, tree.offsets),
        (back.contacts, clip.contacts),
        (back.offsets, clip.offsets),
    ):
        if theirs is None:
            assert ours is None
        else:
            assert ours is not None
            assert ours.dtype == theirs.dtype == np.float32
            assert ours.tobytes() == theirs.tobytes()


def test_saving_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        clips.save(walk(), tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def _damaged(whole: bytes) -> dict[str, bytes]:
    return {
        "empty.npz": b"",
        "text.npz": b"HIERARCHY\n",
        "half.npz": whole[: len(whole) // 2],
        "tail.npz": whole[:-30],
        "flipped.npz": whole[:2000] + bytes([whole[2000] ^ 255]) + whole[2001:],
    }


@pytest.mark.parametrize("name", list(_damaged(b"0" * 3000)))
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    clips.save(walk(), tmp_path / "whole.npz")
    path = tmp_path / name
    path.write_bytes(_damaged((tmp_path / "whole.npz").read_bytes())[name])
    with pytest.raises(BadFile, match=name):
        clips.load(path)


def test_a_missing_file_a_lone_array_and_a_pickle_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "pickle.npz", skeleton=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for name in ("nothing.npz", "array.npy", "other.npz", "pickle.npz"):
        with pytest.raises(BadFile, match=name):
            clips.load(tmp_path / name)


def test_arrays_that_do_not_fit_are_refused() -> None:
    clip = wriggle(frames=3)
    with pytest.raises(BadClip, match=r"rotations have shape \(2, 22, 4\), expected \(3, 22, 4\)"):
        replace(clip, rotations=clip.rotations[:2])
    with pytest.raises(BadClip, match="contacts have shape"):
        replace(clip, contacts=np.zeros((3, 2), np.float32))
    bad = clip.root.copy()
    bad[2, 1] = np.nan
    with pytest.raises(BadClip, match="root hold a value that is no number at frame 2"):
        replace(clip, root=bad)


def test_turning_and_moving_change_the_world_and_not_the_body() -> None:
    clip = walk()
    turned = clips.turn(clip, np.pi / 2)
    np.testing.assert_allclose(
        clips.positions(turned), clips.positions(clip)[..., [2, 1, 0]] * np.array([1, 1, -1]), atol=1e-5
    )
    np.testing.assert_array_equal(turned.rotations[:, 1:], clip.rotations[:, 1:])
    shifted = clips.move(clip, np.array([1, 2, 3], np.float32))
    places, _ = fk(SMPLX22, clip.rotations, clip.root)
    np.testing.assert_allclose(clips.positions(shifted), places + np.array([1, 2, 3]), atol=1e-5)


RATES = [24.0, 25.0, 30.0, 50.0, 60.0, 120.0]


@pytest.mark.parametrize("fine", RATES)
@pytest.mark.parametrize("coarse", RATES)
def test_what_one_rate_adds_another_takes_out_again(coarse: float, fine: float) -> None:
    clip = stroll_at(coarse)
    there = clips.resample(clip, fine)
    assert there.fps == fine
    back = clips.resample(there, coarse)
    assert len(clip) - 1 - 2 * coarse / min(fine, coarse) <= len(back) <= len(clip)
    same = clips.positions(clip)[: len(back)]
    # Frames that both rates have are the same; between two frames a slerp cuts the corner, the less the finer.
    shared = (np.arange(len(back)) * fine / coarse) % 1 < 1e-9
    assert shared.sum() >= 2
    np.testing.assert_allclose(clips.positions(back)[shared], same[shared], atol=1e-4)
    assert np.abs(clips.positions(back) - same).max() < (1e-4 if fine % coarse == 0 else 0.08)


def stroll_at(fps: float) -> Clip:
    """Three seconds of a walk along a bend, at any rate."""
    return clips.resample(stroll(), fps)


@given(st.integers(0, 500), st.data())
def test_clips_cut_apart_and_put_together_are_the_clip(seed: int, data: st.DataObject) -> None:
    clip = replace(wriggle(frames=12, seed=seed), contacts=np.eye(12, 4, dtype=np.float32))
    edges = [0, *sorted(data.draw(st.sets(st.integers(1, 11), max_size=4))), 12]
    whole = clips.concatenate([clips.cut(clip, a, b) for a, b in pairwise(edges)])
    np.testing.assert_array_equal(whole.rotations, clip.rotations)
    np.testing.assert_array_equal(whole.root, clip.root)
    np.testing.assert_array_equal(whole.contacts, clip.contacts)  # type: ignore[arg-type]
    assert whole.offsets is None


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (0, 21), (6, 5), (30, 40)])
def test_frames_that_a_clip_has_not_are_refused_and_not_left_out(start: int, stop: int) -> None:
    with pytest.raises(BadClip, match=rf"cannot cut frames {start} to {stop} out of the 20 of clip 'wriggle'"):
        clips.cut(wriggle(frames=20), start, stop)


def test_clips_of_several_skeletons_or_rates_make_no_one_clip() -> None:
    with pytest.raises(BadClip, match="at 30 and 60 frames a second make no one clip; resample"):
        clips.concatenate([walk(), clips.resample(walk(), 60.0)])
    stick = Skeleton("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32))
    with pytest.raises(BadClip, match="'smplx22' and 'stick' make no one clip; retarget"):
        clips.concatenate([walk(), wriggle(stick)])


@given(
    st.integers(0, 500), st.sampled_from(["mixamorig:{}Arm", "arm.{}", "{}_arm", "CC_Base_{}_Arm", "Arm_{}", "{}Shldr"])
)
def test_any_skeleton_whose_names_tell_sides_mirrors_and_twice_is_nothing(seed: int, pattern: str) -> None:
    rng = np.random.default_rng(seed)
    sides = ("Left", "Right") if "mixamo" in pattern else ("l", "r")
    left, right = (pattern.format(side) for side in sides)
    joints = ("Hips", "Spine", left, left + "Hand", right, right + "Hand")
    offsets = rng.normal(size=(6, 3)).astype(np.float32)
    offsets[[1, 0], 0] = 0
    crooked = offsets.copy()
    offsets[4:] = offsets[2:4] * np.array([-1, 1, 1], np.float32)
    crooked[4:] = offsets[2:4] * np.array([1, -1, 1], np.float32)  # the same lengths, another rest pose on each side
    for rest in (offsets, crooked):
        clip = wriggle(Skeleton("rig", joints, (-1, 0, 1, 2, 1, 4), rest), frames=3, seed=seed)
        if rest is crooked:
            clip = replace(clip, offsets=np.tile(rest, (3, 1, 1)) * np.float32(1.1))
        once = clips.mirror(clip)
        there = clips.positions(clip)[:, [0, 1, 4, 5, 2, 3]] * [-1, 1, 1]
        np.testing.assert_allclose(clips.positions(once), there, atol=1e-4)
        twice = clips.mirror(once)
        np.testing.assert_allclose(clips.positions(twice), clips.positions(clip), atol=1e-4)
        assert angle_between(twice.rotations, clip.rotations).max() < 2e-3
