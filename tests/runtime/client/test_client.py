"""The client against a real server: frames as they are made, whole clips, cancelling, several at once, silence."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from motion import features
from motion.clip import Clip
from motion.errors import BadConfig, BadRequest, Busy, Cancelled, Internal, Unavailable, UnknownTask
from motion.protocol import Accepted, Done, Frames, Progress, Text
from motion.skeleton import SMPLX22, Skeleton
from runtime.client import Client, Event, Generation
from tests.runtime.conftest import STEP_S, Server, start
from tests.runtime.recorded import RATE, walk


def wanted(start: int, frames: int) -> Clip:
    """What the recording plays from a code on."""
    encoded = features.encode(walk())
    return features.decode(np.concatenate([encoded[start * RATE :], encoded[: start * RATE]])[:frames])


def test_the_welcome_says_what_the_server_can_do(server: Server) -> None:
    with Client(server.address) as client:
        welcome = client.welcome
        assert (welcome.bundle, welcome.bundle_version, welcome.licence) == ("recorded", "0.1.0", "CC0")
        assert [task.name for task in welcome.tasks][:2] == ["text-to-motion", "unconditional"]
        assert welcome.limits.seconds_most == 60.0
        assert client.skeleton.joints == SMPLX22.joints
        assert np.array_equal(client.skeleton.offsets, SMPLX22.offsets)


def test_frames_come_while_the_model_is_still_writing_and_are_never_rewritten(server: Server) -> None:
    with Client(server.address) as client:
        events: list[Event] = list(client.generate("a person walks", seconds=4.0, seed=5))
    assert isinstance(events[0], Accepted)
    assert isinstance(events[-1], Done)
    frames = [event for event in events if isinstance(event, Frames)]
    assert [block.sequence for block in frames] == list(range(len(frames)))
    assert [block.first for block in frames] == [sum(len(b.root) for b in frames[:i]) for i in range(len(frames))]
    first = events.index(frames[0])
    sooner, later = (
        [event.done for event in part if isinstance(event, Progress) and event.stage == "tokens"]
        for part in (events[:first], events[first:])
    )
    assert sooner[-1] < 10, "most codes were written after the first frames had left"
    assert later[-1] == 30
    assert len(later) > 1, "somebody who waits is told more than the end"
    clocks = [block.clock for block in frames]
    assert clocks == sorted(clocks)
    assert clocks[-1] - clocks[0] > 20 * STEP_S


def test_the_clip_is_the_one_that_was_recorded_to_the_frame(server: Server) -> None:
    with Client(server.address) as client:
        result = client.generate("a person walks", seconds=3.5, seed=9).result()
    assert result.clip is not None
    expected = wanted(9, 105)
    assert len(result.clip.root) == 105 == result.done.frames
    assert np.allclose(result.clip.root, expected.root, atol=1e-5)
    assert np.allclose(result.clip.rotations, expected.rotations, atol=1e-5)
    assert result.clip.contacts is not None
    assert expected.contacts is not None
    assert np.array_equal(result.clip.contacts, expected.contacts)


def test_auto_gives_a_clip_or_words_and_says_which_it_was(server: Server) -> None:
    with Client(server.address) as client:
        row = next(task for task in client.welcome.tasks if task.name == "auto")
        assert (row.needs, row.optional, row.gives) == (("text",), ("seconds",), "either")
        said = client.generate("what is a plié?", task="auto").result()
        moved = client.generate("show me a plié", task="auto", seconds=1.0).result()
    assert (said.task, said.clip, said.text) == ("conversation", None, "a person walks in an arc")
    assert (moved.task, moved.text, moved.familiar) == ("text-to-motion", "", 0.25)
    assert moved.nearest == ("a person walks", "a person walks in an arc")
    assert moved.clip is not None
    assert len(moved.clip) == 30


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.31, 7.77, 60.0])
def test_a_clip_is_as_long_as_was_asked_for_to_the_frame(server: Server, seconds: float) -> None:
    with Client(server.address) as client:
        result = client.generate("a person walks", seconds=seconds, seed=0).result()
    assert result.clip is not None
    assert len(result.clip.root) == round(seconds * 30)


def test_the_same_seed_gives_the_same_frames_and_another_seed_others(server: Server) -> None:
    with Client(server.address) as client:
        one, same, other = (client.generate("walk", seconds=1.0, seed=seed).result().clip for seed in (3, 3, 4))
    assert one is not None
    assert same is not None
    assert other is not None
    assert np.array_equal(one.rotations, same.rotations)
    assert not np.array_equal(one.rotations, other.rotations)


def test_a_seed_that_the_server_chose_is_told_and_gives_the_same_again(server: Server) -> None:
    with Client(server.address) as client:
        generation = client.generate("walk", seconds=1.0)
        accepted = until(generation, Accepted)
        clip = generation.result().clip
        again = client.generate("walk", seconds=1.0, seed=accepted.seed).result().clip
    assert clip is not None
    assert again is not None
    assert np.array_equal(clip.rotations, again.rotations)


T = TypeVar("T", bound=Event)


def until(generation: Generation, kind: type[T]) -> T:
    """The next event of this kind."""
    while True:
        event = generation.poll(1.0)
        if isinstance(event, kind):
            return event


def test_timings_add_up(server: Server) -> None:
    with Client(server.address) as client:
        begun = time.monotonic()
        done = client.generate("a person walks", seconds=4.0, seed=77).result().done
        took = time.monotonic() - begun
    assert 0 <= done.queued_s < done.first_token_s < done.first_output_s < done.total_s <= took
    assert done.tokens == 30
    assert done.total_s > 30 * STEP_S
    assert done.realtime_factor == pytest.approx(4.0 / (done.total_s - done.queued_s), rel=0.01)


def test_motion_becomes_text_piece_by_piece(server: Server) -> None:
    with Client(server.address) as client:
        events = list(client.generate(task="motion-to-text", motion=walk()))
    pieces = [event for event in events if isinstance(event, Text)]
    assert [piece.sequence for piece in pieces] == list(range(6))
    done = events[-1]
    assert isinstance(done, Done)
    assert done.text == "".join(piece.text for piece in pieces) == "a person walks in an arc"
    assert done.frames == 0


def test_a_prediction_goes_on_from_the_past_where_it_stands(server: Server) -> None:
    clip = walk()
    past = Clip(clip.skeleton, clip.fps, clip.rotations[:80], clip.root[:80])
    with Client(server.address) as client:
        result = client.generate(task="prediction", past=past, seconds=2.0, seed=0).result()
    assert result.clip is not None
    assert np.abs(result.clip.root - clip.root[80:140]).max() < 0.05


def test_frames_between_lead_from_the_past_to_the_future(server: Server) -> None:
    clip = walk()
    past = Clip(clip.skeleton, clip.fps, clip.rotations[:80], clip.root[:80])
    future = Clip(clip.skeleton, clip.fps, clip.rotations[140:180], clip.root[140:180])
    with Client(server.address) as client:
        result = client.generate(task="in-betweening", past=past, future=future, seconds=2.0, seed=0).result()
    assert result.clip is not None
    assert np.abs(result.clip.root - clip.root[80:140]).max() < 0.05


def test_cancelling_stops_the_work_and_says_so(server: Server) -> None:
    with Client(server.address) as client:
        generation = client.generate("walk", seconds=60.0, seed=0)
        until(generation, Frames)
        generation.cancel()
        with pytest.raises(Cancelled, match="was cancelled"):
            generation.result()
        before = client.stats()
        assert before.running == 0
        client.generate("walk", seconds=0.5, seed=0).result()
        assert client.stats().tokens == before.tokens + 4, "nothing but the new request was worked on"


def test_leaving_the_loop_cancels(server: Server) -> None:
    with Client(server.address) as client:
        for event in client.generate("walk", seconds=60.0, seed=0):
            if isinstance(event, Frames):
                break
        assert client.generate("walk", seconds=0.5, seed=0).result().done.queued_s < 0.5
        assert client.stats().waiting == 0


def test_requests_of_one_client_come_back_each_under_its_own_name(server: Server) -> None:
    with Client(server.address) as client:
        generations = [client.generate("walk", seconds=1.0 + i, seed=i) for i in range(3)]
        clips = [generation.result().clip for generation in reversed(generations)]
    for seed, clip in enumerate(reversed(clips)):
        assert clip is not None
        assert np.allclose(clip.root, wanted(seed, 30 * (1 + seed)).root, atol=1e-5)


def test_a_request_that_waits_is_told_how_many_are_ahead(server: Server) -> None:
    with Client(server.address) as client:
        first, second, third = (client.generate("walk", seconds=3.0, seed=i) for i in range(3))
        third.result()
        assert first.poll(1.0) == Accepted(first.id, 0, 0)
        positions = [e.position for e in second if isinstance(e, (Accepted, Progress)) and e.position]
        assert positions in ([1], [1, 1])


def test_no_more_requests_than_allowed_and_then_again(server: Server) -> None:
    with Client(server.address) as client:
        running = [client.generate("walk", seconds=60.0, seed=0) for _ in range(4)]
        with pytest.raises(Busy, match="4 requests of this client are under way") as caught:
            client.generate("walk", seconds=1.0).result()
        assert caught.value.retry
        for generation in running:
            generation.cancel()
        for generation in running:
            with pytest.raises(Cancelled):
                generation.result()
        assert client.generate("walk", seconds=1.0, seed=0).result().done.frames == 30


def test_the_queue_of_all_clients_has_an_end(server: Server) -> None:
    with Client(server.address) as one, Client(server.address) as other:
        running = [one.generate("walk", seconds=60.0, seed=0) for _ in range(4)]
        for generation in running:
            until(generation, Accepted)
        with pytest.raises(Busy, match="3 requests are waiting"):
            other.generate("walk", seconds=1.0).result()
    with Client(server.address) as client:
        assert client.generate("walk", seconds=1.0, seed=0).result().done.frames == 30


def test_a_client_that_takes_nothing_holds_up_nobody_and_still_gets_every_frame(server: Server) -> None:
    with Client(server.address, window=8) as slow, Client(server.address) as quick:
        waiting = slow.generate("walk", seconds=20.0, seed=1)
        until(waiting, Frames)
        assert quick.generate("walk", seconds=2.0, seed=2).result().done.frames == 60
        assert quick.stats().running == 0
        clip = waiting.result().clip
        assert clip is not None
        assert np.allclose(clip.root[:200], wanted(1, 200).root, atol=1e-4)
        assert len(clip.root) == 600


def test_a_bug_in_one_request_is_its_own_error_and_the_next_one_works(server: Server) -> None:
    with Client(server.address) as client:
        with pytest.raises(Internal, match=r"the server failed at this request \(ValueError\)"):
            client.generate("fail please", seconds=2.0).result()
        assert client.generate("walk", seconds=1.0, seed=0).result().done.frames == 30


def test_an_unknown_task_is_raised_as_what_it_is(server: Server) -> None:
    with Client(server.address) as client, pytest.raises(UnknownTask, match="it can do 'text-to-motion', 'uncond"):
        client.generate("walk", task="text-to-dance").result()


def test_a_clip_on_another_skeleton_or_rate_is_refused_before_it_is_sent(server: Server) -> None:
    clip = walk(8)
    other = Skeleton("one", ("root",), (-1,), np.zeros((1, 3), np.float32))
    with Client(server.address) as client:
        with pytest.raises(BadRequest, match="'past' is on skeleton 'one'"):
            client.generate(task="prediction", past=Clip(other, 30.0, clip.rotations[:, :1], clip.root))
        with pytest.raises(BadRequest, match="'past' has 60 frames a second"):
            client.generate(task="prediction", past=Clip(clip.skeleton, 60.0, clip.rotations, clip.root))


def test_ping_is_answered_while_the_worker_works(server: Server) -> None:
    with Client(server.address) as client:
        generation = client.generate("walk", seconds=20.0, seed=0)
        until(generation, Frames)
        times = sorted(client.ping() for _ in range(50))
        generation.cancel()
    assert times[25] < 0.02


def test_nobody_at_the_address_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(
                Unavailable, match=r"no server answers at tcp://.* start one with `python -m runtime\.serve`"
            ),
            Client(address, timeout=0.3),
        ):
            pass


def test_an_address_that_is_none_is_one_sentence() -> None:
    with pytest.raises(BadConfig, match="'localhost:5570' is no address"), Client("localhost:5570"):
        pass


def test_a_server_that_is_killed_is_noticed_at_once_and_greeted_again_when_it_is_back(bundle_folder: Path) -> None:
    with start(str(bundle_folder), "--step-s", str(STEP_S)) as first, Client(first.address) as client:
        generation = client.generate("walk", seconds=60.0, seed=0)
        until(generation, Frames)
        first.process.kill()
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="closed the connection"):
            generation.result()
        assert time.monotonic() - begun < 2.0
        first.process.wait()
        with start(str(bundle_folder), "--address", first.address):
            assert client.generate("walk", seconds=1.0, seed=0).result().done.frames == 30
