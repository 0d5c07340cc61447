"""Motion of every kind of skeleton onto `smplx22`: the same limbs, the same sides, the same way up.

What the source does is read here by the names of its joints, without the joint map or anything else of the module.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion import clip as clips
from motion import contacts, quat
from motion.clip import Clip
from motion.errors import BadClip, UnknownJoint
from motion.io import asf_amc, bvh
from motion.quat import F32
from motion.retargeting.retarget import Options, hold_feet, limb_error_deg, retarget
from motion.skeleton import SMPLX22, TOE_HEIGHT, Skeleton, fk
from tests import mocap
from tests.mocap import RIGS, Rig
from tests.motion.clips import FIXTURES, backflip, stroll, walk, wriggle
from tests.motion.turns import F64, angles, f32

LIMBS = [
    (f"{side}_{near}", f"{side}_{far}")
    for near, far in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
    for side in ("left", "right")
]
WALK = Rig(
    "", "", "upperleg.{}", "lowerleg.{}", "foot.{}", "toes.{}", None, "upperarm.{}", "lowerarm.{}", "wrist.{}",
    "head", "chest", "hips", ("l", "r"),
)  # fmt: skip


def _at(clip: Clip, joint: str | None) -> F32:
    assert joint is not None
    return clips.positions(clip)[:, clip.skeleton.index(joint)]


def _unit(v: F32) -> F64:
    return (v / np.linalg.norm(v, axis=-1, keepdims=True)).astype(np.float64)


def _directions(clip: Clip, rig: Rig | None) -> F64:
    """Limbs and trunk (T, 9, 3) by the names of the rig, or of `smplx22`."""

    def place(role: str) -> F32:
        return _at(clip, role if rig is None else rig.joint(role))

    rays = [place(far) - place(near) for near, far in LIMBS]
    rays.append(place("neck") - (place("left_hip") + place("right_hip")) / 2)
    return _unit(np.stack(rays, axis=1))


def _best_rotation(theirs: F64, ours: F64) -> F64:
    """The rotation matrix that turns one set of directions into the other with the least error (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(ours.reshape(-1, 3).T @ theirs.reshape(-1, 3))
    return u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt


def _angles_deg(a: F64, b: F64) -> F64:
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1)))


def check_limbs(source: Clip, rig: Rig) -> Clip:
    """Every limb points where the source's points, and up has stayed up; returns the retargeted clip."""
    result = retarget(source)
    theirs, ours = _directions(source, rig), _directions(result, None)
    rotation = _best_rotation(theirs, ours)
    wrong = _angles_deg(theirs @ rotation.T, ours).mean(axis=0)
    assert dict(zip(LIMBS, wrong, strict=False)) == {limb: pytest.approx(0, abs=3) for limb in LIMBS}
    assert wrong[-1] < 3, "pelvis to neck"
    assert rotation[1, "xyz".index(rig.up)] > np.cos(np.radians(3)), "up is +Y"
    return result


def check_stance(result: Clip) -> None:
    """Over the origin, facing +Z at the first frame, the feet's lowest point on the floor."""
    np.testing.assert_allclose(result.root[0, [0, 2]], 0, atol=1e-5)
    across = _at(result, "left_hip")[0] - _at(result, "right_hip")[0]
    assert across[0] > 0
    assert abs(across[2]) < 0.02
    toes = np.minimum(_at(result, "left_foot")[:, 1], _at(result, "right_foot")[:, 1])
    assert np.percentile(toes, 2) == pytest.approx(TOE_HEIGHT, abs=2e-3)
    np.testing.assert_array_equal(result.contacts, contacts.detect(result))  # type: ignore[arg-type]


def check_turns(result: Clip) -> None:
    """Knees and elbows bend the way a body's do, and the head stands on the chest as a head does."""
    for joint, axis in (
        ("left_knee", (1, 0, 0)),
        ("right_knee", (1, 0, 0)),
        ("left_elbow", (0, -1, 0)),
        ("right_elbow", (0, 1, 0)),
    ):
        q = result.rotations[:, SMPLX22.index(joint)]
        q = q * np.where(q[:, :1] < 0, -1, 1)
        bent = q[:, 0] < np.cos(0.25)  # by more than half a radian
        if bent.sum() > 10:
            assert (_unit(q[bent, 1:]) @ np.array(axis)).mean() > 0.75, joint
    _, world = fk(SMPLX22, result.rotations, result.root)
    for axis in np.eye(3, dtype=np.float32):
        chest, head = (quat.rotate(world[:, SMPLX22.index(joint)], axis) for joint in ("spine3", "head"))
        assert _angles_deg(_unit(chest), _unit(head)).mean() < 65


def _legs(clip: Clip, rig: Rig | None) -> float:
    def place(role: str) -> F32:
        return _at(clip, role if rig is None else rig.joint(role))

    return float(
        sum(
            np.median(np.linalg.norm(place(f"{side}_{far}") - place(f"{side}_{near}"), axis=-1))
            for side in ("left", "right")
            for near, far in (("hip", "knee"), ("knee", "ankle"))
        )
    )


def check_scale(source: Clip, result: Clip, rig: Rig) -> None:
    """The body's way through the world is scaled as its legs are."""

    def way(clip: Clip, one: str | None, other: str | None) -> float:
        middle = (_at(clip, one) + _at(clip, other)) / 2
        return float(np.linalg.norm(np.diff(middle, axis=0), axis=-1).sum())

    theirs = way(source, rig.joint("left_hip"), rig.joint("right_hip"))
    ratio = way(result, "left_hip", "right_hip") / theirs
    assert ratio == pytest.approx(_legs(result, None) / _legs(source, rig), rel=0.02)


@pytest.mark.parametrize("name", RIGS)
@mocap.needed
def test_a_recording_on_each_skeleton_keeps_its_limbs_stance_turns_and_scale(name: str, cache: Path) -> None:
    source = mocap.recorded(RIGS[name], cache)
    result = check_limbs(source, RIGS[name])
    check_stance(result)
    check_turns(result)
    check_scale(source, result, RIGS[name])
    assert len(result) == len(source)
    assert np.ptp(clips.positions(result), axis=0).max() > 0.2, "the recording does move"


def test_a_walk_keeps_its_limbs_stance_turns_and_scale() -> None:
    source = bvh.read(FIXTURES / "kaykit-walk.bvh")
    result = check_limbs(source, WALK)
    check_stance(result)
    check_turns(result)
    check_scale(source, result, WALK)


@pytest.mark.parametrize("side", ["left", "right"])
@mocap.needed
def test_a_hand_that_waves_stays_on_its_side(side: str, cache: Path) -> None:
    path = mocap.find("bandai.tar.xz", f"dataset-2_wave-{side}-hand_normal_001.bvh", cache)
    result = retarget(bvh.read(path))
    other = "right" if side == "left" else "left"
    assert _at(result, f"{side}_wrist")[:, 1].max() > _at(result, f"{side}_shoulder")[:, 1].max()
    assert _at(result, f"{other}_wrist")[:, 1].max() < _at(result, f"{other}_elbow")[:, 1].min() + 0.1
    assert _at(result, f"{side}_wrist")[0, 0] * (1 if side == "left" else -1) > 0, "left is +X while facing +Z"


@mocap.needed
def test_a_left_kick_is_the_left_legs(cache: Path) -> None:
    skeleton = mocap.find("hdm05.tar.xz", "HDM_bd.asf", cache)
    result = retarget(
        clips.resample(
            asf_amc.read(skeleton, mocap.find("hdm05.tar.xz", "HDM_bd_kickLFront1Reps_001_120.amc", cache)), 30
        )
    )
    left, right = _at(result, "left_ankle"), _at(result, "right_ankle")
    assert left[:, 1].max() > 0.6 > 0.3 > right[:, 1].max()
    highest = left[:, 1].argmax()
    assert left[highest, 2] > right[highest, 2] + 0.3, "and goes forward"


@pytest.mark.parametrize("side", ["left", "right"])
@mocap.needed
def test_a_jab_goes_forward_on_its_side(side: str, cache: Path) -> None:
    result = retarget(bvh.read(mocap.find("cc0/clips.tar.xz", f"fighting-{side}-jab.bvh", cache)))
    chest = _at(result, "spine3")
    reach = {s: np.linalg.norm(_at(result, f"{s}_wrist") - chest, axis=-1) for s in ("left", "right")}
    other = "right" if side == "left" else "left"
    assert np.ptp(reach[side]) > np.ptp(reach[other]) + 0.1


@settings(max_examples=15)
@given(angles, st.integers(-9, 9), st.sampled_from([0.01, 1.0, 100.0]))
def test_where_a_clip_stands_which_way_it_faces_and_its_unit_make_no_difference(
    angle: float, place: int, unit: float
) -> None:
    source = bvh.read(FIXTURES / "kaykit-walk.bvh")
    expected = retarget(source)
    moved = clips.move(clips.turn(source, angle), f32([place, 3 * place, -place]))
    other = replace(
        moved,
        skeleton=replace(moved.skeleton, offsets=moved.skeleton.offsets * np.float32(unit)),
        root=moved.root * np.float32(unit),
    )
    np.testing.assert_allclose(clips.positions(retarget(other)), clips.positions(expected), atol=2e-3)


@pytest.mark.parametrize("laid", ["rest pose", "motion"])
def test_a_clip_with_z_up_is_put_on_its_feet(laid: str) -> None:
    """Either all of it, rest pose included, or with a rest pose that tells nothing: bones all along one axis."""
    source = bvh.read(FIXTURES / "kaykit-walk.bvh")
    expected = retarget(source)
    up = quat.from_axis_angle(f32([1, 0, 0]), f32(np.pi / 2))  # +Y becomes +Z, +Z becomes -Y
    rotations = source.rotations.copy()
    if laid == "rest pose":
        offsets = quat.rotate(up, source.skeleton.offsets)
        rotations = quat.mul(quat.mul(up, rotations), quat.inv(up))
        skeleton = replace(source.skeleton, offsets=offsets)
    else:
        rotations[:, 0] = quat.mul(up, rotations[:, 0])
        skeleton, rotations = _without_rest(source.skeleton, rotations)
    result = retarget(replace(source, skeleton=skeleton, rotations=rotations, root=quat.rotate(up, source.root)))
    ours, theirs = _directions(result, None), _directions(expected, None)
    assert _angles_deg(ours, theirs).mean() < 3
    check_stance(result)
    check_turns(result)


def _without_rest(skeleton: Skeleton, rotations: F32) -> tuple[Skeleton, F32]:
    """The same motion on bones that all point along +X in the rest pose, as some studios' exporters write them."""
    lengths = np.linalg.norm(skeleton.offsets, axis=-1)
    straight = np.zeros_like(skeleton.offsets)
    straight[:, 0] = lengths
    _, world = fk(skeleton, rotations, np.zeros((len(rotations), 3), np.float32))
    first: dict[int, int] = {}
    for joint, parent in enumerate(skeleton.parents):
        first.setdefault(parent, joint)
    own = np.tile(quat.IDENTITY, (len(skeleton), 1))
    for joint in range(len(skeleton)):
        child = first.get(joint)
        if child is not None and lengths[child] > 0:
            own[joint] = quat.between(f32([1, 0, 0]), skeleton.offsets[child])
    turned = quat.mul(world, own)
    offsets = straight.copy()
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0 and first[parent] != joint:  # only the first child can lie along its parent's bone
            offsets[joint] = quat.rotate(quat.inv(own[parent]), skeleton.offsets[joint])
    parents = np.array(skeleton.parents)
    local = quat.mul(quat.inv(turned[:, np.maximum(parents, 0)]), turned)
    local[:, 0] = turned[:, 0]
    return replace(skeleton, offsets=offsets), quat.normalize(local)


def test_a_rest_pose_that_tells_nothing_is_made_up_for_from_the_motion() -> None:
    source = bvh.read(FIXTURES / "kaykit-walk.bvh")
    skeleton, rotations = _without_rest(source.skeleton, source.rotations)
    other = replace(source, skeleton=skeleton, rotations=rotations)
    np.testing.assert_allclose(clips.positions(other), clips.positions(source), atol=1e-4)
    result = check_limbs(other, WALK)
    check_stance(result)
    check_turns(result)


def test_a_canonical_clip_keeps_all_its_limbs_and_its_size() -> None:
    clip = backflip()
    result = retarget(clip)
    assert _angles_deg(_directions(result, None), _directions(clips.canonicalise(clip), None)).max() < 0.5
    np.testing.assert_allclose(np.ptp(result.root[:, 1]), np.ptp(clip.root[:, 1]), atol=0.02)


def test_a_clip_written_to_bvh_is_read_and_retargeted_back(tmp_path: Path) -> None:
    clip = walk()
    bvh.write(clip, tmp_path / "walk.bvh")
    result = retarget(bvh.read(tmp_path / "walk.bvh"))
    assert _angles_deg(_directions(result, None), _directions(clip, None)).max() < 0.5
    np.testing.assert_allclose(result.root, clip.root, atol=5e-3)


def test_the_floor_can_be_left_as_it_is() -> None:
    lifted = clips.move(walk(), f32([0, 0.5, 0]))
    toes = clips.positions(retarget(lifted, options=Options(lock_floor=False)))[:, [10, 11], 1]
    assert np.percentile(toes.min(axis=1), 2) == pytest.approx(TOE_HEIGHT + 0.5, abs=0.02)


def test_the_rate_and_name_stay() -> None:
    result = retarget(replace(clips.resample(walk(), 24.0), name="a walk"))
    assert (result.fps, result.name) == (24.0, "a walk")


def test_limb_errors_are_measured_in_degrees_whatever_way_the_copy_faces() -> None:
    source, result = bvh.read(FIXTURES / "kaykit-walk.bvh"), walk()
    assert max(limb_error_deg(source, result).values()) < 0.5
    assert max(limb_error_deg(source, clips.turn(result, 2.0)).values()) < 0.5
    bent = result.rotations.copy()
    elbows = [SMPLX22.index("left_elbow"), SMPLX22.index("right_elbow")]
    twenty = quat.from_axis_angle(f32([0, 0, 1]), f32(np.radians(20)))
    bent[:, elbows] = quat.mul(bent[:, elbows], twenty)
    wrong = limb_error_deg(source, replace(result, rotations=bent))
    assert wrong["elbow-wrist"] == pytest.approx(20, abs=3)
    assert wrong["hip-knee"] < 2


def test_a_skeleton_without_a_body_is_refused() -> None:
    stick = Skeleton("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32))
    with pytest.raises(UnknownJoint, match="'stick'"):
        retarget(wriggle(stick))


def test_feet_are_held_wherever_the_floor_is_and_whichever_axis_is_up() -> None:
    clip = stroll()
    held = hold_feet(clip)
    assert np.abs(clips.positions(held) - clips.positions(clip)).max() > 0.02, "the stroll glides"
    up = np.array([0, 0.7, 0], np.float32)
    high = hold_feet(clips.move(clip, up))
    np.testing.assert_allclose(clips.positions(high), clips.positions(held) + up, atol=1e-4)
    lying = quat.from_axis_angle(np.array([1, 0, 0], np.float32), np.array(np.pi / 2, np.float32))  # Z up
    filed = replace(
        clip,
        skeleton=replace(SMPLX22, offsets=quat.rotate(lying, SMPLX22.offsets)),
        rotations=quat.mul(quat.mul(lying, clip.rotations), quat.inv(lying)),
        root=quat.rotate(lying, clip.root),
    )
    back = quat.rotate(quat.inv(lying), clips.positions(hold_feet(filed)))
    np.testing.assert_allclose(back, clips.positions(held), atol=1e-3)


def test_feet_of_bones_that_move_are_not_held() -> None:
    clip = stroll()
    with pytest.raises(BadClip, match="moves its bones, so that no leg has a length; retarget it"):
        hold_feet(replace(clip, offsets=np.tile(SMPLX22.offsets, (len(clip), 1, 1))))
