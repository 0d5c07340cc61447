"""A caller's own skeleton: limbs point where they pointed, the path is as long as the legs, the way back is exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion import quat
from motion.errors import BadRequest
from motion.protocol import Rig
from motion.quat import F32
from motion.skeleton import SMPLX22, Skeleton, fk
from runtime.generation.rig import rig_of
from tests.motion.rigs import all_rigs
from tests.runtime.recorded import walk

MIXAMO = {
    "pelvis": "mixamorig:Hips", "left_hip": "mixamorig:LeftUpLeg", "right_hip": "mixamorig:RightUpLeg",
    "spine1": "mixamorig:Spine", "left_knee": "mixamorig:LeftLeg", "right_knee": "mixamorig:RightLeg",
    "spine2": "mixamorig:Spine1", "left_ankle": "mixamorig:LeftFoot", "right_ankle": "mixamorig:RightFoot",
    "spine3": "mixamorig:Spine2", "left_foot": "mixamorig:LeftToeBase", "right_foot": "mixamorig:RightToeBase",
    "neck": "mixamorig:Neck", "left_collar": "mixamorig:LeftShoulder", "right_collar": "mixamorig:RightShoulder",
    "head": "mixamorig:Head", "left_shoulder": "mixamorig:LeftArm", "right_shoulder": "mixamorig:RightArm",
    "left_elbow": "mixamorig:LeftForeArm", "right_elbow": "mixamorig:RightForeArm",
    "left_wrist": "mixamorig:LeftHand", "right_wrist": "mixamorig:RightHand",
}  # fmt: skip
LIMBS = [("left_hip", "left_knee"), ("right_knee", "right_ankle"), ("left_shoulder", "left_elbow"),
         ("right_elbow", "right_wrist"), ("left_ankle", "left_foot")]  # fmt: skip


def rest_turned(drop: float) -> F32:
    """Offsets of `smplx22` with the arms `drop` radians below the horizon: an A-pose."""
    offsets = SMPLX22.offsets.copy()
    for side, sign in (("left", -1.0), ("right", 1.0)):
        turn = quat.from_axis_angle(np.array([0, 0, 1], np.float32), np.array(sign * drop, np.float32))
        for joint in ("elbow", "wrist"):
            index = SMPLX22.index(f"{side}_{joint}")
            offsets[index] = quat.rotate(turn, offsets[index])
    return offsets


def knight(scale: float = 0.5, drop: float = 0.6, up: str = "y", armature: bool = True) -> Rig:
    """A rig with foreign names, in another size, rest pose and axis, under an armature, with a joint of no role."""
    names = [MIXAMO[joint] for joint in SMPLX22.joints]
    parents = list(SMPLX22.parents)
    offsets = (rest_turned(drop) * scale).astype(np.float32)
    if armature:
        names, parents = ["Armature", *names], [-1, *(parent + 1 for parent in parents)]
        offsets = np.concatenate([np.zeros((1, 3), np.float32), offsets])
        offsets[1] = [0, 0.9 * scale, 0]
    names.append("cape")
    parents.append(names.index("mixamorig:Spine2"))
    offsets = np.concatenate([offsets, np.array([[0, 0.1, -0.1]], np.float32)])
    x, y, z = offsets.T
    if up == "z":  # as Blender has it: Z up, facing -Y
        offsets = np.stack([x, -z, y], -1)
    elif up == "-y":  # as pictures have it: Y down
        offsets = np.stack([-x, -y, z], -1)
    elif up == "x":
        offsets = np.stack([y, z, x], -1)
    return Rig("knight", tuple(names), tuple(parents), offsets)


def skeleton(rig: Rig) -> Skeleton:
    return Skeleton(rig.name, rig.joints, rig.parents, rig.offsets)


def apart_deg(one: F32, other: F32) -> float:
    """The largest angle between vectors (T, 3)."""
    cosine = (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).max())


@pytest.mark.parametrize("up", ["y", "z", "-y", "x"])
@pytest.mark.parametrize(("scale", "drop"), [(1.0, 0.0), (0.5, 0.6), (1.4, 1.2)])
def test_limbs_point_where_they_pointed_and_the_pelvis_goes_the_scaled_way(scale: float, drop: float, up: str) -> None:
    clip, rig = walk(), knight(scale, drop, up)
    root, rotations = rig_of(SMPLX22, rig).forth(clip.root, clip.rotations)
    theirs = skeleton(rig)
    ours_at, _ = fk(SMPLX22, clip.rotations, clip.root)
    their_at, _ = fk(theirs, rotations, root)
    for a, b in LIMBS:
        one = ours_at[:, SMPLX22.index(b)] - ours_at[:, SMPLX22.index(a)]
        other = their_at[:, theirs.index(MIXAMO[b])] - their_at[:, theirs.index(MIXAMO[a])]
        assert apart_deg(one, other) < 0.5, (a, b)
    pelvis = their_at[:, theirs.index("mixamorig:Hips")]
    assert np.allclose(pelvis, ours_at[:, 0] * scale, atol=1e-4)


@pytest.mark.parametrize("maker", all_rigs())
def test_limbs_point_where_they_pointed_on_every_makers_rig_and_after_the_way_back(maker: str) -> None:
    clip, made = walk(30), all_rigs()[maker]
    theirs, limbs = made.skeleton, [limb for limb in LIMBS if all(joint in made.roles for joint in limb)]
    fit = rig_of(SMPLX22, Rig("rig", theirs.joints, theirs.parents, theirs.offsets))
    root, rotations = fit.forth(clip.root, clip.rotations)
    ours_at, their_at = fk(SMPLX22, clip.rotations, clip.root)[0], fk(theirs, rotations, root)[0]
    home_at = fk(SMPLX22, *fit.back(root, rotations)[::-1])[0]
    for a, b in limbs:
        one = ours_at[:, SMPLX22.index(b)] - ours_at[:, SMPLX22.index(a)]
        theirs_of = [theirs.index(made.roles[role]) for role in (a, b)]
        if not a.endswith("ankle"):  # toes begin where each maker likes
            assert apart_deg(one, their_at[:, theirs_of[1]] - their_at[:, theirs_of[0]]) < 0.5, (a, b)
        assert apart_deg(one, home_at[:, SMPLX22.index(b)] - home_at[:, SMPLX22.index(a)]) < 0.5, (a, b)


def test_joints_that_play_no_role_keep_their_rest() -> None:
    clip, rig = walk(8), knight()
    _, rotations = rig_of(SMPLX22, rig).forth(clip.root, clip.rotations)
    assert np.allclose(rotations[:, rig.joints.index("cape")], quat.IDENTITY)


@pytest.mark.parametrize("up", ["y", "z"])
def test_there_and_back_is_the_motion_itself(up: str) -> None:
    clip = walk()
    fit = rig_of(SMPLX22, knight(0.7, 0.5, up))
    root, rotations = fit.back(*fit.forth(clip.root, clip.rotations))
    before, after = (fk(SMPLX22, *pose)[0] for pose in ((clip.rotations, clip.root), (rotations, root)))
    assert np.abs(before - after).max() < 1e-3


def test_the_bundles_own_joints_with_other_bones_map_one_to_one() -> None:
    clip = walk()
    rig = Rig("giant", SMPLX22.joints, SMPLX22.parents, SMPLX22.offsets * np.float32(2))
    root, rotations = rig_of(SMPLX22, rig).forth(clip.root, clip.rotations)
    assert np.abs(root - 2 * clip.root).max() < 1e-4
    assert np.abs(np.abs((rotations * clip.rotations).sum(-1)) - 1).max() < 1e-5


def test_a_stream_cut_anywhere_comes_out_the_same() -> None:
    clip = walk(40)
    fit = rig_of(SMPLX22, knight())
    whole = fit.forth(clip.root, clip.rotations)
    parts = [fit.forth(clip.root[i : i + 7], clip.rotations[i : i + 7]) for i in range(0, 40, 7)]
    for one, other in zip(whole, zip(*parts, strict=True), strict=True):
        assert np.allclose(one, np.concatenate(other), atol=1e-6)


@pytest.mark.parametrize(
    ("rig", "sentence"),
    [
        (Rig("stick", ("a", "b"), (-1, 0), np.zeros((2, 3), np.float32)), "no joint for"),
        (replace(knight(armature=False), parents=(0,) * 23), "must begin with one root joint"),
        (replace(knight(armature=False), joints=("twin",) * 23), "two joints called 'twin'"),
        (replace(knight(), offsets=knight().offsets * np.float32(0)), "legs of skeleton 'knight' have no length"),
        (replace(knight(), offsets=knight().offsets * np.float32(1e6)), "give its offsets in metres"),
        (replace(knight(), offsets=knight().offsets * np.float32(1e30)), "give its offsets in metres"),
        (replace(knight(), offsets=knight().offsets * np.float32(1e-5)), "legs are 5e-06 times as long"),
        (replace(knight(), offsets=np.abs(knight().offsets)), "rest pose of skeleton 'knight' is no stance"),
    ],
)
def test_what_is_no_humanoid_is_refused_with_a_sentence(rig: Rig, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        rig_of(SMPLX22, rig)
