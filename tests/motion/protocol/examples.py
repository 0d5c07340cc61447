"""One example of every message of the protocol, and the golden files made from them.

    python -m tests.motion.protocol.examples      writes tests/golden/protocol/*.bin, and the examples in PROTOCOL.md

A golden file is the parts of the message one after the other, each behind its length as four little-endian bytes.
The files are written once for a version of the protocol: a test holds the code to them, so write them again only when
the version goes up. Those of older versions are kept in tests/golden/protocol-1.0 and protocol-1.1.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np

from motion import protocol
from motion.protocol import (
    Accepted,
    Ack,
    Beat,
    Cancel,
    Close,
    CloseStream,
    Done,
    Ended,
    Error,
    Frames,
    Generate,
    Hello,
    Limits,
    Message,
    OpenStream,
    Peer,
    Ping,
    Pong,
    Pose,
    Progress,
    Rig,
    Roster,
    Scene,
    Show,
    Statistics,
    Stats,
    Steer,
    Steered,
    Task,
    Text,
    Welcome,
    Who,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "protocol"
OLD = (GOLDEN.with_name("protocol-1.0"), GOLDEN.with_name("protocol-1.1"))
PAGE = Path(__file__).parents[3] / "PROTOCOL.md"
APPENDIX = """\
## Appendix: the bytes of every example

Every part of every example above in hex, behind its number; the file of that name in `tests/golden/protocol/` holds the
same bytes. A message with several examples has them here in the order of its section.
"""
ROW = 32
"""bytes in a line of hex"""


def _ramp(*shape: int) -> np.ndarray:
    return (np.arange(np.prod(shape), dtype=np.float32) / 8).reshape(shape)


def messages() -> dict[str, Message]:
    """The examples by the name of their golden file."""
    identity = np.tile(np.array([1, 0, 0, 0], np.float32), (2, 2, 1))
    rig = Rig("knight", ("Hips", "UpLeg.L"), (-1, 0), _ramp(2, 3))
    return {
        "hello": Hello(client="blender 0.1.0", window=120),
        "hello_beats": Hello(client="unity 0.1.0", window=60, beats=True),
        "generate": Generate(id="g1", task="text-to-motion", text="a person waves, «naïve» ☂", seconds=4.0, seed=7),
        "generate_auto": Generate(id="g5", task="auto", text="what is a plié?"),
        "generate_open": Generate(id="g2", task="unconditional"),
        "generate_between": Generate(
            id="g3",
            task="in-betweening",
            text="",
            seconds=1.5,
            past=Pose(identity, _ramp(2, 3)),
            future=Pose(identity[:1], _ramp(1, 3)),
        ),
        "generate_rig": Generate(
            id="g4",
            task="text-to-motion",
            text="a person bows",
            seconds=2.0,
            seed=1,
            variations=3,
            caption=True,
            deadline_s=10.0,
            rig=rig,
        ),
        "open_stream": OpenStream(id="s1", text="a person walks", seed=7, replan=16, publish="stage"),
        "open_stream_crowd": OpenStream(id="s2", agents=2, places=_ramp(2, 3), rig=rig),
        "steer": Steer(id="s1", text="a person runs", speed=1.25, heading=1.5),
        "steer_target": Steer(id="s2", agent=1, target=(2.0, -0.5), pause=False, replan=8),
        "close_stream": CloseStream(id="s1"),
        "ack": Ack(id="g1", frames=32),
        "cancel": Cancel(id="g1"),
        "ping": Ping(clock=12.5),
        "stats": Stats(),
        "who": Who(),
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
            limits=Limits(1000, 0.5, 60.0, 8, 64, 300, 8, 4, 8, 4, 120, 2.0, 512, 64, 2000, 16777216),
            skeleton="smplx22",
            joints=("pelvis", "left_hip"),
            parents=(-1, 0),
            offsets=_ramp(2, 3),
            capabilities=("variations", "streams", "watching"),
            heartbeat_s=1.0,
            missed=3,
            watch_port=5571,
        ),
        "accepted": Accepted(id="g1", position=2, seed=7),
        "progress": Progress(id="g1", stage="tokens", done=11, total=30),
        "steered": Steered(id="s1", agent=0, frame=96),
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
        "frames_live": Frames(
            id="s2",
            sequence=40,
            first=52,
            fps=30.0,
            clock=104.5,
            root=_ramp(1, 3),
            rotations=identity[:1],
            contacts=np.array([[0, 1, 0, 0]], np.float32),
            agent=1,
            lost=12,
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
        "done_captions": Done(
            "g4", 8, 60, "", 0.0, 0.0, 0.0, 0.0, 0.0, ("a person bows", "someone bends"), cached=True
        ),
        "done_far": Done(
            id="g5",
            tokens=30,
            frames=120,
            text="",
            queued_s=0.25,
            first_token_s=0.375,
            first_output_s=0.5,
            total_s=1.75,
            realtime_factor=2.5,
            task="text-to-motion",
            familiar=0.25,
            nearest=("a person jumps", "a person rolls", "a person bows"),
        ),
        "error": Error(id="g1", code="busy", message="64 requests are waiting; try again later", retry=True),
        "error_later": Error("", "busy", "2,000 messages a second are allowed; wait", True, retry_after_s=0.75),
        "pong": Pong(asked=12.5, clock=102.5),
        "pong_received": Pong(asked=12.5, clock=102.5, received=102.25),
        "statistics": Statistics(102.5, 60.0, 2, 1, 1, 9, 6, 1, 0, 270, 1080),
        "statistics_live": Statistics(102.5, 60.0, 2, 1, 1, 9, 6, 1, 0, 270, 1080, 1, 3, 2, 4, 12, 1),
        "roster": Roster(
            clients=(Peer("blender 0.1.0", 60.0, 0.25, 1, 1, 480, 2048, 409600, 0),),
            streams=(Show("stage", "blender 0.1.0", 1, 30.0, 480, 24, 1.5, 2),),
        ),
        "scene": Scene(
            "stage", 1, 30.0, 104.5, "CC BY-NC 4.0", "smplx22", ("pelvis", "left_hip"), (-1, 0), _ramp(2, 3)
        ),
        "ended": Ended("stage", "its owner closed it"),
        "beat": Beat(clock=104.5),
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


def shown(parts: list[bytes]) -> str:
    """The header of one example as its message's section of PROTOCOL.md shows it."""
    return f"```json\n{parts[1].decode()}\n```\n"


def dumped(name: str, parts: list[bytes]) -> str:
    """The bytes of one example as the appendix of PROTOCOL.md shows them: every part in hex behind its number."""
    lines: list[str] = []
    for number, part in enumerate(parts):
        for start in range(0, len(part), ROW):
            lines.append(f"{'' if start else number:<3} {part[start : start + ROW].hex(' ')}")
    return f"\n`{name}.bin`\n\n```text\n" + "\n".join(lines) + "\n```\n"


def page(text: str) -> str:
    """PROTOCOL.md with the examples of each message at the end of its section, and their bytes at the end of all."""
    body, _, _ = text.partition(APPENDIX)
    head, *sections = re.split(r"(?m)^(?=#### )", body)
    written = [head]
    for section in sections:
        name = section.split("\n", 1)[0].removeprefix("#### ")
        body, follows, rest = re.sub(r"```json\n.*?\n```\n\n?", "", section, flags=re.DOTALL).partition("\n##")
        examples = [shown(protocol.pack(one)) for one in messages().values() if protocol.kind(one) == name]
        written.append(body.rstrip() + "\n\n" + "\n".join(examples) + ("\n" if not follows else "") + follows + rest)
    dumps = [dumped(name, protocol.pack(message)) for name, message in messages().items()]
    return "".join(written) + APPENDIX + "".join(dumps)


def main() -> None:
    """Write the golden files, and the examples of the page."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for old in GOLDEN.glob("*.bin"):
        old.unlink()
    for name, message in messages().items():
        (GOLDEN / f"{name}.bin").write_bytes(to_bytes(protocol.pack(message)))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
