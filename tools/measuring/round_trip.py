"""A small message's way to the service and back, held against pyzmq alone.

Both connections are open at the same time and are asked in turn, so that whatever else the machine does slows both
alike. Rounds on fresh connections follow each other; what is told is the median over the rounds, beside the least and
the greatest, so that no lucky or unlucky round decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

import zmq

from motion import protocol
from motion.errors import Unavailable
from motion.protocol import Hello, Ping

ROUNDS: Final = 11
PINGS: Final = 500
"""of each, in a round"""
_PATIENCE_MS: Final = 5000

Socket = zmq.Socket[bytes]


@dataclass(frozen=True)
class Spread:
    """Of one figure over the rounds."""

    median: float
    least: float
    greatest: float

    @staticmethod
    def of(values: Sequence[float], digits: int) -> Spread:
        """Of one value a round, rounded to so many digits."""
        return Spread(*(round(value, digits) for value in (median(values), min(values), max(values))))


@dataclass(frozen=True)
class RoundTrip:
    """Round trips of one small message: medians of rounds, microseconds."""

    rounds: int
    pings: int
    """of each, in a round"""
    bare_us: Spread
    ours_us: Spread
    ratio: Spread
    """of the service's median to the bare one's, round by round"""

    @staticmethod
    def of(medians: Sequence[tuple[float, float]], pings: int) -> RoundTrip:
        """From the medians (bare, the service's) of each round, microseconds."""
        bare, ours = zip(*medians, strict=True)
        ratios = [slow / quick for quick, slow in medians]
        return RoundTrip(len(medians), pings, Spread.of(bare, 1), Spread.of(ours, 1), Spread.of(ratios, 2))


def measure(bare: str, ours: str, rounds: int = ROUNDS, pings: int = PINGS) -> RoundTrip:
    """Asks at both addresses: `bare` answers every message, `ours` is a service that wants a greeting. Raises
    Unavailable where one of them does not answer."""
    return RoundTrip.of([_round(bare, ours, pings) for _ in range(rounds)], pings)


def _round(bare: str, ours: str, pings: int) -> tuple[float, float]:
    """The median round trips (bare, the service's) on two fresh connections, microseconds."""
    ping = protocol.pack(Ping(1.25))
    times: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        sockets = [stack.enter_context(_connected(address)) for address in (bare, ours)]
        sockets[1].send_multipart(protocol.pack(Hello("bench", 10)))
        _await(sockets[1], b'"welcome"')
        for socket in sockets:  # the first way there and back opens the connection
            _trip(socket, ping)
        for turn in range(pings):
            for which in (0, 1) if turn % 2 else (1, 0):
                times[which].append(_trip(sockets[which], ping))
    return 1e6 * median(times[0]), 1e6 * median(times[1])


def _trip(socket: Socket, ping: list[bytes]) -> float:
    """Seconds until a ping is answered."""
    begun = time.perf_counter()
    socket.send_multipart(ping)
    _await(socket, b'"pong"')
    return time.perf_counter() - begun


def _await(socket: Socket, kind: bytes) -> None:
    """Passes over whatever comes before a message of this kind, such as the service's own pings."""
    try:
        while kind not in socket.recv_multipart()[1]:
            pass
    except zmq.Again as silence:
        raise Unavailable(f"no {kind.decode()} has come for {_PATIENCE_MS / 1000:g} s") from silence


@contextmanager
def _connected(address: str) -> Iterator[Socket]:
    context: zmq.Context[Socket] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.RCVTIMEO, _PATIENCE_MS)
    socket.connect(address)
    try:
        yield socket
    finally:
        context.destroy(linger=0)
