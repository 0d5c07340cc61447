"""Writing TOML, which the standard library only reads.

Texts, whole numbers, finite numbers, booleans, lists of these, tables, and lists of tables: what a manifest needs.
`tomllib.loads(dumps(table)) == table` for every such table.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, cast

from motion.errors import BadConfig


def dumps(table: Mapping[str, Any]) -> str:
    """`table` as TOML, plain values first, tables after them. Raises BadConfig for a value TOML cannot hold."""
    return "\n".join(_section(table, ())).lstrip("\n") + "\n"


def _section(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not _is_section(value)]
    for key, value in table.items():
        if not _is_section(value):
            continue
        inner = (*path, key)
        name = ".".join(_key(part) for part in inner)
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]", *_section(cast(Mapping[str, Any], value), inner)]
        else:
            for row in cast(list[Mapping[str, Any]], value):
                lines += ["", f"[[{name}]]", *_section(row, inner)]
    return lines


def _is_section(value: object) -> bool:
    if isinstance(value, list):
        items = cast(list[object], value)
        return bool(items) and all(isinstance(item, Mapping) for item in items)
    return isinstance(value, Mapping)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's escapes are a subset of TOML's


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in cast(list[object], value)) + "]"
    raise BadConfig(f"TOML here holds texts, finite numbers, booleans, lists and tables; got {value!r}")
