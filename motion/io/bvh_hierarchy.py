"""The hierarchy of a BVH file: its joints, their places and their channels, from the lines before MOTION.

Rows are counted from 0 here and from 1 in errors. Lengths stay in the file's unit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadFile
from motion.io import source

_LONGEST = 5_000  # lines of a hierarchy that is remembered
CHANNELS = {f"{a}{kind}": (kind, i) for i, a in enumerate("XYZ") for kind in ("position", "rotation")}
"""What a channel moves, and along or about which axis."""


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """A skeleton, and the columns of numbers that move it."""

    joints: tuple[str, ...]
    parents: tuple[int, ...]
    """before their children; -1 for the root"""
    offsets: NDArray[np.float64]
    """(J, 3) in the file's unit"""
    columns: tuple[tuple[str, str], ...]
    """joint and channel of each column"""
    turning: tuple[tuple[str, list[int], list[list[int]]], ...]
    """orders of rotations as "zyx", the joints that have each, and their columns"""
    moving: tuple[tuple[int, int, int], ...]
    """joint, axis and column of what tells a place"""

    @cached_property
    def extent(self) -> float:
        """Longest path of bones from the root; the root's own offset is a place, not a bone. Where a child's offset
        holds a place too (Bandai's Hips), a single bone longer than all others together is left out."""
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(self.offsets, axis=1)
            lengths[lengths > lengths.sum() / 2] = 0
        reach: list[float] = []
        for parent, length in zip(self.parents, lengths.tolist(), strict=True):
            reach.append(reach[parent] + length if parent >= 0 else 0.0)
        return 2 * max(reach)


@dataclass
class _Joint:
    """One joint or end site as the file describes it."""

    name: str
    parent: int
    row: int
    offset: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    channels: list[str] = field(default_factory=list[str])
    end: bool = False
    """An end site."""


def parse(lines: list[str], path: str) -> tuple[Hierarchy, int]:
    """The hierarchy, and the row after MOTION. Raises BadFile.

    The last few are remembered: files of one maker have one hierarchy, and in short ones it is most of the work.
    """
    end = next((row for row, line in enumerate(lines) if line.strip() == "MOTION"), _LONGEST)
    if end < _LONGEST:
        try:
            return _remembered(tuple(lines[: end + 1]))
        except BadFile:
            pass  # and once more, to name the file
    return _parse(lines, path)


@lru_cache(maxsize=8)
def _remembered(lines: tuple[str, ...]) -> tuple[Hierarchy, int]:
    return _parse(lines, "")


def _parse(lines: Sequence[str], path: str) -> tuple[Hierarchy, int]:
    joints: list[_Joint] = []
    names: set[str] = set()
    stack: list[int] = []
    read: dict[str, list[str]] = {}  # channels by the line that lists them: most joints have the same
    pending: _Joint | None = None
    started = False
    for row, line in _statements(lines):
        words = line.split()
        key = words[0].upper()
        if not started:
            if key != "HIERARCHY":
                raise BadFile(f"a BVH begins with HIERARCHY, this file with {line.strip()[:40]!r}", path, row + 1)
            started = True
        elif key == "MOTION":
            if stack or not joints:
                raise BadFile("MOTION begins before the hierarchy is closed; a brace is missing", path, row + 1)
            _check(joints, path)
            _name_ends(joints, names)
            return _told(joints), row + 1
        elif key in ("ROOT", "JOINT"):
            if not stack and joints:
                raise BadFile("a second root; a BVH holds one character", path, row + 1)
            label = line.strip()[len(key) :].strip() or f"joint{len(joints)}"
            if label in names:
                raise BadFile(f"joint {label!r} is listed twice; joint names must differ", path, row + 1)
            pending = _Joint(label, stack[-1] if stack else -1, row)
        elif key == "END":
            if not stack:
                raise BadFile("an end site outside any joint", path, row + 1)
            pending = _Joint("", stack[-1], row, end=True)
        elif key == "{":
            if pending is None:
                raise BadFile("a brace opens without a joint before it", path, row + 1)
            source.admit(0, len(joints) + 1, path, row + 1)
            joints.append(pending)
            if not pending.end:
                names.add(pending.name)
            stack.append(len(joints) - 1)
            pending = None
        elif key == "}":
            if not stack:
                raise BadFile("a brace closes that was never opened", path, row + 1)
            stack.pop()
        elif key == "OFFSET" and stack:
            joints[stack[-1]].offset = numbers(words[1:], 3, path, row, lambda: _last(joints, stack))
        elif key == "CHANNELS" and stack:
            if line not in read:
                read[line] = _channels(words, line, _last(joints, stack), path, row)
            joints[stack[-1]].channels = read[line]
        else:
            raise BadFile(f"unexpected {line.strip()[:40]!r} in the hierarchy", path, row + 1)
    raise BadFile("the file ends inside the hierarchy; it is truncated or no BVH", path, len(lines))


def _told(joints: list[_Joint]) -> Hierarchy:
    """The hierarchy of joints that are complete."""
    columns: list[tuple[str, str]] = []
    turning: dict[str, tuple[list[int], list[list[int]]]] = {}
    moving: list[tuple[int, int, int]] = []
    for i, joint in enumerate(joints):
        order, turns = "", list[int]()
        for channel in joint.channels:
            kind, axis = CHANNELS[channel]
            if kind == "rotation":
                order += "xyz"[axis]
                turns.append(len(columns))
            else:
                moving.append((i, axis, len(columns)))
            columns.append((joint.name, channel))
        if order:
            where, which = turning.setdefault(order, ([], []))
            where.append(i)
            which.append(turns)
    return Hierarchy(
        tuple(joint.name for joint in joints),
        tuple(joint.parent for joint in joints),
        np.array([joint.offset for joint in joints]),
        tuple(columns),
        tuple((order, *group) for order, group in turning.items()),
        tuple(moving),
    )


def numbers(words: list[str], count: int, path: str, row: int, joint: Callable[[], str] | None = None) -> list[float]:
    """`count` finite numbers out of the words of one line. Raises BadFile, naming the `joint` whose offset they are."""
    wrong, hint = "numbers", ""
    try:
        values = [float(word.replace("_", "?")) for word in words]  # Python would read 1_000
    except ValueError:
        hint = "; decimals need a point, not a comma" if any("," in word for word in words) else ""
    else:
        if len(values) == count and all(map(math.isfinite, values)):
            return values
        wrong = "finite numbers"
    of = "" if joint is None else f" for the offset of joint {joint()}"
    raise BadFile(f"expected {count} {wrong}{of}, got {' '.join(words)[:40]!r}{hint}", path, row + 1)


def _statements(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Lines with their rows, empty ones left out, a brace on a line of its own wherever the file puts it."""
    for row, line in enumerate(lines):
        bare = line.strip()
        if bare in ("{", "}") or ("{" not in bare and "}" not in bare):
            if bare:
                yield row, bare
            continue
        for part in re.split(r"([{}])", line):
            if part.strip():
                yield row, part


def _name_ends(joints: list[_Joint], names: set[str]) -> None:
    """Calls end sites `<parent>_end`, then `<parent>_end2` and so on, whatever the joints themselves are called."""
    for joint in joints:
        if joint.end:
            first = f"{joints[joint.parent].name}_end"
            joint.name, count = first, 2
            while joint.name in names:
                joint.name, count = f"{first}{count}", count + 1
            names.add(joint.name)


def _last(joints: list[_Joint], stack: list[int]) -> str:
    joint = joints[stack[-1]]
    return f"{joints[joint.parent].name!r}'s end" if joint.end else repr(joint.name)


def _channels(words: list[str], line: str, joint: str, path: str, row: int) -> list[str]:
    named = [word[:1].upper() + word[1:].lower() for word in words[2:]]
    unknown = [word for word in named if word not in CHANNELS]
    if unknown or not words[1:2] or words[1] != str(len(named)):
        raise BadFile(f"channels are not readable, of joint {joint}: {line.strip()[:60]!r}", path, row + 1)
    twice = next((word for i, word in enumerate(named) if word in named[:i] and CHANNELS[word][0] == "position"), None)
    if twice is not None:
        raise BadFile(f"joint {joint} has the channel {twice} twice; give it once", path, row + 1)
    return named


def _check(joints: list[_Joint], path: str) -> None:
    """A single bone may have no length, but not all of them, unless channels move them apart."""
    bones = [joint for joint in joints[1:] if not joint.end]
    moved = any(CHANNELS[channel][0] == "position" for joint in bones for channel in joint.channels)
    if bones and not moved and not any(any(joint.offset) for joint in joints[1:]):
        raise BadFile(
            f"every bone has length zero, from joint {bones[0].name!r} on; the offsets are missing",
            path,
            bones[0].row + 1,
        )
