"""A user's own word on which joint is which: it is read, it counts for more than names, and what is wrong is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from motion.errors import BadConfig, UnknownJoint
from motion.retargeting import joint_sheet
from motion.retargeting.joint_map import map_joints
from motion.skeleton import SMPLX22
from tests.motion.rigs import mixamo, unreal


def write(folder: Path, text: str) -> Path:
    path = folder / "rig.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sheet_is_roles_and_joints(tmp_path: Path) -> None:
    path = write(tmp_path, '# my rig\nleft_hip = "thigh_l"\nleft_collar = ""\n')
    assert joint_sheet.load(path) == {"left_hip": "thigh_l", "left_collar": ""}


def test_every_role_of_a_rig_without_sense_can_be_given(tmp_path: Path) -> None:
    names = {joint: f"x{i}" for i, joint in enumerate(SMPLX22.joints)}
    skeleton = replace(SMPLX22, joints=tuple(names.values()), offsets=SMPLX22.offsets * 0 + 1)
    lines = [f'{role} = "{names[role]}"' for role in joint_sheet.ROLES]
    found = map_joints(skeleton, joint_sheet.load(write(tmp_path, "\n".join(lines))))
    assert {role: SMPLX22.joints[joint] for role, joint in found.roles.items()} == {r: r for r in joint_sheet.ROLES}
    assert set(found.how.values()) == {"given"}


def test_a_sheet_counts_for_more_than_names() -> None:
    rig = unreal()
    found = map_joints(rig.skeleton, {"left_wrist": "ik_hand_l", "neck": "head"})
    assert rig.skeleton.joints[found.roles["left_wrist"]] == "ik_hand_l"
    assert found.roles["neck"] == found.roles["head"]
    assert (found.how["left_wrist"], found.how["right_wrist"]) == ("given", "named")


def test_a_role_that_the_sheet_leaves_empty_is_played_by_nobody() -> None:
    found = map_joints(mixamo().skeleton, {"left_collar": "", "right_foot": ""})
    assert "left_collar" not in found.roles
    assert "right_foot" not in found.roles
    assert "right_collar" in found.roles


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('left_hipp = "a"', "rig.toml: 'left_hipp' is no role; the nearest is 'left_hip'"),
        ("left_hip = 3", "rig.toml: left_hip = 3 must be the name of a joint in quotes"),
        ('left_hip = "a"\nright_hip = "a"', "rig.toml: right_hip and left_hip are both 'a'; one joint plays one role"),
        ("left_hip = ", "rig.toml is no valid TOML"),
        ('[joints]\nleft_hip = "a"', "rig.toml: 'joints' is no role"),
    ],
)
def test_what_is_wrong_in_a_sheet_is_named_by_its_entry(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadConfig) as error:
        joint_sheet.load(write(tmp_path, text))
    assert message in str(error.value)


def test_a_joint_that_the_rig_does_not_have_is_named_with_its_entry_and_the_nearest() -> None:
    with pytest.raises(UnknownJoint, match=r"entry left_hip: skeleton 'unreal' has no joint 'thigh_left'; the nearest"):
        map_joints(unreal().skeleton, {"left_hip": "thigh_left"})


def test_a_role_no_body_can_do_without_is_asked_for() -> None:
    with pytest.raises(UnknownJoint, match=r"'left_knee'.*say which is which in a joint map"):
        map_joints(unreal().skeleton, {"left_knee": ""})
