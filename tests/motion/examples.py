"""One example of every message of the protocol, and the golden files made from them.

    python -m tests.motion.examples      writes tests/golden/protocol/*.bin

A golden file is the parts of the message one after the other, each behind its length as four little-endian bytes.
The files are written once for a version of the protocol: a test holds the code to them, so write them again only when
the version goes up.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from motion import protocol
from motion.protocol import (
    Accepted,
    Ack,
    Cancel,
    Close,
    Done,
    Error,
    Frames,
    Generate,
    Hello,
    Limits,
    Message,
    Ping,
    Pong,
    Pose,
    Progress,
    Statistics,
    Stats,
    Task,
    Text,
    Welcome,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "protocol"


def _ramp(*shape: int) -> np.ndarray:
    return (np.arange(np.prod(shape), dtype=np.float32) / 8).reshape(shape)


def messages() -> dict[str, Message]:
    """The examples by the name of their golden file."""
    identity = np.tile(np.array([1, 0, 0, 0], np.float32), (2, 2, 1))
    return {
        "hello": Hello(client="blender 0.1.0", window=120),
        "generate": Generate(id="g1", task="text-to-motion", text="a person waves, «naïve» ☂", seconds=4.0, seed=7),
        "generate_open": Generate(id="g2", task="unconditional"),
        "generate_between": Generate(
            id="g3",
            task="in-betweening",
            text="",
            seconds=1.5,
            past=Pose(identity, _ramp(2, 3)),
            future=Pose(identity[:1], _ramp(1, 3)),
        ),
        "ack": Ack(id="g1", frames=32),
        "cancel": Cancel(id="g1"),
        "ping": Ping(clock=12.5),
        "stats": Stats(),
        "close": Close(),
        "welcome": Welcome(
            server="motus 0.1.0",
            bundle="base",
            bundle_version="0.1.0",
            licence="CC BY-NC 4.0",
            tasks=(
                Task("text-to-motion", ("text",), ("seconds",), "motion"),
                Task("in-betweening", ("past", "future"), ("text", "seconds"), "motion"),
            ),
            fps=30.0,
            limits=Limits(1000, 0.5, 60.0, 8, 64, 300),
            skeleton="smplx22",
            joints=("pelvis", "left_hip"),
            parents=(-1, 0),
            offsets=_ramp(2, 3),
        ),
        "accepted": Accepted(id="g1", position=2, seed=7),
        "progress": Progress(id="g1", stage="tokens", done=11, total=30),
        "frames": Frames(
            id="g1",
            sequence=0,
            first=0,
            fps=30.0,
            clock=102.25,
            root=_ramp(2, 3),
            rotations=identity,
            contacts=np.array([[1, 1, 0, 0], [1, 1, 0.5, 0]], np.float32),
        ),
        "text": Text(id="g4", sequence=1, text=" walks forward"),
        "done": Done(
            id="g1",
            tokens=30,
            frames=120,
            text="",
            queued_s=0.25,
            first_token_s=0.375,
            first_output_s=0.5,
            total_s=1.75,
            realtime_factor=2.5,
        ),
        "error": Error(id="g1", code="busy", message="64 requests are waiting; try again later", retry=True),
        "pong": Pong(asked=12.5, clock=102.5),
        "statistics": Statistics(102.5, 60.0, 2, 1, 1, 9, 6, 1, 0, 270, 1080),
    }


def to_bytes(parts: list[bytes]) -> bytes:
    """The parts as one file."""
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def from_bytes(content: bytes) -> list[bytes]:
    """The parts out of one file."""
    parts: list[bytes] = []
    while content:
        (size,) = struct.unpack_from("<I", content)
        parts.append(content[4 : 4 + size])
        content = content[4 + size :]
    return parts


def main() -> None:
    """Write the golden files."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, message in messages().items():
        (GOLDEN / f"{name}.bin").write_bytes(to_bytes(protocol.pack(message)))


if __name__ == "__main__":
    main()
