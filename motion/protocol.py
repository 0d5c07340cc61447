"""The messages of the wire. PROTOCOL.md says what they mean and in which order they come; this file is their shape.

A message is a frozen dataclass. `pack` makes its parts (bytes), `unpack` reads them back and checks every field.
Arrays are float32: root (T, 3) metres, rotations (T, J, 4) local quaternions w x y z, contacts (T, 4) from 0 to 1 for
left heel, left toe, right heel, right toe, offsets (J, 3) metres. Times are seconds; clocks are the server's own,
monotonic, with no known zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from motion import wire
from motion.errors import BadMessage
from motion.wire import Envelope, Fields

ADDRESS: Final = "tcp://127.0.0.1:5570"
"""where a server listens, and a client looks for it, unless told otherwise"""

Float = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pose:
    """A piece of motion inside a request: on the bundle's skeleton and at its fps."""

    rotations: Float
    root: Float


# From the client ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello:
    """The first message of a client."""

    client: str
    window: int
    """how many frames of one request may be under way to the client, not yet acknowledged"""


@dataclass(frozen=True, eq=False)
class Generate:
    """Do `task`. `seconds` and `seed` may be left to the server."""

    id: str
    task: str
    text: str = ""
    seconds: float | None = None
    seed: int | None = None
    past: Pose | None = None
    future: Pose | None = None
    motion: Pose | None = None


@dataclass(frozen=True)
class Ack:
    """The client has taken `frames` frames of the request, all told."""

    id: str
    frames: int


@dataclass(frozen=True)
class Cancel:
    """Stop this request."""

    id: str


@dataclass(frozen=True)
class Ping:
    """Are you there? Either side may ask; `clock` is the asker's."""

    clock: float


@dataclass(frozen=True)
class Stats:
    """How is the server doing?"""


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
    """What the server allows one client."""

    text_characters: int
    seconds_least: float
    seconds_most: float
    requests: int
    """requests of one client at a time"""
    queue: int
    """requests waiting, of all clients together"""
    window: int
    """the most frames of one request under way"""


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
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float


@dataclass(frozen=True)
class Accepted:
    """The request is in; `position` requests are ahead of it. `seed` is the one it will use."""

    id: str
    position: int
    seed: int


@dataclass(frozen=True)
class Progress:
    """Work that was really done: `done` of `total` steps of `stage` ("queued", "reading", "tokens")."""

    id: str
    stage: str
    done: int
    total: int
    position: int = 0


@dataclass(frozen=True, eq=False)
class Frames:
    """A run of finished frames, never to be rewritten."""

    id: str
    sequence: int
    first: int
    fps: float
    clock: float
    root: Float
    rotations: Float
    contacts: Float


@dataclass(frozen=True)
class Text:
    """A piece of text, to be appended to those before it."""

    id: str
    sequence: int
    text: str


@dataclass(frozen=True)
class Done:
    """The request is finished. Times count from its arrival at the server."""

    id: str
    tokens: int
    frames: int
    text: str
    queued_s: float
    first_token_s: float
    first_output_s: float
    """until the first frames, or the first piece of text, were ready"""
    total_s: float
    realtime_factor: float
    """seconds of motion made per second of work, queueing not counted; 0 where no motion was made"""


@dataclass(frozen=True)
class Error:
    """The request, or with id "" the message just sent, came to nothing."""

    id: str
    code: str
    message: str
    retry: bool


@dataclass(frozen=True)
class Pong:
    """I am here; `asked` is the clock of the Ping, `clock` one's own."""

    asked: float
    clock: float


@dataclass(frozen=True)
class Statistics:
    """Counters since the server started; what never shrinks is named in the past tense."""

    clock: float
    uptime_s: float
    sessions: int
    waiting: int
    running: int
    accepted: int
    finished: int
    cancelled: int
    failed: int
    tokens: int
    """language-model steps done"""
    frames: int
    """frames made"""


Message = (
    Hello | Generate | Ack | Cancel | Ping | Stats | Close
    | Welcome | Accepted | Progress | Frames | Text | Done | Error | Pong | Statistics
)  # fmt: skip


def kind(message: Message) -> str:
    """The message's name on the wire."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(message).__name__).lower()


def pack(message: Message) -> list[bytes]:
    """The parts of `message`; header fields in the order of the dataclass. Raises BadMessage for NaN and the like."""
    header: dict[str, Any] = {}
    buffers: dict[str, wire.Array] = {}
    for field in fields(message):
        value = getattr(message, field.name)
        if isinstance(value, Pose):
            buffers[f"{field.name}.rotations"] = np.asarray(value.rotations, np.float32)
            buffers[f"{field.name}.root"] = np.asarray(value.root, np.float32)
        elif isinstance(value, np.ndarray):
            buffers[field.name] = np.asarray(value, np.float32)
        elif isinstance(value, Limits):
            header[field.name] = asdict(value)
        elif field.name == "tasks":
            header[field.name] = [asdict(task) for task in value]
        elif value is not None:
            header[field.name] = value
    return wire.seal(kind(message), header, buffers)


def unpack(parts: Sequence[bytes]) -> Message:
    """The message in `parts`. Raises BadVersion and BadMessage."""
    return read(wire.unseal(parts))


def read(envelope: Envelope) -> Message:
    """The message in an opened envelope. Raises BadMessage; header fields this version does not know are skipped."""
    reader = _READERS.get(envelope.kind)
    if reader is None:
        raise BadMessage(f"there is no message {envelope.kind[:40]!r}; there are {', '.join(_READERS)}")
    return reader(Fields(envelope))


def _pose(f: Fields, name: str) -> Pose | None:
    if not (f.has(f"{name}.rotations") or f.has(f"{name}.root")):
        return None
    rotations = f.array(f"{name}.rotations", "f32", (None, None, 4))
    return Pose(rotations, f.array(f"{name}.root", "f32", (rotations.shape[0], 3)))


def _generate(f: Fields) -> Generate:
    return Generate(
        id=f.name("id"),
        task=f.text("task"),
        text=f.text("text", ""),
        seconds=f.number_or_none("seconds"),
        seed=f.whole_or_none("seed"),
        past=_pose(f, "past"),
        future=_pose(f, "future"),
        motion=_pose(f, "motion"),
    )


def _welcome(f: Fields) -> Welcome:
    joints, parents = f.texts("joints"), f.wholes("parents")
    if len(joints) != len(parents):
        raise BadMessage(f"'welcome' names {len(joints)} joints and {len(parents)} parents")
    limits = f.inner("limits")
    return Welcome(
        server=f.text("server"),
        bundle=f.text("bundle"),
        bundle_version=f.text("bundle_version"),
        licence=f.text("licence"),
        tasks=tuple(
            Task(task.text("name"), task.texts("needs"), task.texts("optional"), task.text("gives"))
            for task in f.inners("tasks")
        ),
        fps=f.number("fps"),
        limits=Limits(
            text_characters=limits.whole("text_characters"),
            seconds_least=limits.number("seconds_least"),
            seconds_most=limits.number("seconds_most"),
            requests=limits.whole("requests"),
            queue=limits.whole("queue"),
            window=limits.whole("window"),
        ),
        skeleton=f.text("skeleton"),
        joints=joints,
        parents=parents,
        offsets=f.array("offsets", "f32", (len(joints), 3)),
    )


def _frames(f: Fields) -> Frames:
    root = f.array("root", "f32", (None, 3))
    return Frames(
        id=f.name("id"),
        sequence=f.whole("sequence"),
        first=f.whole("first"),
        fps=f.number("fps"),
        clock=f.number("clock"),
        root=root,
        rotations=f.array("rotations", "f32", (root.shape[0], None, 4)),
        contacts=f.array("contacts", "f32", (root.shape[0], 4)),
    )


def _done(f: Fields) -> Done:
    return Done(
        id=f.name("id"),
        tokens=f.whole("tokens"),
        frames=f.whole("frames"),
        text=f.text("text"),
        queued_s=f.number("queued_s"),
        first_token_s=f.number("first_token_s"),
        first_output_s=f.number("first_output_s"),
        total_s=f.number("total_s"),
        realtime_factor=f.number("realtime_factor"),
    )


def _statistics(f: Fields) -> Statistics:
    return Statistics(
        clock=f.number("clock"),
        uptime_s=f.number("uptime_s"),
        sessions=f.whole("sessions"),
        waiting=f.whole("waiting"),
        running=f.whole("running"),
        accepted=f.whole("accepted"),
        finished=f.whole("finished"),
        cancelled=f.whole("cancelled"),
        failed=f.whole("failed"),
        tokens=f.whole("tokens"),
        frames=f.whole("frames"),
    )


_READERS: Final[Mapping[str, Callable[[Fields], Message]]] = {
    "hello": lambda f: Hello(f.text("client"), f.whole("window")),
    "generate": _generate,
    "ack": lambda f: Ack(f.name("id"), f.whole("frames")),
    "cancel": lambda f: Cancel(f.name("id")),
    "ping": lambda f: Ping(f.number("clock")),
    "stats": lambda _: Stats(),
    "close": lambda _: Close(),
    "welcome": _welcome,
    "accepted": lambda f: Accepted(f.name("id"), f.whole("position"), f.whole("seed")),
    "progress": lambda f: Progress(
        f.name("id"), f.text("stage"), f.whole("done"), f.whole("total"), f.whole("position")
    ),
    "frames": _frames,
    "text": lambda f: Text(f.name("id"), f.whole("sequence"), f.text("text")),
    "done": _done,
    "error": lambda f: Error(f.text("id"), f.text("code"), f.text("message"), f.flag("retry")),
    "pong": lambda f: Pong(f.number("asked"), f.number("clock")),
    "statistics": _statistics,
}
