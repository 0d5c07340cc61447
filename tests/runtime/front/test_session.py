"""What may leave for a client, and when: credit, order, and what takes the place of what."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from motion.protocol import Accepted, Done, Error, Frames, Generate, Message, Progress
from runtime.front.rate_limit import RateLimit
from runtime.front.session import Account, Job, Session

DONE = Done("g", 1, 1, "", 0.0, 0.0, 0.0, 0.0, 0.0)


def frames(count: int, first: int = 0) -> Frames:
    zeros = np.zeros((count, 22, 4), np.float32)
    return Frames("g", 0, first, 30.0, 0.0, zeros[:, 0, :3], zeros, zeros[:, 0])


def session(window: int = 10) -> tuple[Session, Job]:
    client = Session(b"peer", "test", window, Account("peer", RateLimit(0, 0, 0.0)))
    job = Job(client, Generate("g", "text-to-motion", "walk"), 0, 0.0)
    client.jobs["g"] = job
    return client, job


def leaving(client: Session) -> list[Message]:
    """Everything that may leave now."""
    gone: list[Message] = []
    while (queue := client.next()) is not None:
        gone.append(queue[0])
        client.leave(queue)
    return gone


def test_frames_leave_until_the_window_is_full_and_again_when_it_is_not() -> None:
    client, job = session(window=10)
    for first in range(0, 20, 4):
        job.put(frames(4, first))
    assert len(leaving(client)) == 2
    job.ack(2)
    assert len(leaving(client)) == 1, "2 + 4 are under way: room for one more"
    job.ack(12)
    assert len(leaving(client)) == 2


def test_a_message_larger_than_the_window_leaves_when_nothing_is_under_way() -> None:
    client, job = session(window=3)
    job.put(frames(16))
    job.put(frames(16))
    assert len(leaving(client)) == 1
    job.ack(15)
    assert not leaving(client)
    job.ack(16)
    assert len(leaving(client)) == 1


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 25)), max_size=30), st.integers(1, 30))
def test_never_more_under_way_than_the_window_or_one_message(steps: list[tuple[int, int]], window: int) -> None:
    client, job = session(window)
    sent = acked = 0
    for count, taken in steps:
        job.put(frames(count))
        for message in leaving(client):
            assert isinstance(message, Frames)
            assert sent - acked + len(message.root) <= window or sent == acked
            sent += len(message.root)
        acked = min(sent, acked + taken)
        job.ack(acked)


def test_more_than_was_sent_cannot_be_acknowledged() -> None:
    client, job = session(window=4)
    job.put(frames(4))
    job.put(frames(4))
    leaving(client)
    job.ack(10**9)
    leaving(client)
    assert (job.sent, job.acked) == (8, 4)


def test_answers_go_before_frames_and_done_comes_last_and_ends_the_request() -> None:
    client, job = session()
    job.put(frames(4))
    job.put(DONE)
    client.answers.append(Accepted("g", 0, 1))
    assert [type(message) for message in leaving(client)] == [Accepted, Frames, Done]
    assert not client.jobs


def test_a_progress_that_could_not_leave_gives_way_to_the_next() -> None:
    client, job = session(window=4)
    job.put(frames(4))
    job.put(frames(4))
    for step in range(5):
        job.put(Progress("g", "tokens", step, 5))
    assert len(job.outbox) == 3
    job.put(frames(4))
    job.put(Progress("g", "tokens", 5, 5))
    leaving(client)
    job.ack(8)
    assert [message.done for message in leaving(client) if isinstance(message, Progress)] == [4]


def test_an_abandoned_request_sends_its_error_and_nothing_else() -> None:
    client, job = session(window=4)
    job.put(frames(4))
    job.put(frames(4))
    leaving(client)
    job.abandon(Error("g", "cancelled", "stopped", True))
    job.put(frames(4))
    assert [type(message) for message in leaving(client)] == [Error]
    assert not client.jobs
