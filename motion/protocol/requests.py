"""Messages from the client: what it asks for, steers and stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from motion.protocol.pieces import NEW, Pose, Rig
from motion.protocol.schema import Count, Float, Id, Shape


@dataclass(frozen=True)
class Hello:
    """The first message of a client."""

    client: str
    window: Count
    """how many frames of one request may be under way to the client, not yet acknowledged"""
    beats: Annotated[bool, NEW] = False
    """whether the client promises a message each `heartbeat_s`, and is to be taken for gone without them"""


@dataclass(frozen=True, eq=False)
class Generate:
    """Do `task`; "auto": whichever of motion and an answer in words the text asks for. `seconds` and `seed` may be left
    to the server."""

    id: Id
    task: str
    text: str = ""
    seconds: float | None = None
    seed: int | None = None
    past: Pose | None = None
    future: Pose | None = None
    motion: Pose | None = None
    variations: Annotated[int, NEW] = 1
    """how many motions; the one of index v is made with seed + v"""
    caption: Annotated[bool, NEW] = False
    """whether `done` describes each motion in words"""
    deadline_s: Annotated[float | None, NEW] = None
    """seconds from arrival after which the answer is of no use"""
    rig: Annotated[Rig | None, NEW] = None


@dataclass(frozen=True, eq=False)
class OpenStream:
    """Begin a live session: frames without end at the bundle's rate."""

    id: Id
    text: str = ""
    seed: int | None = None
    agents: int = 1
    replan: int | None = None
    """frames made ahead of those sent that a new order leaves as they are"""
    publish: str | None = None
    """an id under which anybody may watch"""
    past: Pose | None = None
    """motion to go on from; of one agent"""
    places: Annotated[Float | None, Shape("A", 3)] = None
    """where each agent begins: x, z, heading"""
    rig: Rig | None = None


@dataclass(frozen=True)
class Steer:
    """New orders for a live session; what is absent stays as it was."""

    id: Id
    agent: int | None = None
    """None: all of them"""
    text: str | None = None
    speed: float | None = None
    """1: as the model made it"""
    heading: float | None = None
    """where to turn, radians about Y, 0 along +Z"""
    target: Annotated[tuple[float, ...] | None, Shape(2)] = None
    """where to go, x and z in metres"""
    free: bool = False
    """no more heading or target"""
    pause: bool | None = None
    replan: int | None = None


@dataclass(frozen=True)
class CloseStream:
    """End a live session."""

    id: Id


@dataclass(frozen=True)
class Ack:
    """The client has taken `frames` frames of the request, all told."""

    id: Id
    frames: Count


@dataclass(frozen=True)
class Cancel:
    """Stop this request."""

    id: Id


@dataclass(frozen=True)
class Ping:
    """Are you there? Either side may ask; `clock` is the asker's."""

    clock: float


@dataclass(frozen=True)
class Stats:
    """How is the server doing?"""


@dataclass(frozen=True)
class Who:
    """Who is there, and what can be watched?"""


@dataclass(frozen=True)
class Close:
    """The client leaves; what it asked for stops."""
