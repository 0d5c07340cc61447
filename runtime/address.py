"""Where the service listens: TCP on this machine, and nowhere else until clients can prove who they are."""

from __future__ import annotations

import errno
import ipaddress
import re
from typing import Final

import zmq

from motion import wire
from motion.errors import BadConfig
from motion.protocol import ADDRESS

_BEAT_MS: Final = 1000
_SILENCE_MS: Final = 3000


def parse(address: str) -> str:
    """`address` as ZeroMQ binds it; port 0 or * asks for a free one. Raises BadConfig for what is not loopback."""
    match = re.fullmatch(r"tcp://(?P<host>\[[^\]]+\]|[^:]+):(?P<port>\*|\d{1,5})", address)
    if match is None or (match["port"] != "*" and int(match["port"]) > 65535):
        raise BadConfig(
            f"{address!r} is no address; write tcp://HOST:PORT, for example {ADDRESS}, or * for a free port"
        )
    host = "127.0.0.1" if match["host"] == "localhost" else match["host"]
    try:
        local = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        local = False
    if not local:
        raise BadConfig(
            f"{address!r} can be reached from other machines, and this server does not ask who is calling: "
            f"bind a loopback address such as {ADDRESS}, and reach it from elsewhere through an SSH tunnel"
        )
    return f"tcp://{host}:{'*' if match['port'] == '0' else match['port']}"


def bind(context: zmq.Context[zmq.Socket[bytes]], address: str) -> zmq.Socket[bytes]:
    """A ROUTER at `address`. Raises BadConfig where the address is refused or taken."""
    endpoint = parse(address)
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)  # sending to a client that is gone is an error, not a silence
    router.setsockopt(zmq.MAXMSGSIZE, wire.PART_BYTES)  # libzmq cuts off who announces more, before it allocates
    router.setsockopt(zmq.HEARTBEAT_IVL, _BEAT_MS)
    router.setsockopt(zmq.HEARTBEAT_TIMEOUT, _SILENCE_MS)
    router.setsockopt(zmq.HANDSHAKE_IVL, _SILENCE_MS)
    router.setsockopt(zmq.IPV6, int("[" in endpoint))
    try:
        router.bind(endpoint)
    except zmq.ZMQError as error:
        router.close(linger=0)
        if error.errno == errno.EADDRINUSE:
            raise BadConfig(
                f"{address} is in use: stop the program that listens there, or give another port with "
                "--address tcp://127.0.0.1:* (a free one is taken and printed)"
            ) from error
        raise BadConfig(f"{address} cannot be bound: {error.strerror}") from error
    return router
