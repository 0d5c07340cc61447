"""The one tree of errors a user can meet.

Every error that is a user's mistake, or a state of the world the user has to know about, is a `MotionError`. Its text
is a sentence: what is wrong, what was got, what to do next. Two class attributes travel over the wire with it:

    code    stable name, lower case with underscores; clients may switch on it, it never changes its meaning
    retry   whether the same request, unchanged, may succeed later

`assert` and the built-in exceptions stay for bugs of our own.
"""

from __future__ import annotations

from typing import ClassVar


class MotionError(Exception):
    """The root: something is wrong, and the message says what to do about it."""

    code: ClassVar[str] = "error"
    retry: ClassVar[bool] = False


class BadFile(MotionError):
    """A file cannot be read; knows which file, and which line of it where there is one (counted from 1)."""

    code = "bad_file"

    def __init__(self, message: str, path: str = "", line: int | None = None) -> None:
        place = path if line is None else f"{path}, line {line}" if path else f"line {line}"
        super().__init__(f"{place}: {message}" if place else message)
        self.path = path
        self.line = line


class BadClip(MotionError):
    """A clip's arrays do not fit together, or hold values that are no motion."""

    code = "bad_clip"


class UnknownJoint(MotionError):
    """A skeleton has no joint of this name, or no joint can be found for a role."""

    code = "unknown_joint"


class BadConfig(MotionError):
    """A setting is unknown, missing, of the wrong kind, or out of its range."""

    code = "bad_config"


class BadBundle(MotionError):
    """A bundle is missing, incomplete, altered, or newer than this program."""

    code = "bad_bundle"


class MissingPart(MotionError):
    """A package or file that an option needs is not installed."""

    code = "missing_part"


class BadMessage(MotionError):
    """Bytes on the wire that are no message of the protocol."""

    code = "bad_message"


class BadVersion(MotionError):
    """The other side speaks another major version of the protocol."""

    code = "bad_version"


class BadRequest(MotionError):
    """A well-formed message asks for something that cannot be: a field out of its range, a second request of one id."""

    code = "bad_request"


class UnknownTask(BadRequest):
    """The bundle cannot do this task."""

    code = "unknown_task"


class Busy(MotionError):
    """The server has no room for one more request just now."""

    code = "busy"
    retry = True


class Cancelled(MotionError):
    """The work was stopped because its client asked for it or went away."""

    code = "cancelled"
    retry = True


class Unavailable(MotionError):
    """Nobody answers: no server at the address, or it stopped or is stopping."""

    code = "unavailable"
    retry = True


class Denied(MotionError):
    """The server does not let this client in, or is not the one that it says it is: a key is wrong or missing."""

    code = "denied"


class NoSession(MotionError):
    """The server does not know this client, or has let go of it: hello comes first."""

    code = "no_session"
    retry = True


class TimedOut(MotionError):
    """Somebody answers, but not within the time allowed."""

    code = "timed_out"
    retry = True


class DeadlinePassed(MotionError):
    """The work was not done when the client no longer had use for it."""

    code = "deadline"
    retry = True


class WorkLost(MotionError):
    """The process that worked on the request ended before it was done."""

    code = "work_lost"
    retry = True


class Internal(MotionError):
    """A bug on the server's side; its log has the traceback."""

    code = "internal"


def error_types() -> dict[str, type[MotionError]]:
    """Every error of the tree by its code, so that a client can raise what the server meant."""
    types: dict[str, type[MotionError]] = {}
    waiting: list[type[MotionError]] = [MotionError]
    while waiting:
        kind = waiting.pop()
        types[kind.code] = kind
        waiting.extend(kind.__subclasses__())
    return types
