"""The converter, run as people run it: every pair of formats, folders and archives, a sentence for what is wrong."""

from __future__ import annotations

import json
import shutil
import tarfile
import zipfile
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from export.metrics import joints
from models.bodies import smplx
from motion import clip as clips
from motion.clip import Clip, positions
from motion.io import bvh, glb, gltf_body, smpl
from motion.skeleton import SMPLX22, Skeleton
from tests import mocap
from tests.blender import environment
from tests.models.bodies.test_smplx import TALLER, model
from tests.motion.clips import FIXTURES, stroll, wriggle
from tests.motion.io.test_asf_amc import AMC, ASF
from tests.motion.rigs import unreal
from tests.motion.test_fingers import apart_deg, bones, grip
from tools import convert, formats
from tools.formats import Reading

WALK = FIXTURES / "kaykit-walk.bvh"
Said = pytest.CaptureFixture[str]
MARKS = (pytest.mark.blender, pytest.mark.slow)


def run(*arguments: object) -> int:
    """The program's exit status."""
    return convert.main([str(argument) for argument in arguments])


def apart(a: Clip, b: Clip) -> float:
    """Largest distance in metres between joints that both have."""
    shared = [joint for joint in a.skeleton.joints if joint in b.skeleton.joints]
    assert len(shared) > 15
    assert len(a) == len(b)
    ours, theirs = (positions(clip)[:, [clip.skeleton.index(joint) for joint in shared]] for clip in (a, b))
    return float(np.abs(ours - theirs).max())


def made(folder: Path, kind: str) -> Path:
    """A walk on `smplx22` in a file of that kind: an ending, or a layout of .npz."""
    path = folder / f"walk-{kind}.{'npz' if kind in ('motus', 'amass', 'smplx') else kind}"
    match kind:
        case "bvh":
            bvh.write(stroll(), path)
        case "motus":
            clips.save(stroll(), path)
        case "amass" | "smplx":
            smpl.write(stroll(), path, kind)
        case _:
            glb.write(stroll(), path)
    return path


@pytest.mark.parametrize(
    ("source", "target"), list(product(["bvh", "motus", "amass", "smplx", "glb", "gltf"], repeat=2))
)  # fmt: skip
def test_every_pair_of_formats_keeps_the_joints_in_place(tmp_path: Path, source: str, target: str) -> None:
    out = tmp_path / f"out.{'npz' if target in ('motus', 'amass', 'smplx') else target}"
    layout = ["--npz", target] if target in ("amass", "smplx") else []
    assert run(made(tmp_path, source), out, *layout) == 0
    back = formats.read(out)
    assert back.fps == 30
    assert apart(stroll(), back) < 1e-4


@pytest.mark.parametrize("version", [pytest.param(version, marks=MARKS) for version in environment.versions()])
def test_fbx_goes_both_ways_through_blender(tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTUS_BLENDER", str(environment.ensure(version)))
    assert run(made(tmp_path, "bvh"), tmp_path / "walk.fbx", "--verify") == 0
    assert run(tmp_path / "walk.fbx", tmp_path / "back.bvh") == 0
    assert apart(stroll(), bvh.read(tmp_path / "back.bvh")) < 1e-3


def test_acclaim_finds_its_skeleton_beside_it_or_by_name(tmp_path: Path) -> None:
    (tmp_path / "01.asf").write_text(ASF)
    (tmp_path / "01_02.amc").write_text(AMC)
    (tmp_path / "other.asf").write_text(ASF)
    assert run(tmp_path / "01_02.amc", tmp_path / "a.bvh") == 0
    assert bvh.read(tmp_path / "a.bvh").fps == 120
    (tmp_path / "01_02.amc").rename(tmp_path / "move.amc")
    assert run(tmp_path / "move.amc", tmp_path / "b.bvh") == 1
    assert run(tmp_path / "move.amc", tmp_path / "b.bvh", "--asf", tmp_path / "01.asf", "--from-fps", 60) == 0
    assert bvh.read(tmp_path / "b.bvh").fps == 60


def test_positions_are_a_table_that_spreadsheets_read(tmp_path: Path) -> None:
    assert run(made(tmp_path, "bvh"), tmp_path / "a.csv", "--units", "cm") == 0
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0].startswith('frame,time_s,"pelvis x (cm)","pelvis y (cm)","pelvis z (cm)","left_hip x (cm)"')
    table = np.array([line.split(",") for line in lines[1:]], np.float64)
    at = positions(stroll())
    joints = [formats.read(made(tmp_path, "bvh")).skeleton.joints.index(joint) for joint in SMPLX22.joints]
    np.testing.assert_allclose(table[:, 2:].reshape(len(at), -1, 3)[:, joints], at * 100, atol=0.01)
    np.testing.assert_allclose(table[:, 1], np.arange(len(at)) / 30, atol=1e-6)


def test_a_rate_a_vertical_axis_and_a_unit_are_as_asked_for(tmp_path: Path) -> None:
    source = made(tmp_path, "bvh")
    assert run(source, tmp_path / "a.bvh", "--fps", 24, "--up", "z", "--units", "m") == 0
    plain = bvh.read(tmp_path / "a.bvh", scale=1.0)
    assert plain.fps == 24
    assert len(plain) == int((len(stroll()) - 1) * 24 / 30) + 1
    assert plain.root[:, 2].mean() == pytest.approx(stroll().root[:, 1].mean(), abs=0.01), "Z is up"
    upright = formats.read(tmp_path / "a.bvh", Reading(units="m"))
    assert apart(clips.resample(stroll(), 24), upright) < 1e-4
    sideways = formats.read(tmp_path / "a.bvh", Reading(units="m", up="y"))
    assert apart(plain, sideways) < 1e-6


def test_a_clip_goes_to_another_skeleton_and_a_report_says_how(tmp_path: Path, capsys: Said) -> None:
    assert run(WALK, tmp_path / "a.npz", "--skeleton", "smplx22", "--report") == 0
    said = capsys.readouterr().out
    assert clips.load(tmp_path / "a.npz").skeleton.joints == SMPLX22.joints
    assert "left_hip" in said
    assert "upperleg.l" in said
    assert run(tmp_path / "a.npz", tmp_path / "b.bvh", "--skeleton", WALK) == 0
    assert bvh.read(tmp_path / "b.bvh").skeleton.joints == bvh.read(WALK).skeleton.joints


@mocap.needed
def test_feet_are_held_on_a_clips_own_skeleton_and_nothing_else_moves(tmp_path: Path) -> None:
    bvh.write(stroll(), tmp_path / "glide.bvh")
    assert run(tmp_path / "glide.bvh", tmp_path / "held.npz", "--lock-feet") == 0
    before, after = formats.read(tmp_path / "glide.bvh"), formats.read(tmp_path / "held.npz")
    skeleton = before.skeleton
    others = [i for i, joint in enumerate(skeleton.joints) if not joint.endswith(("hip", "knee", "ankle"))]
    np.testing.assert_array_equal(after.rotations[:, others], before.rotations[:, others])
    assert after.contacts is not None
    feet = [skeleton.index(f"{side}_{part}") for side in ("left", "right") for part in ("ankle", "foot")]
    slides = [joints.foot_skate(positions(clip)[:, feet], after.contacts, clip.fps) for clip in (before, after)]
    assert slides[1] < 0.5 * slides[0]


def test_hands_reach_where_they_reached_when_asked(tmp_path: Path) -> None:
    bvh.write(wriggle(unreal().skeleton), tmp_path / "rig.bvh")
    ways = [tmp_path / "points.npz", tmp_path / "reaches.npz"]
    for out, more in zip(ways, ([], ["--reach-hands"]), strict=True):
        assert run(WALK, out, "--skeleton", tmp_path / "rig.bvh", *more) == 0
    points, reaches = (formats.read(path) for path in ways)
    arm = [points.skeleton.index(f"{part}_l") for part in ("upperarm", "lowerarm")]
    others = [i for i, joint in enumerate(points.skeleton.joints) if not joint.startswith(("upper", "lower", "hand"))]
    np.testing.assert_array_equal(points.rotations[:, others], reaches.rotations[:, others])
    assert np.abs(points.rotations[:, arm] - reaches.rotations[:, arm]).max() > 0.01


def test_fingers_go_into_an_smplx_file_that_has_them(tmp_path: Path) -> None:
    clips.save(grip(), tmp_path / "grip.npz")
    bvh.write(wriggle(unreal().skeleton), tmp_path / "rig.bvh")
    assert run(tmp_path / "grip.npz", tmp_path / "there.bvh", "--skeleton", tmp_path / "rig.bvh") == 0
    assert run(tmp_path / "there.bvh", tmp_path / "back.npz", "--skeleton", "smplx55", "--npz", "smplx") == 0
    back = formats.read(tmp_path / "back.npz")
    assert apart_deg(bones(grip()), bones(back)) < 0.5


def test_a_users_own_character_keeps_its_mesh_and_gets_the_motion(tmp_path: Path) -> None:
    knight = mocap.MOCAP / "cc0" / "Knight.glb"
    assert run(made(tmp_path, "bvh"), tmp_path / "knight.glb", "--skeleton", knight, "--verify") == 0
    back = glb.read(tmp_path / "knight.glb")
    assert len(back) == len(stroll())
    np.testing.assert_array_equal(gltf_body.read(tmp_path / "knight.glb").vertices, gltf_body.read(knight).vertices)
    head, foot = (positions(back)[:, back.skeleton.index(joint), 1] for joint in ("head", "foot.l"))
    assert (head - foot).min() > 0.5, "it stands"
    assert run(knight, tmp_path / "slow.glb", "--fps", 15) == 0, "a character alone keeps its looks too"
    assert len(gltf_body.read(tmp_path / "slow.glb").vertices) == len(gltf_body.read(knight).vertices)
    assert run(knight, tmp_path / "plain.glb", "--body", "mannequin", "--skeleton", "smplx22") == 0
    assert len(gltf_body.read(tmp_path / "plain.glb").skeleton) == 22


BODIES = pytest.mark.skipif(find_spec("smplx") is None, reason="needs the extra smplx")


@BODIES
def test_a_recording_of_amass_wears_the_body_of_its_own_shape(tmp_path: Path) -> None:
    """On a model file of the right layout, made from our own mannequin."""
    np.savez(tmp_path / "SMPLX_NEUTRAL.npz", allow_pickle=True, **model(55))
    recorded = replace(stroll(), betas=np.array([2.0, *[0.0] * 9], np.float32))
    smpl.write(recorded, tmp_path / "walk.npz", "amass")
    assert run(tmp_path / "walk.npz", tmp_path / "walk.glb", "--body", tmp_path, "--verify") == 0
    back, worn = glb.read(tmp_path / "walk.glb"), gltf_body.read(tmp_path / "walk.glb")
    assert len(back.skeleton) == 55
    own = smplx.load(tmp_path, recorded.betas)
    np.testing.assert_allclose(back.skeleton.offsets[1:], own.skeleton.offsets[1:], atol=1e-5)
    np.testing.assert_allclose(np.ptp(worn.vertices[:, 1]), np.ptp(own.vertices[:, 1]), rtol=1e-4)
    thigh = back.skeleton.offsets[back.skeleton.index("left_knee")]
    assert np.linalg.norm(thigh) == pytest.approx(0.405 * (1 + 2 * TALLER), rel=1e-3)


@BODIES
def test_other_motion_is_retargeted_to_the_body_and_written_with_its_pelvis(tmp_path: Path) -> None:
    np.savez(tmp_path / "SMPLX_NEUTRAL.npz", allow_pickle=True, **model(55))
    assert run(WALK, tmp_path / "walk.npz", "--body", tmp_path, "--npz", "smplx", "--verify") == 0
    own = smplx.load(tmp_path)
    back = smpl.read(tmp_path / "walk.npz", body=own.skeleton)
    assert back.skeleton.joints[:22] == SMPLX22.joints
    assert run(tmp_path / "walk.npz", tmp_path / "walk.glb", "--body", tmp_path) == 0
    assert apart(glb.read(tmp_path / "walk.glb"), back) < 1e-4


@pytest.mark.slow
@pytest.mark.skipif(find_spec("anny") is None, reason="needs the extra anny")
def test_the_open_body_wears_any_motion(tmp_path: Path) -> None:
    assert run(WALK, tmp_path / "anny.glb", "--body", "anny", "--verify") == 0
    back, worn = glb.read(tmp_path / "anny.glb"), gltf_body.read(tmp_path / "anny.glb")
    assert (len(back.skeleton), len(worn.vertices)) == (104, 13_718)
    assert len(back) == len(bvh.read(WALK))


@mocap.needed
def test_every_animation_of_a_file_is_written_when_all_are_asked_for(tmp_path: Path, capsys: Said) -> None:
    source = mocap.MOCAP / "cc0" / "mannequin.glb"
    assert run(source, tmp_path / "one.bvh") == 0
    assert "it holds 34 animations and this is the first, 'Angry': --take NAME picks another" in capsys.readouterr().out
    assert run(source, tmp_path / "bow.bvh", "--take", "Bow") == 0
    assert len(bvh.read(tmp_path / "bow.bvh")) == 90
    assert run(source, tmp_path / "all", "--take", "all", "--to", "bvh") == 0
    names = {path.name for path in (tmp_path / "all").iterdir()}
    assert len(names) == 34
    assert "mannequin-Crawl-RM.bvh" in names


def collection(folder: Path) -> None:
    """A folder with motion, an archive of each kind, things that are no motion, and one broken file."""
    (folder / "deep").mkdir(parents=True)
    made(folder, "bvh")
    shutil.copy(WALK, folder / "deep" / "walk.bvh")
    made(folder / "deep", "glb").rename(folder / "deep" / "walk.glb")
    (folder / "notes.txt").write_text("no motion")
    (folder / ".hidden.bvh").write_text("not looked at")
    (folder / "broken.bvh").write_bytes(bytes(range(256)))
    (folder / "01.asf").write_text(ASF)
    (folder / "01_02.amc").write_text(AMC)
    with tarfile.open(folder / "trials.tar.xz", "w:xz") as tar:
        for name in ("01.asf", "01_02.amc"):
            tar.add(folder / name, f"set/{name}")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.write(WALK, "a/b/walk.bvh")
        archive.writestr("../../outside.bvh", "evil")


def test_a_folder_is_converted_with_its_archives_and_a_table_says_what_became_of_it(
    tmp_path: Path, capsys: Said
) -> None:
    collection(tmp_path / "in")
    assert run(tmp_path / "in", tmp_path / "out", "--to", "bvh", "--verify", "--json", tmp_path / "table.json") == 1
    written = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert written == {
        "walk-bvh.bvh", "deep/walk.bvh.bvh", "deep/walk.glb.bvh", "01_02.bvh", "trials/set/01_02.bvh",
        "more/a/b/walk.bvh",
    }  # fmt: skip
    assert not list(tmp_path.glob("*.bvh"))
    said = capsys.readouterr()
    assert "not converted: broken.bvh" in said.err
    assert "not converted: more.zip: outside.bvh" in said.err
    figures = json.loads((tmp_path / "table.json").read_text())
    assert figures["command"].startswith("python -m tools.convert ")
    table = figures["kinds"]
    assert {kind: (row["files"], row["converted"]) for kind, row in table.items()} == {
        ". .bvh": (2, 1), ". .amc": (1, 1), "deep .bvh": (1, 1), "deep .glb": (1, 1), "trials.tar.xz .amc": (1, 1),
        "more.zip .bvh": (2, 1),
    }  # fmt: skip
    assert all(row.get("apart_mm", 0) < 0.01 for row in table.values())
    assert "trials.tar.xz .amc" in said.out


def test_checking_a_folder_writes_nothing(tmp_path: Path) -> None:
    collection(tmp_path / "in")
    before = sorted(path for path in tmp_path.rglob("*"))
    assert run(tmp_path / "in", "--check", "--workers", 2) == 1
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_an_archive_by_itself_is_converted(tmp_path: Path) -> None:
    collection(tmp_path / "in")
    assert run(tmp_path / "in" / "trials.tar.xz", tmp_path / "out", "--to", "npz") == 0
    assert len(clips.load(tmp_path / "out" / "trials" / "set" / "01_02.npz")) == 2


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["none.bvh", "a.glb"], 2, "none.bvh: there is no such file or folder"),
        (["walk.bvh"], 2, "say where the result goes"),
        (["walk.bvh", "a.obj"], 2, ".obj is not written; give .bvh"),
        (["walk.bvh", "a.amc"], 2, "motion goes to .bvh"),
        (["walk.txt", "a.bvh"], 2, ".txt is not read; give .bvh"),
        (["01.asf", "a.bvh"], 2, "give the .amc, which finds its .asf"),
        (["walk.bvh", "walk.bvh"], 2, "walk.bvh is IN itself"),
        (["walk.bvh", "a.glb", "--up", "z"], 2, "--up z does not apply to .glb"),
        (["walk.bvh", "a.glb", "--units", "cm"], 2, "--units cm does not apply to .glb"),
        (["walk.bvh", "a.fbx", "--units", "m"], 2, "is written in centimetres"),
        (["walk.bvh", "a.bvh", "--npz", "amass"], 2, "--npz amass is for .npz files"),
        (["walk.bvh", "a.bvh", "--fps", "-3"], 2, "--fps -3 is out of range"),
        (["walk.bvh", "a.bvh", "--skeleton", "none.bvh"], 2, "none.bvh: cannot be opened"),
        (["walk.bvh", "a.bvh", "--map", "none.toml"], 2, "none.toml"),
        (["walk.bvh", "a.bvh", "--to", "glb"], 2, "but --to says glb"),
        (["folder", "a.glb"], 2, "give a folder as OUT"),
        (["folder", "out", "--to", "obj"], 2, ".obj is not written"),
        (["empty", "out"], 2, "there is no motion file in it"),
        (["bad.zip", "out"], 2, "the archive cannot be unpacked"),
        (["broken.bvh", "a.glb"], 1, "broken.bvh, line 1: a BVH begins with HIERARCHY"),
        (["walk.bvh", "a.npz", "--npz", "smplx"], 1, "has no 'pelvis'"),
        (["walk.bvh", "a.bvh", "--most-mb", "0"], 2, "--most-mb 0 is out of range"),
        (["crane.npz", "a.bvh", "--skeleton", "smplx22"], 1, "crane"),
        (["walk.bvh", "walk.txt/a.bvh"], 1, "cannot be written"),
        (["walk.bvh", "a.bvh", "--take", "waltz"], 2, "--take is for .glb, .gltf, .fbx and does not apply to walk.bvh"),
        (["walk.bvh", "a.glb", "--asf", "01.asf"], 2, "--asf is for .amc and does not apply to walk.bvh"),
        (["walk.bvh", "a.glb", "--from-fps", "30"], 2, "--from-fps is for .amc, .npz"),
        (["crane.npz", "a.glb", "--partial"], 2, "--partial is for .bvh and does not apply to crane.npz"),
        (["walk.bvh", "a.glb", "--body", "none"], 2, "--body none is neither anny nor mannequin"),
        (["walk.bvh", "a.glb", "--body", "empty"], 1, "there is no body model in it"),
        (["walk.bvh", "a.glb", "--skeleton", "smplx"], 2, "smplx is neither keep nor a motion file nor one of smplx22"),
        (["walk.bvh", "a.bvh", "--fps", "99999999"], 2, "--fps 1e+08 is out of range"),
        (["slow.npz", "a.bvh", "--fps", "90000"], 1, "--fps 90000 would make 1800000000 frames of 2 joints"),
        (["walk.bvh", "nowhere"], 2, "a file without ending is not written; give .bvh"),
        (["walk.bvh", "a.bvh", "--reach-hands"], 2, "--reach-hands is for motion that goes to another skeleton"),
        (["nothing.bvh", "a.glb"], 1, "nothing.bvh: the file is empty"),
        (["walk.glb", "a.bvh"], 1, "walk.glb: its content is that of a .bvh file; give it that ending"),
        (["walk.npz", "a.bvh"], 1, "walk.npz: its content is that of a .bvh file; give it that ending"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(WALK, "walk.bvh")
    Path("walk.txt").write_text("words")
    Path("01.asf").write_text(ASF)
    Path("broken.bvh").write_bytes(bytes(range(256)))
    Path("bad.zip").write_bytes(b"PK")
    Path("nothing.bvh").touch()
    for name in ("walk.glb", "walk.npz"):
        shutil.copy(WALK, name)
    for folder in ("folder", "empty"):
        Path(folder).mkdir()
    shutil.copy(WALK, "folder/a.bvh")
    shutil.copy(WALK, "folder/b.bvh")
    crane = Skeleton("crane", ("base", "boom"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    clips.save(wriggle(crane), Path("crane.npz"))
    clips.save(replace(wriggle(crane), fps=0.001), Path("slow.npz"))
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert run(*arguments) == status
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    if status:
        assert said.count("\n") == 1
        assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before, (
            "nothing is left behind"
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: IN; --help lists all there is"),
        (["walk.bvh", "a.bvh", "--fps", "fast"], "argument --fps: invalid float value: 'fast'; --help lists"),
        (["walk.bvh", "a.bvh", "--up", "x"], "argument --up: invalid choice: 'x'"),
        (["walk.bvh", "a.bvh", "--frames", "3"], "unrecognized arguments: --frames 3"),
    ],
)
def test_arguments_that_there_are_not_are_one_sentence_too(capsys: Said, arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("tools.convert: ")
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("out", [("made/",), ("made", "--to", "glb")])
def test_a_folder_that_is_not_there_yet_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(WALK, *out) == 0
    assert [path.name for path in Path("made").iterdir()] == ["kaykit-walk.glb"]


def test_the_help_teaches(capsys: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        run("--help")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for words in ("--skeleton", "--asf", "--units", "python -m tools.convert walk.bvh walk.glb", "docs/formats.md"):
        assert words in said


@pytest.mark.timeout(3600)
@mocap.needed
def test_every_file_of_the_collection_is_converted_and_comes_back_within_a_twentieth_of_a_millimetre(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3,550 files of eight makers; the one FBX needs a Blender."""
    there = [version for version in environment.versions() if environment.python(version).exists()]
    if there:
        monkeypatch.setenv("MOTUS_BLENDER", str(environment.python(there[0])))
    status = run(mocap.MOCAP, "--check", "--verify", "--to", "bvh", "--workers", 2, "--json", tmp_path / "table.json")
    rows = json.loads((tmp_path / "table.json").read_text())["kinds"]
    print(rows)
    assert sum(row["files"] for row in rows.values()) == 3551
    missed = {kind: row["files"] - row["converted"] for kind, row in rows.items() if row["files"] > row["converted"]}
    assert missed == ({} if there else {"cc0 .fbx": 1})
    assert status == (0 if there else 1)
    assert max(row.get("apart_mm", 0) for row in rows.values()) < 0.05
