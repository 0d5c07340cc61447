"""What is let in: no limit of the operator's can be got round, and geometry is for workers to refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motion.bundles.bundle import Bundle
from motion.errors import BadRequest, UnknownTask
from motion.protocol import Done, Error, Frames, Generate, Hello, Limits, OpenStream, Pose, Rig, Steer, Welcome
from runtime.client import Client
from runtime.front import admission
from tests.imports import reached
from tests.runtime.conftest import Server, start
from tests.runtime.generation.test_rig import knight
from tests.runtime.peers import Raw, peer

TIGHT = replace(
    admission.LIMITS, text_characters=10, seconds_most=2.0, variations=2, agents=2, replan_least=20, replan_most=30,
    speed_most=1.5, joints=23,
)  # fmt: skip
"""what an operator may ask for instead"""
ELSEWHERE = {"requests", "queue", "window", "streams", "sessions", "messages_per_s", "bytes_per_s"}
"""counted where connections and requests are, and tested over the socket: below, test_live_sessions and test_keys"""


def pose(frames: int, joints: int = 22) -> Pose:
    rotations = np.zeros((frames, joints, 4), np.float32)
    rotations[..., 0] = 1
    return Pose(rotations, np.zeros((frames, 3), np.float32))


def generate(task: str = "text-to-motion", **changes: Any) -> Generate:
    return Generate(**{"id": "g", "task": task, "text": "walk" if task == "text-to-motion" else "", **changes})


FORMS: list[tuple[str, Generate | OpenStream | Steer]] = [
    ("text_characters", generate(text="x" * 11)),
    ("text_characters", OpenStream("s", "x" * 11)),
    ("text_characters", Steer("s", text="x" * 11)),
    ("seconds_least", generate(seconds=0.4)),
    ("seconds_most", generate(seconds=2.1)),
    ("seconds_most", generate("prediction", past=pose(64))),
    ("seconds_most", generate("in-betweening", past=pose(8), future=pose(64))),
    ("seconds_most", generate("motion-to-text", motion=pose(64))),
    ("seconds_most", OpenStream("s", past=pose(64))),
    ("variations", generate(variations=3)),
    ("agents", OpenStream("s", agents=3)),
    ("agents", OpenStream("s", agents=3, places=np.zeros((3, 3), np.float32))),
    ("replan_least", OpenStream("s", replan=19)),
    ("replan_least", Steer("s", replan=19)),
    ("replan_most", OpenStream("s", replan=31)),
    ("replan_most", Steer("s", replan=31)),
    ("speed_most", Steer("s", speed=1.6)),
    ("joints", generate(rig=knight())),
    ("joints", generate("prediction", past=pose(8, 24), rig=knight())),
    ("joints", OpenStream("s", rig=knight())),
]


def check(order: Generate | OpenStream | Steer, source: Bundle, limits: Limits) -> None:
    if isinstance(order, Generate):
        admission.check(order, source.manifest, limits)
    elif isinstance(order, OpenStream):
        admission.check_stream(order, source.manifest, limits)
    else:
        admission.check_steer(order, 2, limits)


@pytest.mark.parametrize(("limit", "order"), FORMS, ids=[f"{name}-{type(order).__name__}" for name, order in FORMS])
def test_every_form_of_request_is_bound_by_the_operators_limits(
    recorded_bundle: Bundle, limit: str, order: Generate | OpenStream | Steer
) -> None:
    with pytest.raises(BadRequest):
        check(order, recorded_bundle, TIGHT)
    if limit != "seconds_least":
        check(order, recorded_bundle, replace(admission.LIMITS, replan_least=1))


def test_auto_takes_a_text_and_what_a_motion_may_have_and_only_where_the_bundle_lists_it(
    recorded_bundle: Bundle,
) -> None:
    asked = generate("auto", text="walk", seconds=2.0, caption=True, rig=knight())
    assert admission.check(asked, recorded_bundle.manifest, admission.LIMITS).gives == "either"
    with pytest.raises(BadRequest, match="task 'auto' needs 'text'"):
        admission.check(generate("auto"), recorded_bundle.manifest, admission.LIMITS)
    with pytest.raises(BadRequest, match="task 'auto' takes no 'past'"):
        admission.check(generate("auto", text="walk", past=pose(8)), recorded_bundle.manifest, admission.LIMITS)
    tasks = tuple(task for task in recorded_bundle.manifest.tasks if task.name != "auto")
    with pytest.raises(UnknownTask, match="has no task 'auto'; it can do 'text-to-motion'"):
        admission.check(asked, replace(recorded_bundle.manifest, tasks=tasks), admission.LIMITS)


def test_each_limit_is_tried() -> None:
    assert {limit for limit, _ in FORMS} | ELSEWHERE == {field.name for field in fields(Limits)}


def test_a_live_session_that_asks_for_no_buffer_gets_one_within_the_limits() -> None:
    assert admission.replan_of(OpenStream("s"), admission.LIMITS) == admission.REPLAN
    assert admission.replan_of(OpenStream("s"), TIGHT) == 20
    assert admission.replan_of(OpenStream("s"), replace(TIGHT, replan_least=2, replan_most=8)) == 8
    assert admission.replan_of(OpenStream("s", replan=25), TIGHT) == 25


@pytest.fixture(scope="module")
def strict(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that allows little."""
    settings = tmp_path_factory.mktemp("strict") / "serve.toml"
    settings.write_text(
        "cache_mb = 0\n[limits]\nseconds_most = 1.1\nrequests = 2\nqueue = 3\nbytes_per_s = 2000\nreplan_least = 24\n"
    )
    with start(str(bundle_folder), "--step-s", "0.01", "--config", str(settings)) as running:
        yield running


@pytest.mark.parametrize("seconds", [None, 1.1])
def test_a_motion_is_no_longer_than_the_operator_allows_whether_its_length_is_asked_for_or_not(
    strict: Server, seconds: float | None
) -> None:
    with Client(strict.address) as client:
        result = client.generate("walk", seconds=seconds, seed=1, variations=2).result()
    assert [len(clip) for clip in result.clips] == [33, 33]
    assert result.done.tokens == 2 * 9


def test_requests_under_way_are_counted_with_all_their_variations_and_those_that_wait_are_too(strict: Server) -> None:
    with peer(strict.address) as one, peer(strict.address) as other, peer(strict.address) as third:
        for raw in (one, other):
            for name in ("a", "b"):
                raw.say(generate(id=name, variations=8))
        one.say(generate(id="c"))
        assert "2 requests of this client are under way" in one.hear(Error).message
        third.say(generate(id="a"))
        error = third.hear(Error)
        assert (error.code, "3 requests are waiting" in error.message) == ("busy", True)


def test_who_connects_anew_does_not_get_its_rate_anew(strict: Server) -> None:
    for allowed in (True, False):
        raw = Raw(strict.address, name=b"again")
        raw.say(Hello("x" * 5000, 120))
        assert isinstance(raw.hear(Welcome, Error), Welcome if allowed else Error)
        raw.close()


def test_the_front_has_no_way_to_geometry() -> None:
    there = reached("runtime/front/service.py")
    assert {"runtime/front/admission.py", "runtime/transport/orders.py"} <= there
    assert not {file for file in there if file.startswith(("motion/retargeting/", "runtime/generation/rig.py"))}


def bush(joints: int, scale: float = 1.0) -> Rig:
    """A humanoid with many joints that play no role."""
    body = knight(scale)
    more = joints - len(body.joints)
    return Rig(
        "bush",
        (*body.joints, *(f"twig.{i}" for i in range(more))),
        (*body.parents, *range(len(body.joints) - 1, joints - 1)),
        np.concatenate([body.offsets, np.full((more, 3), 0.01, np.float32)]),
    )


def test_frames_come_on_a_rig_of_as_many_joints_as_are_allowed_and_not_one_more(server: Server) -> None:
    with peer(server.address) as raw:
        raw.say(generate(seconds=0.5, rig=bush(512)))
        assert raw.hear(Frames).rotations.shape[1:] == (512, 4)
        raw.hear(Done)
        raw.say(generate(seconds=0.5, rig=bush(513)))
        assert "the rig has 513 joints and at most 512 are allowed" in raw.hear(Error).message


@pytest.mark.parametrize("variations", [1, 4])
@pytest.mark.parametrize(
    ("rig", "sentence"),
    [
        (bush(512, 1e6), "give its offsets in metres"),
        (Rig("stick", ("a", "b"), (-1, 0), np.ones((2, 3), np.float32)), "the rig cannot be used: "),
        (replace(knight(), parents=(0,) * 24), "must begin with one root joint"),
        (replace(knight(), joints=("twin",) * 24), "two joints called 'twin'"),
    ],
)
def test_a_rig_that_cannot_be_is_refused_whoever_finds_it_out_and_the_same_connection_served_on(
    server: Server, rig: Rig, sentence: str, variations: int
) -> None:
    with peer(server.address) as raw:
        for order in (generate(rig=rig, variations=variations), OpenStream("g", "walk", rig=rig, publish="shown")):
            raw.say(order)
            error = raw.hear(Error, Done, Frames)
            assert isinstance(error, Error)
            assert (error.id, error.code, error.retry) == ("g", "bad_request", False)
            assert sentence in error.message
        raw.say(generate(seconds=0.5, seed=0))
        assert isinstance(raw.hear(Done, Error), Done)
    assert "Traceback" not in server.said()
