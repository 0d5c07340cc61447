"""A bundle: the folder in which the factory hands a trained system to the service.

`bundle.toml` says what it is and holds the SHA-256 of every other file; the files lie beside it, none in a folder
below. `load` refuses a bundle that is missing, incomplete, altered or newer than this program; `write` hashes what
lies in a folder and writes its `bundle.toml`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np

from motion import toml
from motion.errors import BadBundle, MotionError
from motion.protocol import Task
from motion.skeleton import Skeleton

T = TypeVar("T")

FORMAT: Final = 1
MANIFEST: Final = "bundle.toml"
INPUTS: Final = ("text", "seconds", "past", "future", "motion")
"""what a task can need: fields of the protocol's Generate"""


@dataclass(frozen=True)
class Corpus:
    """A body of data the weights were made from."""

    name: str
    licence: str


@dataclass(frozen=True)
class Backbone:
    """The language model the adapters stand on, which the bundle does not carry."""

    name: str
    package: str
    """the distribution that holds `file`, or "" """
    file: str
    sha256: str


@dataclass(frozen=True)
class Tokens:
    """Facts about the motion tokens that the service needs to turn codes into frames."""

    codes: int
    frames_per_token: int
    context: int
    """tokens before a window that its frames still depend on: the decoder's reach to the left"""
    lookahead: int
    """tokens after a window that are waited for before its frames go out"""
    refiner_steps: int
    """Euler steps unrolled in refiner.onnx, 0 where there is none"""


@dataclass(frozen=True)
class Manifest:
    """What `bundle.toml` says."""

    name: str
    version: str
    licence: str
    command: str
    """the command that made it"""
    skeleton: Skeleton
    layout: str
    """name of the feature layout"""
    fps: float
    tokens: Tokens
    backbone: Backbone
    data: tuple[Corpus, ...]
    tasks: tuple[Task, ...]
    vocabulary: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """numbers and texts that `runtime.language.llm` reads: first motion token, special tokens, adapter rank ..."""
    metrics: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """figures measured when it was packed, tables by name"""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """SHA-256 of every file, by name"""

    def task(self, name: str) -> Task | None:
        """The task of this name, or None."""
        return next((task for task in self.tasks if task.name == name), None)


@dataclass(frozen=True)
class Bundle:
    """A verified bundle on disk."""

    folder: Path
    manifest: Manifest

    def path(self, file: str) -> Path:
        """Where a file of the bundle lies. Raises BadBundle where the manifest does not list it."""
        if file not in self.manifest.files:
            raise BadBundle(f"bundle {self.manifest.name!r} has no {file}; it holds {', '.join(self.manifest.files)}")
        return self.folder / file

    def has(self, file: str) -> bool:
        """Whether the manifest lists this file."""
        return file in self.manifest.files


def load(folder: str | Path) -> Bundle:
    """Read and verify a bundle. Raises BadBundle with one sentence for whatever is wrong with it."""
    folder = Path(folder)
    text = _manifest_text(folder)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadBundle(f"{folder / MANIFEST} is not TOML: {error}; copy the bundle afresh") from error
    if table.get("format") != FORMAT:
        raise BadBundle(
            f"{folder} is a bundle of format {table.get('format')!r} and this program reads format {FORMAT}: "
            + ("update the program" if _newer(table.get("format")) else "pack the bundle again with export.pack")
        )
    try:
        manifest = _manifest(table)
    except (KeyError, TypeError, ValueError, MotionError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is wrong: {error}"
        raise BadBundle(f"{folder / MANIFEST} {what}; pack the bundle again with export.pack") from error
    for name, sha256 in manifest.files.items():
        _verify(folder, name, sha256)
    return Bundle(folder, manifest)


def write(folder: str | Path, manifest: Manifest) -> Bundle:
    """Hash every file in `folder`, write its `bundle.toml`, and return the bundle as `load` reads it."""
    folder = Path(folder)
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != MANIFEST)
    manifest = replace(manifest, files={name: sha256(folder / name) for name in names})
    (folder / MANIFEST).write_text(toml.dumps(_table(manifest)), encoding="utf-8", newline="\n")
    return load(folder)


def sha256(path: Path) -> str:
    """A file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest_text(folder: Path) -> str:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise BadBundle(f"there is no bundle at {folder}; give the name of a shipped bundle or a bundle's folder")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadBundle(f"{folder} has no {MANIFEST}; a bundle is a folder that export.pack made") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadBundle(f"{path} cannot be read: {error}") from error


def _newer(version: object) -> bool:
    return isinstance(version, int) and version > FORMAT


def _verify(folder: Path, name: str, wanted: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise BadBundle(f"{folder / MANIFEST} lists {name!r}; files of a bundle lie beside it under plain names")
    try:
        got = sha256(folder / name)
    except FileNotFoundError as error:
        raise BadBundle(f"bundle {folder} lacks {name}; copy the bundle afresh") from error
    except OSError as error:
        raise BadBundle(f"{folder / name} cannot be read: {error}") from error
    if got != wanted:
        raise BadBundle(
            f"{folder / name} was altered or damaged: its SHA-256 is {got[:12]}... and the manifest says "
            f"{wanted[:12]}...; copy the bundle afresh"
        )


def _manifest(table: dict[str, Any]) -> Manifest:
    skeleton = table["skeleton"]
    return Manifest(
        name=_of(str, table["name"]),
        version=_of(str, table["version"]),
        licence=_of(str, table["licence"]),
        command=_of(str, table["command"]),
        skeleton=Skeleton(
            name=_of(str, skeleton["name"]),
            joints=tuple(skeleton["joints"]),
            parents=tuple(skeleton["parents"]),
            offsets=np.asarray(skeleton["offsets"], np.float32).reshape(-1, 3),
        ),
        layout=_of(str, table["layout"]),
        fps=float(table["fps"]),
        tokens=Tokens(**{key: _of(int, value) for key, value in table["tokens"].items()}),
        backbone=Backbone(**{key: _of(str, value) for key, value in table["backbone"].items()}),
        data=tuple(Corpus(_of(str, row["name"]), _of(str, row["licence"])) for row in table["data"]),
        tasks=tuple(_task(row) for row in table["tasks"]),
        vocabulary=cast(dict[str, Any], _of(dict, table.get("vocabulary", {}))),
        metrics=cast(dict[str, Any], _of(dict, table.get("metrics", {}))),
        files={_of(str, name): _of(str, value) for name, value in table["files"].items()},
    )


def _task(row: dict[str, Any]) -> Task:
    task = Task(row["name"], tuple(row["needs"]), tuple(row["optional"]), row["gives"])
    strange = [name for name in task.needs + task.optional if name not in INPUTS]
    if strange or task.gives not in ("motion", "text"):
        raise BadBundle(f"task {task.name!r} speaks of {strange or task.gives!r}, which this program does not know")
    return task


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} should be a {kind.__name__}")
    return value


def _table(manifest: Manifest) -> dict[str, Any]:
    skeleton = manifest.skeleton
    return {
        "format": FORMAT,
        "name": manifest.name,
        "version": manifest.version,
        "licence": manifest.licence,
        "command": manifest.command,
        "layout": manifest.layout,
        "fps": manifest.fps,
        "tokens": vars(manifest.tokens),
        "backbone": vars(manifest.backbone),
        "skeleton": {
            "name": skeleton.name,
            "joints": list(skeleton.joints),
            "parents": list(skeleton.parents),
            "offsets": [[float(str(metres)) for metres in offset] for offset in skeleton.offsets],
        },
        "data": [vars(corpus) for corpus in manifest.data],
        "tasks": [
            {"name": task.name, "needs": list(task.needs), "optional": list(task.optional), "gives": task.gives}
            for task in manifest.tasks
        ],
        "vocabulary": manifest.vocabulary,
        "metrics": manifest.metrics,
        "files": manifest.files,
    }
