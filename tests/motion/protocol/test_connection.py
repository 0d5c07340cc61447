"""A client's connection over real sockets and a clock of the test's: what is lost, why, and when it is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import zmq

from motion import protocol
from motion.errors import BadConfig, BadMessage, Busy, MotionError, Unavailable
from motion.protocol import Error, Hello, Message, Ping, Pong, Welcome
from motion.protocol.connection import TRY_S, Connection, backoff
from motion.protocol.dialogue import Dialogue
from motion.protocol.sockets import CLIENT, KEEP_ALIVE, WATCHER, ClientKeys, Pair, prepare
from tests.blender.stranger import Stranger, welcome

NOW = 1000.0


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    with Stranger() as other:
        yield other


def connection(address: str, keys: ClientKeys | None = None, timeout: float = 10.0) -> Connection:
    made = Connection(zmq, zmq.Context, address, Dialogue("test", 120, beats=True), keys, timeout)
    made.connect(NOW)
    return made


def hear(made: Connection, now: float = NOW) -> list[Message]:
    """Wait for something, and turn."""
    assert made.socket.poll(5000)
    return made.turn(now)


def greeted(stranger: Stranger, timeout: float = 10.0, heartbeat_s: float = 1.0) -> Connection:
    made = connection(stranger.address, timeout=timeout)
    made.turn(NOW)
    greeting = replace(welcome(), heartbeat_s=heartbeat_s, missed=3)
    assert stranger.answer(protocol.pack(greeting)) == Hello("test", 120, True)
    assert [type(one) for one in hear(made)] == [Welcome]
    return made


def lost(made: Connection) -> MotionError:
    error = made.dialogue.lost
    assert error is not None
    assert not made.open
    return error


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.SUB])
def test_no_client_has_a_receive_limit_or_libzmqs_heartbeats(kind: int) -> None:
    with zmq.Context() as context, context.socket(kind) as socket:
        prepare(zmq, socket, "tcp://[::1]:5570", None, WATCHER if kind == zmq.SUB else CLIENT)
        told = {name: socket.getsockopt(getattr(zmq, name)) for name in (*CLIENT, "HEARTBEAT_IVL", "IPV6")}
    assert told == {**CLIENT, "HEARTBEAT_IVL": 0, "IPV6": 1}
    assert KEEP_ALIVE.items() <= CLIENT.items()
    assert (CLIENT["RCVHWM"], CLIENT["SNDHWM"]) == (0, 0)


def test_what_cannot_be_sent_because_the_handshake_failed_is_kept_and_the_reason_told() -> None:
    """libzmq takes a connection's queue away where the server wants keys and the client has none: then a send ends in
    EAGAIN, although a DEALER without a limit never has to wait."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as guarded:
        public, secret = zmq.curve_keypair()
        guarded.curve_server, guarded.curve_publickey, guarded.curve_secretkey = True, public, secret
        guarded.bind("tcp://127.0.0.1:*")
        made = connection(guarded.getsockopt_string(zmq.LAST_ENDPOINT))
        assert made.monitor.poll(5000)
        with suppress(zmq.Again):
            while True:  # the monitor tells a moment sooner
                made.socket.send(b"", zmq.NOBLOCK)
        made.send()
        assert len(made.dialogue.outgoing) == 1
        made.turn(NOW)
        assert "may want keys" in str(lost(made))  # Denied, or Unavailable where the server was the first to break off
        guarded.close(linger=0)
        made.close()


def test_a_server_with_another_key_breaks_off_and_is_tried_again() -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as guarded:
        public, secret = zmq.curve_keypair()
        guarded.curve_server, guarded.curve_publickey, guarded.curve_secretkey = True, public, secret
        guarded.bind("tcp://127.0.0.1:*")
        made = connection(
            guarded.getsockopt_string(zmq.LAST_ENDPOINT), ClientKeys(Pair(*zmq.curve_keypair()), zmq.curve_keypair()[0])
        )
        for times in (1, 2):
            assert made.monitor.poll(5000)
            made.turn(NOW)
            assert "does not take this client's keys" in str(lost(made))
            assert made.dialogue.lost is not None
            assert made.dialogue.lost.retry
            assert made.broken_off == times
            made.connect(NOW)
        made.close()


def test_a_server_that_goes_is_noticed_by_the_monitor_after_all_that_it_said(stranger: Stranger) -> None:
    made = greeted(stranger)
    stranger.say(*[protocol.pack(Ping(float(i))) for i in range(100)])
    stranger.__exit__()
    assert made.monitor.poll(5000)
    heard = made.turn(NOW)
    assert len(heard) == 64
    assert made.more
    assert made.open, "the rest is read before the loss is told"
    heard += made.turn(NOW)
    assert [one.clock for one in heard if isinstance(one, Ping)] == list(range(100))
    assert "closed the connection" in str(lost(made))
    made.close()


def test_silence_beyond_the_servers_promise_is_a_loss_and_a_pause_of_ones_own_is_not(stranger: Stranger) -> None:
    made = greeted(stranger)
    made.turn(NOW + 60)
    assert made.open, "this process stood still for a minute, and blames nobody"
    for tenth in range(1, 50):
        made.turn(NOW + 60 + tenth / 10)
    assert made.open
    made.turn(NOW + 65.1)
    assert "has not been heard of for 5 s" in str(lost(made))
    made.close()


def test_a_server_that_promised_nothing_may_be_silent(stranger: Stranger) -> None:
    made = greeted(stranger, heartbeat_s=0.0)
    for second in range(100):
        made.turn(NOW + second)
    assert made.open
    assert any(isinstance(one, Ping) for one in _said(stranger)), "for the clocks"
    made.close()


def _said(stranger: Stranger) -> list[Any]:
    said = [stranger.answer()]
    return [*said, *stranger.hear()]


def test_nobody_there_is_tried_again_after_longer_and_longer_waits() -> None:
    made, now, waits = connection("tcp://127.0.0.1:9"), NOW, list[float]()
    for _ in range(8):
        for _ in range(3):
            now += TRY_S / 2.5
            made.turn(now)
        assert "no server answers at tcp://127.0.0.1:9: start one with `python -m runtime.serve`" in str(lost(made))
        waits.append(made.again - now)
        now = made.again
        made.connect(now)
    assert all(0.05 <= wait <= 5.0 for wait in waits)
    assert waits[0] < 0.1 < 2.5 <= waits[-1]
    made.close()
    first, *_, last = (wait for wait, _ in zip(backoff(), range(10), strict=False))
    assert 0.05 <= first <= 0.1 < 2.5 <= last <= 5.0


def test_what_the_server_objects_to_in_the_greeting_is_the_reason(stranger: Stranger) -> None:
    made = connection(stranger.address)
    made.turn(NOW)
    stranger.answer(protocol.pack(Error("", "busy", "2 connections of this client are open", True)))
    hear(made)
    assert isinstance(lost(made), Busy)
    made.connect(NOW)
    assert made.dialogue.lost is None
    made.close()


def test_a_server_that_says_nothing_but_nonsense_is_told_as_such(stranger: Stranger) -> None:
    made = connection(stranger.address)
    made.turn(NOW)
    stranger.answer([b"garbage"], [b"more", b"garbage"])
    hear(made)
    assert made.open, "messages that are none are passed over"
    for step in range(1, 4):
        made.turn(NOW + step * TRY_S / 2.5)
    assert isinstance(lost(made), BadMessage)
    made.close()


def test_an_address_that_is_none_is_one_sentence_and_leaves_nothing_open() -> None:
    for address in ("localhost:5570", "", "tcp://", "nonsense://x:1"):
        with pytest.raises(BadConfig, match=r"is no address: .*; write tcp://HOST:PORT"):
            connection(address)


def test_a_closed_connection_says_goodbye_fails_what_is_under_way_and_may_be_made_again(stranger: Stranger) -> None:
    made = greeted(stranger)
    thread = made.dialogue.ask(protocol.Generate("", "text-to-motion"))
    made.send()
    made.close()
    with pytest.raises(Unavailable, match="was closed"):
        thread.take()
    assert isinstance(_said(stranger)[-1], (protocol.Generate, protocol.Close))
    made.send()
    assert made.turn(NOW) == []
    made.close()
    made.connect(NOW)
    made.turn(NOW)
    assert stranger.answer(protocol.pack(welcome())) == Hello("test", 120, True)
    assert [type(one) for one in hear(made)] == [Welcome]
    made.close()


@pytest.mark.parametrize("use", [lambda made: made.turn(NOW), lambda made: made.send()], ids=["turn", "send"])
def test_sockets_that_somebody_else_closed_are_a_sentence_and_no_error_of_libzmq(
    stranger: Stranger, use: Callable[[Connection], object]
) -> None:
    made = greeted(stranger)
    made.socket.close()
    made.dialogue.say(Pong(0.0, 0.0))
    use(made)
    assert "broke: " in str(lost(made))
    made.close()
