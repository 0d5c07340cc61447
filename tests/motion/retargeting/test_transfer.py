"""Motion put onto rigs of every maker and back: limbs, twist, palms, heading, size, and what stays at rest."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from export.metrics import joints as measures
from motion import clip as clips
from motion import contacts, quat
from motion.clip import Clip
from motion.errors import BadClip, UnknownJoint
from motion.quat import F32
from motion.retargeting.humanoid import Humanoid, leg_length
from motion.retargeting.retarget import Options, limb_error_deg, retarget, transfer
from motion.retargeting.transfer import Transfer
from motion.skeleton import SMPLX22, Skeleton, fk
from tests import mocap
from tests.mocap import RIGS
from tests.motion.clips import backflip, lie_down, stroll, wriggle
from tests.motion.rigs import all_rigs, mixamo, unreal
from tests.motion.turns import angle_between, f32

ALL = all_rigs()
SPARSE = {"unity": ("foot",), "sparse game rig": ("foot", "collar")}  # parts that a rig has no joint for


def moving() -> Clip:
    """A body that walks a bend, then turns over backwards: every joint turns, every axis is seen."""
    first, second = stroll(), backflip()
    return Clip(
        SMPLX22, 30.0, np.concatenate([first.rotations[:60], second.rotations]),
        np.concatenate([first.root[:60], second.root]), None, "moving",
    )  # fmt: skip


MOVING = moving()


@pytest.mark.parametrize("name", ALL)
def test_limbs_point_on_every_rig_as_they_do_in_the_source(name: str) -> None:
    result = retarget(MOVING, ALL[name].skeleton)
    assert result.skeleton == ALL[name].skeleton or result.skeleton.joints == ALL[name].skeleton.joints
    assert max(limb_error_deg(MOVING, result).values()) < 0.1  # degrees; asked for: 3


@pytest.mark.parametrize("name", ALL)
def test_a_motion_comes_back_from_every_rig_as_it_went_there(name: str) -> None:
    """All world rotations, twist included, of joints that the rig has."""
    back = retarget(retarget(MOVING, ALL[name].skeleton), SMPLX22)
    (places, turns), (was, turned) = (fk(SMPLX22, clip.rotations, clip.root) for clip in (back, MOVING))
    kept = [i for i, joint in enumerate(SMPLX22.joints) if not joint.endswith(SPARSE.get(name, ("-",)))]
    assert np.degrees(angle_between(turns[:, kept], turned[:, kept])).mean(axis=0).max() < 2
    lift = (places - was)[..., 1].mean()  # the floor was found anew
    if name not in SPARSE:
        assert np.abs(places - was - f32([0, lift, 0])).max() < 0.02


@mocap.needed
def test_recorded_skeletons_pass_a_motion_round_and_back(cache: Path) -> None:
    """From each skeleton of the archives to the next, clips of it telling its axes where its rest pose does not."""
    ring = [mocap.recorded(RIGS[name], cache, 60) for name in RIGS]
    for a, b in pairwise([*ring, ring[0]]):
        there = retarget(a, b)
        assert max(limb_error_deg(a, there).values()) < 3, (a.name, b.name)
        assert max(limb_error_deg(a, retarget(there, a)).values()) < 3, (b.name, a.name)


@pytest.mark.parametrize("name", ALL)
def test_joints_that_play_no_role_stay_at_rest(name: str) -> None:
    skeleton = ALL[name].skeleton
    result, report = transfer(MOVING, skeleton)
    idle = [skeleton.index(joint) for joint in report.idle]
    assert len(idle) + len(set(Humanoid.of(skeleton).joints.values())) <= len(skeleton)
    np.testing.assert_array_equal(result.rotations[:, idle], np.tile(quat.IDENTITY, (len(MOVING), len(idle), 1)))


def test_twist_bones_within_a_limb_keep_it_straight() -> None:
    """Rigify's and Daz's limbs are two bones each: they do not bend where the middle one is."""
    for name, ends in (("rigify generated", ("DEF-thigh.L", "DEF-thigh.L.001", "DEF-shin.L")),
                       ("daz genesis 8", ("lShldrBend", "lShldrTwist", "lForearmBend"))):  # fmt: skip
        result = retarget(MOVING, ALL[name].skeleton)
        at = clips.positions(result)[:, [result.skeleton.index(joint) for joint in ends]]
        upper, lower = at[:, 1] - at[:, 0], at[:, 2] - at[:, 1]
        bend = np.linalg.norm(np.cross(upper, lower), axis=-1) / np.linalg.norm(upper, axis=-1)
        assert bend.max() < 0.01


def test_the_rest_pose_does_not_matter() -> None:
    """One rig, built with its arms out and with its arms down: the same body in the same pose."""
    out, down = (clips.positions(retarget(MOVING, rig.skeleton)) for rig in (unreal(0, 0), unreal(70, 0)))
    moved = [i for i, joint in enumerate(unreal().skeleton.joints) if "twist" not in joint and "ik_" not in joint]
    assert np.abs(out - down)[:, moved].max() < 0.02


def test_palms_turn_where_the_sources_turn_however_they_lie_at_rest() -> None:
    def palms(clip: Clip) -> F32:
        skeleton = clip.skeleton
        at, fingers = clips.positions(clip), Humanoid.of(skeleton).map.fingers
        across = [at[:, fingers[f"{s}_index1"]] - at[:, fingers[f"{s}_pinky1"]] for s in ("left", "right")]
        return np.stack([one / np.linalg.norm(one, axis=-1, keepdims=True) for one in across])

    _, turns = fk(SMPLX22, MOVING.rotations, MOVING.root)
    # In the canonical T-pose palms are down, so that index fingers are in front of little ones.
    meant = np.stack([quat.rotate(turns[:, SMPLX22.index(f"{s}_wrist")], f32([0, 0, 1])) for s in ("left", "right")])
    for rig in (mixamo(), unreal(50, 60), unreal(0, -40)):
        angles = np.degrees(np.arccos(np.clip((palms(retarget(MOVING, rig.skeleton)) * meant).sum(-1), -1, 1)))
        assert angles.max() < 8


def test_place_and_heading_are_kept_and_the_way_is_as_long_as_the_legs() -> None:
    skeleton = mixamo().skeleton
    small = replace(skeleton, offsets=skeleton.offsets * np.float32(0.5))
    there = clips.move(clips.turn(MOVING, 2.0), f32([3, 0, -4]))
    for target in (skeleton, small):
        plain, elsewhere = retarget(MOVING, target), retarget(there, target)
        scale = leg_length(Humanoid.of(target).rest) / leg_length(Humanoid.of(SMPLX22).rest)
        expected = clips.move(clips.turn(plain, 2.0), f32([3, 0, -4]) * np.float32(scale))
        np.testing.assert_allclose(clips.positions(elsewhere), clips.positions(expected), atol=2e-3)
        ours, theirs = plain.root[-1] - plain.root[0], MOVING.root[-1] - MOVING.root[0]
        np.testing.assert_allclose(ours[[0, 2]], theirs[[0, 2]] * scale, atol=0.05)


def test_a_rig_that_faces_elsewhere_at_rest_faces_where_the_source_does() -> None:
    skeleton = mixamo().skeleton
    turned = replace(skeleton, offsets=quat.rotate(quat.from_yaw(f32(2.2)), skeleton.offsets))
    np.testing.assert_allclose(
        clips.positions(retarget(MOVING, turned)), clips.positions(retarget(MOVING, skeleton)), atol=1e-3
    )


def test_a_rig_whose_files_have_z_up_gets_its_motion_with_z_up() -> None:
    skeleton = mixamo().skeleton
    up = quat.from_axis_angle(f32([1, 0, 0]), f32(np.pi / 2))
    lying = replace(skeleton, offsets=quat.rotate(up, skeleton.offsets))
    result = retarget(MOVING, lying)
    np.testing.assert_allclose(
        clips.positions(result), quat.rotate(up, clips.positions(retarget(MOVING, skeleton))), atol=1e-3
    )
    assert max(limb_error_deg(MOVING, result).values()) < 0.1
    assert max(limb_error_deg(MOVING, retarget(result, SMPLX22)).values()) < 0.1


def test_frames_do_not_depend_on_each_other() -> None:
    """A stream may be carried over as it comes."""
    way = Transfer(Humanoid.of(SMPLX22), Humanoid.of(unreal().skeleton))
    whole = way.carry(MOVING)
    pieces = [way.carry(clips.cut(MOVING, a, b)) for a, b in ((0, 1), (1, 30), (30, len(MOVING)))]
    np.testing.assert_allclose(np.concatenate([piece.rotations for piece in pieces]), whole.rotations, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([piece.root for piece in pieces]), whole.root, atol=1e-6)


def test_a_target_whose_rest_pose_is_no_stance_is_told_by_a_clip_of_it() -> None:
    flat = np.zeros_like(SMPLX22.offsets)
    flat[1:, 0] = np.linalg.norm(SMPLX22.offsets[1:], axis=-1)
    with pytest.raises(BadClip, match=r"is no stance .* give a motion of that skeleton in its place"):
        retarget(MOVING, replace(SMPLX22, name="flat", offsets=flat))


@mocap.needed
def test_bones_that_lie_along_one_axis_at_rest_take_a_motion_once_a_clip_shows_them(cache: Path) -> None:
    for name in ("bandai-2", "misc-rokoko", "cmu-character-creator"):
        target = mocap.recorded(RIGS[name], cache)
        result, report = transfer(MOVING, target)
        assert max(limb_error_deg(MOVING, result).values()) < 3
        assert any("no stance" in note for note in report.notes)
        heads, hips = (clips.positions(result)[:60, result.skeleton.index(report.pairs[i].target or "")]
                       for i in (_pair(report, "head"), _pair(report, "pelvis")))  # fmt: skip
        assert (heads[:, 1] - hips[:, 1]).min() > 0.3, "the walk is upright"


def _pair(report, role: str) -> int:
    return next(i for i, pair in enumerate(report.pairs) if pair.role == role)


def test_hands_go_where_the_sources_go_when_asked() -> None:
    """A rig with arms a fifth longer: pointing alike, its hands are elsewhere; reaching, they are not."""
    skeleton = mixamo().skeleton
    offsets = skeleton.offsets.copy()
    for joint in ("LeftForeArm", "LeftHand", "RightForeArm", "RightHand"):
        offsets[skeleton.index(f"mixamorig:{joint}")] *= np.float32(1.2)
    long = replace(skeleton, offsets=offsets)
    scale = leg_length(Humanoid.of(long).rest) / leg_length(Humanoid.of(SMPLX22).rest)
    hands = [SMPLX22.index(f"{side}_wrist") for side in ("left", "right")]
    wanted = clips.positions(MOVING)[:, hands] * np.float32(scale)

    def off(reach: bool) -> F32:
        result = retarget(MOVING, long, options=Options(lock_floor=False, reach_hands=reach))
        theirs = [long.index(f"mixamorig:{side}Hand") for side in ("Left", "Right")]
        return np.linalg.norm(clips.positions(result)[:, theirs] - wanted, axis=-1)

    assert off(False).mean() > 0.05
    assert np.median(off(True)) < 0.005
    turned = retarget(MOVING, long, options=Options(reach_hands=True))
    _, world = fk(long, turned.rotations, turned.root)
    _, before = fk(long, *(lambda c: (c.rotations, c.root))(retarget(MOVING, long)))
    wrist = long.index("mixamorig:LeftHand")
    assert angle_between(world[:, wrist], before[:, wrist]).max() < 1e-3, "hands keep their own turn"


@pytest.mark.parametrize("name", ["mixamo", "unreal", "unity", "sparse game rig", "rigify generated", "smpl"])
def test_feet_on_the_target_slide_no_more_than_the_sources_when_locked(name: str) -> None:
    source = stroll()
    down = contacts.detect(source)
    roles = Humanoid.of(ALL[name].skeleton).map.roles
    parts = [f"{side}_{part}" for side in ("left", "right") for part in ("ankle", "foot")]
    columns = [i for i, part in enumerate(parts) if part in roles]
    ours, theirs = [SMPLX22.index(parts[i]) for i in columns], [roles[parts[i]] for i in columns]
    slid = measures.foot_skate(clips.positions(source)[:, ours], down[:, columns], 30)
    assert slid > 10
    for known in (down, None):  # whether the source says when its feet rest, or they are watched
        clip = replace(source, contacts=known)
        loose, held = (retarget(clip, ALL[name].skeleton, options=Options(lock_feet=lock)) for lock in (False, True))
        assert held.contacts is not None
        assert held.contacts.sum() > 5 or known is None
        skates = [
            measures.foot_skate(clips.positions(result)[:, theirs], held.contacts[:, columns], 30)
            for result in (loose, held)
        ]
        assert skates[1] <= 0.4 * skates[0]
        assert skates[1] < slid


def test_a_body_on_its_back_stays_on_its_back() -> None:
    for rig in (mixamo(), unreal()):
        assert max(limb_error_deg(lie_down(), retarget(lie_down(), rig.skeleton)).values()) < 0.1


def test_a_users_map_is_followed_on_either_side() -> None:
    scrambled = replace(SMPLX22, joints=tuple(f"x{i}" for i in range(22)), offsets=SMPLX22.offsets)
    sheet = {joint: f"x{i}" for i, joint in enumerate(SMPLX22.joints) if joint not in ("spine1", "spine2")}
    there, report = transfer(MOVING, scrambled, target_map=sheet)
    assert not report.guessed
    np.testing.assert_allclose(there.rotations, retarget(MOVING, SMPLX22).rotations, atol=1e-5)
    back = retarget(there, SMPLX22, source_map=sheet)
    assert max(limb_error_deg(MOVING, back).values()) < 0.1


def test_what_is_no_body_is_refused() -> None:
    stick = Skeleton("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32))
    with pytest.raises(UnknownJoint, match="'stick'"):
        retarget(MOVING, stick)
    with pytest.raises(UnknownJoint, match="'stick'"):
        retarget(wriggle(stick), SMPLX22)


def test_legs_without_length_are_refused() -> None:
    flat = replace(mixamo().skeleton, offsets=mixamo().skeleton.offsets * np.float32(0))
    with pytest.raises(BadClip, match="legs of skeleton 'mixamo' have no length"):
        retarget(MOVING, flat)
