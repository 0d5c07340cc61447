"""Settings: TOML tables -> frozen dataclasses. Unknown keys, missing keys and wrong types are errors with a name.

What a setting means stands as a text under its field, from where help and pages have it too.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import tomllib
import types
import typing
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from motion.errors import BadConfig

T = TypeVar("T")


def read(path: Path) -> dict[str, Any]:
    """A TOML file as nested tables. Raises BadConfig naming file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfig(f"{path} cannot be opened ({error.strerror}); give the path of a .toml file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} is no valid TOML: {error}") from error


def build(kind: type[T], table: dict[str, Any], where: str = "") -> T:
    """A dataclass from a table; nested dataclasses from nested tables, lists become tuples. Raises BadConfig."""
    assert dataclasses.is_dataclass(kind)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise BadConfig(f"unknown setting {where + unknown[0]!r}; known here: {', '.join(fields)}")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(hints[name], table[name], where + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BadConfig(f"setting {where + name!r} is missing")
    return kind(**values)


def notes(kind: type) -> dict[str, str]:
    """What the text under each field of a dataclass says, in one line; fields without one are left out."""
    found: dict[str, str] = {}
    for one in reversed([one for one in kind.__mro__ if dataclasses.is_dataclass(one)]):
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        assert isinstance(tree, ast.ClassDef)
        for line, below in pairwise(tree.body):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found[ast.unparse(line.target)] = " ".join(str(below.value.value).split())
    return found


def _value(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        kinds = [one for one in typing.get_args(kind) if one is not type(None)]
        return None if value is None and type(None) in typing.get_args(kind) else _value(kinds[0], value, where)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise BadConfig(f"setting {where!r} must be a table, got {value!r}")
        return build(kind, typing.cast("dict[str, Any]", value), where + ".")
    if origin is dict:
        if not isinstance(value, dict):
            raise BadConfig(f"setting {where!r} must be a table, got {value!r}")
        table, inner = typing.cast("dict[str, Any]", value), typing.get_args(kind)[1]
        return table if inner is Any else {name: _value(inner, one, f"{where}.{name}") for name, one in table.items()}
    if origin is tuple:
        if not isinstance(value, list):
            raise BadConfig(f"setting {where!r} must be a list, got {value!r}")
        inner = typing.get_args(kind)[0]
        return tuple(_value(inner, one, where) for one in typing.cast("list[Any]", value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if origin is typing.Literal:
        if value not in typing.get_args(kind):
            raise BadConfig(
                f"setting {where!r} must be one of {', '.join(map(repr, typing.get_args(kind)))}, got {value!r}"
            )
        return value
    plain = typing.cast(type, kind)
    if not isinstance(value, plain) or (plain is not bool and isinstance(value, bool)):
        raise BadConfig(f"setting {where!r} must be {plain.__name__}, got {value!r}")
    return value
