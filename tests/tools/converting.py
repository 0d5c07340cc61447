"""The converter as people run it, and files for it to convert."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion import clip as clips
from motion.clip import Clip, positions
from motion.io import bvh, glb, smpl
from tests.motion.clips import FIXTURES, stroll
from tools import convert

WALK = FIXTURES / "kaykit-walk.bvh"
Said = pytest.CaptureFixture[str]


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
