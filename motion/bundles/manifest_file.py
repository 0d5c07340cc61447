"""`bundle.toml`: a manifest as TOML, and back from every format there was.

Format 2 has a table for each dataclass of `motion.bundles.manifest`: `[[tokenizers]]` and `[[engines]]` by name, each
with its own layout, rate, skeleton and files, and `[language]` with what the bundle brings to its language model.
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np

from motion import config, toml
from motion.bundles import format_1
from motion.bundles.manifest import Manifest, PackedEngine, PackedTokenizer
from motion.errors import BadBundle
from motion.skeleton import Skeleton

Row = TypeVar("Row", PackedTokenizer, PackedEngine)
FORMAT: Final = 2


def check_format(table: dict[str, Any], where: Path) -> None:
    """Raises BadBundle for a `bundle.toml` of a format that this program does not read; where: the bundle's folder."""
    version = table.get("format")
    if type(version) is not int or version not in (1, FORMAT):
        newer = isinstance(version, int) and version > FORMAT
        raise BadBundle(
            f"{where} is a bundle of format {version!r} and this program reads formats 1 and {FORMAT}: "
            + ("update the program" if newer else "pack the bundle again with export.pack")
        )


def manifest_of(table: dict[str, Any]) -> Manifest:
    """The manifest that a `bundle.toml` of a known format tells. Raises KeyError for what is missing, TypeError,
    ValueError or MotionError for what is wrong."""
    table = format_1.upgraded(table) if table["format"] == 1 else {**table}
    table.pop("format", None)
    tokenizers = _rows(PackedTokenizer, table["tokenizers"], "tokenizers")
    engines = _rows(PackedEngine, table.get("engines", []), "engines")
    plain = config.build(Manifest, {**table, "tokenizers": [], "engines": []})
    manifest = replace(plain, tokenizers=tokenizers, engines=engines)
    manifest.check()
    return manifest


def text_of(manifest: Manifest) -> str:
    """The manifest as the text of a `bundle.toml`."""
    return toml.dumps({"format": FORMAT, **_table(manifest)})


def _rows(kind: type[Row], rows: Any, where: str) -> tuple[Row, ...]:
    """Tokenizers or engines; their skeletons hold arrays, which are no settings."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in cast("list[Any]", rows)):
        raise BadBundle(f"{where!r} must be tables, each under [[{where}]]")
    found: list[Row] = []
    for row in cast("list[dict[str, Any]]", rows):
        built = config.build(kind, {name: row[name] for name in row if name != "skeleton"}, f"{where}.")
        found.append(replace(built, skeleton=_skeleton(row["skeleton"])) if "skeleton" in row else built)
    return tuple(found)


def _skeleton(row: dict[str, Any]) -> Skeleton:
    return Skeleton(
        name=str(row["name"]),
        joints=tuple(row["joints"]),
        parents=tuple(row["parents"]),
        offsets=np.asarray(row["offsets"], np.float32).reshape(-1, 3),
    )


def _table(value: object) -> Any:
    """A dataclass as a table, and what is in it; fields that hold their default None or () are left out."""
    if isinstance(value, Skeleton):
        offsets = [[float(str(metres)) for metres in offset] for offset in value.offsets]
        return {"name": value.name, "joints": list(value.joints), "parents": list(value.parents), "offsets": offsets}
    if dataclasses.is_dataclass(value):
        held = {field.name: (getattr(value, field.name), field.default) for field in dataclasses.fields(value)}
        return {
            name: _table(inner)
            for name, (inner, default) in held.items()
            if not ((inner is None or inner == ()) and inner == default)
        }
    if isinstance(value, tuple):
        return [_table(inner) for inner in cast("tuple[object, ...]", value)]
    if isinstance(value, dict):
        return {name: _table(inner) for name, inner in cast("dict[str, object]", value).items()}
    return value
