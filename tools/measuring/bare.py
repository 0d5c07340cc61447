"""The least that ZeroMQ allows, to hold the service against: bytes sent by pyzmq with nothing around them.

python -m tools.measuring.bare echo                  answers every message with a pong's bytes; prints its address
python -m tools.measuring.bare publish STREAMS FPS   sends frames' bytes under STREAMS names, each FPS times a second
"""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Final

import numpy as np
import zmq

from motion import protocol
from motion.protocol import Frames, Pong
from motion.skeleton import SMPLX22

_PHASES: Final = 4


def frame(name: str) -> Frames:
    """One frame of a body."""
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (1, len(SMPLX22), 1))
    root = np.array([[0, 0.9, 0]], np.float32)
    return Frames(name, 0, 0, 30.0, 0.0, root, rotations, rotations[:, 0])


def echo(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    """Answer for ever."""
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    print(f"tcp://127.0.0.1:{port}", flush=True)
    answer = protocol.pack(Pong(1.25, 2.5, 2.25))
    while True:
        identity, *_ = router.recv_multipart()
        router.send_multipart([identity, *answer])


def publish(context: zmq.Context[zmq.Socket[bytes]], streams: int, fps: float) -> None:
    """Send for ever, each stream at its own phase of a frame's time, as the service does."""
    socket = context.socket(zmq.XPUB)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"tcp://127.0.0.1:{port}", flush=True)
    names = [f"show-{i}" for i in range(streams)]
    parts = [protocol.pack(frame(name)) for name in names]
    topics = [f"stream/{name}/".encode() for name in names]
    begun, sent = time.monotonic() + 0.5, [0] * streams
    while True:
        due = min(begun + count / fps + (i % _PHASES) / (fps * _PHASES) for i, count in enumerate(sent))
        socket.poll(max(0, math.ceil(1000 * (due - time.monotonic()))))
        while socket.poll(0):
            socket.recv()
        now = time.monotonic()
        for i, count in enumerate(sent):
            clock = begun + count / fps + (i % _PHASES) / (fps * _PHASES)
            if clock <= now:
                header = json.dumps({**json.loads(parts[i][1]), "sequence": count, "clock": clock}).encode()
                socket.send_multipart([topics[i], parts[i][0], header, *parts[i][2:]])
                sent[i] += 1


def main() -> int:
    """Serve until it is killed."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    kind, *rest = sys.argv[1:]
    if kind == "echo":
        echo(context)
    publish(context, int(rest[0]), float(rest[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
