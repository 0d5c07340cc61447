"""Bodies told by their shape alone: every rig with its joints renamed to noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion import clip as clips
from motion import quat
from motion.quat import F32
from motion.retargeting.joint_map import map_joints
from motion.retargeting.joint_shape import guess_roles
from motion.skeleton import SMPLX22, Skeleton
from tests import mocap
from tests.mocap import RIGS
from tests.motion.rigs import Rig, all_rigs
from tests.motion.turns import rotations

# Three bodies at one place cannot be told apart without their names.
BODIES = {name: rig for name, rig in all_rigs().items() if name != "rigify generated"}


def noise(skeleton: Skeleton, seed: int) -> Skeleton:
    """The skeleton with names that say nothing."""
    numbers = np.random.default_rng(seed).permutation(100_000)[: len(skeleton)]
    return replace(skeleton, name="noise", joints=tuple(f"x{number}" for number in numbers))


def check(roles: dict[str, int], rig: Rig) -> None:
    """Every role is played by the joint that its maker meant, or by one at the same place."""
    assert set(roles) >= set(rig.roles)
    skeleton = rig.skeleton
    at = skeleton.rest_positions()
    for role, joint in rig.roles.items():
        if role == "neck":  # where a neck has two joints, or begins in the chest, either may be called so
            continue
        meant = skeleton.index(joint)
        near = 0.05 if role.endswith(("foot", "wrist")) else 0.0  # metres: a rig may have joints for the instep or palm
        assert np.linalg.norm(at[roles[role]] - at[meant]) <= near, (role, skeleton.joints[roles[role]], joint)


@pytest.mark.parametrize("name", BODIES)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**31), turn=rotations, size=st.floats(0.01, 100))
def test_a_rig_whose_names_are_noise_is_mapped_as_its_maker_meant(name: str, seed: int, turn: F32, size: float) -> None:
    """Whichever way it stands and however large it is."""
    rig = BODIES[name]
    skeleton = noise(rig.skeleton, seed)
    found = map_joints(replace(skeleton, offsets=quat.rotate(turn, skeleton.offsets) * np.float32(size)))
    check(found.roles, rig)
    assert {found.how[role] for role in ("left_hip", "right_wrist", "head")} == {"guessed"}


def test_smplx22_is_told_by_its_shape() -> None:
    roles = guess_roles(SMPLX22)
    assert {role: SMPLX22.joints[joint] for role, joint in roles.items()} == {role: role for role in roles}
    assert len(roles) == 20


def test_what_has_no_two_pairs_of_limbs_is_no_body() -> None:
    stick = Skeleton("stick", ("a", "b", "c"), (-1, 0, 1), np.ones((3, 3), np.float32))
    assert guess_roles(stick) == {}
    legs = [i for i, joint in enumerate(SMPLX22.joints) if i < 12 and "spine" not in joint]
    parents = tuple(-1 if i == 0 else legs.index(SMPLX22.parents[i]) for i in legs)
    trousers = Skeleton("trousers", tuple(SMPLX22.joints[i] for i in legs), parents, SMPLX22.offsets[legs])
    assert guess_roles(trousers) == {}


def test_a_motion_tells_left_from_right_where_the_rest_pose_does_not() -> None:
    """All bones along +X in the rest pose, as some exporters write them; seen moving, the body is plain."""
    from tests.motion.clips import backflip

    clip = backflip()
    flat = np.zeros_like(SMPLX22.offsets)
    flat[1:, 0] = np.linalg.norm(SMPLX22.offsets[1:], axis=-1)
    skeleton = replace(noise(SMPLX22, 1), offsets=flat)
    roles = map_joints(skeleton, places=clips.positions(clip)).roles
    assert {role: SMPLX22.joints[joint] for role, joint in roles.items()} == {role: role for role in roles}


@pytest.mark.parametrize("name", RIGS, ids=str)
@mocap.needed
def test_recorded_skeletons_without_their_names_are_mapped_as_with_them(name: str, cache: Path) -> None:
    clip = mocap.recorded(RIGS[name], cache)
    known = map_joints(clip.skeleton).roles
    places = clips.positions(clip)
    roles = map_joints(noise(clip.skeleton, 3), places=places).roles
    leg = np.linalg.norm(places[:, known["left_hip"]] - places[:, known["left_knee"]], axis=-1).mean() * 2
    for role in set(known) - {"neck"}:
        if role not in roles:
            assert role.endswith(("collar", "foot")), role
            continue
        near = 0.2 if role.endswith("wrist") else 1e-3  # of a leg: hand or wrist, where a rig has both
        apart = np.linalg.norm(places[:, roles[role]] - places[:, known[role]], axis=-1).mean()
        assert apart < near * leg, (role, clip.skeleton.joints[roles[role]])
