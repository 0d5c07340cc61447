"""Builds the Unity package: `python -m tools.build_unity --out dist/` writes dev.motus.bridge-VERSION.tgz.

The tarball is what npm packs: Unity's Package Manager installs it from disk, and `npm publish` takes it as it is. The
native libraries are those of unity_bridge/Runtime/Plugins, or taken anew out of pyzmq's wheels with --fresh. The same
sources give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import motion
from motion.errors import BadFile, MotionError
from tools.unity import meta, plugins

PACKAGE = meta.PACKAGE
_DATE = 1767225600  # 2026-01-01


def build(out: Path, fresh: bool = False) -> Path:
    """The tarball. Raises BadFile where the package is not whole, MissingPart where a wheel cannot be had."""
    check()
    files = dict(contents())
    if fresh:
        with tempfile.TemporaryDirectory() as folder:
            plugins.make(Path(folder))
            files |= {f"Runtime/Plugins/{name}": body for name, body in _files(Path(folder))}
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{meta.NAME}-{motion.__version__}.tgz"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, body in sorted(files.items()):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mtime, entry.mode = len(body), _DATE, 0o644
            tar.addfile(entry, io.BytesIO(body))
    path.write_bytes(gzip.compress(packed.getvalue(), 6, mtime=_DATE))
    return path


def check() -> None:
    """Raises BadFile for a package whose version is another, whose .meta files do not fit, or that lacks a library."""
    manifest = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    if manifest["version"] != motion.__version__:
        raise BadFile(
            f"it is of version {manifest['version']} and motus {motion.__version__}", str(PACKAGE / "package.json")
        )
    metas = set(meta.wanted())
    there = set(PACKAGE.rglob("*.meta"))
    if metas != there:
        odd = min(metas ^ there).relative_to(PACKAGE)
        raise BadFile(f"{odd} is missing or stray; run python -m tools.unity.meta", str(PACKAGE))
    for platform in plugins.PLATFORMS:
        for _, name in platform.files:
            if not (plugins.FOLDER / platform.folder / name).is_file():
                raise BadFile(f"{name} is missing; run python -m tools.unity.plugins", str(plugins.FOLDER))


def contents() -> Iterator[tuple[str, bytes]]:
    """Everything that goes in: (path in the package, bytes)."""
    yield from _files(PACKAGE)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_unity", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("dist"), help="where the tarball goes (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="take the native libraries out of pyzmq's wheels anew")
    options = parser.parse_args(arguments)
    try:
        path = build(options.out, options.fresh)
    except MotionError as error:
        print(f"tools.build_unity: {error}", file=sys.stderr)
        return 1
    print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
