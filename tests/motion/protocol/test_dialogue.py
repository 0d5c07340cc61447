"""The client's side without a socket: what it says, and to whom it gives what it hears."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from motion import protocol
from motion.errors import BadMessage, Busy, MotionError, NoSession, Unavailable
from motion.protocol import (
    Accepted,
    Ack,
    Cancel,
    Done,
    Error,
    Frames,
    Generate,
    Hello,
    Message,
    OpenStream,
    Ping,
    Pong,
    Statistics,
)
from motion.protocol.dialogue import Dialogue
from tests.motion.protocol.examples import messages


def said(dialogue: Dialogue) -> list[Message]:
    out = [protocol.unpack(parts) for parts in dialogue.outgoing]
    dialogue.outgoing.clear()
    return out


def hear(dialogue: Dialogue, *all_of: Message, now: float = 1.0) -> None:
    for message in all_of:
        dialogue.receive(protocol.pack(message), now)


def frames(name: str, count: int) -> Frames:
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 2, 1))
    return Frames(name, 0, 0, 30.0, 0.0, rotations[:, 0, :3], rotations, rotations[:, 0])


def greeted() -> Dialogue:
    dialogue = Dialogue("test", 120)
    dialogue.hello()
    assert said(dialogue) == [Hello("test", 120)]
    hear(dialogue, messages()["welcome"])
    return dialogue


def test_each_request_has_a_name_of_its_own_and_gets_what_is_meant_for_it() -> None:
    dialogue = greeted()
    one, other, live = dialogue.ask(Generate("", "a")), dialogue.ask(Generate("", "b")), dialogue.ask(OpenStream(""))
    assert len({one.id, other.id, live.id}) == 3
    hear(dialogue, Accepted(other.id, 0, 1), Accepted(live.id, 0, 2), frames(live.id, 1))
    assert one.take() is None
    assert other.take() == Accepted(other.id, 0, 1)
    assert isinstance(live.take(), Accepted)
    assert isinstance(live.take(), Frames)


def test_frames_are_acknowledged_when_they_are_taken_and_not_before() -> None:
    dialogue = greeted()
    thread = dialogue.ask(Generate("", "a"))
    said(dialogue)
    hear(dialogue, frames(thread.id, 16), frames(thread.id, 20))
    assert said(dialogue) == []
    thread.take()
    assert said(dialogue) == [Ack(thread.id, 16)]
    thread.take()
    assert said(dialogue) == [Ack(thread.id, 36)]


def test_few_frames_are_acknowledged_together_and_soon() -> None:
    dialogue = greeted()
    thread = dialogue.ask(OpenStream(""))
    dialogue.tick(5.0)
    said(dialogue)
    acks: list[Message] = []
    for i in range(60):
        hear(dialogue, frames(thread.id, 1))
        thread.take()
        dialogue.tick(5.0 + i / 30)
        acks += [message for message in said(dialogue) if isinstance(message, Ack)]
    assert 15 <= len(acks) <= 40
    assert isinstance(acks[-1], Ack)
    assert acks[-1].frames >= 58


def test_after_the_end_nothing_is_acknowledged_or_cancelled() -> None:
    dialogue = greeted()
    thread = dialogue.ask(Generate("", "a"))
    said(dialogue)
    done = replace(cast(Done, messages()["done"]), id=thread.id)
    hear(dialogue, frames(thread.id, 4), done, frames(thread.id, 4))
    assert isinstance(thread.take(), Frames)
    assert isinstance(thread.take(), Done)
    assert thread.take() is None
    thread.cancel()
    assert said(dialogue) == []


def test_an_error_is_raised_where_it_belongs_after_what_came_before_it() -> None:
    dialogue = greeted()
    thread = dialogue.ask(Generate("", "a"))
    hear(dialogue, frames(thread.id, 4), Error(thread.id, "busy", "later", True), Error("", "busy", "slower", True))
    assert isinstance(thread.take(), Frames)
    with pytest.raises(Busy, match="later"):
        thread.take()
    assert [str(answer) for answer in dialogue.answers] == ["slower"]


@pytest.mark.parametrize("retry", [True, False])
def test_a_code_of_a_newer_version_is_taken_by_its_flag(retry: bool) -> None:
    dialogue = greeted()
    thread = dialogue.ask(Generate("", "a"))
    hear(dialogue, Error(thread.id, "eclipse", "the moon is in the way", retry))
    with pytest.raises(MotionError, match="the moon") as caught:
        thread.take()
    assert caught.value.retry == retry


def test_a_ping_is_answered_and_a_pong_sets_the_clock() -> None:
    dialogue = greeted()
    hear(dialogue, Ping(5.0), now=2.0)
    assert said(dialogue) == [Pong(5.0, 2.0, 2.0)]
    hear(dialogue, Pong(asked=2.0, clock=103.0, received=102.5), now=3.0)
    assert dialogue.clock.best is not None
    assert dialogue.clock.best.offset == 100.25


def test_it_beats_at_least_as_often_as_it_promised_and_not_much_more_often() -> None:
    dialogue = greeted()
    beats = 0
    for step in range(1000):
        dialogue.tick(10 + step * 0.01)
        beats += len(said(dialogue))
    assert 10 <= beats <= 25, "ten seconds of one heartbeat a second"


def test_a_lost_connection_fails_all_that_is_under_way_once() -> None:
    dialogue = greeted()
    one, other = dialogue.ask(Generate("", "a")), dialogue.ask(Generate("", "b"))
    dialogue.lose(Unavailable("gone"))
    for thread in (one, other):
        with pytest.raises(Unavailable, match="gone"):
            thread.take()
        thread.cancel()
    assert said(dialogue) == []
    assert dialogue.welcome is None


def test_a_server_that_let_go_of_the_client_has_lost_all_that_was_under_way() -> None:
    dialogue = greeted()
    thread = dialogue.ask(Generate("", "a"))
    hear(dialogue, Error("", "no_session", "say hello first", True))
    with pytest.raises(NoSession):
        thread.take()
    assert dialogue.welcome is None
    dialogue.hello()
    assert said(dialogue) == [Hello("test", 120)]


def test_answers_keep_their_order_and_unknown_names_are_passed_over() -> None:
    dialogue = greeted()
    statistics = messages()["statistics"]
    hear(dialogue, frames("nobody", 3), statistics, Error("nobody", "busy", "late", True))
    assert len(dialogue.answers) == 1
    assert isinstance(dialogue.answers[0], Statistics)


def test_cancel_is_said_once_asked() -> None:
    dialogue = greeted()
    thread = dialogue.ask(Generate("", "a"))
    said(dialogue)
    thread.cancel()
    assert said(dialogue) == [Cancel(thread.id)]


def test_a_live_session_that_nobody_takes_keeps_the_newest_frames_and_counts_the_others() -> None:
    dialogue = greeted()
    thread = dialogue.ask(OpenStream(""))
    hear(dialogue, replace(frames(thread.id, 1), lost=7), *[replace(frames(thread.id, 1), first=i) for i in range(999)])
    kept = []
    while (event := thread.take()) is not None:
        kept.append(cast(Frames, event).first)
    assert kept == list(range(999 - len(kept), 999))
    assert 120 <= len(kept) <= 300
    assert thread.lost == 7 + 1000 - len(kept)


def test_a_request_that_is_sent_more_than_it_has_credit_for_fails_and_is_stopped() -> None:
    dialogue = greeted()
    thread = dialogue.ask(Generate("", "a"))
    said(dialogue)
    hear(dialogue, *[frames(thread.id, 60) for _ in range(9)])
    assert said(dialogue) == [Cancel(thread.id)]
    for _ in range(4):
        assert isinstance(thread.take(), Frames)
    with pytest.raises(BadMessage, match="beyond the window of this client"):
        thread.take()


def test_one_message_may_be_larger_than_the_window() -> None:
    dialogue = greeted()
    thread = dialogue.ask(Generate("", "a"))
    hear(dialogue, frames(thread.id, 1800))
    assert isinstance(thread.take(), Frames)


def test_without_a_connection_what_is_asked_fails_at_once_and_what_is_said_goes_nowhere() -> None:
    dialogue = Dialogue("test", 120)
    with pytest.raises(Unavailable, match="there is no connection"):
        dialogue.ask(Generate("", "a")).take()
    dialogue.hello()
    dialogue.lose(Unavailable("gone"))
    dialogue.say(Ping(1.0))
    with pytest.raises(Unavailable, match="gone"):
        dialogue.ask(Generate("", "a")).take()
    assert said(dialogue) == []


def test_what_is_no_message_or_one_of_a_newer_version_is_passed_over() -> None:
    dialogue = greeted()
    newer = protocol.pack(Ping(1.0))
    newer[1] = b'{"kind":"weather"}'
    assert dialogue.receive(newer, 1.0) is None
    assert dialogue.fault is None
    assert dialogue.receive([b"garbage"], 1.0) is None
    assert isinstance(dialogue.fault, BadMessage)
    assert dialogue.welcome is not None
    assert dialogue.lost is None
