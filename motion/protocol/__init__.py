"""The messages of the wire. PROTOCOL.md says what they mean and in which order they come; these files are their shape.

A message is a frozen dataclass whose annotations are its schema (motion/protocol/schema.py). `pack` makes its parts
(bytes), `unpack` reads them back and checks every field. Arrays are float32: root (T, 3) metres, rotations (T, J, 4)
local quaternions w x y z, contacts (T, 4) from 0 to 1 for left heel, left toe, right heel, right toe, offsets (J, 3)
metres. Times are seconds; clocks are the server's own, monotonic, with no known zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, get_args

from motion.errors import BadMessage
from motion.protocol import schema, wire
from motion.protocol.answers import (
    Accepted,
    Done,
    Error,
    Frames,
    Limits,
    Peer,
    Pong,
    Progress,
    Roster,
    Show,
    Statistics,
    Steered,
    Task,
    Text,
    Welcome,
)
from motion.protocol.pieces import Pose, Rig
from motion.protocol.publications import Beat, Ended, Scene
from motion.protocol.requests import (
    Ack,
    Cancel,
    Close,
    CloseStream,
    Generate,
    Hello,
    OpenStream,
    Ping,
    Stats,
    Steer,
    Who,
)
from motion.protocol.wire import Envelope, Fields

__all__ = [
    "ADDRESS",
    "Accepted",
    "Ack",
    "Answer",
    "Beat",
    "Cancel",
    "Close",
    "CloseStream",
    "Done",
    "Ended",
    "Error",
    "Frames",
    "Generate",
    "Hello",
    "Limits",
    "Message",
    "OpenStream",
    "Peer",
    "Ping",
    "Pong",
    "Pose",
    "Progress",
    "Publication",
    "Request",
    "Rig",
    "Roster",
    "Scene",
    "Show",
    "Statistics",
    "Stats",
    "Steer",
    "Steered",
    "Task",
    "Text",
    "Welcome",
    "Who",
    "kind",
    "kinds",
    "pack",
    "read",
    "unpack",
]

ADDRESS: Final = "tcp://127.0.0.1:5570"
"""where a server listens, and a client looks for it, unless told otherwise"""

Request = Hello | Generate | OpenStream | Steer | CloseStream | Ack | Cancel | Ping | Stats | Who | Close
Answer = Welcome | Accepted | Progress | Steered | Frames | Text | Done | Error | Pong | Statistics | Roster
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
