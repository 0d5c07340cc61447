"""Where the service listens: TCP, on this machine alone unless clients prove who they are."""

from __future__ import annotations

import errno
import ipaddress
import re
from collections.abc import Callable
from typing import Final

import zmq

from motion.errors import BadConfig
from motion.protocol import ADDRESS, wire
from motion.protocol.sockets import KEEP_ALIVE, configure

Socket = zmq.Socket[bytes]
Guard = Callable[[Socket], None]
"""what a socket passes through before it is bound, so that strangers cannot connect"""

_POLLIN: Final = int(zmq.POLLIN)
_HANDSHAKE_MS: Final = 3000
_TOPIC_BYTES: Final = 1024  # a subscription takes 150, the commands of CURVE up to some 400
_UNREAD: Final = 64  # messages of one watcher that wait here: two seconds of frames
_KERNEL_BYTES: Final = 65_536  # and in the kernel, which would otherwise hold minutes of them


def parse(address: str, guarded: bool = False) -> str:
    """`address` as ZeroMQ binds it; port 0 or * asks for a free one. Raises BadConfig for what is no address, and for
    one that other machines can reach where the sockets are not `guarded`."""
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
    if not local and not guarded:
        raise BadConfig(
            f"{address!r} can be reached from other machines, and without keys this server does not ask who is "
            "calling: make some with `python -m runtime.keys keys` and serve with `--keys keys`, or bind a loopback "
            f"address such as {ADDRESS}"
        )
    return f"tcp://{host}:{'*' if match['port'] == '0' else match['port']}"


def beside(address: str) -> str:
    """The address of watchers for the one of clients: a free port, or the next one."""
    host, port = parse(address, guarded=True).rsplit(":", 1)
    return f"{host}:*" if port in ("*", "65535") else f"{host}:{int(port) + 1}"


def bind_router(context: zmq.Context[Socket], address: str, guard: Guard | None = None) -> Socket:
    """A ROUTER for clients at `address`. Raises BadConfig where the address is refused or taken."""
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)  # sending to a client that is gone is an error, not a silence
    router.setsockopt(zmq.MAXMSGSIZE, wire.PART_BYTES)  # libzmq cuts off who announces more, before it allocates
    return _bind(router, address, guard)


def bind_publisher(context: zmq.Context[Socket], address: str, guard: Guard | None = None) -> Socket:
    """An XPUB for watchers at `address`; each of their subscriptions can be received from it."""
    publisher = context.socket(zmq.XPUB)
    publisher.setsockopt(zmq.XPUB_VERBOSER, 1)
    publisher.setsockopt(zmq.MAXMSGSIZE, _TOPIC_BYTES)
    publisher.setsockopt(zmq.SNDHWM, _UNREAD)
    publisher.setsockopt(zmq.SNDBUF, _KERNEL_BYTES)
    return _bind(publisher, address, guard)


def readable(socket: Socket) -> bool:
    """Whether something can be received, at a tenth of what `poll` costs."""
    return bool(int(socket.getsockopt(zmq.EVENTS)) & _POLLIN)


def bound(socket: Socket) -> str:
    """Where a socket listens, with the port that was really taken."""
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def port_of(address: str) -> int:
    """The port of a bound address."""
    return int(address.rsplit(":", 1)[1])


def with_port(address: str, port: int) -> str:
    """The same host at another port."""
    return f"{address.rsplit(':', 1)[0]}:{port}"


def _bind(socket: Socket, address: str, guard: Guard | None) -> Socket:
    try:
        endpoint = parse(address, guarded=guard is not None)
        configure(zmq, socket, KEEP_ALIVE)
        socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        if guard is not None:
            guard(socket)
        socket.bind(endpoint)
    except BadConfig:
        socket.close(linger=0)
        raise
    except zmq.ZMQError as error:
        socket.close(linger=0)
        if error.errno == errno.EADDRINUSE:
            raise BadConfig(
                f"{address} is in use: stop the program that listens there, or give another port with "
                "--address tcp://127.0.0.1:* (a free one is taken and printed)"
            ) from error
        raise BadConfig(f"{address} cannot be bound: {error.strerror}") from error
    return socket
