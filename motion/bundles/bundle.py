"""A bundle: the folder in which the factory hands a trained system to the service.

`bundle.toml` says what it is and holds the SHA-256 of every other file; the files lie beside it, none in a folder
below. `load` refuses a bundle that is missing, incomplete, altered or newer than this program; `write` hashes what
lies in a folder and writes its `bundle.toml`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from motion.bundles.manifest import Manifest
from motion.bundles.manifest_file import check_format, manifest_of, text_of
from motion.errors import BadBundle, MotionError

MANIFEST: Final = "bundle.toml"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle on disk."""

    folder: Path
    manifest: Manifest

    def path(self, file: str | None) -> Path:
        """Where a file of the bundle lies. Raises BadBundle where the manifest does not list it, or names none."""
        if file is None or file not in self.manifest.files:
            held = ", ".join(self.manifest.files)
            raise BadBundle(f"bundle {self.manifest.name!r} has no {file or 'such file'}; it holds {held}")
        return self.folder / file


def load(folder: str | Path) -> Bundle:
    """Read and verify a bundle. Raises BadBundle with one sentence for whatever is wrong with it."""
    folder = Path(folder)
    text = _manifest_text(folder)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadBundle(f"{folder / MANIFEST} is not TOML: {error}; copy the bundle afresh") from error
    check_format(table, folder)
    try:
        manifest = manifest_of(table)
    except (AttributeError, KeyError, TypeError, ValueError, MotionError) as error:
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
    (folder / MANIFEST).write_text(text_of(manifest), encoding="utf-8", newline="\n")
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
