"""The envelope: a message as a list of byte strings, and back.

Parts, in order (PROTOCOL.md, "Envelope"):

    0   8 bytes: b"MOTUS\\0", then the protocol's major and minor version, one byte each
    1   the header: one JSON object in UTF-8, at most HEADER_BYTES; "kind" names the message, and "buffers" lists, for
        each part that follows, {"name", "dtype", "shape"}
    2.. the buffers: raw little-endian numbers, C order

Everything is checked before anything is allocated: how many parts, how long the header is, that every number is finite,
and that shape times item size is the very length of the part. What arrives never executes: no pickle, no class names.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadMessage, BadVersion

MAGIC: Final = b"MOTUS\0"
VERSION: Final = (1, 0)
HEADER_BYTES: Final = 65_536
PART_BYTES: Final = 4 * 2**20
BUFFERS: Final = 16
AXES: Final = 4
ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
DTYPES: Final[Mapping[str, str]] = {"f32": "<f4", "f64": "<f8", "i32": "<i4", "i64": "<i8", "u8": "|u1"}

Array = NDArray[Any]


@dataclass(frozen=True)
class Envelope:
    """A message taken out of its bytes, not yet known to make sense."""

    kind: str
    header: Mapping[str, Any]
    buffers: Mapping[str, Array]

    @property
    def id(self) -> str:
        """The request the message speaks of, or "" where it names none, so that an error can name it too."""
        name = self.header.get("id")
        return name if isinstance(name, str) and ID.fullmatch(name) else ""


def seal(kind: str, header: Mapping[str, Any], buffers: Mapping[str, Array]) -> list[bytes]:
    """The parts of a message. Raises BadMessage where `header` or a buffer cannot travel."""
    table: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, array in buffers.items():
        dtype = next((key for key, code in DTYPES.items() if np.dtype(code) == array.dtype), None)
        if dtype is None:
            raise BadMessage(f"buffer {name!r} holds {array.dtype}; the wire carries {', '.join(DTYPES)}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BadMessage(f"buffer {name!r} holds NaN or infinity; every number on the wire is finite")
        table.append({"name": name, "dtype": dtype, "shape": list(array.shape)})
        parts.append(np.ascontiguousarray(array, dtype=DTYPES[dtype]).tobytes())
    content: dict[str, Any] = {"kind": kind, **header}
    if table:
        content["buffers"] = table
    _refuse_strange(content, "")
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if len(text) > HEADER_BYTES:
        raise BadMessage(f"the header of {kind!r} would take {len(text)} bytes; at most {HEADER_BYTES} are allowed")
    return [MAGIC + bytes(VERSION), text, *parts]


def unseal(parts: Sequence[bytes]) -> Envelope:
    """The envelope in `parts`. Raises BadVersion for another major version, BadMessage for everything else wrong."""
    if len(parts) < 2:
        raise BadMessage(f"a message has at least 2 parts, a mark and a header; got {len(parts)}")
    mark, text = parts[0], parts[1]
    if len(mark) != len(MAGIC) + 2 or mark[: len(MAGIC)] != MAGIC:
        raise BadMessage(f"the first part must be {MAGIC!r} and two version bytes; got {mark[:16]!r}")
    major, minor = mark[-2], mark[-1]
    if major != VERSION[0]:
        raise BadVersion(
            f"this side speaks protocol {VERSION[0]}.{VERSION[1]} and the other {major}.{minor}; the major numbers "
            "must be equal: update the older of the two"
        )
    if len(text) > HEADER_BYTES:
        raise BadMessage(f"the header has {len(text)} bytes; at most {HEADER_BYTES} are allowed")
    header = _json_object(text)
    kind = header.get("kind")
    if not isinstance(kind, str):
        raise BadMessage(f"the header's 'kind' must be a text; got {_short(kind)}")
    return Envelope(kind, header, _buffers(header.get("buffers", []), parts[2:]))


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        header: object = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadMessage(f"the header is not UTF-8: {error.reason} at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"the header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise BadMessage(f"the header must be a JSON object; got {_short(header)}")
    return cast(dict[str, Any], header)


def _buffers(table: object, parts: Sequence[bytes]) -> dict[str, Array]:
    if not isinstance(table, list):
        raise BadMessage(f"the header's 'buffers' must be a list; got {_short(table)}")
    rows = cast(list[object], table)
    if len(rows) != len(parts) or len(rows) > BUFFERS:
        raise BadMessage(f"the header lists {len(rows)} buffers and {len(parts)} parts follow; at most {BUFFERS} may")
    arrays: dict[str, Array] = {}
    for row, part in zip(rows, parts, strict=True):
        name, dtype, shape = _buffer_row(row)
        if name in arrays:
            raise BadMessage(f"two buffers are called {name!r}")
        size = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
        if size != len(part) or size > PART_BYTES:
            raise BadMessage(
                f"buffer {name!r} of {dtype} and shape {shape} takes {size} bytes (at most {PART_BYTES}); "
                f"its part has {len(part)}"
            )
        array = np.frombuffer(part, DTYPES[dtype]).reshape(shape)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BadMessage(f"buffer {name!r} holds NaN or infinity; every number on the wire is finite")
        arrays[name] = array
    return arrays


def _buffer_row(row: object) -> tuple[str, str, tuple[int, ...]]:
    if not isinstance(row, dict):
        raise BadMessage(f"each entry of 'buffers' must be an object; got {_short(row)}")
    entry = cast(dict[str, Any], row)
    name: object = entry.get("name")
    dtype: object = entry.get("dtype")
    shape: object = entry.get("shape")
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        raise BadMessage(f"a buffer's 'name' must be a text of 1 to 64 characters; got {_short(name)}")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise BadMessage(f"buffer {_short(name)}: 'dtype' must be one of {', '.join(DTYPES)}; got {_short(dtype)}")
    if not isinstance(shape, list) or len(cast(list[object], shape)) > AXES:
        raise BadMessage(f"buffer {_short(name)}: 'shape' must be a list of at most {AXES} sizes; got {_short(entry)}")
    sizes: list[int] = []
    for size in cast(list[object], shape):
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= PART_BYTES:
            raise BadMessage(f"buffer {_short(name)}: a size must be a whole number from 0; got {_short(size)}")
        sizes.append(size)
    return name, dtype, tuple(sizes)


def _refuse_strange(value: object, where: str) -> None:
    """Raises BadMessage for a number that is not finite or a text that is not Unicode, naming the field."""
    if isinstance(value, dict):
        for key, inner in cast(dict[str, object], value).items():
            _refuse_strange(key, where)
            _refuse_strange(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, (list, tuple)):
        for inner in cast(Sequence[object], value):
            _refuse_strange(inner, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadMessage(f"field {_short(where)} must be a finite number; got {value}")
    elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadMessage(f"field {_short(where)} holds half a surrogate pair; texts are Unicode")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True)
class Fields:
    """The header and buffers of one envelope, read field by field; each reader raises BadMessage naming the field."""

    envelope: Envelope

    def __post_init__(self) -> None:
        _refuse_strange(self.envelope.header, "")

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without `default` it must be there."""
        value = self.envelope.header.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "a text", value)
        return value

    def name(self, name: str) -> str:
        """An id: 1 to 64 letters, digits, dots, underscores, hyphens."""
        value = self.text(name)
        if not ID.fullmatch(value):
            raise self._wrong(name, "1 to 64 letters, digits, '.', '_' or '-'", value)
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number of at most 53 bits."""
        value = self.envelope.header.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number", value)
        if not -(2**53) <= value <= 2**53:
            raise self._wrong(name, "a whole number of at most 53 bits", value)
        return value

    def number(self, name: str) -> float:
        """A finite number."""
        value = self.envelope.header.get(name)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) <= 2**53:
            raise self._wrong(name, "a number", value)
        return float(value)

    def whole_or_none(self, name: str) -> int | None:
        """A whole number, or None where the field is absent or null."""
        return None if self.envelope.header.get(name) is None else self.whole(name)

    def number_or_none(self, name: str) -> float | None:
        """A finite number, or None where the field is absent or null."""
        return None if self.envelope.header.get(name) is None else self.number(name)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.envelope.header.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value: object = self.envelope.header.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in cast(list[object], value)):
            raise self._wrong(name, "a list of texts", cast(object, value))
        return tuple(cast(list[str], value))

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        value = self.envelope.header.get(name)
        if not isinstance(value, list) or not all(type(item) is int for item in cast(list[object], value)):
            raise self._wrong(name, "a list of whole numbers", cast(object, value))
        return tuple(cast(list[int], value))

    def inner(self, name: str) -> Fields:
        """The fields of an object inside the header."""
        return self._within(name, self.envelope.header.get(name))

    def inners(self, name: str) -> list[Fields]:
        """The fields of each object of a list."""
        value = self.envelope.header.get(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list of objects", value)
        return [self._within(name, item) for item in cast(list[object], value)]

    def array(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> Array:
        """A buffer of this dtype and shape; None in `shape` stands for any size."""
        array = self.envelope.buffers.get(name)
        if array is None:
            raise BadMessage(f"{self.envelope.kind!r} lacks the buffer {name!r}")
        fits = len(array.shape) == len(shape) and all(
            want in (None, got) for want, got in zip(shape, array.shape, strict=True)
        )
        if array.dtype != np.dtype(DTYPES[dtype]) or not fits:
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise BadMessage(
                f"buffer {name!r} of {self.envelope.kind!r} must be {dtype} of shape ({wanted}); "
                f"got {array.dtype.name} of shape {array.shape}"
            )
        return array

    def has(self, name: str) -> bool:
        """Whether a buffer of this name came along."""
        return name in self.envelope.buffers

    def _within(self, name: str, value: object) -> Fields:
        if not isinstance(value, dict):
            raise self._wrong(name, "an object", value)
        return Fields(Envelope(f"{self.envelope.kind}.{name}", cast(dict[str, Any], value), {}))

    def _wrong(self, name: str, wanted: str, got: object) -> BadMessage:
        return BadMessage(f"field {name!r} of {self.envelope.kind!r} must be {wanted}; got {_short(got)}")
