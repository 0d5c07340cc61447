"""Acclaim files, against the format's own description worked out with 4 x 4 matrices in float64."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from motion import clip as clips
from motion import contacts
from motion.clip import Clip
from motion.errors import BadFile
from motion.io import asf_amc, bvh
from motion.retargeting.retarget import retarget
from tests import mocap
from tests.motion.clips import FIXTURES
from tests.motion.turns import F64, axis_matrix

ASF = """# a note
:version 1.10
:name test
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
   nothing
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name thigh
     direction 0.6 -0.8 0
     length 7
     axis 10 20 30 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
     id 2
     name shin
     direction 0 -1 0
     length 6
     axis 5 0 -40 XYZ
    dof rx
    limits (-10.0 170.0)
  end
  begin
     id 3
     name tail
     direction 0 0 -1
     length 2
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root thigh tail
    thigh shin
  end
"""
AMC = """#!OML:ASF nowhere
:FULLY-SPECIFIED
:DEGREES
1
root 1 17.5 -2 10 20 30
thigh 40 -50 60
shin 70
2
root 2 16.5 -1e0 -10 120 3.5
thigh 4 5 6
shin 7
"""
UNIT = 0.0254 / 0.45


def _read(folder: Path, asf: str = ASF, amc: str = AMC) -> Clip:
    (folder / "body.asf").write_bytes(asf.encode("latin-1"))
    (folder / "move.amc").write_bytes(amc.encode("latin-1"))
    return asf_amc.read(folder / "body.asf", folder / "move.amc")


def _bones(asf: str) -> tuple[dict[str, dict[str, list[str]]], dict[str, str]]:
    """Each bone's fields, and each bone's parent, read without a care for errors."""
    bones: dict[str, dict[str, list[str]]] = {}
    for block in asf.split(":bonedata")[1].split(":hierarchy")[0].split("begin")[1:]:
        fields = {line.split()[0]: line.split()[1:] for line in block.splitlines() if line.split()}
        bones[fields["name"][0]] = fields
    rows = [line.split() for line in asf.split(":hierarchy")[1].splitlines() if len(line.split()) > 1]
    return bones, {child: row[0] for row in rows for child in row[1:]}


def _turn(x_deg: float, y_deg: float, z_deg: float) -> F64:
    """About X, then Y, then Z of the fixed frame."""
    x, y, z = np.radians([x_deg, y_deg, z_deg])
    return axis_matrix("z", z) @ axis_matrix("y", y) @ axis_matrix("x", x)


def _tips(asf: str, frame: str) -> dict[str, F64]:
    """World positions in metres of the far ends of all bones: L = C M C^-1, each bone's own length in front of it."""
    bones, parents = _bones(asf)
    values = {words[0]: [float(word) for word in words[1:]] for words in map(str.split, frame.strip().splitlines())}
    turns: dict[str, F64] = {"root": _turn(*values["root"][3:])}
    tips: dict[str, F64] = {"root": np.array(values["root"][:3])}
    for bone, parent in parents.items():
        fields = bones[bone]
        angles = dict.fromkeys(("rx", "ry", "rz"), 0.0) | dict(
            zip(fields.get("dof", []), values.get(bone, []), strict=True)
        )
        c = _turn(*(float(word) for word in fields["axis"][:3]))
        turns[bone] = turns[parent] @ c @ _turn(angles["rx"], angles["ry"], angles["rz"]) @ c.T
        along = np.array([float(word) for word in fields["direction"]]) * float(fields["length"][0])
        tips[bone] = tips[parent] + turns[bone] @ along
    return {bone: tip * UNIT for bone, tip in tips.items()}


def _check(clip: Clip, asf: str, frames: dict[int, str]) -> None:
    positions = clips.positions(clip)
    joints = clip.skeleton.joints
    for t, frame in frames.items():
        for bone, tip in _tips(asf, frame).items():
            bone_ends = [i for i, p in enumerate(clip.skeleton.parents) if p >= 0 and joints[p] == bone]
            ends = [joints.index("root")] if bone == "root" else bone_ends  # the tip is where the next bones begin
            for i in ends:
                np.testing.assert_allclose(positions[t, i], tip, atol=2e-5)


def test_bones_point_where_the_formats_description_puts_them(tmp_path: Path) -> None:
    clip = _read(tmp_path)
    assert clip.skeleton.joints == ("root", "thigh", "shin", "shin_end", "tail", "tail_end")
    assert (clip.fps, len(clip), clip.name) == (120.0, 2, "move")
    _, first, second = AMC.split("\n1\n")[0], *AMC.split("\n1\n")[1].split("\n2\n")
    _check(clip, ASF, {0: first, 1: second})


def test_lengths_are_metres(tmp_path: Path) -> None:
    clip = _read(tmp_path)
    thigh = clips.positions(clip)[:, 2] - clips.positions(clip)[:, 1]
    np.testing.assert_allclose(np.linalg.norm(thigh, axis=-1), 7 * 0.0254 / 0.45, rtol=1e-5)
    np.testing.assert_allclose(clip.root[0], np.array([1, 17.5, -2]) * UNIT, rtol=1e-6)


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("rx ry rz", "RX RY RZ"), ("nothing", "n\xf6")])
def test_line_ends_capitals_and_notes_make_no_difference(tmp_path: Path, change: tuple[str, str]) -> None:
    np.testing.assert_array_equal(
        clips.positions(_read(tmp_path, ASF.replace(*change), AMC.replace(*change))), clips.positions(_read(tmp_path))
    )


SKELETONS: dict[str, tuple[str, str]] = {
    "empty": ("", "the file is empty"),
    "another kind of file": ("HIERARCHY\nROOT hips\n", "is this an ASF file?"),
    "cut in the bones": (ASF[: ASF.index("  begin\n     id 3")], "is this an ASF file?"),
    "cut in the hierarchy": (ASF[: ASF.index("    thigh shin")], "move.amc, line 7: names the bone 'shin'"),
    "no number": (ASF.replace("length 7", "length long"), "line 20: expected 1 numbers"),
    "a length of nothing": (ASF.replace("length 7", "length"), "line 20: expected 1 finite numbers"),
    "not a number": (ASF.replace("0.6 -0.8 0", "0.6 nan 0"), "line 19: expected 3 finite numbers"),
    "a direction too short": (ASF.replace("0.6 -0.8 0", "0.6 -0.8"), "line 19: expected 3 finite numbers"),
    "a bone without a name": (ASF.replace("     name thigh\n", ""), "a bone without a name"),
    "a bone nobody knows": (ASF.replace("root thigh tail", "root thigh tale"), "'tale' under 'root'"),
    "a circle": (ASF.replace("thigh shin", "thigh root"), "'root' under 'thigh'"),
    "a circle away from the root": (ASF.replace("root thigh tail\n", "root tail\n shin thigh\n"), "runs in a circle"),
    "a bone twice": (ASF.replace("name shin", "name thigh"), "bone 'thigh' is listed twice"),
    "bones of no length": (re.sub(r"length \d\n", "length 0\n", ASF), "no length, from 'thigh' on"),
    "a comma for a point": (
        ASF.replace("0.6 -0.8 0", "0,6 -0,8 0"),
        "the direction of bone 'thigh', got '0,6 -0,8 0'; decimals",
    ),
    "one axis twice": (ASF.replace("dof rx ry rz", "dof rx ry rx"), "bone 'thigh' moves by 'rx'"),
    "two parents": (ASF.replace("thigh shin", "thigh shin tail"), "'tail' under 'thigh'"),
    "a unit of zero": (ASF.replace("length 0.45", "length 0"), "line 6: the unit of length is 0.0"),
    "a unit of nothing": (ASF.replace("length 0.45", "length"), "line 6: expected 1 finite numbers"),
    "another order of the root": (ASF.replace("RX RY RZ\n", "RZ RY RX\n"), "only tx ty tz rx ry rz is read"),
    "a strange axis": (ASF.replace("10 20 30 XYZ", "10 20 30 XXZ"), "line 21: the axis order 'xxz'"),
    "a sliding bone": (ASF.replace("dof rx\n", "dof tx\n"), "line 33: bone 'shin' moves by 'tx'"),
}
MOTIONS: dict[str, tuple[str, str]] = {
    "empty": ("", "the file is empty"),
    "no frames": (AMC.split("1\n")[0], "is this an AMC file?"),
    "cut in a number of the last frame": (AMC[: AMC.index("20 3.5")], "move.amc, line 9: expected 6"),
    "cut between two bones": (AMC[: AMC.index("thigh 4 5 6")], "stops before the last frame; the file is truncated"),
    "a bone too many": (AMC.replace("shin 7\n", "shin 7\nshin 8\n"), "line 12: bone 'shin' must stand once"),
    "a bone before the first frame": (
        AMC.replace("1\nroot", "shin 1\n1\nroot", 1),
        "line 4: bone 'shin' must stand once",
    ),
    "a bone nobody knows": (AMC.replace("shin 7\n", "shank 7\n"), "line 11: names the bone 'shank'"),
    "too many numbers": (AMC.replace("shin 7\n", "shin 7 8\n"), "line 11: expected 1 finite numbers"),
    "no number": (AMC.replace("shin 7\n", "shin x\n"), "line 11: expected 1 numbers"),
    "not a number": (AMC.replace("17.5", "nan"), "line 5: expected 6 finite numbers"),
    "a comma for a point": (AMC.replace("17.5", "17,5"), "line 5: expected 6 numbers for bone 'root', got '1 17,5"),
    "Python's own digits": (AMC.replace("17.5", "1_7"), "line 5: expected 6 numbers"),
    "radians": (AMC.replace(":DEGREES", ":RADIANS"), "line 3: its angles are radians"),
}


@pytest.mark.parametrize("what", SKELETONS)
def test_a_broken_skeleton_is_named_by_file_and_line(tmp_path: Path, what: str) -> None:
    asf, words = SKELETONS[what]
    with pytest.raises(BadFile) as caught:
        _read(tmp_path, asf=asf)
    assert words in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("what", MOTIONS)
def test_a_broken_motion_is_named_by_file_and_line(tmp_path: Path, what: str) -> None:
    amc, words = MOTIONS[what]
    with pytest.raises(BadFile) as caught:
        _read(tmp_path, amc=amc)
    assert words in str(caught.value)
    assert "move.amc" in str(caught.value)


def test_missing_files_are_named(tmp_path: Path) -> None:
    _read(tmp_path)
    with pytest.raises(BadFile, match=r"none\.asf"):
        asf_amc.read(tmp_path / "none.asf", tmp_path / "move.amc")
    with pytest.raises(BadFile, match=r"none\.amc"):
        asf_amc.read(tmp_path / "body.asf", tmp_path / "none.amc")


TRIALS = {
    "cmu": ("cmu.tar.xz", "/35.asf", "35_01.amc"),
    "hdm05": ("hdm05.tar.xz", "HDM_bd.asf", "HDM_bd_kickLFront1Reps_001_120.amc"),
}


@pytest.mark.parametrize("name", TRIALS)
@mocap.needed
def test_recorded_bones_point_where_the_formats_description_puts_them(name: str, cache: Path) -> None:
    archive, skeleton, motion = TRIALS[name]
    asf, amc = mocap.find(archive, skeleton, cache), mocap.find(archive, motion, cache)
    clip = asf_amc.read(asf, amc)
    frames = re.split(r"^\d+\s*$", amc.read_text(encoding="latin-1"), flags=re.MULTILINE)[1:]
    assert len(frames) == len(clip)
    some = {t: frames[t] for t in (0, len(clip) // 2, len(clip) - 1)}
    _check(clip, asf.read_text(encoding="latin-1"), some)


SAME = {
    "LeftUpLeg": "lfemur", "LeftLeg": "ltibia", "LeftFoot": "lfoot", "LeftToeBase": "ltoes", "RightUpLeg": "rfemur",
    "RightLeg": "rtibia", "RightFoot": "rfoot", "RightToeBase": "rtoes", "LeftArm": "lhumerus",
    "LeftForeArm": "lradius", "LeftHand": "lwrist", "RightArm": "rhumerus", "RightForeArm": "rradius",
    "RightHand": "rwrist", "Spine": "upperback", "Spine1": "thorax", "Neck1": "upperneck", "Head": "head",
}  # fmt: skip
LIMBS = [
    *((f"{side}{a}", f"{side}{b}") for side in ("Left", "Right") for a, b in (
        ("UpLeg", "Leg"), ("Leg", "Foot"), ("Foot", "ToeBase"), ("Arm", "ForeArm"), ("ForeArm", "Hand"))),
    ("Spine", "Spine1"), ("Neck1", "Head"),
]  # fmt: skip


@mocap.needed
def test_one_trial_as_acclaim_and_as_another_makers_bvh_points_the_same_way_within_2_degrees(cache: Path) -> None:
    """CMU 35_01: six of its frames in tests/fixtures, as cgspeed's converter wrote them."""
    exported = bvh.read(FIXTURES / "cmu-35_01.bvh")
    whole = asf_amc.read(mocap.find("cmu.tar.xz", "/35.asf", cache), mocap.find("cmu.tar.xz", "35_01.amc", cache))
    frames = [int(np.abs(whole.root - place).sum(axis=1).argmin()) for place in exported.root]
    assert np.diff(frames).tolist() == [4] * 5
    np.testing.assert_allclose(whole.root[frames], exported.root, atol=1e-5)
    ours, theirs = clips.positions(whole)[frames], clips.positions(exported)
    for near, far in LIMBS:
        a = ours[:, whole.skeleton.index(SAME[far])] - ours[:, whole.skeleton.index(SAME[near])]
        b = theirs[:, exported.skeleton.index(far)] - theirs[:, exported.skeleton.index(near)]
        lengths = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
        np.testing.assert_allclose(*lengths, rtol=1e-4)
        cosine = (a * b).sum(axis=1) / (lengths[0] * lengths[1])
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 2, near


@pytest.mark.parametrize("order", ["shin thigh", "thigh shin"])
def test_frames_with_bones_in_other_orders_are_the_same_motion(tmp_path: Path, order: str) -> None:
    mixed = AMC
    if order == "shin thigh":
        mixed = AMC.replace("thigh 4 5 6\nshin 7\n", "shin 7\nthigh 4 5 6\n")
    np.testing.assert_array_equal(_read(tmp_path, amc=mixed).rotations, _read(tmp_path).rotations)


def test_a_chain_of_thousands_of_bones_is_read(tmp_path: Path) -> None:
    count = 4000
    bones = "".join(f"begin\nname b{i}\ndirection 0 1 0\nlength 1\naxis 0 0 0 XYZ\nend\n" for i in range(count))
    rows = "".join(f"{f'b{i - 1}' if i else 'root'} b{i}\n" for i in range(count))
    clip = _read(tmp_path, f":bonedata\n{bones}:hierarchy\nbegin\n{rows}end\n", "1\nroot 0 0 0 0 0 0\n")
    assert len(clip.skeleton) == count + 2


@mocap.needed
def test_the_feet_of_a_recorded_walk_stand_still_in_turn(cache: Path) -> None:
    """Were turns read in a wrong order, no foot would rest on the floor while the body passes over it."""
    walk = retarget(clips.resample(mocap.recorded(mocap.RIGS["cmu"], cache), 30.0))
    at = clips.positions(walk)
    assert np.linalg.norm(walk.root[-1] - walk.root[0]) > 1.0, "it gets somewhere"
    down = contacts.detect(walk)[:, [1, 3]] > 0.5  # toes
    assert 0.2 < down[:, 0].mean() < 0.8
    assert 0.2 < down[:, 1].mean() < 0.8
    speed = np.linalg.norm(np.diff(at[:, [10, 11]], axis=0), axis=-1) * 30
    assert speed[down[1:]].mean() < 0.2
    assert speed[~down[1:]].mean() > 1.0


@mocap.needed
def test_another_programs_bvh_of_the_same_performer_has_the_same_bones(cache: Path) -> None:
    """Subject 16 lies there as Acclaim and as BVH, made from the same skeleton by an exporter of its own."""
    exported = bvh.read(mocap.find("cmu.tar.xz", "16_01.bvh", cache)).skeleton
    asf, amc = mocap.find("cmu.tar.xz", "/16.asf", cache), mocap.find("cmu.tar.xz", "16_15.amc", cache)
    ours = asf_amc.read(asf, amc).skeleton
    pairs = [
        (ours.offsets[ours.index(joint)], exported.offsets[exported.index(joint)])
        for joint in exported.joints
        if joint in ours.joints
    ]
    pairs = [(a, b) for a, b in pairs if np.linalg.norm(a) > 0 and np.linalg.norm(b) > 0]
    assert len(pairs) > 20
    ratio = np.median([np.linalg.norm(b) / np.linalg.norm(a) for a, b in pairs])
    for a, b in pairs:
        np.testing.assert_allclose(b, a * ratio, atol=2e-4)
