"""What joint names say, in the spelling of every maker."""

from __future__ import annotations

import numpy as np
import pytest

from motion.retargeting.joint_names import find_roles, hangs_from, read
from motion.skeleton import Skeleton


def words(*joints: str) -> list[tuple[str, str]]:
    """Side and part of each name, read together."""
    parents = tuple(range(-1, len(joints) - 1))
    skeleton = Skeleton("names", joints, parents, np.zeros((len(joints), 3), np.float32))
    return [(name.side, name.part) for name in read(skeleton)]


@pytest.mark.parametrize(
    ("joint", "side", "part"),
    [
        ("mixamorig:LeftUpLeg", "left", "upleg"),
        ("mixamorig12:RightArm", "right", "arm"),
        ("DEF-upper_arm.L.001", "left", "upperarm"),
        ("CC_Base_R_Upperarm", "right", "upperarm"),
        ("J_Bip_L_LowerLeg", "left", "lowerleg"),
        ("Bip001 R Forearm", "right", "forearm"),
        ("lowerarm_l", "left", "lowerarm"),
        ("lShldrBend", "left", "shldrbend"),
        ("rhumerus", "right", "humerus"),
        ("lhipjoint", "left", "hipjoint"),
        ("LHipJoint", "left", "hipjoint"),
        ("UpperLeg_L", "left", "upperleg"),
        ("LEFT_THIGH", "left", "thigh"),
        ("leftUpperLeg", "left", "upperleg"),
        ("Character1_LeftForeArm", "left", "forearm"),
        ("hand.r", "right", "hand"),
        ("lowerback", "", "lowerback"),
        ("radius", "", "radius"),
        ("leg", "", "leg"),
        ("Armature|Hips", "", "hips"),
    ],
)
def test_a_name_is_a_side_and_a_part(joint: str, side: str, part: str) -> None:
    assert words("root", "other", joint)[2] == (side, part)


def test_words_that_most_names_share_say_nothing() -> None:
    said = words("Bob_Hips", "Bob_LeftThigh", "Bob_LeftShin", "Bob_LeftFoot", "Bob_Spine", "prop")
    assert said == [("", "hips"), ("left", "thigh"), ("left", "shin"), ("left", "foot"), ("", "spine"), ("", "prop")]


def test_ends_of_bones_are_told_by_their_names() -> None:
    joints = ("Toe0Nub", "LeftToe_End", "head_end", "End Site", "hand.l_end", "RightHandEnd", "Tip", "extend")
    skeleton = Skeleton("ends", joints, (-1, *range(7)), np.zeros((8, 3), np.float32))
    assert [name.tip for name in read(skeleton)] == [True, True, True, True, True, False, True, False]


def test_a_limb_is_a_chain_whatever_else_bears_its_names() -> None:
    """Props named like limbs, before the body in the file, hang from nowhere near it."""
    joints = ("root", "foot_l", "hips", "thigh_l", "calf_l", "real_foot_l", "foot_l.001")
    skeleton = Skeleton("props", joints, (-1, 0, 0, 2, 3, 4, 4), np.ones((7, 3), np.float32))
    assert find_roles(skeleton)["left_ankle"] == 6


def test_a_rig_that_calls_the_thigh_a_leg_is_understood() -> None:
    joints = ("hips", "leg.l", "knee.l", "foot.l")
    roles = find_roles(Skeleton("legs", joints, (-1, 0, 1, 2), np.ones((4, 3), np.float32)))
    assert (roles["left_hip"], roles["left_knee"], roles["left_ankle"]) == (1, 2, 3)


def test_what_hangs_from_what_is_told_by_the_tree() -> None:
    skeleton = Skeleton("tree", ("a", "b", "c", "d"), (-1, 0, 1, 0), np.zeros((4, 3), np.float32))
    assert hangs_from(skeleton, 2, 0)
    assert hangs_from(skeleton, 2, 1)
    assert not hangs_from(skeleton, 3, 1)
    assert not hangs_from(skeleton, 1, 1)
