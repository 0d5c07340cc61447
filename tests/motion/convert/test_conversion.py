"""One file converted: every pair of formats, rates and axes, other skeletons, bodies that are worn."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from export.metrics import joints
from models.bodies import smplx
from motion import clip as clips
from motion.clip import positions
from motion.convert import formats
from motion.convert.formats import Reading
from motion.io import bvh, glb, gltf_body, smpl
from motion.skeleton import SMPLX22
from tests import mocap
from tests.blender import environment
from tests.models.bodies.test_smplx import TALLER, model
from tests.motion.clips import stroll, wriggle
from tests.motion.io.test_asf_amc import AMC, ASF
from tests.motion.retargeting.test_fingers import apart_deg, bones, grip
from tests.motion.rigs import unreal
from tests.tools.converting import WALK, Said, apart, made, run

MARKS = (pytest.mark.blender, pytest.mark.slow)


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
