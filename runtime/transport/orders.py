"""What the front of the service and its worker processes say to each other.

A message is its kind and the key of the job it is about, then parts of the wire (motion/protocol/wire.py). It travels
between two processes of ours over a CURVE connection with keys made for it alone, and is read with the same care as a
client's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from motion import protocol
from motion.errors import BadMessage
from motion.protocol import Generate, Message, Rig, schema, wire
from motion.protocol.schema import Float, Shape
from motion.protocol.wire import Array, Fields


@dataclass(frozen=True, eq=False)
class Run:
    """To a worker: do a request, one of its variations."""

    seed: int
    age_s: float
    """since it arrived"""
    request: Generate


@dataclass(frozen=True, eq=False)
class Plan:
    """To a worker: make the next frames of one agent of a live session, from its resume point on."""

    seed: int
    text: str
    tokens: int
    """whose frames are to be made"""
    fresh: bool
    """whether there are new orders: what is drafted beyond the resume point does not count"""
    heading: float | None = None
    target: Annotated[tuple[float, ...] | None, Shape(2)] = None
    place: Annotated[Float | None, Shape(3)] = None
    """where it begins, x, z, heading; without a resume point"""
    past: protocol.Pose | None = None
    rig: Rig | None = None


@dataclass(frozen=True, eq=False)
class Planned:
    """From a worker: frames, and the resume point at some of them."""

    tokens: int
    """that the language model wrote for it"""
    root: Annotated[Float, Shape("T", 3)]
    rotations: Annotated[Float, Shape("T", "J", 4)]
    contacts: Annotated[Float, Shape("T", 4)]
    ends: tuple[int, ...]
    """after how many of the frames each resume point stands"""
    arrived: bool = False
    """whether the target was reached"""


@dataclass(frozen=True)
class Pulse:
    """From a worker, while it is alive: counters since it started."""

    tokens: int
    frames: int
    batches: tuple[int, ...]
    """how many jobs each engine call since the last pulse was for"""
    steps: tuple[int, ...]
    """how many replies each step of the language model was for"""
    gpu_bytes: tuple[int, ...]
    """used on each GPU"""


@dataclass(frozen=True)
class Ready:
    """From a worker: it is warm."""

    seconds: float


@dataclass(frozen=True)
class Refused:
    """From a worker: it cannot start, or a job of its came to nothing."""

    code: str
    message: str
    retry: bool


def pack(kind: str, key: int, body: object | None = None, arrays: Mapping[str, Array] | None = None) -> list[bytes]:
    """The parts of a message: `body` is one of the dataclasses above, `arrays` travel beside it."""
    header, buffers = ({}, {}) if body is None else schema.write(body)
    return [f"{kind}:{key}".encode(), *wire.seal(kind, header, {**buffers, **(arrays or {})})]


def pack_said(key: int, message: Message) -> list[bytes]:
    """The parts of a message of the protocol that a job brought forth."""
    return [f"said:{key}".encode(), *protocol.pack(message)]


def kind_of(parts: Sequence[bytes]) -> tuple[str, int]:
    """Kind and key of a message. Raises BadMessage."""
    kind, _, key = parts[0].decode("ascii", "replace").partition(":") if parts else ("", "", "")
    if not key.isdecimal():
        raise BadMessage(f"{parts[0][:40] if parts else b''!r} is no message between front and worker")
    return kind, int(key)


def unpack(body: type[schema.M], parts: Sequence[bytes]) -> schema.M:
    """The dataclass in a message. Raises BadMessage."""
    return schema.read(body, Fields(wire.unseal(parts[1:])))


def resumes_of(parts: Sequence[bytes]) -> dict[str, Array]:
    """The arrays of resume points that travel beside a message. Raises BadMessage."""
    buffers = wire.unseal(parts[1:]).buffers
    return {name: array for name, array in buffers.items() if name.startswith("resume.")}
