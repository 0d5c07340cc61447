"""BVH files: what others wrote is read, what is broken is named by file and line."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import quat
from motion.errors import BadFile
from motion.io import bvh
from tests import mocap
from tests.motion.turns import angle_between, axis_matrix

PLAIN = """HIERARCHY
ROOT Hips
{
  OFFSET 0.0 90.0 0.0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Left Leg
  {
    OFFSET 10.0 -5.0 0.0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0.0 -80.0 0.0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.05
1 2 3 10 20 30 40 50 60
-1.5e1 .5 +3.25 -10 1e1 0 4E-1 5 6
"""


def test_joints_offsets_rate_and_samples_are_read() -> None:
    clip = bvh.parse(PLAIN, scale=0.01, name="plain")
    assert clip.skeleton.joints == ("Hips", "Left Leg", "Left Leg_end")
    assert clip.skeleton.parents == (-1, 0, 1)
    np.testing.assert_allclose(clip.skeleton.offsets, [[0, 0.9, 0], [0.1, -0.05, 0], [0, -0.8, 0]], atol=1e-7)
    assert (clip.fps, clip.name, clip.offsets) == (pytest.approx(20), "plain", None)
    np.testing.assert_allclose(clip.root, [[0.01, 0.02, 0.03], [-0.15, 0.005, 0.0325]], atol=1e-7)
    turns = np.radians([[10, 20, 30], [40, 50, 60]])
    for joint, (z, x, y) in enumerate(turns):
        expected = axis_matrix("z", z) @ axis_matrix("x", x) @ axis_matrix("y", y)
        np.testing.assert_allclose(quat.to_matrix(clip.rotations[0, joint]), expected, atol=1e-6)
    np.testing.assert_array_equal(clip.rotations[:, 2], np.tile(quat.IDENTITY, (2, 1)))


@pytest.mark.parametrize("order", ["".join(order) for order in permutations("XYZ")])
def test_channels_in_any_order_turn_in_that_order(order: str) -> None:
    channels = " ".join(f"{axis}rotation" for axis in order)
    text = PLAIN.replace("CHANNELS 3 Zrotation Xrotation Yrotation", f"CHANNELS 3 {channels}")
    expected = np.eye(3)
    for axis, angle in zip(order.lower(), (40, 50, 60), strict=True):
        expected = expected @ axis_matrix(axis, np.radians(angle))
    np.testing.assert_allclose(quat.to_matrix(bvh.parse(text).rotations[0, 1]), expected, atol=1e-6)


def test_positions_in_any_order_and_fewer_rotations_are_read() -> None:
    text = PLAIN.replace(
        "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
        "CHANNELS 3 Zposition Xposition YROTATION",
    )
    text = text.replace("1 2 3 10 20 30 40 50 60", "1 2 90 40 50 60").replace(
        "-1.5e1 .5 +3.25 -10 1e1 0 4E-1 5 6", "0 0 0 0 0 0"
    )
    clip = bvh.parse(text, scale=1.0)
    np.testing.assert_allclose(clip.root[0], [2, 90, 1], atol=1e-6)  # Y, which has no channel, keeps the offset's 90
    np.testing.assert_allclose(quat.to_matrix(clip.rotations[0, 0]), axis_matrix("y", np.pi / 2), atol=1e-6)


def test_translation_on_any_joint_moves_its_bone_and_replaces_the_offset() -> None:
    text = PLAIN.replace("CHANNELS 3 Z", "CHANNELS 6 Xposition Yposition Zposition Z")
    text = text.replace(" 40 50 60", " 7 8 9 40 50 60").replace(" 4E-1 5 6", " 0 -5 0 4E-1 5 6")
    clip = bvh.parse(text, scale=0.01)
    assert clip.offsets is not None
    np.testing.assert_allclose(clip.offsets[0, 1], [0.07, 0.08, 0.09], atol=1e-7)
    np.testing.assert_allclose(clip.offsets[:, 2], clip.skeleton.offsets[[2, 2]], atol=1e-7)


def test_several_end_sites_of_one_joint_get_names_of_their_own() -> None:
    end = "    End Site\n    {\n      OFFSET 0.0 -80.0 0.0\n    }\n"
    clip = bvh.parse(PLAIN.replace(end, end + end.replace("-80", "7") + end))
    assert clip.skeleton.joints[2:] == ("Left Leg_end", "Left Leg_end2", "Left Leg_end3")


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "\ufeff" + PLAIN,
        PLAIN.replace("  ", "\t").replace("\n", "  \n\n"),
        PLAIN.replace("\n{", " {").replace("\n  {", " {").replace("\n    {", "{"),
        PLAIN.lower().replace("hips", "Hips").replace("left leg", "Left Leg"),
        PLAIN.rstrip("\n"),
        PLAIN.replace("Frames: 2", "Frames:\t2").replace("Frame Time: ", "Frame Time:\t"),
    ],
    ids=["CRLF", "CR", "byte order mark", "tabs and empty lines", "braces", "lower case", "no last line end", "tabs"],
)
def test_ways_of_writing_the_same_file_give_the_same_clip(tmp_path: Path, text: str) -> None:
    (tmp_path / "same.bvh").write_bytes(text.encode())
    ours, theirs = bvh.read(tmp_path / "same.bvh"), bvh.parse(PLAIN)
    assert ours.skeleton.joints == theirs.skeleton.joints
    np.testing.assert_array_equal(clips.positions(ours), clips.positions(theirs))
    assert ours.fps == theirs.fps


def test_a_tall_skeleton_is_taken_for_centimetres_and_a_short_one_for_metres() -> None:
    tall = bvh.parse(PLAIN)
    np.testing.assert_allclose(tall.skeleton.offsets[2], [0, -0.8, 0], atol=1e-6)
    short = bvh.parse(PLAIN.replace("90.0", "0.9").replace("10.0 -5.0", "0.1 -0.05").replace("-80.0", "-0.8"))
    np.testing.assert_allclose(short.skeleton.offsets[2], [0, -0.8, 0], atol=1e-6)


def test_where_a_body_stands_does_not_make_it_tall() -> None:
    metres = PLAIN.replace("10.0 -5.0", "0.1 -0.05").replace("-80.0", "-0.8")  # stands 90 m above the origin
    np.testing.assert_allclose(bvh.parse(metres).skeleton.offsets[2], [0, -0.8, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("units", "metres"),
    [(1.0, 0.01), (0.01, 1.0), (1 / 5.6444, 0.056444), (10.0, 0.001)],
    ids=["centimetres", "metres", "CMU's unit", "millimetres"],
)
def test_the_unit_is_guessed_from_the_size_of_a_person(units: float, metres: float) -> None:
    """The legs of PLAIN are 90 cm long."""
    text = PLAIN.replace("10.0 -5.0 0.0", f"{10 * units} {-5 * units} 0").replace("-80.0", f"{-80 * units}")
    text = text.replace("90.0", f"{90 * units}")
    clip = bvh.parse(text)
    np.testing.assert_allclose(clip.skeleton.offsets[1:], [[0.1, -0.05, 0], [0, -0.8, 0]], rtol=1e-4)
    np.testing.assert_allclose(clip.root[0], np.array([1, 2, 3]) * metres, rtol=1e-4)


@pytest.mark.parametrize(
    ("written", "fps"),
    [
        ("0.0333333", 30), (".03333", 30), ("0.033", 30), ("0.008333", 120), ("0.00833333", 120), ("0.016667", 60),
        ("0.0416666667", 24), ("0.04", 25), ("0.05", 20), ("0.01", 100), ("1", 1), ("5e-2", 20),
        ("0.008342", 120000 / 1001), ("0.0333667", 30000 / 1001), ("0.0417083", 24000 / 1001), ("0.03", 1 / 0.03),
        ("0.0123456", 1 / 0.0123456),
    ],
)  # fmt: skip
def test_a_frame_time_is_the_rate_that_it_was_rounded_from(written: str, fps: float) -> None:
    assert bvh.parse(PLAIN.replace("0.05", written)).fps == fps


@given(st.sampled_from([24, 25, 30, 48, 50, 60, 90, 100, 120, 240]), st.integers(4, 12))
def test_common_rates_come_back_however_their_frame_times_are_rounded(fps: int, decimals: int) -> None:
    assert bvh.parse(PLAIN.replace("0.05", f"{1 / fps:.{decimals}f}")).fps == fps


def test_the_frames_that_are_there_are_read_on_demand() -> None:
    more = PLAIN.replace("Frames: 2", "Frames: 2000")
    for text in (more, more + "1 2 3 4 5", more + "1 2 3 4 5 6 7 8 9\n1 2 3 4 5 6 7 8 -"):
        clip = bvh.parse(text, partial=True)
        np.testing.assert_array_equal(clip.rotations[:2], bvh.parse(PLAIN).rotations)
        assert len(clip) == text.count("\n") - PLAIN.count("\n") + 2
        with pytest.raises(BadFile, match=r"truncated|cut short|got '-'"):
            bvh.parse(text)


def test_frames_beyond_those_announced_are_left_out() -> None:
    np.testing.assert_array_equal(bvh.parse(PLAIN + LAST + "\nand words").root, bvh.parse(PLAIN).root)


def test_a_file_of_windows_in_sixteen_bits_is_read(tmp_path: Path) -> None:
    (tmp_path / "wide.bvh").write_bytes(PLAIN.replace("\n", "\r\n").encode("utf-16"))
    np.testing.assert_array_equal(bvh.read(tmp_path / "wide.bvh").rotations, bvh.parse(PLAIN).rotations)


def test_names_in_an_old_eight_bit_code_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "old.bvh").write_bytes(
        PLAIN.replace("Hips", "\xfcber").replace("Left Leg", "\xe4ber").encode("latin-1")
    )
    assert bvh.read(tmp_path / "old.bvh").skeleton.joints[:2] == ("\xfcber", "\xe4ber")


def test_a_joint_without_channels_and_a_file_without_any_stand_still() -> None:
    still = (
        PLAIN.replace("    CHANNELS 3 Zrotation Xrotation Yrotation\n", "")
        .replace(" 40 50 60", "")
        .replace(" 4E-1 5 6", "")
    )
    np.testing.assert_array_equal(bvh.parse(still).rotations[:, 1], np.tile(quat.IDENTITY, (2, 1)))
    pose = "".join(line for line in PLAIN.splitlines(True) if "CHANNELS" not in line).partition("Frame Time: 0.05\n")
    clip = bvh.parse("".join(pose[:2]), scale=1)
    np.testing.assert_array_equal(clip.root, [[0, 90, 0]] * 2)


def test_large_turns_lose_nothing() -> None:
    whole = bvh.parse(PLAIN.replace(" 40 50 60", f" {40 + 36000} {50 - 7200} {60 + 360000}"))
    assert angle_between(whole.rotations, bvh.parse(PLAIN).rotations).max() < 1e-5


def test_ten_thousand_joints_deep_is_read_and_written_and_more_are_refused() -> None:
    def nested(depth: int) -> str:
        head = "".join(f"{'JOINT' if i else 'ROOT'} j{i}\n{{\nOFFSET 0 1 0\n" for i in range(depth))
        return f"HIERARCHY\n{head}{'}' * depth}\nMOTION\nFrames: 1\nFrame Time: 1\n"

    deep = bvh.parse(nested(3000))
    assert len(bvh.parse(bvh.text(deep))) == 1
    with pytest.raises(BadFile, match="line 30003: it has 10001 joints"):
        bvh.parse(nested(10_001))


LAST = "-1.5e1 .5 +3.25 -10 1e1 0 4E-1 5 6"
BROKEN: dict[str, tuple[str, int, str]] = {
    "blank": ("\n \n", 2, "truncated or no BVH"),
    "another kind of file": ("# a note\n" + PLAIN, 1, "begins with HIERARCHY"),
    "ends in the hierarchy": (PLAIN[: PLAIN.index("    End")], 9, "truncated"),
    "ends in a number": (PLAIN[:-12], 20, "expected 9"),
    "ends between frames": (PLAIN[: PLAIN.index(LAST)], 19, "announces 2 frames and holds 1"),
    "ends before MOTION": (PLAIN[: PLAIN.index("MOTION")], 15, "truncated"),
    "ends after MOTION": (PLAIN[: PLAIN.index("Frames:")], 17, "expected 'frames:'"),
    "no frame time": (PLAIN.replace("Frame Time: 0.05\n", ""), 18, "expected 'frame time:'"),
    "no frames": (PLAIN.replace("Frames: 2", "Frames: 0"), 17, "no frames"),
    "fewer frames than announced": (PLAIN.replace("Frames: 2", "Frames: 2000"), 20, "2000 frames and holds 2"),
    "a frame time of zero": (PLAIN.replace("0.05", "0"), 18, "must be positive"),
    "a frame time that is none": (PLAIN.replace("0.05", "nan"), 18, "finite"),
    "a comma for a point": (PLAIN.replace("1 2 3 10", "1,5 2 3 10"), 19, "a point, not a comma"),
    "a comma in an offset": (PLAIN.replace("-80.0", "-80,0"), 12, "a point, not a comma"),
    "no number": (PLAIN.replace("+3.25", "left"), 20, "expected 9 numbers"),
    "not a number": (PLAIN.replace("+3.25", "nan"), 20, "finite"),
    "infinity": (PLAIN.replace("+3.25", "inf"), 20, "finite"),
    "a row too long": (PLAIN.replace("40 50 60", "40 50 60 70"), 19, "expected 9"),
    "rows that only fit together": (PLAIN.replace(" 60\n-1.5e1", "\n60 -1.5e1"), 19, "expected 9"),
    "a joint twice": (PLAIN.replace("Left Leg", "Hips"), 6, "'Hips' is listed twice"),
    "two characters": (PLAIN.replace("MOTION", "ROOT Other\n{\n}\nMOTION"), 16, "second root"),
    "a brace too few": (PLAIN.replace("}\nMOTION", "MOTION"), 15, "a brace is missing"),
    "a brace too many": (PLAIN.replace("}\nMOTION", "}\n}\nMOTION"), 16, "never opened"),
    "a brace from nowhere": (PLAIN.replace("HIERARCHY\n", "HIERARCHY\n{\n"), 2, "without a joint"),
    "an unknown channel": (PLAIN.replace("Zposition Zrot", "Zposition Wrot"), 5, "Wrot"),
    "a wrong count of channels": (PLAIN.replace("CHANNELS 6", "CHANNELS 5"), 5, "channels are not readable"),
    "an offset too short": (PLAIN.replace("10.0 -5.0 0.0", "10.0 -5.0"), 8, "expected 3"),
    "a strange word": (PLAIN.replace("  OFFSET 0.0 90", "  SCALE 1\n  OFFSET 0.0 90"), 4, "unexpected 'SCALE 1'"),
    "half a frame": (PLAIN.replace("Frames: 2", "Frames: 1.5"), 17, "announces 1.5"),
    "frames without end": (PLAIN.replace("Frames: 2", "Frames: 9e15"), 17, "more than is read at once"),
    "bones of no length": (PLAIN.replace("10.0 -5.0", "0 0").replace("-80.0", "0"), 6, "zero, from joint 'Left Leg'"),
    "a position twice": (PLAIN.replace("Xposition Y", "Yposition Y"), 5, "'Hips' has the channel Yposition twice"),
    "an offset of no numbers": (PLAIN.replace("10.0 -5.0", "10.0 nan"), 8, "the offset of joint 'Left Leg'"),
    "a number with a joint": (PLAIN.replace("4E-1 5", "4E-1 x"), 20, "'x' for Xrotation of joint 'Left Leg'"),
    "Python's own digits": (PLAIN.replace("+3.25", "3_25"), 20, "'3_25' for Zposition of joint 'Hips'"),
    "no joint at all": ("HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 1\n", 2, "brace is missing"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_by_file_and_line(tmp_path: Path, what: str) -> None:
    text, line, words = BROKEN[what]
    path = tmp_path / "broken.bvh"
    path.write_bytes(text.encode())
    with pytest.raises(BadFile) as caught:
        bvh.read(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_files_of_one_hierarchy_stay_apart() -> None:
    first = bvh.parse(PLAIN, "first.bvh", 1.0)
    moved = bvh.parse(PLAIN.replace("1 2 3 10", "7 2 3 10"), "second.bvh", 0.5)
    again = bvh.parse(PLAIN, "third.bvh", 1.0)
    np.testing.assert_array_equal(again.root, first.root)
    np.testing.assert_array_equal(again.skeleton.offsets, first.skeleton.offsets)
    np.testing.assert_array_equal(moved.skeleton.offsets, first.skeleton.offsets * np.float32(0.5))
    assert moved.root[0, 0] == 3.5
    for name in ("fourth.bvh", "fifth.bvh"):
        with pytest.raises(BadFile, match=rf"{name}, line 8: .*'Left Leg'"):
            bvh.parse(PLAIN.replace("10.0 -5.0", "10.0 nan"), name)


@given(st.binary(max_size=400))
def test_no_bytes_at_all_raise_anything_but_bad_file(content: bytes) -> None:
    with pytest.raises(BadFile):
        bvh.parse(content.decode("utf-8", errors="replace"))


@given(st.integers(0, len(PLAIN) - 1), st.characters(codec="utf-8"))
def test_one_wrong_character_is_read_or_refused_and_never_a_crash(at: int, wrong: str) -> None:
    try:
        clip = bvh.parse(PLAIN[:at] + wrong + PLAIN[at + 1 :])
    except BadFile:
        return
    assert np.isfinite(clip.root).all()


@given(st.integers(0, len(PLAIN) - 3))
def test_a_file_cut_short_anywhere_is_refused(stop: int) -> None:
    with pytest.raises(BadFile):
        bvh.parse(PLAIN[:stop])


def test_a_missing_file_a_folder_and_a_binary_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "image.bvh").write_bytes(bytes(range(256)) * 40)
    for path in (tmp_path / "nothing.bvh", tmp_path, tmp_path / "image.bvh"):
        with pytest.raises(BadFile, match=path.name):
            bvh.read(path)


@mocap.needed
def test_bones_that_move_put_the_joints_where_the_exact_files_say(cache: Path) -> None:
    """KayKit's clips lie there twice: with turns alone and, exact, with moving hips and shoulders."""
    plain, exact = (
        bvh.read(mocap.find("cc0/clips.tar.xz", f"{folder}/Lie_Down.bvh", cache)) for folder in ("kaykit", "exact")
    )
    assert plain.offsets is None
    assert exact.offsets is not None
    apart = np.linalg.norm(clips.positions(plain) - clips.positions(exact), axis=-1)
    assert 0.01 < apart.max() < 0.3


@mocap.needed
def test_every_bvh_of_the_small_archives_is_read(cache: Path) -> None:
    for archive in ("misc.tar.xz", "cc0/clips.tar.xz"):
        for path in mocap.files(archive, ".bvh", cache):
            clip = bvh.read(path)
            height = np.ptp(clip.skeleton.rest_positions(), axis=0).max()
            assert 0.2 < height < 3.5, path.name
