"""Answers kept: what a request brought forth, by the bundle, the request and its seed.

In memory up to so many bytes, the least lately used going first; in a folder as well where one is given, one file an
answer. A disk that is full or gone costs the folder's answers and nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from motion import protocol
from motion.errors import MotionError
from motion.protocol import Done, Frames, Generate, Message, Text

_log = logging.getLogger(__name__)
Answer = tuple[Message, ...]
_LENGTH: Final = struct.Struct("<I")
_PAUSE_S: Final = 60.0  # after the disk failed, before it is tried again
_ENDING: Final = ".answer"


def key(bundle: str, request: Generate, seed: int) -> str:
    """What tells one answer from another; the request's name, its deadline and how its seed came about do not."""
    plain = replace(request, id="x", seed=seed, deadline_s=None)
    digest = hashlib.sha256(bundle.encode())
    for part in protocol.pack(plain)[1:]:
        digest.update(_LENGTH.pack(len(part)) + part)
    return digest.hexdigest()


class Cache:
    """`most_bytes` in memory, and as many times `on_disk` in `folder`; 0 keeps nothing."""

    def __init__(self, most_bytes: int, folder: Path | None = None, on_disk: int = 16) -> None:
        self._most = most_bytes
        self._disk_most = most_bytes * on_disk
        self._folder = folder
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._rest = 0.0  # until when the disk is left alone

    def find(self, name: str) -> Answer | None:
        """The messages of an answer, or None."""
        content = self._answers.get(name)
        if content is not None:
            self._answers.move_to_end(name)
        else:
            content = self._read(name)
            if content is not None:
                self._remember(name, content)
        if content is None:
            return None
        try:
            return tuple(protocol.unpack(parts) for parts in _split(content))
        except (MotionError, struct.error, ValueError):  # a file that was cut short or altered is no answer
            self._answers.pop(name, None)
            return None

    def keep(self, name: str, messages: Sequence[Message]) -> None:
        """An answer that is complete."""
        if not self._most:
            return
        kept = [message for message in messages if isinstance(message, (Frames, Text, Done))]
        if sum(message.rotations.nbytes for message in kept if isinstance(message, Frames)) > self._most // 4:
            return
        content = b"".join(_joined(protocol.pack(message)) for message in kept)
        if len(content) > self._most // 4:
            return
        self._remember(name, content)
        self._write(name, content)

    def _remember(self, name: str, content: bytes) -> None:
        self._size += len(content) - len(self._answers.pop(name, b""))
        self._answers[name] = content
        while self._size > self._most:
            self._size -= len(self._answers.popitem(last=False)[1])

    def _read(self, name: str) -> bytes | None:
        if self._folder is None:
            return None
        try:
            return (self._folder / (name + _ENDING)).read_bytes()
        except OSError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        if self._folder is None or time.monotonic() < self._rest:
            return
        part = self._folder / f"{name}.{os.getpid()}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(len(content))
            part.write_bytes(content)
            part.replace(self._folder / (name + _ENDING))
        except OSError as error:
            self._rest = time.monotonic() + _PAUSE_S
            _log.warning("answers are not kept in %s for a while: %s", self._folder, error)
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        assert self._folder is not None
        facts = [(path.stat(), path) for path in self._folder.glob("*" + _ENDING)]
        total = sum(fact.st_size for fact, _ in facts) + size
        for fact, path in sorted(facts, key=lambda both: both[0].st_mtime_ns):
            if total <= self._disk_most:
                return
            path.unlink(missing_ok=True)
            total -= fact.st_size


def _joined(parts: Sequence[bytes]) -> bytes:
    return _LENGTH.pack(len(parts)) + b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def _split(content: bytes) -> list[list[bytes]]:
    messages: list[list[bytes]] = []
    at = 0
    while at < len(content):
        (count,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        parts: list[bytes] = []
        for _ in range(count):
            (size,) = _LENGTH.unpack_from(content, at)
            at += _LENGTH.size
            parts.append(content[at : at + size])
            at += size
        messages.append(parts)
    return messages
