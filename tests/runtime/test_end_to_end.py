"""The whole path with the real language model and the bundle that ships: sentences in, a moving body out.

MOTUS_TEST_BUNDLE=FOLDER runs it on another bundle.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from motion import quat
from motion.clip import Clip, positions
from motion.errors import BadRequest, Cancelled
from motion.protocol import Done, Frames, Progress
from motion.skeleton import SMPLX22
from runtime.client import Client
from runtime.generation.loading import find
from tests.runtime.conftest import Server, start
from tests.runtime.front.test_endpoint import http_of, metrics
from tests.runtime.peers import ASKER, child, eventually

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real() -> Iterator[Server]:
    bundle = os.environ.get("MOTUS_TEST_BUNDLE", "base")
    flags = ("--address", "tcp://127.0.0.1:*", "--http", "127.0.0.1:0", "--bundle", bundle, "--drain-s", "2")
    with start(*flags, module="runtime.serve") as server:
        yield server


@pytest.fixture(scope="module")
def walking(real: Server) -> Clip:
    return generate(real, "a person walks forward", seconds=3.0, seed=1)


def generate(server: Server, text: str, seconds: float, seed: int) -> Clip:
    with Client(server.address) as client:
        clip = client.generate(text, seconds=seconds, seed=seed).result().clip
    assert clip is not None
    return clip


def assert_a_body_moves(clip: Clip) -> None:
    """Arrays are sound, and the body stands on the ground rather than in it or above it."""
    assert clip.skeleton.joints == SMPLX22.joints
    assert np.allclose(np.linalg.norm(clip.rotations, axis=-1), 1, atol=1e-3)
    joints = positions(clip)
    assert np.isfinite(joints).all()
    lowest = joints[..., 1].min(axis=1)
    assert -0.15 < np.median(lowest) < 0.25
    assert 0.2 < np.median(clip.root[:, 1]) < 1.3
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * clip.fps
    assert speed < 25, "no joint of a body is that fast"
    assert np.abs(np.diff(joints, axis=0)).mean() > 1e-5, "a statue is no motion"


def test_the_ready_line_names_the_bundle_and_its_licence(real: Server) -> None:
    assert real.ready.startswith(f"ready {real.address} bundle base ")
    with Client(real.address) as client:
        assert client.welcome.licence in real.ready


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("the butler bows to the guests", "text-to-motion"),
        ("show me a plié", "text-to-motion"),
        ("what is a plié?", "conversation"),
        ("why do people bow in Japan?", "conversation"),
    ],
)
def test_the_text_decides_between_motion_and_an_answer(real: Server, text: str, task: str) -> None:
    with Client(real.address) as client:
        result = client.generate(text, seconds=2.0, seed=1, task="auto").result()
    assert result.task == task
    assert (result.clip is None, bool(result.text)) == (task == "conversation", task == "conversation")


def test_what_was_learned_is_familiar_in_any_words_and_what_was_not_is_not(real: Server) -> None:
    with Client(real.address) as client:
        known, strange = (
            client.generate(text, seconds=1.0, seed=1).result()
            for text in ("the butler bows to the guests", "someone juggles three balls on a unicycle in a storm")
        )
    assert known.familiar is not None
    assert strange.familiar is not None
    assert known.familiar > 0.5 > strange.familiar
    assert "someone bows" in known.nearest


def test_frames_of_a_sentence_come_while_the_model_is_still_writing(real: Server) -> None:
    with Client(real.address) as client:
        events = list(client.generate("a person waves with the left hand", seconds=4.0, seed=2))
    frames = [event for event in events if isinstance(event, Frames)]
    last_token = max(i for i, event in enumerate(events) if isinstance(event, Progress) and event.stage == "tokens")
    assert len(frames) > 3
    assert events.index(frames[0]) < events.index(frames[1]) < last_token
    done = events[-1]
    assert isinstance(done, Done)
    assert done.frames == sum(len(block.root) for block in frames)
    assert 0 < done.first_token_s < done.first_output_s < 0.6 * done.total_s


@pytest.mark.parametrize("seconds", [1.0, 3.3, 8.0])
def test_length_follows_what_was_asked_for_within_a_tenth(real: Server, seconds: float) -> None:
    clip = generate(real, "a person walks in a circle", seconds=seconds, seed=3)
    assert len(clip.root) / clip.fps == pytest.approx(seconds, rel=0.1)
    assert_a_body_moves(clip)


def test_a_person_who_walks_forward_gets_somewhere(walking: Clip) -> None:
    assert_a_body_moves(walking)
    assert walking.root[-1, 2] - walking.root[0, 2] > 0.5
    assert walking.contacts is not None
    assert 0.1 < walking.contacts.mean() < 0.95


def test_the_same_seed_gives_the_same_frames_and_other_words_other_frames(real: Server, walking: Clip) -> None:
    again = generate(real, "a person walks forward", seconds=3.0, seed=1)
    assert np.array_equal(again.rotations, walking.rotations)
    assert np.array_equal(again.root, walking.root)
    other = generate(real, "a person bows", seconds=3.0, seed=1)
    assert not np.allclose(other.rotations, walking.rotations, atol=0.05)


def test_a_motion_is_described_in_words(real: Server, walking: Clip) -> None:
    with Client(real.address) as client:
        text = client.generate(task="motion-to-text", motion=walking, seed=1).result().text
    assert len(text.split()) >= 3
    assert text.isprintable()


def test_a_prediction_goes_on_without_a_jump(real: Server, walking: Clip) -> None:
    with Client(real.address) as client:
        result = client.generate(task="prediction", past=walking, seconds=2.0, seed=1).result()
    assert result.clip is not None
    assert_a_body_moves(result.clip)
    steps = np.linalg.norm(np.diff(positions(joined(walking, result.clip)), axis=0), axis=-1).max(axis=-1)
    own = steps[: len(walking) - 1].max()
    assert steps[len(walking) - 1] < own + 0.1, "no joint moves 10 cm further where it was joined on than in the walk"
    assert steps.max() < 0.3, "nor twice that anywhere"


def test_frames_between_two_motions_meet_both(real: Server, walking: Clip) -> None:
    turn = quat.from_yaw(np.full(30, 0.5, np.float32))
    rotations = walking.rotations[:30].copy()
    rotations[:, 0] = quat.mul(turn, rotations[:, 0])
    away = walking.root[-1] * [1, 0, 1] + [0.3, 0, 1.5]
    root = (quat.rotate(turn, walking.root[:30]) + away).astype(np.float32)
    future = replace(walking, rotations=rotations, root=root, contacts=None)
    with Client(real.address) as client:
        result = client.generate(task="in-betweening", past=walking, future=future, seconds=2.0, seed=1).result()
    assert result.clip is not None
    whole = joined(joined(walking, result.clip), future)
    assert largest_step(whole) < 0.3


def joined(one: Clip, other: Clip) -> Clip:
    rotations = np.concatenate([one.rotations, other.rotations])
    return Clip(one.skeleton, one.fps, rotations, np.concatenate([one.root, other.root]))


def largest_step(clip: Clip) -> float:
    """The farthest that a joint gets from one frame to the next, metres."""
    return float(np.linalg.norm(np.diff(positions(clip), axis=0), axis=-1).max())


def test_any_motion_can_be_asked_for(real: Server) -> None:
    with Client(real.address) as client:
        clip = client.generate(task="unconditional", seconds=2.0, seed=5).result().clip
    assert clip is not None
    assert_a_body_moves(clip)


def test_requests_that_run_together_share_steps_of_the_language_model(real: Server) -> None:
    """And each gets what it gets alone."""
    words = ("a person walks forward", "a person jumps", "someone waves", "a person turns left")
    before = metrics(http_of(real))
    with Client(real.address) as client, Client(real.address) as other:
        asked = [
            (client, other)[i % 2].generate(text, seconds=6.0, seed=70 + i, deadline_s=500)
            for i, text in enumerate(words)
        ]
        results = [one.result() for one in asked]
        language = find("base").manifest.language
        assert language is not None
        assert language.multi_token is not None
        a_run = language.multi_token.tokens
        runs = sum(math.ceil(result.done.tokens / a_run) - 1 for result in results)  # the first are the prompt's
        eventually(lambda: metrics(http_of(real))["motus_step_size_sum"] - before["motus_step_size_sum"] >= runs)
    after = metrics(http_of(real))
    steps, count = (after[f"motus_step_size_{name}"] - before[f"motus_step_size_{name}"] for name in ("sum", "count"))
    assert steps > 1.5 * count, "replies that a step of the language model was for"
    alone = generate(real, words[2], seconds=6.0, seed=72)
    assert results[2].clip is not None
    assert np.abs(results[2].clip.root - alone.root).max() < 1e-3


def test_bad_input_and_a_cancel_leave_it_serving(real: Server) -> None:
    with Client(real.address) as client:
        with pytest.raises(BadRequest, match="needs 'text' and got none"):
            client.generate("").result()
        with pytest.raises(BadRequest, match="the text has 10000 characters"):
            client.generate("walk " * 2000).result()
        generation = client.generate("a person dances", seconds=60.0, seed=1)
        while not isinstance(generation.poll(5.0), Frames):
            pass
        generation.cancel()
        with pytest.raises(Cancelled):
            generation.result()
        assert client.generate("a person walks", seconds=1.0, seed=1).result().done.frames == 30


def test_the_language_model_stops_when_its_client_is_killed(real: Server) -> None:
    with child(ASKER, real.address, "a person dances") as (process, said), Client(real.address) as client:
        assert said.readline() == "moving\n"
        process.kill()
        killed = time.monotonic()
        while client.stats().running:
            assert time.monotonic() - killed < 1.0
        tokens = client.stats().tokens
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert client.stats().tokens == tokens


def test_it_stops_with_zero_in_the_middle_of_its_work(real: Server) -> None:
    with Client(real.address) as client:
        generation = client.generate("a person dances", seconds=60.0, seed=1)
        while not isinstance(generation.poll(5.0), Frames):
            pass
        real.process.send_signal(signal.SIGTERM)
        assert real.process.wait(60) == 0  # what is running may end
