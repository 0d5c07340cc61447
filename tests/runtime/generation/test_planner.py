"""Plans of live sessions: each follows from the last without a seam, wherever they are cut; orders bend the path."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion import features, quat
from motion.bundles.bundle import Bundle
from motion.errors import Cancelled
from motion.protocol import Pose, wire
from motion.protocol.wire import Array
from motion.quat import F32
from runtime.generation import resume
from runtime.generation.planner import Course, Planner
from runtime.transport import orders
from runtime.transport.orders import Plan, Planned
from tests.runtime.generation.test_rig import knight
from tests.runtime.recorded import RATE, open_pipeline, walk


@pytest.fixture(scope="module")
def planner(recorded_bundle: Bundle) -> Iterator[Planner]:
    with ExitStack() as stack:
        yield Planner(open_pipeline(recorded_bundle, stack))


@pytest.fixture(scope="module")
def careful(recorded_bundle: Bundle) -> Iterator[Planner]:
    """One that holds feet, and so knows a few frames ahead."""
    with ExitStack() as stack:
        yield Planner(open_pipeline(recorded_bundle, stack, hold_feet=True))


def order(tokens: int = 8, text: str = "walk", fresh: bool = False, **more: Any) -> Plan:
    return Plan(seed=3, text=text, tokens=tokens, fresh=fresh, **more)


def follow(planner: Planner, plans: list[Plan], begin: Mapping[str, Array] | None = None) -> list[Course]:
    """One plan after the other, each from the last resume point of the one before, over the wire as in the service."""
    courses: list[Course] = []
    arrays: Mapping[str, Array] = begin or {}
    for one in plans:
        parts = orders.pack("plan", 1, one, arrays)
        made = planner.plan(orders.unpack(Plan, parts), orders.resumes_of(parts), lambda: False)
        parts = orders.pack("planned", 1, made.planned, made.resumes)
        courses.append(Course(orders.unpack(Planned, parts), orders.resumes_of(parts)))
        arrays = resume.row(courses[-1].resumes, len(courses[-1].planned.ends) - 1)
    return courses


def whole(courses: list[Course]) -> tuple[F32, F32]:
    return (
        np.concatenate([course.planned.root for course in courses]),
        np.concatenate([course.planned.rotations for course in courses]),
    )


def roughness(root: F32, rotations: F32) -> float:
    """The largest change of speed from one frame to the next, of the root in metres and of any joint in radians."""
    turns = quat.to_vector(quat.mul(quat.inv(rotations[:-1]), rotations[1:]))
    steps = np.diff(root, axis=0)
    return max(float(np.abs(np.diff(turns, axis=0)).max()), float(np.abs(np.diff(steps, axis=0)).max()))


def test_plans_that_follow_each_other_are_one_motion(planner: Planner) -> None:
    root, rotations = whole(follow(planner, [order(tokens) for tokens in (2, 4, 8, 8, 8)]))
    assert len(root) == 30 * RATE
    clip = features.decode(np.concatenate([features.encode(walk())[3 * RATE :], features.encode(walk())])[: 30 * RATE])
    assert roughness(root, rotations) < 1.5 * roughness(clip.root, clip.rotations)
    assert np.linalg.norm(root[-1] - root[0]) > 2, "a statue is smooth too"


@settings(deadline=None, max_examples=15)
@given(st.lists(st.sampled_from([2, 4, 6, 8]), min_size=1, max_size=5))
def test_where_plans_are_cut_changes_nothing(planner: Planner, cuts: list[int]) -> None:
    parts, once = whole(follow(planner, [order(count) for count in cuts])), whole(follow(planner, [order(sum(cuts))]))
    for one, other in zip(parts, once, strict=True):
        assert np.abs(one - other).max() < 2e-3


def test_nor_does_it_where_feet_are_held_though_the_last_frames_come_with_the_next_plan(careful: Planner) -> None:
    parts, once = whole(follow(careful, [order(2), order(4), order(2)])), whole(follow(careful, [order(8)]))
    assert 0 < 8 * RATE - len(once[0]) < RATE
    for one, other in zip(parts, once, strict=True):
        assert np.abs(one - other).max() < 2e-3


def test_a_resume_point_in_the_middle_of_a_plan_goes_on_as_the_plan_did(planner: Planner) -> None:
    course = follow(planner, [order(8)])[0]
    middle = 1
    frame = course.planned.ends[middle]
    again = follow(planner, [order(4)], resume.row(course.resumes, middle))[0]
    assert np.abs(again.planned.root[:8] - course.planned.root[frame : frame + 8]).max() < 2e-3


def test_new_orders_grow_out_of_what_was_shown_without_a_jump(planner: Planner) -> None:
    before = follow(planner, [order(12)])[0]
    frame = before.planned.ends[1]
    after = follow(planner, [order(8, text="other", fresh=True)], resume.row(before.resumes, 1))[0]
    root = np.concatenate([before.planned.root[:frame], after.planned.root])
    rotations = np.concatenate([before.planned.rotations[:frame], after.planned.rotations])
    assert roughness(root, rotations) < 0.12
    assert np.abs(after.planned.rotations[12:24] - before.planned.rotations[frame + 12 : frame + 24]).max() > 0.05


@pytest.mark.parametrize("heading", [0.0, 1.5, -2.5, math.pi])
def test_a_heading_is_turned_to_and_kept(planner: Planner, heading: float) -> None:
    root, rotations = whole(follow(planner, [order(8, heading=heading)] * 8))
    faced = quat.yaw(rotations[-30:, 0])
    assert np.abs([math.remainder(float(yaw) - heading, math.tau) for yaw in faced]).max() < 0.25
    way = root[-1] - root[-30]
    assert abs(math.remainder(math.atan2(way[0], way[2]) - heading, math.tau)) < 0.25
    assert np.abs(np.diff(np.unwrap(quat.yaw(rotations[:, 0])))).max() < 1.8 * math.pi / 2 / 30


@pytest.mark.parametrize("target", [(3.0, 3.0), (-4.0, 1.0), (0.5, -3.0)])
def test_a_target_is_reached_and_said_to_be(planner: Planner, target: tuple[float, float]) -> None:
    arrays: Mapping[str, Array] = {}
    nearest, arrived = math.inf, False
    for _ in range(40):
        course = follow(planner, [order(8, target=target)], arrays)[0]
        arrays = resume.row(course.resumes, len(course.planned.ends) - 1)
        gaps = np.hypot(course.planned.root[:, 0] - target[0], course.planned.root[:, 2] - target[1])
        nearest = min(nearest, float(gaps.min()))
        arrived = course.planned.arrived
        if arrived:
            break
    assert arrived
    assert nearest < 0.6


def test_it_begins_where_it_is_put(planner: Planner) -> None:
    place = np.array([2.0, -1.0, 1.0], np.float32)
    course = follow(planner, [order(4, place=place)])[0]
    assert np.abs(course.planned.root[0, [0, 2]] - place[:2]).max() < 0.1
    way = course.planned.root[-1] - course.planned.root[0]
    assert abs(math.atan2(way[0], way[2]) - 1.0) < 0.3


def test_it_goes_on_from_a_past_where_that_stands(planner: Planner) -> None:
    clip = walk()
    past = Pose(clip.rotations[:80], clip.root[:80])
    root, rotations = whole(follow(planner, [order(4, past=past), order(8)]))
    assert np.abs(root[:40] - clip.root[80:120]).max() < 0.05
    joined = np.concatenate([past.root[-20:], root]), np.concatenate([past.rotations[-20:], rotations])
    assert roughness(*joined) < 2.5 * roughness(clip.root, clip.rotations)


def test_frames_come_on_the_callers_rig(planner: Planner) -> None:
    rig = knight(0.5)
    course = follow(planner, [order(4, rig=rig)])[0]
    plain = follow(planner, [order(4)])[0]
    assert course.planned.rotations.shape[1] == len(rig.joints)
    assert np.abs(np.diff(course.planned.root, axis=0) - 0.5 * np.diff(plain.planned.root, axis=0)).max() < 1e-3


def test_a_plan_is_stopped_at_the_next_code(planner: Planner) -> None:
    count = [0]

    def halted() -> bool:
        count[0] += 1
        return count[0] > 3

    with pytest.raises(Cancelled):
        planner.plan(order(8), {}, halted)
    assert count[0] == 4


def test_a_resume_point_travels_whole() -> None:
    one = resume.Resume((1, 2, 3), 2, 7, np.ones((8, 3), np.float32), np.arange(5.0), 0.25)
    other = resume.Resume((4,), 1, 0, np.zeros((0, 3), np.float32), np.arange(5.0) + 1e-12, -1.0)
    arrays = resume.to_arrays([one, other])
    parts = wire.seal("resumes", {}, arrays)
    back = wire.unseal(parts).buffers
    for i, kept in enumerate((one, other)):
        found = resume.from_arrays(resume.row(back, i))
        assert (found.codes, found.out, found.index, found.turning) == (kept.codes, kept.out, kept.index, kept.turning)
        assert np.array_equal(found.tail, kept.tail)
        assert np.array_equal(found.stance, kept.stance)
