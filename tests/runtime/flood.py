"""A server that keeps no credit: `python -m tests.runtime.flood [COUNT]`.

It prints `ready ADDRESS`. Whoever begins a request or a live session is sent COUNT messages (20,000) of one frame each,
as fast as they go; then the connection is cut, `sent` is printed, and it serves again at the same address. It ends when
its standard input does.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import replace

import numpy as np
import zmq

from motion import protocol
from motion.protocol import Accepted, Frames, Generate, Hello, OpenStream, Ping, Pong
from motion.skeleton import SMPLX22
from tests.blender.stranger import welcome

COUNT = 20_000
WELCOME = protocol.pack(replace(welcome(), heartbeat_s=1.0, missed=3))


def main(arguments: list[str]) -> None:
    """Serve until standard input ends."""
    threading.Thread(target=_leash, daemon=True).start()
    count = int(arguments[0]) if arguments else COUNT
    address = "tcp://127.0.0.1:*"
    while True:
        context = zmq.Context()
        router = context.socket(zmq.ROUTER)
        router.setsockopt(zmq.SNDHWM, 0)
        router.bind(address)
        if address.endswith("*"):
            address = router.getsockopt_string(zmq.LAST_ENDPOINT)
            print("ready", address, flush=True)
        _serve(router, count)
        router.close()
        context.term()  # which waits until everything has left
        print("sent", flush=True)


def _serve(router: zmq.Socket[bytes], count: int) -> None:
    """Until somebody was flooded."""
    while True:
        identity, *parts = router.recv_multipart()
        message = protocol.unpack(parts)
        if isinstance(message, Hello):
            router.send_multipart([identity, *WELCOME])
        elif isinstance(message, Ping):
            router.send_multipart([identity, *protocol.pack(Pong(message.clock, message.clock))])
        elif isinstance(message, (Generate, OpenStream)):
            router.send_multipart([identity, *protocol.pack(Accepted(message.id, 0, 1))])
            for parts in _frames(message.id, count):
                router.send_multipart([identity, *parts])
            return


def _frames(name: str, count: int) -> list[list[bytes]]:
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (1, len(SMPLX22), 1))
    still = Frames(name, 0, 0, 30.0, 0.0, rotations[:, 0, :3], rotations, rotations[:, 0])
    magic, header, *buffers = protocol.pack(still)
    zeroth = b'"sequence":0,"first":0,'
    assert zeroth in header
    return [[magic, header.replace(zeroth, b'"sequence":%d,"first":%d,' % (i, i)), *buffers] for i in range(count)]


def _leash() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
