"""Requests over a real socket: variations, captions, rigs, deadlines, answers kept, turns, clients gone silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from motion.clip import Clip
from motion.errors import BadMessage, BadRequest, DeadlinePassed
from motion.protocol import Accepted, Done, Error, Frames, Generate, Hello, Ping, Pong, Progress, Welcome
from motion.skeleton import SMPLX22, Skeleton, fk
from runtime.client import Client
from runtime.generation.rig import rig_of
from tests.runtime.client.test_client import wanted
from tests.runtime.conftest import Server, start
from tests.runtime.front.test_endpoint import http_of, metrics
from tests.runtime.generation.test_rig import knight
from tests.runtime.peers import assert_work_stops, eventually, peer
from tests.runtime.recorded import STRANGE, walk


@pytest.fixture(scope="module")
def crowd(bundle_folder: Path) -> Iterator[Server]:
    """Several at a time."""
    with start(str(bundle_folder), "--step-s", "0.005", "--slots", "4") as running:
        yield running


def test_variations_are_the_motions_of_the_seeds_that_follow(crowd: Server) -> None:
    with Client(crowd.address) as client:
        result = client.generate("walk", seconds=2.0, seed=20, variations=3).result()
        alone = client.generate("walk", seconds=2.0, seed=22).result()
    assert len(result.clips) == 3
    for i, clip in enumerate(result.clips):
        assert np.allclose(clip.root, wanted(20 + i, 60).root, atol=1e-5)
    assert alone.clip is not None
    assert np.array_equal(result.clips[2].rotations, alone.clip.rotations)
    assert (result.done.frames, result.done.tokens) == (180, 45)


def test_variations_come_side_by_side_each_in_its_own_order(crowd: Server) -> None:
    with Client(crowd.address) as client:
        events = list(client.generate("walk", seconds=4.0, seed=50, variations=4))
    blocks = [event for event in events if isinstance(event, Frames)]
    for variation in range(4):
        mine = [block for block in blocks if block.variation == variation]
        assert [block.sequence for block in mine] == list(range(len(mine)))
        assert sum(len(block.root) for block in mine) == 120
    order = [block.variation for block in blocks]
    assert order != sorted(order), "the last begins before the first is done"
    steps = [event.done for event in events if isinstance(event, Progress) and event.stage == "tokens"]
    assert steps == sorted(steps)
    assert steps[-1] == 120
    assert isinstance(events[-1], Done)
    assert sum(isinstance(event, Done) for event in events) == 1


def test_windows_of_codes_that_are_ready_together_are_decoded_in_one_engine_call(bundle_folder: Path) -> None:
    with start(str(bundle_folder), "--step-s", "0.01", "--slots", "8") as server, Client(server.address) as client:
        url = http_of(server)
        before = metrics(url)
        client.generate("walk", seconds=8.0, seed=60, variations=8).result()
        name = "motus_batch_size"
        eventually(lambda: metrics(url)[f"{name}_sum"] - before[f"{name}_sum"] >= 8 * 6)
        after = metrics(url)
    calls, rows = (after[f"{name}_{what}"] - before[f"{name}_{what}"] for what in ("count", "sum"))
    assert rows > calls


def test_a_caption_tells_what_each_motion_shows(crowd: Server) -> None:
    with Client(crowd.address) as client:
        generation = client.generate("walk", seconds=1.0, seed=70, variations=2, caption=True)
        stages = {event.stage for event in generation if isinstance(event, Progress)}
        assert "caption" in stages
        again = client.generate("walk", seconds=1.0, seed=70, variations=2, caption=True).result()
        assert again.captions == ("a person walks in an arc",) * 2
        assert client.generate("walk", seconds=1.0, seed=70).result().captions == ()


def test_frames_and_constraints_are_on_the_callers_rig(crowd: Server) -> None:
    rig = knight(0.5)
    skeleton = Skeleton(rig.name, rig.joints, rig.parents, rig.offsets)
    fit = rig_of(SMPLX22, rig)
    clip = walk()
    root, rotations = fit.forth(clip.root[:80], clip.rotations[:80])
    past = Clip(skeleton, 30.0, rotations, root)
    with Client(crowd.address) as client:
        result = client.generate(task="prediction", past=past, seconds=2.0, seed=0, rig=skeleton).result()
        with pytest.raises(BadRequest, match="'past' is on skeleton 'knight'"):
            client.generate(task="prediction", past=past, seconds=2.0)
    assert result.clip is not None
    assert result.clip.skeleton.joints == rig.joints
    theirs, _ = fk(skeleton, result.clip.rotations, result.clip.root)
    ours, _ = fk(skeleton, *fit.forth(clip.root[80:140], clip.rotations[80:140])[::-1])
    assert np.abs(theirs - ours).max() < 0.05


def test_a_deadline_ends_a_request_that_runs_and_one_that_waits(server: Server) -> None:
    with Client(server.address) as client:
        running = client.generate("walk", seconds=60.0, seed=200, deadline_s=0.4)
        waiting = client.generate("walk", seconds=1.0, seed=201, deadline_s=0.2)
        began = time.monotonic()
        with pytest.raises(DeadlinePassed, match=r"not done within 0\.2 s") as caught:
            waiting.result()
        assert caught.value.retry
        with pytest.raises(DeadlinePassed, match=r"not done within 0\.4 s"):
            running.result()
        assert time.monotonic() - began < 2.0
        assert client.generate("walk", seconds=1.0, seed=202, deadline_s=30.0).result().done.frames == 30
    assert_work_stops(server.address, within=0.5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"variations": 0}, "'variations' must be 1 to 8; got 0"),
        ({"variations": 9}, "'variations' must be 1 to 8; got 9"),
        ({"deadline_s": 0.0}, "'deadline_s' must be more than 0"),
        ({"rig": knight(1e6)}, "give its offsets in metres"),
        ({"task": "motion-to-text", "text": "", "caption": True}, "'motion-to-text' needs 'motion'"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(crowd: Server, changes: dict[str, object], sentence: str) -> None:
    with peer(crowd.address) as raw:
        raw.say(Generate(**{"id": "bad", "task": "text-to-motion", "text": "walk", **changes}))  # type: ignore[arg-type]
        error = raw.hear(Error, Done)
        assert isinstance(error, Error)
        assert error.code == "bad_request"
        assert sentence in error.message


@pytest.mark.parametrize("text", STRANGE)
def test_no_sentence_is_an_error_however_strange(crowd: Server, text: str) -> None:
    with Client(crowd.address) as client:
        for task in ("auto", "text-to-motion"):
            result = client.generate(text, task=task, seconds=0.5, seed=1).result()
            assert result.clip is not None
            assert len(result.clip) == 15
            assert result.familiar is not None
            assert 0 <= result.familiar < 0.5
            assert result.nearest[0] == "a person walks"


@pytest.mark.parametrize("task", ["auto", "text-to-motion", "conversation"])
def test_two_thousand_words_are_refused_with_the_limit_in_one_sentence(crowd: Server, task: str) -> None:
    with Client(crowd.address) as client:
        with pytest.raises(BadRequest, match="the text has 10000 characters and at most 200 are allowed; shorten it"):
            client.generate("walk " * 2000, task=task).result()
        with pytest.raises(BadMessage, match=r"the header of 'generate' would take .* at most 65536 are allowed"):
            client.generate("☂" * 30_000, task=task).result()
        assert client.generate("walk", task=task).result().task


def test_variations_of_auto_are_all_of_the_task_that_it_chose(crowd: Server) -> None:
    with Client(crowd.address) as client:
        moved = client.generate("walk", task="auto", seconds=1.0, seed=80, variations=2, caption=True).result()
        said = client.generate("walk?", task="auto", seed=80, variations=2, caption=True).result()
    assert (moved.task, len(moved.clips), moved.familiar) == ("text-to-motion", 2, 1.0)
    assert moved.captions == ("a person walks in an arc",) * 2
    assert (said.task, said.clips, said.text) == ("conversation", (), "a person walks in an arc")
    assert said.familiar is None


def test_an_answer_from_the_cache_says_what_the_first_one_said(crowd: Server) -> None:
    with Client(crowd.address) as client:
        first, again = (client.generate("do a cartwheel", task="auto", seconds=1.0, seed=81).result() for _ in "12")
    assert (first.done.cached, again.done.cached) == (False, True)
    assert (first.task, first.familiar, first.nearest) == (again.task, again.familiar, again.nearest)
    assert again.familiar == 1 / 3


def test_the_same_request_and_seed_is_answered_from_the_cache_and_another_is_not(crowd: Server) -> None:
    with Client(crowd.address) as client:
        first = client.generate("walk", seconds=3.0, seed=300).result()
        before = client.stats()
        again = client.generate("walk", seconds=3.0, seed=300).result()
        after = client.stats()
        other = client.generate("walk", seconds=3.0, seed=301).result()
    assert not first.done.cached
    assert again.done.cached
    assert not other.done.cached
    assert again.clip is not None
    assert first.clip is not None
    assert np.array_equal(again.clip.rotations, first.clip.rotations)
    assert (after.tokens, after.cached) == (before.tokens, before.cached + 1), "no step was made for it"


def test_answers_outlast_a_restart_in_a_folder_and_a_full_disk_costs_nothing(
    bundle_folder: Path, tmp_path: Path
) -> None:
    kept = str(tmp_path / "answers")
    for cached in (False, True):
        with start(str(bundle_folder), "--cache-folder", kept) as server, Client(server.address) as client:
            assert client.generate("walk", seconds=1.0, seed=1).result().done.cached == cached
    full = tmp_path / "full"
    full.write_text("in the way")
    with start(str(bundle_folder), "--cache-folder", str(full)) as server, Client(server.address) as client:
        assert not client.generate("walk", seconds=1.0, seed=1).result().done.cached
        assert client.generate("walk", seconds=1.0, seed=1).result().done.cached, "memory still keeps it"
        assert "answers are not kept in" in server.said()


def test_clients_take_turns_whatever_number_of_requests_each_has(bundle_folder: Path, tmp_path: Path) -> None:
    settings = tmp_path / "serve.toml"
    settings.write_text("cache_mb = 0\n[limits]\nrequests = 9\n")
    with (
        start(str(bundle_folder), "--step-s", "0.01", "--config", str(settings)) as server,
        Client(server.address) as greedy,
        Client(server.address) as modest,
    ):
        many = [greedy.generate("walk", seconds=6.0, seed=i) for i in range(8)]
        eventually(lambda: greedy.stats().waiting >= 6)
        mine = modest.generate("walk", seconds=1.0, seed=9)
        mine.result()
        done = greedy.stats().finished
        assert done <= 4, "it was served after the one that ran and one more, not after all eight"
        for generation in many:
            generation.result()


def test_a_request_that_waits_hears_how_its_position_changes(server: Server) -> None:
    with Client(server.address) as client:
        generations = [client.generate("walk", seconds=2.0, seed=400 + i) for i in range(4)]
        events = list(generations[3])
        positions = [event.position for event in events if isinstance(event, (Accepted, Progress)) and event.position]
    assert positions[0] == 3
    assert positions == sorted(positions, reverse=True)
    assert positions[-1] == 1


def test_a_live_session_goes_before_requests(bundle_folder: Path) -> None:
    with (
        start(str(bundle_folder), "--step-s", "0.004", "--slots", "2", "--no-http") as server,
        Client(server.address) as busy,
        Client(server.address) as client,
    ):
        clips = [busy.generate("walk", seconds=60.0, seed=i) for i in range(2)]
        eventually(lambda: busy.stats().running == 2)
        with client.live("walk", seed=3) as live:
            clocks = [frames.clock for frames, _ in zip(live, range(60), strict=False)]
        assert np.allclose(np.diff(clocks), 1 / 30, atol=1e-6)
        for clip in clips:
            clip.cancel()


def test_who_promised_heartbeats_and_misses_them_loses_its_work_within_200_ms(bundle_folder: Path) -> None:
    with (
        start(str(bundle_folder), "--step-s", "0.01", "--heartbeat-s", "0.3") as server,
        peer(server.address, greet=False) as silent,
        peer(server.address) as careless,
    ):
        silent.say(Hello("silent", 120, beats=True))
        assert silent.hear(Welcome).heartbeat_s == 0.3
        silent.say(Generate("g", "text-to-motion", "walk", seconds=60.0, seed=0))
        begun = time.monotonic()
        silent.hear(Frames)
        with Client(server.address) as client:
            eventually(lambda: not client.stats().running, within=0.9 + 0.2 + 0.5)
            assert time.monotonic() - begun > 0.6, "not before its heartbeats were missed"
        assert_work_stops(server.address, within=0.2)
        assert "missed 3 heartbeats" in server.said()
        careless.say(Generate("g", "text-to-motion", "walk", seconds=4.0, seed=0))
        assert isinstance(careless.hear(Done, Error), Done), "who promised nothing is left in peace"


def test_who_keeps_its_promise_is_kept_and_so_does_the_server(bundle_folder: Path) -> None:
    with start(str(bundle_folder), "--heartbeat-s", "0.2") as server, peer(server.address, greet=False) as raw:
        raw.say(Hello("beating", 120, beats=True))
        raw.hear(Welcome)
        begun = time.monotonic()
        beats = 0
        while time.monotonic() - begun < 2.0:
            raw.hear(Ping)
            raw.say(Pong(0.0, 0.0))
            beats += 1
        assert beats >= 6, "the server says something each heartbeat"
        with Client(server.address) as client:
            assert client.stats().sessions == 2


def test_the_server_says_when_it_heard_a_ping_so_that_clocks_can_be_told_apart(server: Server) -> None:
    with Client(server.address) as client:
        for _ in range(10):
            client.ping()
        best = client.clock.best
        assert best is not None
        assert abs(best.offset) <= best.error + 1e-4, "both clocks are this machine's"
        assert best.error < 0.05


def test_too_much_at_once_is_thrown_away_and_said_with_how_long_to_wait(bundle_folder: Path, tmp_path: Path) -> None:
    settings = tmp_path / "serve.toml"
    settings.write_text("[limits]\nmessages_per_s = 50\nbytes_per_s = 100000\n")
    with start(str(bundle_folder), "--config", str(settings)) as server:
        with peer(server.address) as loud, Client(server.address) as quiet:
            for _ in range(1000):
                loud.say(Ping(0.0))
            assert quiet.ping() < 1.0
            heard: list[Pong | Ping | Error] = []
            while not loud.silent(0.5):
                heard.append(loud.hear(Pong, Ping, Error))
            answered = sum(isinstance(one, Pong) for one in heard)
            assert 190 <= answered <= 420, "four seconds' worth, and what a moment adds"
            errors = [one for one in heard if isinstance(one, Error)]
            assert 1 <= len(errors) <= 8, "it is said once a second, not for every message"
            assert {(one.code, one.retry, one.id) for one in errors} == {("busy", True, "")}
            assert all(one.retry_after_s is not None and 0 < one.retry_after_s < 2 for one in errors)
        with peer(server.address) as heavy:
            for _ in range(30):
                heavy.send(b"x" * 50_000)
            assert any("100000 bytes a second" in heavy.hear(Error).message for _ in range(9))
