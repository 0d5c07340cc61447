"""Feet that stay where they stand: slides go, steps stay, knees do not pop, and a stream gives what a clip gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.metrics import joints
from motion import clip as clips
from motion import contacts, quat
from motion.clip import Clip
from motion.errors import BadClip
from motion.quat import F32
from motion.retargeting.feet import FootLock, Hold, lock_feet
from motion.retargeting.legs import Leg, legs_of_smplx22
from motion.retargeting.retarget import retarget
from motion.skeleton import SMPLX22, TOE_HEIGHT, Skeleton
from tests import mocap
from tests.mocap import RIGS
from tests.motion.clips import backflip, stroll, walk, wriggle
from tests.motion.turns import f32

FEET = [SMPLX22.index(joint) for joint in contacts.JOINTS]
LEGS = [SMPLX22.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee", "ankle")]
OTHERS = [joint for joint in range(len(SMPLX22)) if joint not in LEGS]


def standing(frames: int = 60, fps: float = 30.0) -> Clip:
    """A body that stands with its knees a little bent."""
    rotations = np.tile(quat.IDENTITY, (frames, len(SMPLX22), 1))
    for joint, angle in (("hip", -0.3), ("knee", 0.6), ("ankle", -0.3)):
        for side in ("left", "right"):
            bend = quat.from_axis_angle(f32([1, 0, 0]), f32(angle))
            rotations[:, SMPLX22.index(f"{side}_{joint}")] = bend
    root = np.zeros((frames, 3), np.float32)
    clip = Clip(SMPLX22, fps, rotations, root)
    lowest = float(clips.positions(clip)[0, FEET[1], 1])
    return clips.move(clip, f32([0, TOE_HEIGHT - lowest, 0]))


def drifting(clip: Clip, speed: float, sway: float = 0.02) -> Clip:
    """The clip with a root that drifts along X and sways, so that resting feet slide with it."""
    t = np.arange(len(clip)) / clip.fps
    root = clip.root.copy()
    root[:, 0] += speed * t
    root[:, 2] += sway * np.sin(2 * np.pi * t)
    return replace(clip, root=root.astype(np.float32))


def steps() -> Clip:
    """A real walk that travels, resting feet sliding a little."""
    clip = stroll()
    return drifting(clip, 0.06)


def skate(clip: Clip, down: F32 | None = None) -> float:
    """Centimetres a second."""
    feet = clips.positions(clip)[:, FEET]
    return joints.foot_skate(feet, contacts.detect_from(feet, clip.fps) if down is None else down, clip.fps)


def knees(clip: Clip) -> F32:
    """Bend of both knees, radians (T, 2)."""
    at = clips.positions(clip)
    bends: list[F32] = []
    for hip, knee, ankle in (LEGS[:3], LEGS[3:]):
        upper, lower = at[:, knee] - at[:, hip], at[:, ankle] - at[:, knee]
        across = np.linalg.norm(np.cross(upper, lower), axis=-1)
        bends.append(np.arctan2(across, (upper * lower).sum(-1)))
    return np.stack(bends, axis=-1)


def test_feet_that_slide_under_a_drifting_body_are_held() -> None:
    slid = drifting(standing(30), 0.08)
    down = np.ones((len(slid), 4), np.float32)
    assert skate(slid, down) > 8
    assert skate(lock_feet(slid), down) < 1
    assert skate(lock_feet(slid, down), down) < 1


def test_a_body_that_drifts_too_far_takes_its_feet_along_after_a_while() -> None:
    far = drifting(standing(240), 0.1)
    shifts = clips.positions(lock_feet(far))[:, FEET] - clips.positions(far)[:, FEET]
    assert 0.08 < np.abs(shifts).max() < 0.25


def test_steps_stay_steps_and_resting_feet_stop() -> None:
    walked = steps()
    held = lock_feet(walked)
    down = contacts.detect(walked)
    assert down.mean() > 0.1
    assert skate(held, down) < 0.25 * skate(walked, down)
    swung, before = (np.ptp(clips.positions(clip)[:, FEET[1]], axis=0) for clip in (held, walked))
    np.testing.assert_allclose(swung, before, atol=0.1)


def test_the_root_and_the_upper_body_go_their_own_way() -> None:
    walked = steps()
    held = lock_feet(walked)
    np.testing.assert_array_equal(held.root[:, [0, 2]], walked.root[:, [0, 2]])
    lowered = walked.root[:, 1] - held.root[:, 1]
    assert lowered.min() >= 0
    assert lowered.max() < 0.05
    np.testing.assert_allclose(held.rotations[:, OTHERS], walked.rotations[:, OTHERS], atol=1e-6)


def test_a_body_that_stands_still_stays_as_it_is() -> None:
    still = standing()
    np.testing.assert_allclose(clips.positions(lock_feet(still)), clips.positions(still), atol=1e-4)


def test_a_body_in_the_air_is_left_alone() -> None:
    clip = backflip()
    moved = np.abs(clips.positions(lock_feet(clip)) - clips.positions(clip)).max(axis=(1, 2))
    airborne = np.flatnonzero(clip.root[:, 1] > 1.6)
    assert moved[airborne[4:]].max() < 0.02, "a shift from the ground is let go within a few frames"


@pytest.mark.parametrize("make", [steps, lambda: drifting(standing(90), 0.1), lambda: drifting(backflip(), 0.1)])
def test_knees_do_not_pop(make: Callable[[], Clip]) -> None:
    """The knees' angular acceleration stays about what it was, as does the jitter of all joints."""
    clip = make()
    held = lock_feet(clip)
    before, after = (np.abs(np.diff(knees(c), n=2, axis=0)).max() * c.fps**2 for c in (clip, held))
    assert after < 1.3 * before + 20  # rad/s2; one degree from one frame to the next is 16
    jitter_before, jitter_after = (joints.jitter(clips.positions(c), c.fps) for c in (clip, held))
    assert jitter_after < 1.3 * jitter_before + 5


def test_legs_that_would_have_to_grow_bring_the_root_down_instead() -> None:
    straight = standing(30)
    straight = replace(straight, rotations=np.tile(quat.IDENTITY, (len(straight), len(SMPLX22), 1)))
    lowest = float(clips.positions(straight)[0, FEET[1], 1])
    slid = drifting(clips.move(straight, f32([0, TOE_HEIGHT - lowest, 0])), 0.08)
    down = np.ones((len(slid), 4), np.float32)
    held = lock_feet(slid, down)
    assert skate(held, down) < 0.3 * skate(slid, down)
    assert 0.001 < (slid.root - held.root)[:, 1].max() < 0.05


@settings(max_examples=12)
@given(st.lists(st.integers(0, 17), max_size=30), st.booleans())
def test_pieces_of_any_length_give_exactly_what_the_whole_gives(lengths: list[int], known: bool) -> None:
    clip = steps()
    down = contacts.detect(clip) if known else None
    whole = lock_feet(clip, down)
    lock = FootLock()
    at = 0
    pieces: list[tuple[F32, F32]] = []
    for length in [*lengths, len(clip)]:
        part = slice(at, at + length)
        pieces.append(lock.push(clip.root[part], clip.rotations[part], None if down is None else down[part]))
        at = min(at + length, len(clip))
        assert sum(len(root) for root, _ in pieces) == max(0, at - lock.lookahead)
    pieces.append(lock.flush())
    np.testing.assert_array_equal(np.concatenate([root for root, _ in pieces]), whole.root)
    np.testing.assert_array_equal(np.concatenate([rotations for _, rotations in pieces]), whole.rotations)


@given(st.integers(0, 99))
@settings(max_examples=15)
def test_a_stream_goes_on_exactly_from_where_its_numbers_were_written_down(cut: int) -> None:
    clip = steps()
    whole = lock_feet(clip)
    first, second = FootLock(), FootLock()
    given = [first.push(clip.root[:cut], clip.rotations[:cut])]
    stance = first.stance()
    assert stance.shape == FootLock().stance().shape
    second.resume(stance)
    given += [second.push(clip.root[cut:], clip.rotations[cut:]), second.flush()]
    np.testing.assert_array_equal(np.concatenate([root for root, _ in given]), whole.root)
    np.testing.assert_array_equal(np.concatenate([rotations for _, rotations in given]), whole.rotations)


def test_frames_wait_for_a_tenth_of_a_second_at_any_rate() -> None:
    assert FootLock(fps=30.0).lookahead == 3
    assert FootLock(fps=120.0).lookahead == 12
    assert FootLock(fps=30.0, hold=Hold(lookahead=0.0)).lookahead == 1


def test_the_rate_does_not_change_what_is_held() -> None:
    slow, fast = drifting(standing(60, 30.0), 0.08), drifting(standing(120, 60.0), 0.08)
    at = clips.positions(lock_feet(slow))
    np.testing.assert_allclose(clips.positions(lock_feet(fast))[::2], at, atol=0.01)


def test_a_stream_that_goes_on_from_a_standing_frame_holds_it_from_its_first_frame() -> None:
    slid = drifting(standing(), 0.15)
    lock = FootLock()
    lock.follow(slid.root[0], slid.rotations[0])
    lock.push(slid.root[1:], slid.rotations[1:])
    root, rotations = lock.flush()
    assert len(root) == lock.lookahead
    on = FootLock()
    on.follow(slid.root[0], slid.rotations[0])
    root, rotations = on.push(slid.root[1:], slid.rotations[1:])
    first = clips.positions(Clip(SMPLX22, 30.0, rotations, root))[0, FEET]
    before = clips.positions(slid)[0, FEET]
    free = clips.positions(slid)[1, FEET]
    assert np.linalg.norm(first - before, axis=-1).max() < 0.5 * np.linalg.norm(free - before, axis=-1).min()


def test_known_contacts_decide_where_height_and_speed_would_not() -> None:
    slid = drifting(standing(), 0.15)
    nothing = np.zeros((len(slid), 4), np.float32)
    assert np.abs(clips.positions(lock_feet(slid, nothing)) - clips.positions(slid)).max() < 1e-3


def test_a_foot_a_little_below_the_floor_is_put_on_it_and_one_far_below_is_meant_to_be_there() -> None:
    sunk = clips.move(standing(), f32([0, -0.04, 0]))
    assert clips.positions(sunk)[:, FEET[1], 1].max() < -0.015
    assert clips.positions(lock_feet(sunk))[:, FEET[1], 1].min() > -0.003
    downstairs = clips.move(standing(), f32([0, -0.5, 0]))
    np.testing.assert_allclose(clips.positions(lock_feet(downstairs)), clips.positions(downstairs), atol=1e-3)


def test_joints_between_hip_and_knee_and_other_names_are_no_hindrance() -> None:
    """A rig with a twist bone in the left thigh and no toes: the knee's parent is not the hip."""
    slid = drifting(standing(30), 0.08)
    twist = SMPLX22.index("left_knee")
    half = SMPLX22.offsets[twist] / 2
    names = [f"bone {i}" for i in range(len(SMPLX22))]
    names.insert(twist, "twist")
    parents = [p + (p >= twist) for p in SMPLX22.parents]
    parents.insert(twist, SMPLX22.parents[twist])
    parents[twist + 1] = twist
    offsets = np.insert(SMPLX22.offsets, twist, half, axis=0)
    offsets[twist + 1] = half
    rig = Skeleton("rig", tuple(names), tuple(parents), f32(offsets))
    rotations = np.insert(slid.rotations, twist, quat.IDENTITY, axis=1)

    def shifted(leg: Leg) -> Leg:
        hip, knee, ankle = (joint + (joint >= twist) for joint in (leg.hip, leg.knee, leg.ankle))
        return replace(leg, hip=hip, knee=knee, ankle=ankle, toe=None)

    left, right = map(shifted, legs_of_smplx22())
    clip = replace(slid, skeleton=rig, rotations=rotations)
    held = lock_feet(clip, legs=(left, right))
    before, after = (np.ptp(clips.positions(c)[:, [left.ankle, right.ankle]], axis=0).max() for c in (clip, held))
    assert after < 0.3 * before


def test_a_single_frame_is_a_motion_too() -> None:
    one = clips.cut(walk(), 0, 1)
    assert len(lock_feet(one)) == 1


def test_a_skeleton_whose_legs_nobody_named_is_refused() -> None:
    stick = Skeleton("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32))
    with pytest.raises(BadClip, match="which joints of skeleton 'stick' are its legs"):
        lock_feet(wriggle(stick))


@pytest.mark.parametrize("name", ["cmu", "hdm05", "dance", "misc-converted", "cmu-poser"])
@mocap.needed
def test_feet_of_recorded_takes_slide_less_and_nothing_else_gets_worse(name: str, cache: Path) -> None:
    take = retarget(mocap.recorded(RIGS[name], cache))
    assert take.contacts is not None
    held = lock_feet(take)
    assert skate(held, take.contacts) < 0.6 * skate(take, take.contacts)
    before, after = clips.positions(take), clips.positions(held)
    assert joints.jitter(after, take.fps) < 1.1 * joints.jitter(before, take.fps)
    assert joints.mpjpe(after, before) < 0.02
    bends = [np.abs(np.diff(knees(clip), n=2, axis=0)).max() for clip in (take, held)]
    assert bends[1] < 1.5 * bends[0], "letting a foot go takes the knee a little faster, and no more"
