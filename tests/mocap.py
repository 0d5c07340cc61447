"""Where the archives of motion capture lie, and one recorded file of each kind of skeleton in them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache as memoised
from pathlib import Path
from typing import TypeVar, cast

import pytest

from export.corpora.archive import members, unpack
from motion import clip as clips
from motion.clip import Clip
from motion.io import asf_amc, bvh

Test = TypeVar("Test")
MOCAP = Path(os.environ.get("MOTUS_MOCAP", Path(__file__).parents[2] / "shared" / "mocap"))


def needed(test: Test) -> Test:
    """Marks a test that reads the archives: slow, and skipped where they are not."""
    missing = pytest.mark.skipif(not MOCAP.is_dir(), reason="needs the mocap folder; set MOTUS_MOCAP to it")
    return cast(Test, pytest.mark.slow(missing(test)))


@dataclass(frozen=True)
class Rig:
    """A file on one kind of skeleton, and what its joints are called, with {} for the side."""

    archive: str
    member: str
    hip: str
    knee: str
    ankle: str
    toe: str
    collar: str | None
    shoulder: str
    elbow: str
    wrist: str
    neck: str
    chest: str
    pelvis: str
    sides: tuple[str, str]
    skeleton: str | None = None
    up: str = "y"

    def joint(self, role: str) -> str | None:
        """The joint that plays a role such as "left_knee", "neck" or "spine3"."""
        side, _, part = role.rpartition("_")
        name = getattr(self, {"foot": "toe", "spine3": "chest"}.get(part, part))
        return None if name is None else name.format(self.sides[side == "right"])


def _acclaim(archive: str, member: str, skeleton: str) -> Rig:
    return Rig(
        archive, member, "{}femur", "{}tibia", "{}foot", "{}toes", "{}clavicle", "{}humerus", "{}radius", "{}hand",
        "lowerneck", "thorax", "root", ("l", "r"), skeleton,
    )  # fmt: skip


def _poser(archive: str, member: str) -> Rig:
    return Rig(
        archive, member, "{}Thigh", "{}Shin", "{}Foot", "{}Foot_end", "{}Collar", "{}Shldr", "{}ForeArm", "{}Hand",
        "neck", "chest", "hip", ("l", "r"),
    )  # fmt: skip


def _mixamo(archive: str, member: str, chest: str) -> Rig:
    return Rig(
        archive, member, "{}UpLeg", "{}Leg", "{}Foot", "{}ToeBase", "{}Shoulder", "{}Arm", "{}ForeArm",
        "{}Hand", "Neck", chest, "Hips", ("Left", "Right"),
    )  # fmt: skip


def _cmuconvert(archive: str, member: str) -> Rig:
    return Rig(
        archive, member, "{}Hip", "{}Knee", "{}Ankle", "{}Toe", "{}Collar", "{}Shoulder", "{}Elbow",
        "{}Wrist", "Neck", "Chest2", "Hips", ("Left", "Right"),
    )  # fmt: skip


def _bandai(member: str) -> Rig:
    return Rig(
        "bandai.tar.xz", member, "UpperLeg_{}", "LowerLeg_{}", "Foot_{}", "Toes_{}", "Shoulder_{}", "UpperArm_{}",
        "LowerArm_{}", "Hand_{}", "Neck", "Chest", "Hips", ("L", "R"),
    )  # fmt: skip


RIGS: dict[str, Rig] = {
    "bandai-1": _bandai("dataset-1_run_normal_001.bvh"),
    "bandai-2": _bandai("dataset-2_wave-right-hand_normal_001.bvh"),
    "cmu": _acclaim("cmu.tar.xz", "35_01.amc", "35.asf"),
    "hdm05": _acclaim("hdm05.tar.xz", "HDM_bd_throwBasketball_001_120.amc", "HDM_bd.asf"),
    "cmu-character-creator": Rig(
        "cmu.tar.xz", "05_03.bvh", "CC_Base_{}_Thigh", "CC_Base_{}_Calf", "CC_Base_{}_Foot", "CC_Base_{}_ToeBase",
        "CC_Base_{}_Clavicle", "CC_Base_{}_Upperarm", "CC_Base_{}_Forearm", "CC_Base_{}_Hand", "CC_Base_NeckTwist01",
        "CC_Base_Spine02", "CC_Base_Pelvis", ("L", "R"),
    ),
    "cmu-poser": _poser("cmu.tar.xz", "08_05.bvh"),
    "cmu-makehuman": Rig(
        "cmu.tar.xz", "49_04.bvh", "{}hip", "{}knee", "{}foot", "toe1-1.{}", "{}collar", "{}shoulder", "{}elbow",
        "{}hand", "neck", "chest", "hip", ("l", "r"),
    ),
    "cmu-converted": _cmuconvert("cmu.tar.xz", "131_03.bvh"),
    "cmu-acclaim-bvh": Rig(
        "cmu.tar.xz", "16_01.bvh", "{}femur", "{}tibia", "{}foot", "{}toes", "{}clavicle", "{}humerus", "{}radius",
        "{}wrist", "lowerneck", "thorax", "hip", ("l", "r"),
    ),
    "dance": _poser("dance.tar.xz", "martial/03.bvh"),
    "misc-rokoko": _mixamo("misc.tar.xz", "jesse_dance.bvh", "Spine2"),
    "misc-motionbuilder": replace(_mixamo("misc.tar.xz", "wave_hello.bvh", "Spine3"), up="z"),
    "misc-converted": _cmuconvert("misc.tar.xz", "jumping_jacks.bvh"),
    "kaykit": Rig(
        "cc0/clips.tar.xz", "kaykit/exact/Throw.bvh", "upperleg.{}", "lowerleg.{}", "foot.{}", "toes.{}", None,
        "upperarm.{}", "lowerarm.{}", "wrist.{}", "head", "chest", "hips", ("l", "r"),
    ),
    "mesh2motion": Rig(
        "cc0/clips.tar.xz", "mesh2motion/throw-ball.bvh", "thigh_{}", "calf_{}", "foot_{}", "ball_{}", "clavicle_{}",
        "upperarm_{}", "lowerarm_{}", "hand_{}", "neck_01", "spine_03", "pelvis", ("l", "r"),
    ),
}  # fmt: skip


def find(archive: str, name: str, cache: Path) -> Path:
    """A file of an archive by the end of its path."""
    return next(path for path in sorted(unpack(MOCAP / archive, cache).rglob("*")) if path.as_posix().endswith(name))


def rest(rig: Rig, cache: Path) -> Clip:
    """The file's first two frames: enough to see its skeleton."""
    path = find(rig.archive, rig.member, cache)
    if rig.skeleton is not None:
        return clips.cut(recorded(rig, cache), 0, 2)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip().lower().startswith("frames:"))
    return bvh.parse("\n".join([*lines[:at], "Frames: 2", *lines[at + 1 : at + 4]]), str(path), None, path.stem)


@memoised
def recorded(rig: Rig, cache: Path, most: int = 240) -> Clip:
    """The file's motion at 30 frames per second, at most that many of them from its middle on."""
    path = find(rig.archive, rig.member, cache)
    skeleton = None if rig.skeleton is None else find(rig.archive, "/" + rig.skeleton, cache)
    clip = clips.resample(bvh.read(path) if skeleton is None else asf_amc.read(skeleton, path), 30.0)
    start = max(0, (len(clip) - most) // 2)
    return clips.cut(clip, start, min(len(clip), start + most))


def files(archive: str, suffix: str, cache: Path) -> list[Path]:
    """All files of an archive that end in `suffix`."""
    folder = unpack(MOCAP / archive, cache)
    return [folder / member for member in members(folder, suffix)]
