"""The options of a client's sockets, the same for every client; pyzmq comes as the argument `zmq`.

`prepare` is called on each socket before it connects. The receive queue of a client is unbounded: credit, and passing
over old frames, keep it small, while libzmq 4.3.5 ends the whole process where a full one meets a reconnection.
libzmq's own heartbeats stay off for the same reason (zeromq/libzmq issues 3937, 4364, 4767); the protocol has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from motion.protocol import wire

KEEP_ALIVE: Final = {"TCP_KEEPALIVE": 1, "TCP_KEEPALIVE_IDLE": 5, "TCP_KEEPALIVE_INTVL": 2, "TCP_KEEPALIVE_CNT": 3}
"""the system finds out within seconds that the other host is gone"""
CLIENT: Final = {**KEEP_ALIVE, "SNDHWM": 0, "RCVHWM": 0, "LINGER": 0, "MAXMSGSIZE": wire.PART_BYTES}
"""a DEALER's: what a client sends is small, so sending never waits"""
WATCHER: Final = {**CLIENT, "RCVBUF": 65_536}
"""a SUB's: the kernel holds two seconds of frames, not minutes"""


@dataclass(frozen=True)
class Pair:
    """A key pair of CURVE, Z85."""

    public: bytes
    secret: bytes


@dataclass(frozen=True)
class ClientKeys:
    """What a client of a guarded server holds: its own pair, and the server's public key."""

    own: Pair
    server: bytes


def configure(zmq: Any, socket: Any, options: Mapping[str, int]) -> None:
    """Set options by their names in pyzmq."""
    for name, value in options.items():
        socket.setsockopt(getattr(zmq, name), value)


def join(socket: Any, own: Pair, server: bytes) -> None:
    """Make `socket` a client's end, which proves who it is and talks to nobody but this server."""
    socket.curve_publickey = own.public
    socket.curve_secretkey = own.secret
    socket.curve_serverkey = server


def prepare(zmq: Any, socket: Any, address: str, keys: ClientKeys | None, options: Mapping[str, int]) -> None:
    """All that is to be set before `socket` connects to `address`."""
    configure(zmq, socket, options)
    socket.setsockopt(zmq.IPV6, int("[" in address))
    if keys is not None:
        join(socket, keys.own, keys.server)
