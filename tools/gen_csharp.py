"""Writes the messages of the protocol as C#: `python -m tools.gen_csharp`.

Classes, fields, readers and writers come from the dataclasses of motion/protocol/, and so do their descriptions. With
`--check` nothing is written, and a file that is stale is said to be so.
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
    lines += [f"    public sealed class {kind.__name__}{' : Message' if message else ''}", "    {"]
    for field in fields:
        lines += _declared(field, notes.get(field.name, ""))
    lines += [""] if fields else []
    lines += [f'        public override string Kind => "{protocol.kind(kind)}";', ""] if message else []
    lines += _writer(fields, f"        internal {'override ' if message else ''}void Write(Header header)")
    lines += ["", *_reader(fields, kind.__name__), "    }", ""]
    return "\n".join(lines)


def _writer(fields: Sequence[Field], head: str) -> list[str]:
    body = [line for field in fields for line in _written(field)]
    if not body:
        return [f"{head} {{ }}"]
    if len(body) == 1:
        return [f"{head} => {body[0]}"]
    return [head, "        {", *(f"            {line}" for line in body), "        }"]


def _reader(fields: Sequence[Field], name: str) -> list[str]:
    head = f"        internal static {name} Read(Fields fields) => new {name}"
    values = [_read(field) for field in fields]
    if not values:
        return [f"{head}();"]
    if len(values) == 1:
        return [f"{head} {{ {values[0]} }};"]
    return [head, "        {", *(f"            {value}," for value in values), "        };"]


def _kinds() -> str:
    lines = [
        "    /// <summary>Messages by their name on the wire.</summary>",
        "    internal static class Kinds",
        "    {",
        "        /// <summary>The message in these fields, or null where there is none of that name.</summary>",
        "        internal static Message Read(string kind, Fields fields) => kind switch",
        "        {",
    ]
    lines += [f'            "{name}" => {kind.__name__}.Read(fields),' for name, kind in protocol.kinds().items()]
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


def _written(field: Field) -> Iterator[str]:
    name, value = f'"{field.name}"', _name(field)
    method = {"array": "Array", "object": "Object", "objects": "Objects"}.get(field.kind, _method(field))
    if field.kind == "array":
        yield f"header.Array({name}, {value});"
    elif field.kind == "object":
        yield f"if ({value} != null) {{ header.Begin({name}); {value}.Write(header); header.End(); }}"
    elif field.kind == "objects":
        yield f"header.BeginList({name});"
        yield f"foreach (var one in {value}) {{ header.BeginItem(); one.Write(header); header.End(); }}"
        yield "header.EndList();"
    elif _nullable(field):
        yield f"if ({value}.HasValue) header.{method}({name}, {value}.Value);"
    elif field.optional and field.default is None:
        yield f"if ({value} != null) header.{method}({name}, {value});"
    elif field.since and field.kind in _EMPTY:
        yield f"if ({value}.Length != 0) header.{method}({name}, {value});"
    elif field.since:
        same = value if field.kind == "flag" else f"{value} != {_default(field) or 0}"
        yield f"if ({same}) header.{method}({name}, {value});"
    else:
        yield f"header.{method}({name}, {value});"


def _read(field: Field) -> str:
    name = f'"{field.name}"'
    if field.kind == "object" and field.inner:
        value = f"{field.inner.__name__}.Read(fields.Inner({name}))"
    elif field.kind == "objects" and field.inner:
        value = f"fields.Inners({name}, {field.inner.__name__}.Read)"
    elif field.kind == "array":
        value = f"fields.Array({', '.join([name, *(_size(size) for size in field.shape)])})"
    elif field.shape:
        value = f"fields.{_method(field)}({name}, {_size(field.shape[0])})"
    else:
        value = f"fields.{_method(field)}({name})"
    if field.optional:
        came = {"array": "HasArray", "object": "HasInner"}.get(field.kind, "Has")
        off = field.kind == "flag" and field.default is False
        value = f"fields.{came}({name}) {f'&& {value}' if off else f'? {value} : {_absent(field)}'}"
    return f"{_name(field)} = {value}"


def _absent(field: Field) -> str:
    """What a field holds that did not come: what it begins with."""
    return _default(field) or ("null" if field.default is None else "0")


def _size(size: int | str) -> str:
    return f"'{size}'" if isinstance(size, str) else f"(char){size}"


def _method(field: Field) -> str:
    return field.kind.capitalize()


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
