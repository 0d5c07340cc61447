"""Where workers connect: a ROUTER under CURVE, with keys made for it alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import zmq

from runtime.transport.address import bound, readable
from runtime.transport.gate import throwaway

Socket = zmq.Socket[bytes]


class Exchange:
    """The front's end of the connections to its workers. Whoever is not told its public key, which nobody else is,
    cannot connect."""

    def __init__(self, address: str = "tcp://127.0.0.1:*") -> None:
        self._context: zmq.Context[Socket] = zmq.Context()
        keys = throwaway()
        self.public = keys.public
        self.socket = self._context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.curve_server = True
        self.socket.curve_publickey, self.socket.curve_secretkey = keys.public, keys.secret
        self.socket.bind(address)

    @property
    def address(self) -> str:
        """With the port that was really taken."""
        return bound(self.socket)

    def read(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """What has come: whose it is, and the parts."""
        while readable(self.socket):
            name, *parts = self.socket.recv_multipart()
            yield name, parts

    def send(self, name: bytes, parts: Sequence[bytes]) -> bool:
        """Whether it left; it does not where nobody of this name is connected."""
        try:
            self.socket.send_multipart([name, *parts], zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        self._context.destroy(linger=0)
