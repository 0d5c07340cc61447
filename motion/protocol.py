"""The messages of the wire. PROTOCOL.md says what they mean and in which order they come; this file is their shape.

A message is a frozen dataclass whose annotations are its schema (motion/schema.py). `pack` makes its parts (bytes),
`unpack` reads them back and checks every field. Arrays are float32: root (T, 3) metres, rotations (T, J, 4) local
quaternions w x y z, contacts (T, 4) from 0 to 1 for left heel, left toe, right heel, right toe, offsets (J, 3) metres.
Times are seconds; clocks are the server's own, monotonic, with no known zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final, get_args

from motion import schema, wire
from motion.errors import BadMessage
from motion.schema import Count, Float, Id, Shape, Since
from motion.wire import Envelope, Fields

ADDRESS: Final = "tcp://127.0.0.1:5570"
"""where a server listens, and a client looks for it, unless told otherwise"""
NEW: Final = Since(1)

Root = Annotated[Float, Shape("T", 3)]
Rotations = Annotated[Float, Shape("T", "J", 4)]


@dataclass(frozen=True, eq=False)
class Pose:
    """A piece of motion inside a request: on the bundle's skeleton, or the request's rig, and at the bundle's fps."""

    rotations: Rotations
    root: Root


@dataclass(frozen=True, eq=False)
class Rig:
    """A skeleton of the client's own: motion of the request is on it, and frames come on it."""

    name: str
    joints: Annotated[tuple[str, ...], Shape("J")]
    parents: Annotated[tuple[int, ...], Shape("J")]
    offsets: Annotated[Float, Shape("J", 3)]


# From the client ------------------------------------------------------------------------------------------------------


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
    """Do `task`. `seconds` and `seed` may be left to the server."""

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


# From the server ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One thing the bundle can do: which fields of Generate it needs and may have, and what comes back."""

    name: str
    needs: tuple[str, ...]
    optional: tuple[str, ...]
    gives: str


@dataclass(frozen=True)
class Limits:
    """What the server allows one client. What a server of version 1.0 does not know is 0 here."""

    text_characters: Count
    seconds_least: float
    seconds_most: float
    requests: Count
    """requests of one client at a time"""
    queue: Count
    """requests waiting, of all clients together"""
    window: Count
    """the most frames of one request under way"""
    variations: Annotated[int, NEW] = 0
    streams: Annotated[int, NEW] = 0
    """live sessions of one client at a time"""
    agents: Annotated[int, NEW] = 0
    """in one live session"""
    replan_least: Annotated[int, NEW] = 0
    replan_most: Annotated[int, NEW] = 0
    speed_most: Annotated[float, NEW] = 0.0
    joints: Annotated[int, NEW] = 0
    """of a rig"""
    sessions: Annotated[int, NEW] = 0
    """connections of one client key"""
    messages_per_s: Annotated[int, NEW] = 0
    bytes_per_s: Annotated[int, NEW] = 0


@dataclass(frozen=True, eq=False)
class Welcome:
    """Who the server is and what it can do."""

    server: str
    bundle: str
    bundle_version: str
    licence: str
    tasks: tuple[Task, ...]
    fps: float
    limits: Limits
    skeleton: str
    joints: Annotated[tuple[str, ...], Shape("J")]
    parents: Annotated[tuple[int, ...], Shape("J")]
    offsets: Annotated[Float, Shape("J", 3)]
    capabilities: Annotated[tuple[str, ...], NEW] = ()
    """what it can do beyond version 1.0: variations, captions, rigs, deadlines, streams, watching"""
    heartbeat_s: Annotated[float, NEW] = 0.0
    """how often each side says something; 0: no such promise"""
    missed: Annotated[int, NEW] = 0
    """heartbeats after which the silent side is taken for gone"""
    watch_port: Annotated[int, NEW] = 0
    """where watchers connect, on the same host; 0: nowhere"""


@dataclass(frozen=True)
class Accepted:
    """The request is in; `position` requests are ahead of it. `seed` is the one it will use."""

    id: Id
    position: Count
    seed: Count


@dataclass(frozen=True)
class Progress:
    """Work that was really done: `done` of `total` steps of `stage` ("queued", "reading", "tokens", "caption")."""

    id: Id
    stage: str
    done: Count
    total: Count
    position: Count = 0


@dataclass(frozen=True)
class Steered:
    """New orders are taken: frames of `agent` from index `frame` on follow them."""

    id: Id
    agent: Count
    frame: Count


@dataclass(frozen=True, eq=False)
class Frames:
    """A run of finished frames, never to be rewritten."""

    id: Id
    sequence: Count
    first: Count
    fps: float
    clock: float
    root: Root
    rotations: Rotations
    contacts: Annotated[Float, Shape("T", 4)]
    variation: Annotated[int, NEW] = 0
    agent: Annotated[int, NEW] = 0
    lost: Annotated[int, NEW] = 0
    """frames of a live session that this client was too slow for, right before these"""


@dataclass(frozen=True)
class Text:
    """A piece of text, to be appended to those before it."""

    id: Id
    sequence: Count
    text: str
    variation: Annotated[int, NEW] = 0


@dataclass(frozen=True)
class Done:
    """The request is finished. Times count from its arrival at the server."""

    id: Id
    tokens: Count
    frames: Count
    text: str
    queued_s: float
    first_token_s: float
    first_output_s: float
    """until the first frames, or the first piece of text, were ready"""
    total_s: float
    realtime_factor: float
    """seconds of motion made per second of work, queueing not counted; 0 where no motion was made"""
    captions: Annotated[tuple[str, ...], NEW] = ()
    """what each variation shows, where that was asked for"""
    cached: Annotated[bool, NEW] = False
    """whether the same request had been answered before"""


@dataclass(frozen=True)
class Error:
    """The request, or with id "" the message just sent, came to nothing."""

    id: str
    code: str
    message: str
    retry: bool
    retry_after_s: Annotated[float | None, NEW] = None


@dataclass(frozen=True)
class Pong:
    """I am here; `asked` is the clock of the Ping, `clock` one's own."""

    asked: float
    clock: float
    received: Annotated[float | None, NEW] = None
    """one's own clock when the Ping came; `clock` is that of the answer's leaving"""


@dataclass(frozen=True)
class Statistics:
    """Counters since the server started; what never shrinks is named in the past tense."""

    clock: float
    uptime_s: float
    sessions: Count
    waiting: Count
    running: Count
    accepted: Count
    finished: Count
    cancelled: Count
    failed: Count
    tokens: Count
    """language-model steps done"""
    frames: Count
    """frames made"""
    streams: Annotated[int, NEW] = 0
    watchers: Annotated[int, NEW] = 0
    refused: Annotated[int, NEW] = 0
    """messages that were none, or asked for what cannot be"""
    cached: Annotated[int, NEW] = 0
    """requests answered from the cache"""
    lost: Annotated[int, NEW] = 0
    """frames of live sessions that slow clients did not get"""
    restarts: Annotated[int, NEW] = 0
    """worker processes that had to be replaced"""


@dataclass(frozen=True)
class Peer:
    """One client that is connected."""

    client: str
    age_s: float
    idle_s: float
    """since it was last heard"""
    requests: Count
    streams: Count
    frames: Count
    bytes_in: Count
    bytes_out: Count
    refused: Count


@dataclass(frozen=True)
class Show:
    """One live session that is running."""

    publish: str
    client: str
    agents: Count
    fps: float
    frames: Count
    ahead: Count
    """frames made and not yet sent, of the agent that has fewest"""
    late_ms: float
    """by how much the last second's frames left late at most"""
    watchers: Count


@dataclass(frozen=True)
class Roster:
    """Who is there, and what can be watched."""

    clients: tuple[Peer, ...]
    streams: tuple[Show, ...]


# To watchers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Scene:
    """What is to be seen under a published name."""

    id: Id
    agents: Count
    fps: float
    clock: float
    licence: str
    skeleton: str
    joints: Annotated[tuple[str, ...], Shape("J")]
    parents: Annotated[tuple[int, ...], Shape("J")]
    offsets: Annotated[Float, Shape("J", 3)]


@dataclass(frozen=True)
class Ended:
    """Nothing more will come under this name."""

    id: Id
    reason: str


@dataclass(frozen=True)
class Beat:
    """The server is alive."""

    clock: float


Request = Hello | Generate | OpenStream | Steer | CloseStream | Ack | Cancel | Ping | Stats | Who | Close
Answer = (
    Welcome | Accepted | Progress | Steered | Frames | Text | Done | Error | Pong | Statistics | Roster
)  # fmt: skip
Publication = Scene | Ended | Beat
Message = Request | Answer | Publication


def kind(message: Message | type[Message]) -> str:
    """The message's name on the wire."""
    name = message.__name__ if isinstance(message, type) else type(message).__name__
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@cache
def kinds() -> dict[str, type[Message]]:
    """Every message by its name on the wire."""
    return {kind(one): one for one in get_args(Message)}


def pack(message: Message) -> list[bytes]:
    """The parts of `message`; header fields in the order of the dataclass. Raises BadMessage for NaN and the like."""
    return wire.seal(kind(message), *schema.write(message))


def unpack(parts: Sequence[bytes]) -> Message:
    """The message in `parts`. Raises BadVersion and BadMessage."""
    return read(wire.unseal(parts))


def read(envelope: Envelope) -> Message:
    """The message in an opened envelope. Raises BadMessage; header fields this version does not know are skipped."""
    shape = kinds().get(envelope.kind)
    if shape is None:
        raise BadMessage(f"there is no message {envelope.kind[:40]!r}; there are {', '.join(kinds())}")
    return schema.read(shape, Fields(envelope))
