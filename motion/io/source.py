"""A motion file's bytes, and the limits that hold for whatever is read out of them.

A reader asks here for the whole content of a file and says here how much it is about to make of it, so that no file,
however large or however wrong its counts are, takes more memory or time than was allowed.
"""

from __future__ import annotations

import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from motion.errors import BadClip, BadFile

MOST_BYTES = 512 << 20
"""Largest file that is read unless the caller allows more: about nine hours of 22 joints at 30 frames per second."""
MOST_JOINTS = 10_000
MOST_TURNS = 64_000_000
"""Frames times joints: ten hours of 55 joints at 30 frames per second, 1 GB of rotations."""


def size(path: Path, most: int = MOST_BYTES) -> int:
    """Bytes of a file. Raises BadFile where there is no file, or one larger than `most`."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadFile(f"cannot be opened ({reason})", str(path)) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
        raise BadFile(f"this is {kind}, not a file; give a motion file", str(path))
    if status.st_size > most:
        raise BadFile(
            f"the file has {_megabytes(status.st_size)} and at most {_megabytes(most)} are read; "
            "cut it into shorter takes, or allow more (--most-mb of tools.convert, `most` in code)",
            str(path),
        )
    return status.st_size


def content(path: Path, most: int = MOST_BYTES) -> bytes:
    """All bytes of a file. Raises BadFile where there is no file, where it is empty, larger than `most`, or cannot be
    read."""
    count = size(path, most)
    if count == 0:
        raise BadFile("the file is empty; fetch or export it again", str(path))
    try:
        with path.open("rb") as stream:
            data = stream.read(count + 1)
    except OSError as error:
        raise BadFile(f"cannot be opened ({error.strerror})", str(path)) from error
    if len(data) > count:
        raise BadFile("the file grew while it was read; wait until it is written", str(path))
    return data


@contextmanager
def reading(path: str) -> Generator[None]:
    """While a clip is made of what a file holds: numbers too large for it are no warnings but a BadFile."""
    try:
        with np.errstate(all="ignore"):
            yield
    except BadClip as error:
        raise BadFile(f"it holds no motion that can be used ({error})", path) from error


def admit(frames: int, joints: int, path: str, line: int | None = None) -> None:
    """Refuses what would not fit: raises BadFile where there are too many joints, or frames times joints."""
    if joints > MOST_JOINTS:
        raise BadFile(f"it has {joints} joints and at most {MOST_JOINTS} are read", path, line)
    if frames * joints > MOST_TURNS:
        raise BadFile(
            f"{frames} frames of {joints} joints are more than is read at once ({MOST_TURNS} rotations); "
            "cut it into shorter takes",
            path,
            line,
        )


def _megabytes(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MB"
