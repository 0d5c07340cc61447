"""Every message reads and writes as its golden bytes, and whatever else arrives is refused with a sentence."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import fields, make_dataclass
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import protocol
from motion.errors import BadMessage, BadVersion, error_types
from motion.protocol import Done, Frames, Generate, Limits, Message, Peer, Pose, Rig, Show, Task, schema, wire
from tests.motion.protocol.examples import APPENDIX, GOLDEN, OLD, PAGE, from_bytes, messages, page

NAMES = list(messages())
KINDS = protocol.kinds()
OBJECTS = {"pose": Pose, "rig": Rig, "task": Task, "limits": Limits, "peer": Peer, "show": Show}
TYPES = {
    "texts": "list of texts",
    "wholes": "list of wholes",
    "numbers": "list of numbers",
    "objects": "list of objects",
}


def assert_same(one: object, other: object) -> None:
    """Field by field, arrays bit by bit."""
    assert type(one) is type(other)
    for field in fields(one):  # type: ignore[arg-type]
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, (Pose, Rig)):
            assert_same(a, b)
        elif isinstance(a, np.ndarray):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        else:
            assert a == b


def header_of(message: Message) -> dict[str, object]:
    return json.loads(protocol.pack(message)[1])


def with_header(message: Message, /, **changes: object) -> list[bytes]:
    """The parts of `message` with other header fields, written as a careless peer would."""
    parts = protocol.pack(message)
    return [parts[0], json.dumps({**header_of(message), **changes}).encode(), *parts[2:]]


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_written_as_its_golden_bytes(name: str) -> None:
    assert protocol.pack(messages()[name]) == from_bytes((GOLDEN / f"{name}.bin").read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_golden_bytes_are_read_as_their_message(name: str) -> None:
    assert_same(protocol.unpack(from_bytes((GOLDEN / f"{name}.bin").read_bytes())), messages()[name])


def test_every_message_has_an_example_and_a_golden_file() -> None:
    assert {protocol.kind(message) for message in messages().values()} == set(KINDS)
    assert {path.stem for path in GOLDEN.glob("*.bin")} == set(NAMES)


@pytest.mark.parametrize(
    "file",
    [file for old in OLD for file in sorted(old.glob("*.bin"))],
    ids=lambda file: f"{file.parent.name}-{file.stem}",
)
def test_messages_of_older_versions_are_read_and_answered_without_what_they_did_not_know(file: Path) -> None:
    parts = from_bytes(file.read_bytes())
    message = protocol.unpack(parts)
    major, minor = map(int, file.parent.name.removeprefix("protocol-").split("."))
    assert parts[0][-2:] == bytes((major, minor))
    told = [field.name for field in schema.fields_of(type(message)) if field.since <= minor]
    header = json.loads(protocol.pack(message)[1])
    assert json.loads(parts[1]).items() <= header.items()
    assert set(header) - {"kind", "buffers"} <= set(told)


def test_a_client_of_version_1_1_reads_a_done_of_1_2_without_what_that_added() -> None:
    kept = [field for field in fields(Done) if field.name not in ("task", "familiar", "nearest")]
    hints = get_type_hints(Done, include_extras=True)
    old = make_dataclass("Done", [(field.name, hints[field.name], field) for field in kept], frozen=True)
    read = schema.read(old, wire.Fields(wire.unseal(protocol.pack(messages()["done_far"]))))
    assert [getattr(read, field.name) for field in kept] == [
        getattr(messages()["done_far"], field.name) for field in kept
    ]


def test_protocol_md_shows_the_very_bytes_of_every_golden_message() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run python -m tests.motion.protocol.examples"
    body, appendix = text.split(APPENDIX)
    assert not re.search(r"(?m)^0   4d 4f", body)
    for name in NAMES:
        parts = from_bytes((GOLDEN / f"{name}.bin").read_bytes())
        assert f"```json\n{parts[1].decode()}\n```" in body
        dump = appendix.split(f"\n`{name}.bin`\n")[1].split("```")[1]
        rows = re.findall(r"(?m)^[0-9 ]{3} ([0-9a-f ]+)$", dump)
        assert " ".join(rows) == " ".join(part.hex(" ") for part in parts if part)


@pytest.mark.parametrize("name", [*KINDS, *OBJECTS])
def test_protocol_md_has_a_row_for_each_field_with_its_type_and_no_other(name: str) -> None:
    """Name, type, whether it may be absent, and the version that added it."""
    text = PAGE.read_text(encoding="utf-8")
    start = f"| {name} | type | |" if name in OBJECTS else f"#### {name}\n"
    lines = text.split(start)[1].splitlines()
    table = lines if name in OBJECTS else text.split(start)[1].split("\n#")[0].splitlines()
    begin = next((i for i, line in enumerate(table) if line.startswith("|---")), len(table))
    rows = table[begin + 1 :]
    rows = rows[: next((i for i, line in enumerate(rows) if not line.startswith("|")), len(rows))]
    stated = [tuple(cell.strip() for cell in row.split("|")[1:3]) for row in rows]
    assert stated == [stated_as(field) for field in schema.fields_of(OBJECTS.get(name) or KINDS[name])]


def stated_as(field: schema.Field) -> tuple[str, str]:
    """A field as its row in PROTOCOL.md begins."""
    sizes = ", ".join(map(str, field.shape))
    words = f"f32 ({sizes})" if field.kind == "array" else TYPES.get(field.kind, field.kind)
    if field.kind in TYPES and sizes:
        words += f" ({sizes})"
    return f"`{field.name}`", words + "?" * field.optional + (f" (1.{field.since})" if field.since else "")


def test_protocol_md_tells_codes_and_retries_as_the_errors_have_them() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    types = error_types()
    assert len(rows) == 12
    assert all(types[code].retry == (retry == "yes") for code, retry in rows.items())


def test_protocol_md_is_of_this_version_and_tells_the_limits_of_the_envelope() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith("# The Motus protocol, version {}.{}\n".format(*wire.VERSION))
    assert f"at most {wire.HEADER_BYTES:,} bytes, at most {wire.DEPTH} levels deep" in text
    assert f"at most {wire.BUFFERS}, each at most {wire.PART_BYTES >> 20} MiB" in text


def test_another_major_version_is_refused_naming_both_numbers() -> None:
    parts = protocol.pack(messages()["hello"])
    parts[0] = wire.MAGIC + bytes((wire.VERSION[0] + 1, 3))
    with pytest.raises(
        BadVersion, match=rf"protocol {wire.VERSION[0]}\.{wire.VERSION[1]} and the other {wire.VERSION[0] + 1}\.3"
    ):
        protocol.unpack(parts)


def test_a_newer_minor_version_may_add_fields_and_is_read() -> None:
    parts = with_header(messages()["hello"], mood="cheerful")
    parts[0] = wire.MAGIC + bytes((wire.VERSION[0], wire.VERSION[1] + 1))
    assert_same(protocol.unpack(parts), messages()["hello"])


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("generate", {"seed": float("nan")}, "field 'seed' must be a finite number; got nan"),
        ("generate", {"seconds": float("inf")}, "field 'seconds' must be a finite number; got inf"),
        ("generate", {"seed": 1.5}, "field 'seed' of 'generate' must be a whole number; got 1.5"),
        ("generate", {"seed": True}, "field 'seed' of 'generate' must be a whole number; got True"),
        ("generate", {"seed": 10**30}, "at most 53 bits"),
        ("generate", {"seconds": "4"}, "field 'seconds' of 'generate' must be a number; got '4'"),
        ("generate", {"seconds": 10**400}, "field 'seconds' of 'generate' must be a number"),
        ("generate", {"text": 5}, "field 'text' of 'generate' must be a text; got 5"),
        ("generate", {"text": "\ud800"}, "field 'text' holds half a surrogate pair"),
        ("generate", {"task": None}, "field 'task' of 'generate' must be a text; got None"),
        ("generate", {"rig": 5}, "field 'rig' of 'generate' must be an object; got 5"),
        (
            "generate_rig",
            {"rig": {"name": "k", "joints": ["a"]}},
            "field 'parents' of 'generate.rig' must be a list of",
        ),
        (
            "generate_rig",
            {"rig": {"name": "k", "joints": ["a"], "parents": [-1]}},
            "'rig.offsets' of 'generate.rig' must",
        ),
        ("generate", {"variations": "3"}, "field 'variations' of 'generate' must be a whole number; got '3'"),
        ("generate", {"later": [[[[[[[[[1]]]]]]]]]}, "field 'later' is nested deeper than 8 levels"),
        ("ack", {"frames": -1}, "field 'frames' of 'ack' must be a whole number from 0; got -1"),
        ("steer", {"target": [1.0]}, "field 'target' of 'steer' has 1 entries where 2 are due"),
        ("steer", {"target": [1.0, "x"]}, "field 'target' of 'steer' must be a number; got 'x'"),
        ("generate", {"id": "../../etc"}, "field 'id' of 'generate' must be 1 to 64 letters"),
        ("generate", {"id": ""}, "field 'id' of 'generate' must be 1 to 64 letters"),
        ("generate", {"later": [float("nan")]}, "field 'later' must be a finite number"),
        ("generate", {"kind": "generale"}, "there is no message 'generale'; there are hello"),
        ("generate", {"kind": 3}, "'kind' must be a text"),
        ("welcome", {"limits": [1]}, "field 'limits' of 'welcome' must be an object"),
        ("welcome", {"tasks": ["walk"]}, "field 'tasks' of 'welcome' must be an object; got 'walk'"),
        ("welcome", {"parents": [-1]}, "field 'parents' of 'welcome' has 1 entries where 2 are due"),
        ("error", {"retry": "no"}, "field 'retry' of 'error' must be true or false"),
        ("frames", {"buffers": []}, "lists 0 buffers and 3 parts follow"),
        ("frames", {"buffers": 7}, "'buffers' must be a list; got 7"),
        ("frames", {"buffers": [1, 2, 3]}, "each entry of 'buffers' must be an object"),
    ],
)
def test_a_wrong_field_is_named(name: str, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadMessage, match=re.escape(sentence)):
        protocol.unpack(with_header(messages()[name], **changes))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"name": "root", "dtype": "f32", "shape": [2, 4]}, "takes 32 bytes (at most 4194304); its part has 24"),
        ({"name": "root", "dtype": "f32", "shape": [10**9, 3]}, "a size must be a whole number from 0"),
        ({"name": "root", "dtype": "f32", "shape": [-2, -3]}, "a size must be a whole number from 0"),
        ({"name": "root", "dtype": "f32", "shape": [0, 4194304, 4194304, 4194304]}, "takes 0 bytes"),
        ({"name": "root", "dtype": "f32", "shape": [2, 3, 1, 1, 1]}, "a list of at most 4 sizes"),
        ({"name": "root", "dtype": "object", "shape": [2, 3]}, "'dtype' must be one of f32"),
        ({"name": "root", "dtype": "i32", "shape": [2, 3]}, "must be f32 of shape (T, 3); got int32"),
        (
            {"name": "root", "dtype": "f32", "shape": [3, 2]},
            "must be f32 of shape (T, 3); got float32 of shape (3, 2)",
        ),
        ({"name": "rotations", "dtype": "f32", "shape": [2, 3]}, "two buffers are called 'rotations'"),
        ({"name": "", "dtype": "f32", "shape": [2, 3]}, "'name' must be a text of 1 to 64 characters"),
    ],
)
def test_a_wrong_buffer_is_named_before_anything_is_allocated(row: dict[str, object], sentence: str) -> None:
    frames = messages()["frames"]
    table = header_of(frames)["buffers"]
    assert isinstance(table, list)
    with pytest.raises(BadMessage, match=re.escape(sentence)):
        protocol.unpack(with_header(frames, buffers=[row, *table[1:]]))


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([], "at least 2 parts"),
        ([b"GET / HTTP/1.1", b"{}"], "the first part must be"),
        ([wire.MAGIC + bytes(wire.VERSION), b"x" * 100_000_000], "has 100000000 bytes; at most 65536"),
        ([wire.MAGIC + bytes(wire.VERSION), b"\xff\xfe"], "not UTF-8"),
        ([wire.MAGIC + bytes(wire.VERSION), b"[" * 60_000], "not JSON"),
        ([wire.MAGIC + bytes(wire.VERSION), b"9" * 60_000], "not JSON"),
        ([wire.MAGIC + bytes(wire.VERSION), b"[]"], "must be a JSON object; got a list"),
        ([wire.MAGIC + bytes(wire.VERSION), b"[" * 900 + b"]" * 900], "must be a JSON object; got a list"),
        (
            [wire.MAGIC + bytes(wire.VERSION), b'{"kind":"stats","a":' + b"[" * 900 + b"]" * 900 + b"}"],
            "nested deeper than 8 levels",
        ),
        (
            [wire.MAGIC + bytes(wire.VERSION), b'{"kind":"stats","buffers":{"a":' + b"[" * 900 + b"]" * 900 + b"}}"],
            "[...",
        ),
        (
            [wire.MAGIC + bytes(wire.VERSION), b'{"kind":"stats","buffers":[]}', b"x"],
            "lists 0 buffers and 1 parts follow",
        ),
    ],
)
def test_bytes_that_are_no_message_are_refused(parts: list[bytes], sentence: str) -> None:
    with pytest.raises(BadMessage, match=re.escape(sentence)):
        protocol.unpack(parts)


def test_nan_and_half_texts_do_not_leave_this_side_either() -> None:
    with pytest.raises(BadMessage, match="field 'seconds' must be a finite number; got nan"):
        protocol.pack(Generate("g", "text-to-motion", "walk", seconds=float("nan")))
    with pytest.raises(BadMessage, match="half a surrogate"):
        protocol.pack(Generate("g", "text-to-motion", "\ud800"))
    bad = np.full((1, 3), np.nan, np.float32)
    with pytest.raises(BadMessage, match="buffer 'root' holds NaN"):
        protocol.pack(Frames("g", 0, 0, 30.0, 0.0, bad, np.ones((1, 1, 4), np.float32), np.ones((1, 4), np.float32)))


def test_one_letter_of_a_shape_is_one_size_throughout_a_message() -> None:
    parts = protocol.pack(messages()["frames"])
    header = json.loads(parts[1])
    header["buffers"][0]["shape"], parts[2] = [3, 3], np.zeros((3, 3), "<f4").tobytes()
    with pytest.raises(BadMessage, match=re.escape("'rotations' of 'frames' must be f32 of shape (3, J, 4)")):
        protocol.unpack([parts[0], json.dumps(header).encode(), *parts[2:]])


def test_nan_inside_a_buffer_is_refused_on_arrival() -> None:
    parts = protocol.pack(messages()["frames"])
    parts[2] = np.full((2, 3), np.inf, "<f4").tobytes()
    with pytest.raises(BadMessage, match="buffer 'root' holds NaN or infinity"):
        protocol.unpack(parts)


@given(st.data())
def test_a_damaged_message_is_a_protocol_error_or_a_message_and_never_anything_else(data: st.DataObject) -> None:
    parts = protocol.pack(messages()[data.draw(st.sampled_from(NAMES))])
    for _ in range(data.draw(st.integers(1, 4))):
        part = data.draw(st.integers(0, len(parts) - 1))
        start = data.draw(st.integers(0, len(parts[part])))
        end = data.draw(st.integers(start, min(start + 8, len(parts[part]))))
        parts[part] = parts[part][:start] + data.draw(st.binary(max_size=8)) + parts[part][end:]
    with suppress(BadMessage, BadVersion):
        protocol.unpack(parts)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(NAMES), st.data())
def test_a_header_with_any_json_in_any_field_is_a_protocol_error_or_a_message(name: str, data: st.DataObject) -> None:
    message = messages()[name]
    field = data.draw(st.sampled_from(sorted(header_of(message))))
    with suppress(BadMessage):
        protocol.unpack(with_header(message, **{field: data.draw(_json)}))
