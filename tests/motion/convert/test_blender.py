"""Files through a real Blender: what it reads of ours, what it writes for us, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.clip import Clip, positions
from motion.convert import blender
from motion.errors import BadFile, MissingPart
from motion.io import bvh, glb
from motion.skeleton import SMPLX22, Skeleton
from tests import mocap
from tests.blender import environment
from tests.motion.clips import wriggle

MARKS = (pytest.mark.blender, pytest.mark.slow)


@pytest.fixture(params=[pytest.param(version, marks=MARKS) for version in environment.versions()])
def real(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A Blender of each version that is there."""
    monkeypatch.setenv("MOTUS_BLENDER", str(environment.ensure(request.param)))
    return request.param


def apart(a: Clip, b: Clip) -> float:
    """Largest distance in metres between joints of one name, frame by frame."""
    assert len(a) == len(b)
    assert set(a.skeleton.joints) <= set(b.skeleton.joints)
    order = [b.skeleton.index(joint) for joint in a.skeleton.joints]
    return float(np.linalg.norm(positions(a) - positions(b)[:, order], axis=-1).max())


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
@pytest.mark.usefixtures("real")
def test_blender_imports_our_glb_with_every_joint_within_1_mm(tmp_path: Path, fps: float) -> None:
    clip = wriggle(frames=25, fps=fps)
    glb.write(clip, tmp_path / "clip.glb")
    assert apart(clip, blender.read(tmp_path / "clip.glb", fps=fps)) < 1e-3


@pytest.mark.usefixtures("real")
def test_blender_imports_our_bvh_with_every_joint_within_1_mm(tmp_path: Path) -> None:
    clip = wriggle(frames=25)
    (tmp_path / "clip.bvh").write_text(bvh.text(clip, scale=1.0))  # Blender takes a unit for a metre
    assert apart(clip, blender.read(tmp_path / "clip.bvh")) < 1e-3


@pytest.mark.usefixtures("real")
def test_an_fbx_comes_back_with_every_joint_within_1_mm(tmp_path: Path) -> None:
    clip = wriggle(frames=25)
    blender.write_fbx(clip, tmp_path / "clip.fbx")
    back = blender.read(tmp_path / "clip.fbx")
    assert (back.fps, back.name, back.offsets) == (30, "wriggle", None)
    assert back.skeleton.parents == clip.skeleton.parents
    assert apart(clip, back) < 1e-3


@pytest.mark.usefixtures("real")
def test_an_fbx_of_a_rig_that_moves_bones_comes_back(tmp_path: Path) -> None:
    tree = Skeleton("tree", ("a", "b", "c", "d"), (-1, 0, 1, 1), np.full((4, 3), 0.3, np.float32))
    still = wriggle(tree, frames=12, fps=24)
    moved = still.root[:, None] * np.linspace(0.1, 0.4, 4, dtype=np.float32)[:, None] + tree.offsets
    clip = Clip(tree, 24, still.rotations, still.root, None, "stretch", moved.astype(np.float32))
    blender.write_fbx(clip, tmp_path / "stretch.fbx")
    assert apart(clip, blender.read(tmp_path / "stretch.fbx")) < 1e-3


@pytest.mark.usefixtures("real")
@mocap.needed
def test_a_character_of_another_maker_is_read_from_fbx() -> None:
    clip = blender.read(mocap.MOCAP / "cc0" / "GenevaModel_v2_Tpose_Final.fbx")
    assert len(clip) == 1
    assert {"b_root", "b_l_upleg", "b_head", "b_r_wrist"} <= set(clip.skeleton.joints)
    at = dict(zip(clip.skeleton.joints, positions(clip)[0], strict=True))
    assert 1.4 < at["b_head"][1] < 1.8, "upright, in metres"
    assert at["b_l_wrist"][0] > 0.5, "its left is at +X"
    assert at["b_r_wrist"][0] < -0.5


@pytest.mark.usefixtures("real")
@mocap.needed
def test_an_animation_of_another_maker_is_the_same_to_blender_and_to_us() -> None:
    path = mocap.MOCAP / "cc0" / "Knight.glb"
    assert apart(glb.read(path, "Throw"), blender.read(path, "Throw", 30)) < 1e-3


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("content", [b"", b"Kaydara FBX Binary  \x00\x1a\x00\xe8\x1c\x00\x00", bytes(range(256)) * 10])
def test_what_blender_cannot_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.fbx").write_bytes(content)
    with pytest.raises(BadFile, match=r"broken\.fbx"):
        blender.read(tmp_path / "broken.fbx")


@pytest.mark.usefixtures("real")
def test_a_scene_without_a_skeleton_is_named(tmp_path: Path) -> None:
    crane = Skeleton("crane", ("base", "boom"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    glb.write(wriggle(crane), tmp_path / "crane.glb")
    with pytest.raises(BadFile, match="there is no animation 'waltz' in it; there are wriggle"):
        blender.read(tmp_path / "crane.glb", "waltz")


def test_without_blender_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTUS_BLENDER", str(tmp_path / "nowhere"))
    for attempt in (
        lambda: blender.write_fbx(wriggle(), tmp_path / "a.fbx"),
        lambda: blender.run("read", about=tmp_path),
    ):
        with pytest.raises(MissingPart, match=r"install it .* and set MOTUS_BLENDER to it, or use GLB"):
            attempt()


def test_a_program_that_is_no_blender_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTUS_BLENDER", "true")
    with pytest.raises(BadFile, match="Blender stopped with status 0"):
        blender.write_fbx(wriggle(SMPLX22, frames=2), tmp_path / "a.fbx")
