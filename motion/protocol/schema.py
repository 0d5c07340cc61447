"""Messages as frozen dataclasses: what travels of each field, read off its annotation.

    id: Id                                      header, a text of the form of an id
    frames: Count                               header, a whole number from 0; int is any whole number
    seconds: float | None = None                header, may be absent; absent and null are the same
    limits: Limits                              header, an object; its own dataclass says what is in it
    root: Annotated[Float, Shape("T", 3)]       a buffer of float32; T is the same wherever it stands in the message
    joints: Annotated[tuple[str, ...], Shape("J")]      header, a list as long as J

A dataclass inside a message that has arrays brings them as buffers named `field.array`. Fields with a default may be
absent; those that a minor version added are marked with it, and do not travel at their default. Readers in other
languages are generated from `fields_of`.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from motion.protocol.wire import Array, Fields

M = TypeVar("M")
Float = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """The sizes of a buffer, or the length of a list; a letter stands for one size throughout a message."""

    sizes: tuple[int | str, ...]

    def __init__(self, *sizes: int | str) -> None:
        object.__setattr__(self, "sizes", sizes)


@dataclass(frozen=True)
class Mark:
    """What else is asked of a field."""

    name: str


@dataclass(frozen=True)
class Since:
    """The minor version that added a field."""

    minor: int


ID: Final = Mark("id")
COUNT: Final = Mark("count")
Id = Annotated[str, ID]
"""1 to 64 letters, digits, dots, underscores, hyphens"""
Count = Annotated[int, COUNT]
"""a whole number from 0"""


@dataclass(frozen=True)
class Field:
    """One field of a message, as it travels."""

    name: str
    kind: str
    """id, text, whole, count, number, flag, texts, wholes, numbers, object, objects, or array"""
    optional: bool
    default: Any
    shape: tuple[int | str, ...]
    """of an array; of a list, its length where the message ties it to others"""
    inner: type | None
    """the dataclass of an object, or of each of the objects"""
    since: int
    """the minor version that added it"""


@cache
def fields_of(kind: type) -> tuple[Field, ...]:
    """The fields of a message's dataclass in their order."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple(_field(field, hints[field.name]) for field in dataclasses.fields(kind))


def read(kind: type[M], fields: Fields) -> M:
    """The message in `fields`. Raises BadMessage naming the field that is wrong."""
    return kind(**{field.name: _read(field, fields) for field in fields_of(kind)})


def write(message: object) -> tuple[dict[str, Any], dict[str, Array]]:
    """The header fields and buffers of a message. What is None does not travel."""
    header: dict[str, Any] = {}
    buffers: dict[str, Array] = {}
    for field in fields_of(type(message)):
        name, kind = field.name, field.kind
        value = getattr(message, name)
        if value is None:
            continue
        if kind == "array":
            buffers[name] = np.asarray(value, np.float32)
        elif kind == "object":
            inner, arrays = write(value)
            if inner:
                header[name] = inner
            buffers.update((f"{name}.{label}", array) for label, array in arrays.items())
        elif kind == "objects":
            header[name] = [write(one)[0] for one in value]
        elif not (field.since and value == field.default):
            header[name] = value
    return header, buffers


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    kind, marks = _unwrapped(hint)
    shape = next((mark.sizes for mark in marks if isinstance(mark, Shape)), ())
    since = next((mark.minor for mark in marks if isinstance(mark, Since)), 0)
    name, inner = _kind(kind, marks)
    optional = field.default is not dataclasses.MISSING
    assert optional or not since, f"{field.name} was added in a minor version and needs a default"
    return Field(field.name, name, optional, field.default if optional else None, shape, inner, since)


def _unwrapped(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type itself and its marks, out of `Annotated` and `| None` in whatever order."""
    marks: tuple[Any, ...] = ()
    while True:
        if typing.get_origin(hint) is Annotated:
            hint, *more = typing.get_args(hint)
            marks += tuple(more)
        elif typing.get_origin(hint) in (typing.Union, types.UnionType):
            hint = next(one for one in typing.get_args(hint) if one is not type(None))
        else:
            return hint, marks


_PLAIN: Final[Mapping[Any, str]] = {str: "text", int: "whole", float: "number", bool: "flag"}


def _kind(kind: Any, marks: tuple[Any, ...]) -> tuple[str, type | None]:
    for mark in (ID, COUNT):
        if mark in marks:
            return mark.name, None
    if kind in _PLAIN:
        return _PLAIN[kind], None
    if typing.get_origin(kind) is tuple:
        one = typing.get_args(kind)[0]
        return (f"{_PLAIN[one]}s", None) if one in _PLAIN else ("objects", cast(type, one))
    if dataclasses.is_dataclass(kind):
        return "object", cast(type, kind)
    assert typing.get_origin(kind) is np.ndarray, f"{kind} does not travel"
    return "array", None


def _read(field: Field, fields: Fields) -> Any:
    name = field.name
    if field.optional and not _came(field, fields):
        return field.default
    match field.kind:
        case "id":
            return fields.name(name)
        case "text":
            return fields.text(name)
        case "whole":
            return fields.whole(name)
        case "count":
            return fields.whole(name, least=0)
        case "number":
            return fields.number(name)
        case "flag":
            return fields.flag(name)
        case "object":
            return read(cast("type[object]", field.inner), fields.inner(name))
        case "objects":
            return tuple(read(cast("type[object]", field.inner), one) for one in fields.inners(name))
        case "array":
            return fields.array(name, "f32", field.shape)
        case _:
            return _list(field, fields)


def _list(field: Field, fields: Fields) -> tuple[Any, ...]:
    readers = {"texts": fields.texts, "wholes": fields.wholes, "numbers": fields.numbers}
    values = readers[field.kind](field.name)
    for size in field.shape:
        fields.measure(field.name, size, len(values))
    return values


def _came(field: Field, fields: Fields) -> bool:
    if field.kind == "array":
        return fields.has_array(field.name)
    return fields.has_inner(field.name) if field.kind == "object" else fields.has(field.name)
