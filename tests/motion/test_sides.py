"""Left and right by name, in the words of every skeleton that is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion import clip as clips
from motion import sides
from motion.skeleton import SMPLX22, Skeleton
from tests import mocap
from tests.mocap import RIGS
from tests.motion.clips import walk
from tests.motion.turns import angle_between


def named(*joints: str) -> Skeleton:
    """A root called `middle` and joints that all hang from it."""
    return Skeleton("named", ("middle", *joints), (-1, *[0] * len(joints)), np.zeros((len(joints) + 1, 3), np.float32))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_hip", "right_hip"),
        ("LeftUpLeg", "RightUpLeg"),
        ("mixamorig:LeftHandThumb1", "mixamorig:RightHandThumb1"),
        ("Bip01 L Thigh", "Bip01 R Thigh"),
        ("upperleg.l", "upperleg.r"),
        ("DEF-thigh.L.001", "DEF-thigh.R.001"),
        ("UpperLeg_L", "UpperLeg_R"),
        ("thumb_01_l", "thumb_01_r"),
        ("CC_Base_L_Calf", "CC_Base_R_Calf"),
        ("J_Bip_L_UpperArm", "J_Bip_R_UpperArm"),
        ("lShldr", "rShldr"),
        ("lfemur", "rfemur"),
        ("LHipJoint", "RHipJoint"),
        ("LEFT_WRIST", "RIGHT_WRIST"),
        ("LeftHand_Left", "RightHand_Right"),
    ],
)
def test_names_that_tell_a_side_find_their_partner(left: str, right: str) -> None:
    assert sides.partners(named(left, right)) == [0, 2, 1]


def test_names_without_a_side_or_without_a_partner_stay() -> None:
    joints = ("lowerback", "root_r", "Spine", "upright", "sword.l", "tail-l-r")
    assert sides.partners(named(*joints)) == list(range(7))


def test_partners_hang_from_partners() -> None:
    tree = Skeleton("odd", ("root", "l_arm", "r_arm", "l_tip", "r_tip"), (-1, 0, 0, 1, 0), np.zeros((5, 3), np.float32))
    assert sides.partners(tree) == [0, 2, 1, 3, 4], "one tip hangs from an arm and the other from the root"


def test_the_canonical_body_is_the_same_on_both_sides() -> None:
    order = sides.partners(SMPLX22)
    assert sum(i != j for i, j in enumerate(order)) == 16
    assert sides.lean(SMPLX22, order) is None


@mocap.needed
@pytest.mark.parametrize("name", RIGS)
def test_recorded_motion_of_every_rig_is_mirrored_joint_for_joint(name: str, cache: Path) -> None:
    rig = RIGS[name]
    clip = clips.cut(mocap.recorded(rig, cache), 0, 24)
    order = sides.partners(clip.skeleton)
    for role in ("left_hip", "left_knee", "left_ankle", "left_shoulder", "left_elbow", "left_wrist"):
        ours, theirs = rig.joint(role), rig.joint(role.replace("left", "right"))
        assert ours is not None
        assert theirs is not None
        assert order[clip.skeleton.index(ours)] == clip.skeleton.index(theirs)
    once = clips.mirror(clip)
    at, shown = clips.positions(once), clips.positions(clip)[:, order] * sides.FLIP
    # Bones of a recorded body are of one length on both sides to a few millimetres; joints add these up.
    assert np.linalg.norm(at - shown, axis=-1).max() < 0.06 * np.ptp(shown[0], axis=0).max()
    twice = clips.mirror(once)
    assert np.abs(clips.positions(twice) - clips.positions(clip)).max() < 1e-3
    assert angle_between(twice.rotations, clip.rotations).max() < 5e-3


def test_the_walk_is_another_walk_in_the_mirror() -> None:
    clip = walk()
    assert np.abs(clips.positions(clips.mirror(clip)) - clips.positions(clip)).max() > 0.1
