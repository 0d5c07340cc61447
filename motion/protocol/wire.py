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
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadMessage, BadVersion

MAGIC: Final = b"MOTUS\0"
VERSION: Final = (1, 2)
HEADER_BYTES: Final = 65_536
PART_BYTES: Final = 4 * 2**20
BUFFERS: Final = 16
AXES: Final = 4
DEPTH: Final = 8
"""levels of objects and lists inside a header"""
ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
DTYPES: Final[Mapping[str, str]] = {"f32": "<f4", "f64": "<f8", "i32": "<i4", "i64": "<i8", "u8": "|u1"}

Array = NDArray[Any]
_NUMPY: Final = {name: np.dtype(code) for name, code in DTYPES.items()}
_NAMES: Final = {dtype: name for name, dtype in _NUMPY.items()}
_JSON: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


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
        dtype = _NAMES.get(array.dtype)
        if dtype is None:
            raise BadMessage(f"buffer {name!r} holds {array.dtype}; the wire carries {', '.join(DTYPES)}")
        _refuse_infinite(name, array)
        table.append({"name": name, "dtype": dtype, "shape": list(array.shape)})
        parts.append(array.tobytes())
    content: dict[str, Any] = {"kind": kind, **header}
    if table:
        content["buffers"] = table
    try:
        text = _JSON.encode(content).encode()
    except ValueError:  # NaN, or half a surrogate pair: say where
        _refuse_strange(content)
        raise
    if len(text) > HEADER_BYTES:
        raise BadMessage(f"the header of {kind!r} would take {len(text)} bytes; at most {HEADER_BYTES} are allowed")
    return [MAGIC + bytes(VERSION), text, *parts]


def renamed(parts: Sequence[bytes], old: str, new: str) -> list[bytes]:
    """A message that `seal` made, under another id."""
    header = parts[1].replace(f'"id":"{old}"'.encode(), f'"id":"{new}"'.encode(), 1)  # ids need no escapes
    return [parts[0], header, *parts[2:]]


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
        raise BadMessage(f"the header must be a JSON object; got a {type(header).__name__}")
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
        size = math.prod(shape) * _NUMPY[dtype].itemsize
        if size != len(part) or math.prod(max(side, 1) for side in shape) > PART_BYTES:
            raise BadMessage(
                f"buffer {name!r} of {dtype} and shape {shape} takes {size} bytes (at most {PART_BYTES}); "
                f"its part has {len(part)}"
            )
        array = np.frombuffer(part, _NUMPY[dtype]).reshape(shape)
        _refuse_infinite(name, array)
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


def _refuse_infinite(name: str, array: Array) -> None:
    if array.dtype.kind != "f" or math.isfinite(np.add.reduce(array, axis=None)):  # which NaN and infinity survive
        return
    if not np.isfinite(array).all():
        raise BadMessage(f"buffer {name!r} holds NaN or infinity; every number on the wire is finite")


def _refuse_strange(value: object) -> None:
    """Raises BadMessage for what JSON can hold and the wire does not carry, naming the field: a number that is not
    finite, a text that is not Unicode, objects within objects within objects."""
    waiting: list[tuple[object, str, int]] = [(value, "", 0)]  # no recursion: a header may be as deep as it likes
    while waiting:
        value, where, depth = waiting.pop()
        if depth > DEPTH:
            raise BadMessage(f"field {where[:60]!r} is nested deeper than {DEPTH} levels")
        inside: Iterable[tuple[object, object]]
        if isinstance(value, dict):
            inside = cast(dict[object, object], value).items()
            for key in cast(dict[str, object], value):
                _refuse_half(key, where)
        else:
            inside = ((where, inner) for inner in cast(Sequence[object], value))
        for key, inner in inside:
            name = f"{where[:60]}.{key}" if where and isinstance(value, dict) else str(key)
            if isinstance(inner, str):
                _refuse_half(inner, name)
            elif isinstance(inner, float):
                if not math.isfinite(inner):
                    raise BadMessage(f"field {_short(name)} must be a finite number; got {inner}")
            elif isinstance(inner, (dict, list, tuple)):
                waiting.append((cast(object, inner), name, depth + 1))


def _refuse_half(text: str, where: str) -> None:
    if not text.isascii() and _SURROGATE.search(text):
        raise BadMessage(f"field {_short(where)} holds half a surrogate pair; texts are Unicode")


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, (str, int, float)) else reprlib.repr(value)  # which never goes deep
    return text if len(text) <= 60 else text[:57] + "..."


class Fields:
    """The header and buffers of one envelope, read field by field; each reader raises BadMessage naming the field.

    `prefix` begins the names of buffers that belong to an object inside the header.
    """

    def __init__(self, envelope: Envelope, prefix: str = "") -> None:
        if not prefix:
            _refuse_strange(envelope.header)
        self.envelope = envelope
        self._prefix = prefix
        self._sizes: dict[str, int] = {}  # what letters of shapes stand for, as far as it is known

    def has(self, name: str) -> bool:
        """Whether a field of this name came along and is not null."""
        return self.envelope.header.get(name) is not None

    def has_array(self, name: str) -> bool:
        """Whether a buffer of this name came along."""
        return self._prefix + name in self.envelope.buffers

    def text(self, name: str) -> str:
        """A text."""
        value = self.envelope.header.get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text", value)
        return value

    def name(self, name: str) -> str:
        """An id: 1 to 64 letters, digits, dots, underscores, hyphens."""
        value = self.text(name)
        if not ID.fullmatch(value):
            raise self._wrong(name, "1 to 64 letters, digits, '.', '_' or '-'", value)
        return value

    def whole(self, name: str, least: int = -(2**53)) -> int:
        """A whole number of at most 53 bits."""
        return self._whole(name, self.envelope.header.get(name), least)

    def number(self, name: str) -> float:
        """A finite number."""
        return self._number(name, self.envelope.header.get(name))

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.envelope.header.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self._list(name, "a list of texts")
        if not all(isinstance(item, str) for item in values):
            raise self._wrong(name, "a list of texts", values)
        return tuple(cast(list[str], values))

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        return tuple(self._whole(name, item, -(2**53)) for item in self._list(name, "a list of whole numbers"))

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        return tuple(self._number(name, item) for item in self._list(name, "a list of numbers"))

    def inner(self, name: str) -> Fields:
        """The fields of an object inside the header, which need not have it where it consists of buffers alone."""
        value = self.envelope.header.get(name)
        return self._within(name, {} if value is None and self.has_inner(name) else value)

    def has_inner(self, name: str) -> bool:
        """Whether an object of this name came along, in the header or as buffers."""
        start = f"{self._prefix}{name}."
        return self.has(name) or any(buffer.startswith(start) for buffer in self.envelope.buffers)

    def inners(self, name: str) -> list[Fields]:
        """The fields of each object of a list."""
        return [self._within(name, item) for item in self._list(name, "a list of objects")]

    def array(self, name: str, dtype: str, shape: tuple[int | str, ...]) -> Array:
        """A buffer of this dtype and shape. A letter in `shape` is any size, but the same wherever it stands."""
        label = self._prefix + name
        array = self.envelope.buffers.get(label)
        if array is None:
            raise BadMessage(f"{self.envelope.kind!r} lacks the buffer {label!r}")
        known = [self._sizes.get(size) if isinstance(size, str) else size for size in shape]
        fits = array.dtype == _NUMPY[dtype] and len(array.shape) == len(shape)
        fits = fits and all(want in (None, got) for want, got in zip(known, array.shape, strict=True))
        if not fits:
            wanted = ", ".join(str(self._sizes.get(size, size) if isinstance(size, str) else size) for size in shape)
            raise BadMessage(
                f"buffer {label!r} of {self.envelope.kind!r} must be {dtype} of shape ({wanted}); got "
                f"{array.dtype.name} of shape {array.shape}"
            )
        self._sizes.update((size, got) for size, got in zip(shape, array.shape, strict=True) if isinstance(size, str))
        return array

    def measure(self, name: str, size: int | str, length: int) -> None:
        """Hold a list of `length` to the size it must have: a number, or what a letter stands for elsewhere."""
        wanted = size if isinstance(size, int) else self._sizes.setdefault(size, length)
        if wanted != length:
            raise BadMessage(f"field {name!r} of {self.envelope.kind!r} has {length} entries where {wanted} are due")

    def _list(self, name: str, wanted: str) -> list[object]:
        value: object = self.envelope.header.get(name)
        if not isinstance(value, list):
            raise self._wrong(name, wanted, value)
        return cast(list[object], value)

    def _whole(self, name: str, value: object, least: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number", value)
        if not -(2**53) <= value <= 2**53:
            raise self._wrong(name, "a whole number of at most 53 bits", value)
        if value < least:
            raise self._wrong(name, f"a whole number from {least}", value)
        return value

    def _number(self, name: str, value: object) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) <= 2**53:
            raise self._wrong(name, "a number", value)
        return float(value)

    def _within(self, name: str, value: object) -> Fields:
        if not isinstance(value, dict):
            raise self._wrong(name, "an object", value)
        envelope = Envelope(f"{self.envelope.kind}.{name}", cast(dict[str, Any], value), self.envelope.buffers)
        return Fields(envelope, f"{self._prefix}{name}.")

    def _wrong(self, name: str, wanted: str, got: object) -> BadMessage:
        return BadMessage(f"field {name!r} of {self.envelope.kind!r} must be {wanted}; got {_short(got)}")
