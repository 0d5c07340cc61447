"""Bytes at random against the decoder: `python -m tools.fuzz --seconds 60`. It finds protocol errors and nothing else.

Atheris, which follows the branches that inputs take, begins with the golden messages of tests/golden/protocol and
alters them. Whatever arrives, reading it gives a message or raises BadMessage or BadVersion; and a message that was
read can be written, and reads as itself again.
"""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType
from typing import Final

from motion import protocol
from motion.errors import BadMessage, BadVersion, MissingPart
from motion.protocol import schema, wire

GOLDEN: Final = Path(__file__).resolve().parent.parent / "tests" / "golden" / "protocol"
_MEMORY: Final = 2**30
"""bytes; a message of a few kilobytes that asks for more raises MemoryError, which is a find"""
_LENGTH: Final = struct.Struct("<I")


def split(content: bytes) -> list[bytes]:
    """The parts of a message as golden files hold them, each behind its length; a length that cannot be takes the
    rest."""
    parts: list[bytes] = []
    at = 0
    while at + _LENGTH.size <= len(content):
        (size,) = _LENGTH.unpack_from(content, at)
        parts.append(content[at + _LENGTH.size : at + _LENGTH.size + size])
        at += _LENGTH.size + size
    return parts


def try_one(content: bytes) -> None:
    """Read it. Anything raised here is a find."""
    try:
        message = protocol.unpack(split(content))
    except (BadMessage, BadVersion):
        return
    written = protocol.pack(message)
    assert protocol.pack(protocol.unpack(written)) == written


def functions() -> list[FunctionType]:
    """All that reads and writes, for atheris to follow."""
    holders = (wire, schema, protocol, wire.Fields)
    found = [one for holder in holders for one in vars(holder).values() if isinstance(one, FunctionType)]
    return [one for one in found if one.__module__.startswith("motion.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 nothing was found; atheris ends the program with another and the input where something was."""
    parser = argparse.ArgumentParser("tools.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="where chance begins (default 1)")
    options = parser.parse_args(arguments)
    try:
        import resource

        import atheris
    except ImportError as error:
        raise MissingPart("the fuzzer needs atheris, which is for Linux: pip install -e '.[dev]'") from error
    for function in functions():
        atheris.instrument_func(function)  # pyright: ignore[reportAttributeAccessIssue] (its stub does not name it)
    with tempfile.TemporaryDirectory() as corpus:
        for file in GOLDEN.glob("*.bin"):
            (Path(corpus) / file.stem).write_bytes(file.read_bytes())
        # libFuzzer would judge by the most memory that the program that started this one ever had.
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
        limits = ["-rss_limit_mb=0", "-max_len=4096", "-timeout=10"]
        flags = [f"-max_total_time={options.seconds}", f"-seed={options.seed}", *limits]
        atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={corpus}/", corpus], try_one)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
