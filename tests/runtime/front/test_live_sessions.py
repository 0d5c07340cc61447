"""Live sessions over a real socket: frames without end at a steady rate, steered without a jump."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from motion import quat
from motion.clip import Clip
from motion.errors import BadRequest, Busy, Cancelled, TimedOut
from motion.protocol import (
    Ack,
    Cancel,
    CloseStream,
    Done,
    Error,
    Frames,
    OpenStream,
    Steer,
    Steered,
)
from motion.skeleton import Skeleton
from runtime.client import Client
from tests.runtime.conftest import Server, start
from tests.runtime.generation.test_rig import knight
from tests.runtime.live import FPS, pose, roughness, take
from tests.runtime.peers import assert_work_stops, eventually, peer
from tests.runtime.recorded import walk


def test_frames_come_one_by_one_at_the_bundles_rate_and_go_on(server: Server) -> None:
    with Client(server.address) as client, client.live("walk", seed=3) as live:
        frames = take(live, 90)
    assert [one.sequence for one in frames] == [one.first for one in frames] == list(range(90))
    assert all(len(one.root) == 1 for one in frames)
    clocks = np.array([one.clock for one in frames])
    assert np.allclose(np.diff(clocks), 1 / FPS, atol=1e-6), "due times are exact, whenever frames arrive"
    root, _ = pose(frames)
    assert np.linalg.norm(root[-1] - root[0]) > 1.5
    assert roughness(frames) < 0.05


def test_the_first_frame_is_there_long_before_a_clip_would_be(server: Server) -> None:
    with Client(server.address) as client:
        asked = time.monotonic()
        with client.live("walk") as live:
            take(live, 1)
            assert time.monotonic() - asked < 1.0


def test_steering_takes_hold_after_the_buffer_without_a_jump_and_rewrites_nothing(server: Server) -> None:
    with Client(server.address) as client, client.live("walk", seed=3, replan=8) as live:
        frames = take(live, 30)
        live.steer("other", heading=1.5)
        steered: list[Steered] = []
        while len(frames) < 110:
            event = live.poll(5.0)
            if isinstance(event, Steered):
                steered.append(event)
            elif isinstance(event, Frames):
                frames.append(event)
    assert [one.sequence for one in frames] == list(range(110))
    assert len(steered) == 1
    assert 30 + 8 <= steered[0].frame <= 45 + 8 + 8, "30 were taken, a few under way, and pieces are 8 frames long"
    assert roughness(frames) < 0.15
    root, rotations = pose(frames)
    assert abs(float(quat.yaw(rotations[-1, 0])) - 1.5) < 0.3
    plain = walk(200)
    before = steered[0].frame
    assert np.abs(np.diff(root[:before], axis=0)).max() < 1.2 * np.abs(np.diff(plain.root, axis=0)).max()


def test_a_smaller_buffer_answers_sooner(server: Server) -> None:
    answers: list[int] = []
    with Client(server.address) as client:
        for replan in (4, 60):
            with client.live("walk", seed=3, replan=replan) as live:
                seen = take(live, 90)[-1].sequence
                live.steer("other")
                while not isinstance(event := live.poll(5.0), Steered):
                    seen = event.sequence if isinstance(event, Frames) else seen
                answers.append(event.frame - seen)
    assert answers[0] < 30
    assert answers[1] >= 60


def test_pause_stands_still_while_frames_go_on_and_speed_changes_the_pace(server: Server) -> None:
    with Client(server.address) as client, client.live("walk", seed=3) as live:
        take(live, 20)
        live.steer(pause=True)
        still = take(live, 60)
        live.steer(pause=False, speed=2.0)
        fast = take(live, 60)
    root, _ = pose(still[-20:])
    assert np.abs(np.diff(root, axis=0)).max() < 1e-6
    root, _ = pose(fast[-20:])
    pace = np.linalg.norm(np.diff(root[:, [0, 2]], axis=0), axis=-1)
    assert pace.mean() == pytest.approx(2 / 30, rel=0.2)
    assert [one.sequence for one in still + fast] == list(range(20, 140))


def test_several_bodies_share_one_clock_and_are_steered_one_by_one(server: Server) -> None:
    places = np.array([[0, 0, 0], [3, 1, 1.0], [-2, 0, -1.0]], np.float32)
    with Client(server.address) as client, client.live("walk", seed=3, agents=3, places=places) as live:
        first = take(live, 3)
        assert [one.agent for one in first] == [0, 1, 2]
        assert len({one.clock for one in first}) == 1
        for one, place in zip(first, places, strict=True):
            assert np.abs(one.root[0, [0, 2]] - place[:2]).max() < 0.1
        live.steer(agent=1, pause=True)
        later = take(live, 3 * 60)
    stands = [float(np.abs(np.diff(pose([f for f in later[-90:] if f.agent == i])[0], axis=0)).max()) for i in range(3)]
    assert stands[1] < 1e-6
    assert min(stands[0], stands[2]) > 0.01


def test_a_live_session_goes_on_from_a_motion_that_was_given(server: Server) -> None:
    clip = walk()
    past = Clip(clip.skeleton, clip.fps, clip.rotations[:80], clip.root[:80])
    with Client(server.address) as client, client.live(past=past) as live:
        root, _ = pose(take(live, 40))
    assert np.abs(root - clip.root[80:120]).max() < 0.06


def test_frames_arrive_on_the_callers_rig(server: Server) -> None:
    rig = knight(0.5)
    skeleton = Skeleton(rig.name, rig.joints, rig.parents, rig.offsets)
    with Client(server.address) as client, client.live("walk", rig=skeleton, publish="knight") as live:
        frames = take(live, 5)
        with client.watch("knight") as watcher:
            assert watcher.skeleton.joints == rig.joints
    assert frames[0].rotations.shape == (1, len(rig.joints), 4)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"agents": 0}, "'agents' must be 1 to 8; got 0"),
        ({"agents": 99}, "'agents' must be 1 to 8; got 99"),
        ({"replan": 1}, "'replan' must be 4 to 120 frames; got 1"),
        ({"publish": "a/b"}, "'publish' must be 1 to 64 letters"),
        ({"text": "x" * 300}, "the text has 300 characters"),
        ({"seed": -1}, "'seed' must be a whole number"),
        ({"places": np.zeros((2, 3), np.float32)}, "'places' has 2 rows for 1 agents"),
        ({"rig": knight(1e6)}, "give its offsets in metres"),
    ],
)
def test_a_live_session_that_cannot_be_is_refused_under_its_id(
    server: Server, changes: dict[str, object], sentence: str
) -> None:
    with peer(server.address) as raw:
        raw.say(OpenStream("bad", **{"text": "walk", **changes}))  # type: ignore[arg-type]
        error = raw.hear(Error, Done)
        assert isinstance(error, Error)
        assert (error.id, error.code) == ("bad", "bad_request")
        assert sentence in error.message


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (Steer("s", agent=3), "'agent' must be 0 to 0 in this live session; got 3"),
        (Steer("s", speed=5.0), "'speed' must be 0 to 2; got 5"),
        (Steer("s", heading=1.0, target=(1.0, 2.0)), "three ways to go"),
        (Steer("s", replan=1000), "'replan' must be 4 to 120 frames"),
        (Steer("s", target=(1e9, 0.0)), "must lie within 1e+06"),
        (Steer("nobody"), "there is no live session 'nobody' of this client"),
    ],
)
def test_orders_that_cannot_be_change_nothing(server: Server, order: Steer, sentence: str) -> None:
    with peer(server.address) as raw:
        raw.say(OpenStream("s", "walk"))
        raw.hear(Frames)
        raw.say(order)
        error = raw.hear(Error)
        assert sentence in error.message
        raw.say(CloseStream("s"))
        assert raw.hear(Done, Error).id == "s"


def test_closing_stops_the_work_and_says_how_it_went(server: Server) -> None:
    with Client(server.address) as client:
        live = client.live("walk")
        seen = len(take(live, 30))
        done = live.close()
        assert done.frames >= seen
        assert client.stats().streams == 0
    assert_work_stops(server.address, within=2.0)


def test_cancel_ends_it_too_and_leaving_the_block_closes_it(server: Server) -> None:
    with Client(server.address) as client:
        live = client.live("walk")
        take(live, 3)
        live.cancel()
        with pytest.raises(Cancelled):
            take(live, 100)
        with client.live("walk") as other:
            take(other, 3)
        eventually(lambda: client.stats().streams == 0)


def test_a_name_is_published_once_and_free_again_when_it_ends(server: Server) -> None:
    with Client(server.address) as one, Client(server.address) as other:
        with one.live("walk", publish="solo") as live:
            take(live, 1)
            with pytest.raises(BadRequest, match="published as 'solo' already"):
                take(other.live("walk", publish="solo"), 1)
        eventually(lambda: other.stats().streams == 0)
        with other.live("walk", publish="solo") as again:
            take(again, 1)


def test_no_more_live_sessions_than_allowed(bundle_folder: Path, tmp_path: Path) -> None:
    settings = tmp_path / "serve.toml"
    settings.write_text("[limits]\nstreams = 2\n")
    with start(str(bundle_folder), "--config", str(settings)) as server, Client(server.address) as client:
        lives = [client.live("walk") for _ in range(2)]
        with pytest.raises(Busy, match="2 live sessions of this client are open"):
            take(client.live("walk"), 1)
        lives[0].close()
        take(client.live("walk"), 1)


def test_an_owner_that_takes_nothing_loses_frames_is_told_how_many_and_delays_nobody(server: Server) -> None:
    with peer(server.address, window=10) as raw, Client(server.address) as other:
        raw.say(OpenStream("s", "walk", publish="slow"))
        with other.watch("slow") as watcher:
            eventually(lambda: watcher.scene.id == "slow")
            seen = 0
            for frames in watcher:
                seen = frames.sequence
                if seen >= 90:
                    break
        got = [raw.hear(Frames) for _ in range(10)]
        assert [one.sequence for one in got] == list(range(10))
        raw.say(Ack("s", 10))
        after = raw.hear(Frames)
        assert after.sequence > 80
        assert after.lost == after.sequence - 10
        assert other.stats().lost >= after.lost
        raw.say(Cancel("s"))


def test_an_owner_that_takes_nothing_for_a_minute_loses_the_session(bundle_folder: Path) -> None:
    impatient = "import runtime.front.live_sessions; runtime.front.live_sessions.STALLED_S = 1.0"
    with start(str(bundle_folder), first=impatient) as server, peer(server.address, window=5) as raw:
        raw.say(OpenStream("s", "walk"))
        error = raw.hear(Error)
        assert error.code == TimedOut.code
        assert error.retry
