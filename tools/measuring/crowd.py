"""Clients that send new rigs as fast as they may, for measurements of who shares the server with them.

    python -m tools.measuring.crowd ADDRESS CLIENTS JOINTS SECONDS   prints how many rigs came to frames or refusals

Each client has as many requests under way as it is allowed and sends another the moment one ends, every one with a rig
that the server has not seen before.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field

import numpy as np
import zmq

from motion import protocol
from motion.protocol import Done, Error, Generate, Hello, Rig, Welcome, wire
from motion.quat import F32
from motion.skeleton import SMPLX22

_ID = "g"
_WINDOW = 120


@dataclass
class Crowd:
    """What came of it."""

    frames: int = 0
    """rigs that came to frames"""
    refused: int = 0
    """rigs that were refused, since enough waited"""
    rigs: int = 0
    """that were sent"""
    _offsets: F32 = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    _parts: list[bytes] = field(default_factory=list[bytes])

    def gather(self, address: str, clients: int, joints: int, seconds: float) -> None:
        """Have so many clients send for so long."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        rig = bush(joints)
        self._offsets = rig.offsets
        self._parts = protocol.pack(Generate(_ID, "text-to-motion", "walk", seconds=0.5, rig=rig))
        poller = zmq.Poller()
        for _ in range(clients):
            socket = context.socket(zmq.DEALER)
            socket.connect(address)
            socket.send_multipart(protocol.pack(Hello("crowd", _WINDOW)))
            poller.register(socket, zmq.POLLIN)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for socket, _ in poller.poll(100):
                self._hear(socket, protocol.unpack(socket.recv_multipart()))
        context.destroy(linger=0)

    def _hear(self, socket: zmq.Socket[bytes], message: protocol.Message) -> None:
        if isinstance(message, Welcome):
            for _ in range(message.limits.requests):
                self._send(socket)
        elif isinstance(message, (Done, Error)) and message.id:
            self.frames += isinstance(message, Done)
            self.refused += isinstance(message, Error)
            self._send(socket)

    def _send(self, socket: zmq.Socket[bytes]) -> None:
        self.rigs += 1
        self._offsets[-1, 0] = 1e-4 * self.rigs
        mark, header, _ = wire.renamed(self._parts, _ID, f"{_ID}{self.rigs}")
        socket.send_multipart([mark, header, self._offsets.tobytes()])


def bush(joints: int) -> Rig:
    """A humanoid, most of whose joints play no role."""
    more = joints - len(SMPLX22)
    return Rig(
        "bush",
        (*SMPLX22.joints, *(f"twig.{i}" for i in range(more))),
        (*SMPLX22.parents, *(len(SMPLX22) - 1 + i - i % 8 for i in range(more))),
        np.concatenate([SMPLX22.offsets, np.full((more, 3), 0.01, np.float32)]),
    )


def main() -> int:
    """What the process of a crowd does."""
    address, clients, joints, seconds = sys.argv[1:]
    crowd = Crowd()
    crowd.gather(address, int(clients), int(joints), float(seconds))
    print(json.dumps({"rigs": crowd.rigs, "frames": crowd.frames, "refused": crowd.refused}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
