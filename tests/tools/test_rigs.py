"""One clip on five rigs: every rig stands where it should in the picture, and strangers are refused."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from motion.bodies.loft import unit
from motion.clip import positions
from motion.retargeting.joint_map import map_joints
from motion.skeleton import SMPLX22
from tests import mocap
from tests.imports import ROOT
from tests.motion.clips import FIXTURES, backflip
from tools import rigs


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.rigs", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@mocap.needed
def test_five_rigs_show_the_same_moments_side_by_side(cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "five.png"
    done = run(str(FIXTURES / "backflip.npz"), "--out", str(out), "--times", "3", "--cache", str(cache))
    assert done.returncode == 0, done.stderr
    columns = 6 if find_spec("anny") else 5
    picture = np.asarray(Image.open(out).convert("RGB"))
    width, height = rigs.TILE
    assert picture.shape[1] == columns * (width + 3) - 3
    assert picture.shape[0] > 3 * height
    # No tile is empty: bodies are darker than floor and sky.
    for column in range(columns):
        tile = picture[70 : 70 + height, column * (width + 3) : column * (width + 3) + width]
        assert (tile.max(axis=-1) < 205).mean() > 0.01


@mocap.needed
def test_every_rig_turns_head_over_heels_when_the_clip_does(cache: Path) -> None:
    clip = backflip()
    at = positions(clip)
    source = unit(at[:, SMPLX22.index("head")] - at[:, 0])[:, 1]
    for rig in rigs.rigs(mocap.MOCAP, cache):
        scene = rigs.staged(clip, rig)
        assert len(scene.clip) == len(clip)
        vertices = np.stack([scene.pose(frame)[0] for frame in (0, 18)])
        assert abs(vertices[0, :, 1].min()) < 0.12, f"{rig.name} stands on the floor"
        roles = map_joints(scene.clip.skeleton, places=scene.positions).roles
        up = unit(scene.positions[:, roles["head"]] - scene.positions[:, roles["pelvis"]])[:, 1]
        assert np.corrcoef(up, source)[0, 1] > 0.97, rig.name
        assert up.min() < -0.7, rig.name


def test_a_file_that_is_none_is_refused_with_a_sentence(tmp_path: Path) -> None:
    done = run(str(tmp_path / "none.bvh"), "--mocap", str(tmp_path))
    assert done.returncode == 2
    assert "set MOTUS_MOCAP" in done.stderr
    assert "Traceback" not in done.stderr
