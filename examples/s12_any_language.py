"""No client at all: the bytes of the protocol by hand, as a program in any language sends them (PROTOCOL.md)."""

from __future__ import annotations

import json
import struct
import sys

import zmq

from motion.protocol import ADDRESS

MARK = b"MOTUS\x00\x01\x00"
"""the first part of every message: MOTUS, a zero, and the version that this program speaks, here 1.0"""


def main(address: str = ADDRESS) -> None:
    """A DEALER socket, JSON, and raw little-endian floats."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(address)

    def say(**header: object) -> None:
        socket.send_multipart([MARK, json.dumps(header).encode()])

    say(kind="hello", client="by hand", window=120)
    say(kind="generate", id="first", task="text-to-motion", text="a person walks forward", seconds=2.0)
    frames = 0
    while True:
        mark, header, *buffers = socket.recv_multipart()
        assert mark[:7] == MARK[:7], "another major version says so with an error"
        message = json.loads(header)
        if message["kind"] == "welcome":
            print(f"{message['server']}, {len(message['joints'])} joints, root {message['joints'][0]!r}")
        elif message["kind"] == "frames":
            table = {row["name"]: (row, part) for row, part in zip(message["buffers"], buffers, strict=True)}
            row, part = table["root"]
            x, y, z = struct.unpack_from("<3f", part)
            frames += row["shape"][0]
            print(f"frame {message['first']}: the {row['shape'][0]} frames from here begin at {x:.2f} {y:.2f} {z:.2f}")
            say(kind="ack", id="first", frames=frames)
        elif message["kind"] in ("done", "error"):
            print(message)
            break
    say(kind="close")
    socket.close(linger=200)
    context.term()


if __name__ == "__main__":
    main(*sys.argv[1:])
