"""Which joint plays which role: the usual naming schemes, and every skeleton of the archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.errors import UnknownJoint
from motion.retargeting.joint_map import map_joints
from motion.skeleton import SMPLX22, Skeleton
from tests import mocap
from tests.mocap import RIGS
from tests.motion.rigs import all_rigs

# Roles in the order of a simple tree, and what naming schemes call them.
PARTS = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")


def named(pattern: str, words: str) -> tuple[str, ...]:
    """The pattern with each of the words for its star; "{}" in it stands for the side."""
    return tuple(pattern.replace("*", word) for word in words.split())


SCHEMES: dict[str, tuple[tuple[str, str], tuple[str, ...], tuple[str, ...]]] = {
    "mixamo": (
        ("Left", "Right"),
        named("mixamorig:{}*", "UpLeg Leg Foot ToeBase Shoulder Arm ForeArm Hand"),
        named("mixamorig:*", "Hips Spine Neck Head"),
    ),
    "biped": (
        ("L", "R"),
        named("Bip01 {} *", "Thigh Calf Foot Toe Clavicle UpperArm Forearm Hand"),
        named("Bip01 *", "Pelvis Spine Neck Head"),
    ),
    "rigify": (
        (".L", ".R"),
        named("DEF-*{}", "thigh shin foot toe shoulder upper_arm forearm hand"),
        named("DEF-*", "hips spine neck head"),
    ),
    "vrm": (
        ("left", "right"),
        named("{}*", "UpperLeg LowerLeg Foot Toes Shoulder UpperArm LowerArm Hand"),
        named("*", "hips chest neck head"),
    ),
    "advanced skeleton": (
        ("L", "R"),
        named("*_{}", "Hip Knee Ankle Toes Scapula Shoulder Elbow Wrist"),
        named("*_M", "Root Chest Neck Head"),
    ),
    "optitrack": (
        ("L", "R"),
        named("Actor 001:{}*", "Thigh Shin Foot Toe Shoulder UArm FArm Hand"),
        named("Actor 001:*", "Hip Chest Neck Head"),
    ),
    "xsens": (
        ("Left", "Right"),
        named("{}*", "UpperLeg LowerLeg Foot Toe Shoulder UpperArm ForeArm Hand"),
        named("*", "Pelvis T8 Neck Head"),
    ),
    "kinect": (
        ("LEFT", "RIGHT"),
        named("*_{}", "HIP KNEE ANKLE FOOT CLAVICLE SHOULDER ELBOW WRIST"),
        named("*", "PELVIS SPINE_CHEST NECK HEAD"),
    ),
    "smpl of other makers": (
        ("L", "R"),
        named("{}_*", "Hip Knee Ankle Toe Thorax Shoulder Elbow Wrist"),
        named("*", "Pelvis Chest Neck Head"),
    ),
    "smplx": (
        ("left", "right"),
        named("{}_*", "hip knee ankle foot collar shoulder elbow wrist"),
        named("*", "pelvis spine3 neck head"),
    ),
}


def humanoid(scheme: str) -> Skeleton:
    sides, parts, (pelvis, chest, neck, head) = SCHEMES[scheme]
    joints, parents = [pelvis, chest, neck, head], [-1, 0, 1, 2]
    for side in sides:
        for i, part in enumerate(parts):
            parents.append(0 if i == 0 else 1 if i == 4 else len(joints) - 1)
            joints.append(part.format(side))
    rng = np.random.default_rng(0)
    return Skeleton(scheme, tuple(joints), tuple(parents), rng.normal(size=(len(joints), 3)).astype(np.float32))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_usual_naming_schemes_are_understood(scheme: str) -> None:
    sides, parts, (pelvis, chest, neck, head) = SCHEMES[scheme]
    skeleton = humanoid(scheme)
    roles = {role: skeleton.joints[i] for role, i in map_joints(skeleton).roles.items()}
    expected = {"pelvis": pelvis, "spine3": chest, "neck": neck, "head": head}
    for side, word in zip(("left", "right"), sides, strict=True):
        expected |= {f"{side}_{role}": part.format(word) for role, part in zip(PARTS, parts, strict=True)}
    assert roles == expected


@pytest.mark.parametrize("name", all_rigs())
def test_the_rigs_of_other_makers_are_read_as_their_makers_meant(name: str) -> None:
    rig = all_rigs()[name]
    found = map_joints(rig.skeleton)
    assert {role: rig.skeleton.joints[joint] for role, joint in found.roles.items()} == rig.roles
    guessed = {role for role in found.roles if found.how[role] == "guessed"}
    assert guessed == ({"neck", "head"} if "rigify" in name else set()), "Rigify numbers its spine and names no head"


def test_smplx22_maps_onto_itself() -> None:
    roles = map_joints(SMPLX22).roles
    assert {role: SMPLX22.joints[i] for role, i in roles.items()} == {role: role for role in roles}
    assert set(SMPLX22.joints) - set(roles) == {"spine1", "spine2"}


def test_a_rig_without_collars_toes_and_neck_is_understood() -> None:
    whole = humanoid("vrm")
    kept = [i for i, joint in enumerate(whole.joints) if not any(w in joint for w in ("Toes", "Shoulder", "neck"))]

    def parent(i: int) -> int:
        above = whole.parents[i]
        while above >= 0 and above not in kept:
            above = whole.parents[above]
        return kept.index(above) if above >= 0 else -1

    skeleton = Skeleton("short", tuple(whole.joints[i] for i in kept), tuple(map(parent, kept)), whole.offsets[kept])
    roles = {role: skeleton.joints[i] for role, i in map_joints(skeleton).roles.items()}
    assert roles["neck"] == roles["head"] == "head"
    assert roles["left_shoulder"] == "leftUpperArm"
    assert not {"left_collar", "right_foot"} & set(roles)


def test_an_end_site_of_the_foot_stands_in_for_a_missing_toe() -> None:
    whole = humanoid("biped")
    joints = [joint.replace("Toe", "Foot_end") for joint in whole.joints]
    joints = [joint.replace("Bip01 L Foot_end", "Bip01 L Foot_end") for joint in joints]
    skeleton = Skeleton("poser", tuple(joints), whole.parents, whole.offsets)
    assert skeleton.joints[map_joints(skeleton).roles["left_foot"]] == "Bip01 L Foot_end"


def test_a_skeleton_that_is_no_humanoid_is_refused_by_the_role_it_lacks() -> None:
    dog = Skeleton("dog", ("body", "front_paw", "tail"), (-1, 0, 0), np.zeros((3, 3), np.float32))
    with pytest.raises(UnknownJoint, match=r"'dog' has no joint for 'left_hip' \(looked for upleg.*front_paw"):
        map_joints(dog)


@pytest.mark.parametrize("name", RIGS, ids=str)
@mocap.needed
def test_every_skeleton_of_the_archives_is_read_as_a_person_would(name: str, cache: Path) -> None:
    rig = RIGS[name]
    skeleton = mocap.rest(rig, cache).skeleton
    roles = {role: skeleton.joints[i] for role, i in map_joints(skeleton).roles.items()}
    for role in SMPLX22.joints:
        if role not in ("spine1", "spine2", "head"):
            assert roles.get(role) == rig.joint(role), role
    assert roles["head"].lower().endswith("head")
