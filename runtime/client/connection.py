"""A client's line to a server: the sockets, and what is sent over them for a dialogue.

It knows when the connection is lost or refused, and waits longer each time before it tries again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import zmq

from motion.errors import BadConfig, Denied, MotionError, Unavailable
from motion.protocol.dialogue import Dialogue
from runtime.keys import ClientKeys, load_client
from runtime.transport.address import keep_alive
from runtime.transport.gate import join

Socket = zmq.Socket[bytes]
TRY_S: Final = 2.0
"""how long one connection is given before another is tried"""
_WAITS: Final = (0.1, 5.0)
_LEAST_PATIENCE_S: Final = 5.0  # of silence are put up with: heartbeats of a busy machine may come late
_LOST: Final = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL


def backoff() -> Iterator[float]:
    """Seconds to wait before each try: twice as long each time, shortened at random so that not all come at once."""
    wait, most = _WAITS
    while True:
        yield wait * random.uniform(0.5, 1.0)
        wait = min(2 * wait, most)


def keys_of(keys: ClientKeys | Path | str | None) -> ClientKeys | None:
    """Keys, or those in the folder that a client was handed. Raises BadConfig."""
    return load_client(Path(keys)) if isinstance(keys, (Path, str)) else keys


class Connection:
    """See above. `context` may be an asyncio one, whose sockets are its own."""

    def __init__(self, context: Any, address: str, keys: ClientKeys | None) -> None:
        self.address = address
        self.socket: Any = None
        self.monitor: Any = None
        self.losses = 0
        """connections that the other side closed"""
        self._context = context
        self._keys = keys

    @property
    def open(self) -> bool:
        """Whether there are sockets."""
        return self.socket is not None

    def connect(self) -> None:
        """Make the sockets anew. Raises BadConfig where the address is none."""
        self.hang_up()
        dealer = self._context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.SNDHWM, 0)  # acknowledgements are small; a send never waits
        dealer.setsockopt(zmq.RCVHWM, 0)  # credit bounds what comes; a full queue and a reconnection crash libzmq 4.3.5
        keep_alive(dealer)
        dealer.setsockopt(zmq.IPV6, int("[" in self.address))
        if self._keys is not None:
            join(dealer, self._keys.own, self._keys.server)
        self.socket, self.monitor = dealer, dealer.get_monitor_socket(_LOST)
        try:
            dealer.connect(self.address)
        except zmq.ZMQError as error:
            self.hang_up()
            raise BadConfig(f"{self.address!r} is no address: {error.strerror}; write tcp://HOST:PORT") from error

    def hang_up(self, linger: int = 0) -> None:
        """Close the sockets."""
        if self.socket is not None:
            self.socket.disable_monitor()
            self.monitor.close(linger=0)
            self.socket.close(linger)
        self.socket = self.monitor = None

    def nobody(self, timeout: float, losses: int) -> Unavailable:
        """Why no greeting was answered, after so many seconds and so many more lost connections."""
        if losses:
            return Unavailable(
                f"the server at {self.address} closes the connection before it answers: it is stopping, or it may want "
                "keys (`keys=FOLDER`)"
            )
        return Unavailable(
            f"no server answers at {self.address} within {timeout:g} s: start one with `python -m runtime.serve`, or "
            "wait until it says that it is ready"
        )

    def send(self, dialogue: Dialogue) -> None:
        """Send what the dialogue has to say."""
        while dialogue.outgoing and self.socket is not None:
            self.socket.send_multipart(dialogue.outgoing.popleft(), zmq.NOBLOCK)

    def silence(self, dialogue: Dialogue, timeout: float, now: float) -> Unavailable | None:
        """Whether nothing has come for longer than the server promised, or than `timeout` seconds."""
        promised = dialogue.patience()
        patience = min(timeout, max(promised, _LEAST_PATIENCE_S))
        if not promised or now - dialogue.heard <= patience:
            return None
        return Unavailable(f"the server at {self.address} has not been heard of for {patience:g} s")

    def loss(self, message: list[bytes]) -> MotionError:
        """What a message of the monitor means."""
        event = recv_event(message)
        self.losses += 1
        if event == zmq.EVENT_DISCONNECTED:
            return Unavailable(f"the server at {self.address} closed the connection; it stopped, or was stopped")
        if self._keys is None:
            return Denied(f"the server at {self.address} refused the connection: it may want keys (`keys=FOLDER`)")
        return Denied(
            f"the server at {self.address} refused this client's key: have its public key added to the server's list, "
            "and use the server's own public key"
        )


def recv_event(message: list[bytes]) -> int:
    """The event in a monitor's message."""
    return int.from_bytes(message[0][:2], "little")
