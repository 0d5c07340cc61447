"""Fingers: found on every maker's hand, and put onto another's so that each bone points where it pointed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bodies import anny
from motion import clip as clips
from motion import quat, smplx
from motion.clip import Clip
from motion.errors import BadConfig
from motion.quat import F32
from motion.retargeting.fingers import FINGERS, NAMES
from motion.retargeting.humanoid import Humanoid
from motion.retargeting.joint_map import map_joints
from motion.retargeting.retarget import retarget, transfer
from motion.skeleton import SMPLX22, Skeleton, fk
from tests import mocap
from tests.motion.clips import walk
from tests.motion.rigs import all_rigs, biped, mixamo, unreal

# What each maker calls the second bone of the left middle finger, and the first of the right little one.
MAKERS = {
    "mixamo": ("mixamorig:LeftHandMiddle2", "mixamorig:RightHandPinky1"),
    "mixamo without namespace": ("LeftHandMiddle2", "RightHandPinky1"),
    "motionbuilder": ("Actor_01:LeftHandMiddle2", "Actor_01:RightHandPinky1"),
    "unreal": ("middle_02_l", "pinky_01_r"),
    "vrm": ("J_Bip_L_Middle2", "J_Bip_R_Little1"),
    "unity": ("LeftMiddle2", "RightLittle1"),
    "character creator": ("CC_Base_L_Mid2", "CC_Base_R_Pinky1"),
    "daz genesis 8": ("lMid2", "rPinky1"),
    "daz genesis 9": ("l_mid2", "r_pinky1"),
    "biped": ("Bip001 L Finger22", "Bip001 R Finger41"),
}


def grip() -> Clip:
    """A walk with hands that close and open: every finger by its own amount."""
    step, skeleton = walk(), smplx.skeleton(55)
    rotations = np.tile(quat.IDENTITY, (len(step), len(skeleton), 1))
    rotations[:, :22] = step.rotations
    swing = (1 - np.cos(np.linspace(0, 2 * np.pi, len(step)))) / 2
    for i, name in enumerate(NAMES):
        across = -1.0 if name.startswith("left") else 1.0
        axis = np.array([0.3, 1, 0] if "thumb" in name else [0, 0, across], np.float32)
        angle = (swing * (0.4 + 0.02 * i)).astype(np.float32)
        axis /= np.linalg.norm(axis)
        rotations[:, skeleton.index(name)] = quat.from_axis_angle(axis, angle)
    return Clip(skeleton, 30.0, rotations, step.root, None, "grip")


def bones(clip: Clip) -> dict[str, F32]:
    """Directions (T, 3) of the finger bones between two joints that have names, in the world."""
    fingers, at = Humanoid.of(clip).map.fingers, clips.positions(clip)
    found: dict[str, F32] = {}
    for name, joint in fingers.items():
        after = f"{name[:-1]}{int(name[-1]) + 1}"
        if after in fingers:
            way = at[:, fingers[after]] - at[:, joint]
            found[name] = way / np.linalg.norm(way, axis=-1, keepdims=True)
    return found


def apart_deg(one: dict[str, F32], other: dict[str, F32]) -> float:
    """The largest angle between bones that both have."""
    both = [name for name in one if name in other]
    assert both
    cosine = np.stack([(one[name] * other[name]).sum(-1) for name in both])
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).max())


@pytest.mark.parametrize("maker", MAKERS)
def test_every_makers_fingers_are_found(maker: str) -> None:
    skeleton = all_rigs()[maker].skeleton
    found = map_joints(skeleton)
    assert set(found.fingers) == set(NAMES)
    assert len(set(found.fingers.values())) == len(NAMES)
    middle, little = (skeleton.joints[found.fingers[name]] for name in ("left_middle2", "right_pinky1"))
    assert (middle, little) == MAKERS[maker]
    assert {found.how[name] for name in NAMES} == {"guessed" if maker == "biped" else "named"}


def test_smplx_fingers_are_called_what_ours_are() -> None:
    for joints in (52, 55):
        skeleton = smplx.skeleton(joints)
        assert {name: skeleton.joints[i] for name, i in map_joints(skeleton).fingers.items()} == {n: n for n in NAMES}
    assert map_joints(SMPLX22).fingers == {}
    assert map_joints(smplx.skeleton(24)).fingers == {}


def test_bones_of_the_palm_are_no_fingers_and_nameless_fingers_go_by_their_place() -> None:
    skeleton = biped().skeleton
    plain = replace(skeleton, joints=tuple(joint.replace("Finger", "Bit") for joint in skeleton.joints))
    assert map_joints(plain).fingers == map_joints(skeleton).fingers
    palms = replace(skeleton, joints=tuple(re.sub("Finger([1-4])1", r"Palm\1", joint) for joint in skeleton.joints))
    found = map_joints(palms).fingers
    assert palms.joints[found["left_index1"]] == "Bip001 L Finger12"
    assert palms.joints[found["left_thumb1"]] == "Bip001 L Finger01"


@pytest.mark.parametrize(
    ("thumb", "first"),
    [
        (("leftThumbMetacarpal", "leftThumbProximal", "leftThumbDistal"), "leftThumbMetacarpal"),
        (("LeftInHandThumb", "LeftHandThumb1", "LeftHandThumb2", "LeftHandThumb3"), "LeftHandThumb1"),
    ],
)
def test_a_thumb_begins_where_its_maker_means_it_to(thumb: tuple[str, ...], first: str) -> None:
    skeleton = smplx.skeleton(22)
    count, wrist = len(skeleton), skeleton.index("left_wrist")
    offsets = np.tile(np.array([0.03, 0, 0.02], np.float32), (len(thumb), 1))
    hand = Skeleton(
        "hand",
        (*skeleton.joints, *thumb),
        (*skeleton.parents, wrist, *range(count, count + len(thumb) - 1)),
        np.concatenate([skeleton.offsets, offsets]),
    )
    assert hand.joints[map_joints(hand).fingers["left_thumb1"]] == first


@pytest.mark.parametrize("maker", MAKERS)
def test_every_bone_of_every_finger_points_where_it_pointed(maker: str) -> None:
    clip, skeleton = grip(), all_rigs()[maker].skeleton
    there = retarget(clip, skeleton)
    assert apart_deg(bones(clip), bones(there)) < 0.5
    home = retarget(there, clip.skeleton)
    fingers = [clip.skeleton.index(name) for name in NAMES]
    cosine = np.abs((home.rotations * clip.rotations)[:, fingers].sum(-1))
    assert np.degrees(2 * np.arccos(np.clip(cosine, -1, 1))).max() < 1, "not a bone is rolled after the way back"


def test_a_hand_without_fingers_to_read_leaves_the_targets_at_rest() -> None:
    skeleton = mixamo().skeleton
    there, report = transfer(walk(), skeleton)
    fingers = list(map_joints(skeleton).fingers.values())
    assert np.allclose(there.rotations[:, fingers], quat.IDENTITY, atol=1e-6)
    assert {skeleton.joints[joint] for joint in fingers} <= set(report.idle)


def test_training_clips_do_not_depend_on_fingers() -> None:
    clip = grip()
    still = replace(clip, rotations=clip.rotations.copy())
    still.rotations[:, 22:] = quat.IDENTITY
    np.testing.assert_array_equal(retarget(clip).rotations, retarget(still).rotations)


def test_the_report_says_which_finger_went_where() -> None:
    report = transfer(grip(), biped().skeleton).report
    pairs = {pair.role: pair for pair in report.pairs}
    assert (pairs["left_ring2"].source, pairs["left_ring2"].target) == ("left_ring2", "Bip001 L Finger32")
    assert pairs["left_ring2"].guessed
    assert not {pair.target for pair in report.pairs} & set(report.idle)
    assert report.unread == ("jaw", "left_eye", "right_eye")
    sparse = transfer(grip(), all_rigs()["rigify meta-rig"].skeleton).report
    assert {"left_thumb1", "right_pinky3"} <= set(sparse.unread)
    assert "left_index1" not in sparse.unread


def test_a_sheet_says_which_joint_is_which_finger_and_which_is_none() -> None:
    skeleton = unreal().skeleton
    swapped = {"left_index1": "middle_01_l", "left_middle1": "index_01_l", "right_thumb3": ""}
    found = map_joints(skeleton, swapped)
    assert skeleton.joints[found.fingers["left_index1"]] == "middle_01_l"
    assert found.how["left_index1"] == "given"
    assert "right_thumb3" not in found.fingers
    with pytest.raises(BadConfig, match="'left_indx1' is no role; the nearest is 'left_index1'"):
        map_joints(skeleton, {"left_indx1": "index_01_l"})


@mocap.needed
@pytest.mark.parametrize("member", ["mesh2motion/confused.bvh", "mesh2motion/crawl.bvh", "mesh2motion/victory.bvh"])
def test_recorded_fingers_point_where_they_pointed_on_anny_and_on_smplx(member: str, cache: Path) -> None:
    from motion.io import bvh

    clip = bvh.read(mocap.find("cc0/clips.tar.xz", member, cache))
    for worn in (anny.wear(clip)[0], retarget(clip, smplx.skeleton(55)), retarget(clip, unreal(50, 60).skeleton)):
        assert apart_deg(bones(clip), bones(worn)) < 0.5


@mocap.needed
@pytest.mark.parametrize("member", ["/05_02.bvh", "/06_03.bvh"])
def test_fingers_of_a_rig_that_rests_in_no_stance_are_read_too(member: str, cache: Path) -> None:
    """iClone's files: the bones of the rest pose lie along their own axes."""
    from motion.io import bvh

    clip = bvh.read(mocap.find("cmu.tar.xz", member, cache))
    assert not Humanoid.of(clip).standing
    there = retarget(clip, unreal().skeleton)
    body, hand = Humanoid.of(clip), Humanoid.of(there)
    assert set(body.map.fingers) == set(NAMES)
    ours, theirs = bones(clip), bones(there)
    shared = {name: way for name, way in ours.items() if name in theirs}
    upright = {name: quat.rotate(body.upright, way) for name, way in shared.items()}
    assert apart_deg(upright, theirs) < 0.5
    assert len(shared) == 2 * 2 * len(FINGERS)
    assert hand.standing
    fingers = list(body.map.fingers.values())
    assert np.ptp(fk(clip.skeleton, clip.rotations, clip.root)[1][:, fingers], axis=0).max() > 0.1
