"""Writes the messages of the protocol as C#: `python -m tools.gen_csharp`.

Classes, fields and what is said of them come from the dataclasses of motion/protocol/; each class passes its fields,
one by one, to whatever writes or reads them. With `--check` nothing is written, and a file that is stale is said to be
so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args
from xml.sax.saxutils import escape

from motion import config, protocol
from motion.protocol import answers, pieces, publications, requests, schema, wire
from motion.protocol.schema import Field

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "unity_bridge" / "Runtime" / "Core" / "Protocol" / "Messages.g.cs"
_TYPES = {
    "id": "string",
    "text": "string",
    "whole": "long",
    "count": "long",
    "number": "double",
    "flag": "bool",
    "texts": "string[]",
    "wholes": "long[]",
    "numbers": "double[]",
    "array": "Floats",
}
_EMPTY = {"texts": "Array.Empty<string>()", "wholes": "Array.Empty<long>()", "numbers": "Array.Empty<double>()"}
_VALUES = ("whole", "count", "number", "flag")
_HEAD = """\
// The messages of the protocol, written by `python -m tools.gen_csharp` from motion/protocol/; never edited by hand.

#pragma warning disable 1591 // a field without a line of its own is the field of its name in PROTOCOL.md

using System;

namespace Motus.Protocol
{
    /// <summary>What the protocol calls itself, and how much a message may hold.</summary>
    public static class Version
    {
        /// <summary>Must be the other side's too.</summary>
        public const byte Major = %d;
        /// <summary>Only adds.</summary>
        public const byte Minor = %d;
        /// <summary>The longest header.</summary>
        public const int HeaderBytes = %d;
        /// <summary>The longest buffer.</summary>
        public const int PartBytes = %d;
        /// <summary>The most buffers.</summary>
        public const int Buffers = %d;
        /// <summary>The most axes of a buffer.</summary>
        public const int Axes = %d;
        /// <summary>Levels of objects and lists inside a header.</summary>
        public const int Depth = %d;
        /// <summary>Where a server listens unless told otherwise.</summary>
        public const string Address = "%s";
    }
"""


def source() -> str:
    """The whole file."""
    head = _HEAD % (
        *wire.VERSION, wire.HEADER_BYTES, wire.PART_BYTES, wire.BUFFERS, wire.AXES, wire.DEPTH, protocol.ADDRESS
    )  # fmt: skip
    blocks = [head]
    blocks += [_class(kind, kind in get_args(protocol.Message)) for kind in _classes()]
    blocks.append(_kinds())
    return "\n".join(blocks) + "}\n"


def _classes() -> list[type]:
    """The messages and what is in them, in the order of the files they come from."""
    files = (pieces, requests, answers, publications)
    found = [(kind, file) for file in files for kind in vars(file).values() if isinstance(kind, type)]
    return [kind for kind, file in found if kind.__module__ == file.__name__]


def _class(kind: type, message: bool) -> str:
    notes = config.notes(kind)
    fields = schema.fields_of(kind)
    lines = [f"    /// <summary>{escape(_first(kind.__doc__ or ''))}</summary>"]
    lines += [f"    public sealed class {kind.__name__} : {'Message' if message else 'Piece'}", "    {"]
    for field in fields:
        lines += _declared(field, notes.get(field.name, ""))
    lines += [""] if fields else []
    lines += [f'        public override string Kind => "{protocol.kind(kind)}";', ""] if message else []
    head = "        internal override void Pass(Exchange fields)"
    passed = [_passed(field) for field in fields]
    if len(passed) > 1:
        lines += [head, "        {", *(f"            {line}" for line in passed), "        }"]
    else:
        lines += [f"{head} => {passed[0]}" if passed else f"{head} {{ }}"]
    return "\n".join([*lines, "    }", ""])


def _kinds() -> str:
    lines = [
        "    /// <summary>Messages by their name on the wire.</summary>",
        "    internal static class Kinds",
        "    {",
        "        /// <summary>An empty message of that name, or null where there is none.</summary>",
        "        internal static Message New(string kind) => kind switch",
        "        {",
    ]
    lines += [f'            "{name}" => new {kind.__name__}(),' for name, kind in protocol.kinds().items()]
    return "\n".join([*lines, "            _ => null,", "        };", "    }", ""])


def _declared(field: Field, note: str) -> Iterator[str]:
    facts = [note.rstrip(".")] if note else []
    facts += [f"shape ({', '.join(map(str, field.shape))})"] if field.shape else []
    facts += ["null: absent"] if field.optional and field.default is None else []
    said = "; ".join(facts)
    if said:
        yield f"        /// <summary>{escape(said[:1].upper() + said[1:])}.</summary>"
    begin = _default(field)
    yield f"        public {_type(field)} {_name(field)}{f' = {begin}' if begin else ''};"


def _type(field: Field) -> str:
    if field.inner is not None:
        return field.inner.__name__ + ("[]" if field.kind == "objects" else "")
    return _TYPES[field.kind] + ("?" if _nullable(field) else "")


def _nullable(field: Field) -> bool:
    return field.optional and field.default is None and field.kind in _VALUES


def _default(field: Field) -> str:
    if field.optional and field.default is None:
        return ""
    if field.kind in _EMPTY:
        return _EMPTY[field.kind]
    if field.kind == "objects":
        return f"Array.Empty<{field.inner.__name__}>()" if field.inner else ""
    if field.kind in ("id", "text"):
        return '""'
    if field.optional and field.default:
        return "true" if field.default is True else str(field.default)
    return ""


def _passed(field: Field) -> str:
    """The line by which a field is written and read."""
    name, value = f'"{field.name}"', _name(field)
    method = {"object": "Inner", "objects": "Inners"}.get(field.kind, field.kind.capitalize())
    sizes = field.shape if field.kind == "array" else field.shape[:1]
    call = f"fields.{method}({', '.join([name, f'ref {value}', *map(_size, sizes)])});"
    if not field.optional:
        return call
    if field.kind == "array":
        return f"if (fields.HasArray({name})) {call}"
    if field.kind == "object":
        return f"if (fields.HasInner({name}, {value} != null)) {call}"
    said = _said(field, value)
    return f"if (fields.Has({name}{f', {said}' if said else ''})) {call}"


def _said(field: Field, value: str) -> str:
    """When a field that may be absent is written; "" for always."""
    if _nullable(field):
        return f"{value}.HasValue"
    if field.default is None:
        return f"{value} != null"
    if not field.since:
        return ""
    if field.kind in _EMPTY:
        return f"{value}.Length != 0"
    return value if field.kind == "flag" else f"{value} != {_default(field) or 0}"


def _size(size: int | str) -> str:
    return f"'{size}'" if isinstance(size, str) else f"(char){size}"


def _name(field: Field) -> str:
    return "Content" if field.name == "text" else "".join(word.capitalize() for word in field.name.split("_"))


def _first(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.gen_csharp", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is stale")
    options = parser.parse_args(arguments)
    text = source()
    if options.check:
        stale = not FILE.is_file() or FILE.read_text(encoding="utf-8") != text
        if stale:
            print(f"{FILE.name} is stale; run python -m tools.gen_csharp", file=sys.stderr)
        return int(stale)
    FILE.write_text(text, encoding="utf-8")
    print(f"{FILE.relative_to(ROOT)}: {len(text.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
