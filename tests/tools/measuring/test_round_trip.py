"""Round trips are told fairly: both ends are asked in turn, and no single round decides what is published."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq

from motion import protocol
from motion.errors import Unavailable
from motion.protocol import Hello, Ping, Pong
from tests.motion.protocol.examples import messages
from tools.measuring import round_trip
from tools.measuring.round_trip import RoundTrip, Spread

Heard = list[tuple[str, bytes, type]]


@contextmanager
def answering(names: tuple[str, ...]) -> Iterator[tuple[list[str], Heard]]:
    """Addresses at which greetings and pings are answered, and what was heard: name, connection, kind of message."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    ends = {context.socket(zmq.ROUTER): name for name in names}
    addresses = [f"tcp://127.0.0.1:{end.bind_to_random_port('tcp://127.0.0.1')}" for end in ends]
    stop = context.socket(zmq.PAIR)
    stop.bind("inproc://stop")
    heard: Heard = []

    def serve() -> None:
        poller = zmq.Poller()
        stopped = context.socket(zmq.PAIR)
        stopped.connect("inproc://stop")
        for end in (*ends, stopped):
            poller.register(end, zmq.POLLIN)
        while stopped not in (ready := dict(poller.poll())):
            for end in ready:
                identity, *parts = end.recv_multipart()
                message = protocol.unpack(parts)
                heard.append((ends[end], identity, type(message)))
                if isinstance(message, Hello):
                    end.send_multipart([identity, *protocol.pack(messages()["welcome"])])
                end.send_multipart(
                    [identity, *protocol.pack(Pong(1.25, 2.5) if isinstance(message, Ping) else Ping(1.0))]
                )
        stopped.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield addresses, heard
    finally:
        stop.send(b"")
        thread.join()
        context.destroy(linger=0)


def test_both_ends_are_asked_in_turn_on_fresh_connections_and_the_first_trip_does_not_count() -> None:
    with answering(("bare", "ours")) as ((bare, ours), heard):
        found = round_trip.measure(bare, ours, rounds=3, pings=4)
    assert (found.rounds, found.pings) == (3, 4)
    assert 0 < found.ours_us.least <= found.ours_us.median <= found.ours_us.greatest
    asked = [name for name, _, kind in heard if kind is Ping]
    once = ["bare", "ours", *("ours", "bare"), *("bare", "ours"), *("ours", "bare"), *("bare", "ours")]
    assert asked == 3 * once, "who goes first changes with every turn"
    assert [name for name, _, kind in heard if kind is Hello] == ["ours"] * 3
    assert len({connection for name, connection, _ in heard if name == "bare"}) == 3


def test_the_median_round_is_published_and_one_bad_round_is_seen_only_in_the_spread() -> None:
    rounds = [(100.0, 150.0), (110.0, 154.0), (100.0, 900.0), (90.0, 144.0), (400.0, 620.0)]
    found = RoundTrip.of(rounds, pings=500)
    assert found.bare_us == Spread(100.0, 90.0, 400.0)
    assert found.ours_us == Spread(154.0, 144.0, 900.0)
    assert found.ratio == Spread(1.55, 1.4, 9.0)


def test_an_end_that_says_nothing_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_trip, "_PATIENCE_MS", 200)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    silent = context.socket(zmq.ROUTER)
    address = f"tcp://127.0.0.1:{silent.bind_to_random_port('tcp://127.0.0.1')}"
    try:
        with pytest.raises(Unavailable, match="welcome"):
            round_trip.measure(address, address, rounds=1, pings=1)
    finally:
        context.destroy(linger=0)
