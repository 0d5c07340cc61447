"""AMASS and SMPL-X files: what others write is read, what we write comes back, and up is up."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import quat, smplx
from motion.clip import Clip, positions
from motion.errors import BadClip, BadFile
from motion.io import smpl
from motion.skeleton import SMPLX22, Skeleton, fk
from tests.motion.clips import lie_down, stroll, wriggle
from tests.motion.turns import angle_between, axis_matrix

FRAMES = 12


def amass(**changes: Any) -> dict[str, Any]:
    """A file as AMASS has them: SMPL-H, Z up, a body that stands and bends one knee by a degree more each frame."""
    poses = np.zeros((FRAMES, 156))
    poses[:, 0] = (
        np.pi / 2
    )  # SMPL's bodies stand along Y: a quarter turn about X puts them on the floor of a Z-up world
    poses[:, 12] = np.deg2rad(np.arange(FRAMES))  # left knee
    told = {
        "poses": poses,
        "trans": np.stack([np.arange(FRAMES) * 0.1, 2 + 0 * np.arange(FRAMES), 0.95 + 0 * np.arange(FRAMES)], axis=-1),
        "betas": np.linspace(-1, 1, 16),
        "dmpls": np.zeros((FRAMES, 8)),
        "gender": np.array("female"),
        "mocap_framerate": np.array(120.0),
    }
    return {key: value for key, value in {**told, **changes}.items() if value is not None}


def saved(folder: Path, arrays: dict[str, Any]) -> Path:
    np.savez(folder / "motion.npz", allow_pickle=True, **arrays)
    return folder / "motion.npz"


def test_a_file_of_amass_stands_upright_and_walks_where_it_should(tmp_path: Path) -> None:
    clip = smpl.read(saved(tmp_path, amass()))
    assert (clip.fps, len(clip), clip.name, clip.skeleton.name) == (120, FRAMES, "motion", "smplh52")
    assert clip.betas is not None
    np.testing.assert_allclose(clip.betas, np.linspace(-1, 1, 16), atol=1e-6)
    at = positions(clip)
    head, ankle = (at[:, clip.skeleton.index(joint)] for joint in ("head", "left_ankle"))
    assert (head[:, 1] - ankle[:, 1]).min() > 1.2, "upright along Y"
    np.testing.assert_allclose(np.diff(clip.root[:, 0]), 0.1, atol=1e-6)
    np.testing.assert_allclose(clip.root[:, 1], 0.95 + 0.03, atol=0.011)  # z of the file, and the pelvis' own place
    np.testing.assert_array_equal(clip.rotations[:, 0], np.tile(clip.rotations[0, 0], (FRAMES, 1)))
    knee = clip.rotations[:, clip.skeleton.index("left_knee")]
    np.testing.assert_allclose(quat.to_matrix(knee[9]), axis_matrix("x", np.deg2rad(9)), atol=1e-6)


@pytest.mark.parametrize(("joints", "name"), [(22, "smplx22"), (24, "smpl24"), (52, "smplh52"), (55, "smplx55")])
def test_every_size_of_the_family_is_read(tmp_path: Path, joints: int, name: str) -> None:
    clip = smpl.read(
        saved(tmp_path, amass(poses=amass()["poses"][:, : joints * 3] if joints < 55 else np.zeros((12, 165))))
    )
    assert (clip.skeleton.name, len(clip.skeleton)) == (name, joints)
    assert clip.skeleton.joints[:22] == SMPLX22.joints
    assert clip.skeleton.parents[:22] == SMPLX22.parents


@pytest.mark.parametrize("joints", [24, 52, 55])
def test_hands_are_as_large_as_hands_and_mirror_each_other(joints: int) -> None:
    skeleton = smplx.skeleton(joints)
    at = dict(zip(skeleton.joints, skeleton.rest_positions(), strict=True))
    for joint, place in at.items():
        if joint.startswith("left_"):
            np.testing.assert_allclose(place * [-1, 1, 1], at[joint.replace("left_", "right_")], atol=1e-6)
    if joints > 24:
        assert 0.14 < np.linalg.norm(at["left_middle3"] - at["left_wrist"]) < 0.2
        assert at["left_thumb3"][2] > at["left_index1"][2] > at["left_pinky1"][2], "the thumb is in front"


def test_parts_of_a_pose_are_put_together_in_the_order_of_smpl_x(tmp_path: Path) -> None:
    poses = np.arange(FRAMES * 165).reshape(FRAMES, 165) * 1e-3
    parts = {
        "root_orient": poses[:, :3], "pose_body": poses[:, 3:66], "pose_jaw": poses[:, 66:69],
        "pose_eye": poses[:, 69:75], "pose_hand": poses[:, 75:],
    }  # fmt: skip
    rate = {"mocap_framerate": None, "mocap_frame_rate": np.array(30)}
    whole = smpl.read(saved(tmp_path, amass(poses=poses, **rate)), up="y")
    apart = smpl.read(saved(tmp_path, amass(poses=None, **rate, **parts)), up="y")
    np.testing.assert_array_equal(whole.rotations, apart.rotations)
    assert whole.fps == apart.fps == 30
    body = smpl.read(saved(tmp_path, amass(poses=None, root_orient=poses[:, :3], pose_body=poses[:, 3:66])), up="y")
    np.testing.assert_array_equal(body.rotations, whole.rotations[:, :22])


@pytest.mark.parametrize(
    "changes",
    [
        {"betas": None}, {"gender": None}, {"dmpls": None}, {"trans": None}, {"betas": np.zeros((FRAMES, 10))},
        {"gender": np.array(b"male")}, {"gender": np.array(["f"])}, {"markers": np.array([{"a": 1}], object)},
        {"gender": np.array({"x": 1}, object)}, {"expressions": np.zeros((FRAMES, 100))}, {"betas": np.zeros(300)},
    ],
)  # fmt: skip
def test_what_is_missing_or_extra_is_no_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    found = smpl.load(saved(tmp_path, amass(**changes)))
    assert len(smpl.clip(found)) == FRAMES
    assert found.gender in ("neutral", "male", "female")


@pytest.mark.parametrize(
    ("word", "gender"),
    [("female", "female"), ("male", "male"), ("neutral", "neutral"), ("f", "female"), ("xx", "neutral")],
)
def test_the_gender_is_read_as_it_is_written(tmp_path: Path, word: str, gender: str) -> None:
    assert smpl.load(saved(tmp_path, amass(gender=np.array(word)))).gender == gender


def test_up_is_told_from_the_body_and_can_be_said(tmp_path: Path) -> None:
    standing_y = amass(poses=np.zeros((FRAMES, 156)))
    assert smpl.load(saved(tmp_path, amass())).up == "z"
    assert smpl.load(saved(tmp_path, standing_y)).up == "y"
    assert smpl.load(saved(tmp_path, standing_y), up="z").up == "z"
    lying = amass(poses=np.tile([0, 0, np.pi / 2, *[0] * 153], (FRAMES, 1)))  # along X: tells nothing
    assert smpl.load(saved(tmp_path, lying)).up == "z", "a file of AMASS"
    lying |= {"mocap_framerate": None, "dmpls": None, "mocap_frame_rate": np.array(30)}
    lying = {key: value for key, value in lying.items() if value is not None}
    assert smpl.load(saved(tmp_path, lying)).up == "y"


@pytest.mark.parametrize("layout", ["amass", "smplx"])
@pytest.mark.parametrize("make", [stroll, lie_down, wriggle])
def test_a_written_clip_comes_back(tmp_path: Path, layout: smpl.Layout, make: Any) -> None:
    clip = replace(make(), betas=np.linspace(-2, 2, 10, dtype=np.float32))
    smpl.write(clip, tmp_path / "a.npz", layout)
    found = smpl.load(tmp_path / "a.npz")
    assert found.up == ("z" if layout == "amass" else "y")
    back = smpl.clip(found)
    assert back.fps == clip.fps
    np.testing.assert_array_equal(back.betas, clip.betas)
    np.testing.assert_allclose(positions(back)[:, :22], positions(clip), atol=1e-5)
    assert angle_between(back.rotations[:, :22], clip.rotations).max() < 1e-3
    np.testing.assert_array_equal(
        back.rotations[:, 22:], np.tile(quat.IDENTITY, (len(clip), len(back.skeleton) - 22, 1))
    )


def test_fingers_and_jaw_are_written_and_read(tmp_path: Path) -> None:
    clip = wriggle(smplx.skeleton(55))
    smpl.write(clip, tmp_path / "a.npz")
    assert angle_between(smpl.read(tmp_path / "a.npz", up="y").rotations, clip.rotations).max() < 1e-3


def test_what_we_write_has_the_names_and_sizes_that_others_look_for(tmp_path: Path) -> None:
    clip = stroll()
    smpl.write(clip, tmp_path / "a.npz", "amass", gender="male")
    smpl.write(clip, tmp_path / "x.npz", "smplx")
    with np.load(tmp_path / "a.npz") as a, np.load(tmp_path / "x.npz") as x:
        assert a["poses"].shape == (len(clip), 156)
        assert a["trans"].shape == x["trans"].shape == (len(clip), 3)
        assert a["betas"].shape == (16,)
        assert (str(a["gender"]), float(a["mocap_framerate"])) == ("male", 30)
        assert x["poses"].shape == (len(clip), 165)
        np.testing.assert_array_equal(x["poses"][:, 3:66], x["pose_body"])
        assert (str(x["surface_model_type"]), float(x["mocap_frame_rate"])) == ("smplx", 30)
        assert a["trans"][:, 2].mean() == pytest.approx(clip.root[:, 1].mean() - 0.03, abs=1e-4), "Z is up"
        assert x["trans"][:, 1].mean() == pytest.approx(clip.root[:, 1].mean() + 0.35, abs=1e-4)


def test_a_body_with_measured_joints_puts_the_pelvis_where_its_own_is(tmp_path: Path) -> None:
    path = saved(tmp_path, amass())
    family = smplx.skeleton(52)
    offsets = family.offsets * np.float32(1.1)
    offsets[0] = [0.01, -0.22, 0.03]
    clip = smpl.read(path, body=Skeleton("mine", family.joints, family.parents, offsets))
    np.testing.assert_allclose(clip.root[0], [0.01, 0.95 + 0.03, -(2 - 0.22)], atol=1e-6)
    at, _ = fk(clip.skeleton, clip.rotations, clip.root)
    thigh = np.linalg.norm(at[:, 4] - at[:, 1], axis=-1)
    np.testing.assert_allclose(thigh, 1.1 * 0.405, rtol=1e-5)
    with pytest.raises(BadClip, match="lacks joints of 'smplh52'"):
        smpl.read(path, body=SMPLX22)


@given(st.floats(0, 4 * np.pi), st.integers(0, 2))
def test_turns_come_back_however_large(angle: float, axis: int) -> None:
    vector = np.zeros((1, 1, 3))
    vector[..., axis] = angle
    q = smpl.from_axis_angle(vector)
    np.testing.assert_allclose(quat.to_matrix(q)[0, 0], axis_matrix("xyz"[axis], angle), atol=1e-5)
    np.testing.assert_allclose(
        quat.to_matrix(smpl.from_axis_angle(smpl.to_axis_angle(q)))[0], quat.to_matrix(q)[0], atol=1e-5
    )
    assert np.linalg.norm(smpl.to_axis_angle(q)) <= np.pi + 1e-5


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no poses": ({"poses": None}, "no `poses`, nor `root_orient` and `pose_body`; it holds trans, betas"),
    "a strange width": ({"poses": np.zeros((FRAMES, 63))}, "63 numbers a frame; SMPL has 72, SMPL-H 156"),
    "no frames": ({"poses": np.zeros((0, 156)), "trans": np.zeros((0, 3))}, "no frames"),
    "poses of words": ({"poses": np.full((FRAMES, 156), "a")}, "`poses` is of type <U1, expected numbers"),
    "a number that is none": (
        {"poses": amass()["poses"] + np.where(np.arange(156) == 12, np.nan, 0)},
        "hold nan, at frame 0, joint 'left_knee'",
    ),
    "a place that is none": ({"trans": np.full((FRAMES, 3), np.inf)}, "`trans` hold inf, at frame 0, joint 'pelvis'"),
    "a path that is too short": ({"trans": np.zeros((FRAMES - 1, 3))}, "`trans` has shape (11, 3), expected (12, 3)"),
    "no rate": ({"mocap_framerate": None}, "states no frame rate"),
    "a rate of zero": ({"mocap_framerate": np.array(0.0)}, "frame rate is 0.0"),
    "parts without frames": (
        {"poses": None, "root_orient": np.zeros(3), "pose_body": np.zeros(63)}, "different numbers",
    ),
    "parts that do not fit": (
        {"poses": None, "root_orient": np.zeros((3, 3)), "pose_body": np.zeros((4, 63))}, "different numbers of frames",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named(tmp_path: Path, what: str) -> None:
    changes, words = BROKEN[what]
    path = saved(tmp_path, amass(**changes))
    with pytest.raises(BadFile, match=re.escape(words)) as caught:
        smpl.read(path)
    assert str(path) in str(caught.value)


def test_a_rate_that_is_not_in_the_file_can_be_said(tmp_path: Path) -> None:
    assert smpl.read(saved(tmp_path, amass(mocap_framerate=None)), fps=60).fps == 60


def test_clips_that_smpl_cannot_hold_are_refused(tmp_path: Path) -> None:
    crane = Skeleton("crane", ("base", "boom"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    with pytest.raises(BadClip, match="'crane', which has no 'pelvis'"):
        smpl.write(wriggle(crane), tmp_path / "a.npz")
    moved = replace(wriggle(), offsets=np.tile(SMPLX22.offsets, (20, 1, 1)))
    with pytest.raises(BadClip, match="moves its bones"):
        smpl.write(moved, tmp_path / "a.npz")


def test_a_file_that_unpacks_to_more_than_is_allowed_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("poses.npy", bytes(4 << 20))
    with pytest.raises(BadFile, match="unpacks to 4 MB in 1 arrays; at most 1 MB are read"):
        smpl.read(tmp_path / "bomb.npz", most=1 << 20)


def test_our_own_clips_are_told_apart_from_smpls(tmp_path: Path) -> None:
    from motion import clip as clips

    clips.save(stroll(), tmp_path / "ours.npz")
    assert not smpl.recognised(tmp_path / "ours.npz")
    assert smpl.recognised(saved(tmp_path, amass()))
    assert isinstance(smpl.read(saved(tmp_path, amass())), Clip)
