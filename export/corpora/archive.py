"""Archives of motion capture, unpacked once into a cache folder, and the folders of corpora that come as plain files.

The folder's name holds a digest of the archive, so that another archive of the same name never meets old files. It
appears only when it is complete: an interrupted run leaves no folder that looks finished, and the next one starts that
archive over. No file of a corpus is read outside the corpus' folder.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tarfile
import tempfile
from pathlib import Path

from motion.errors import BadFile

log = logging.getLogger(__name__)

_ENDS = 1 << 16
"""Bytes at each end that tell archives apart; an xz file ends in the check sum of its content."""


MORE = "more/"
"""In front of a trial's archive that is a folder of the further corpora."""


def folder_of(archive: str, mocap: Path, more: Path | None, cache: Path) -> Path:
    """The folder that holds the files of a trial's archive: unpacked below `cache`, or one of `more`.

    Raises BadFile as `unpack` does, and where the folder of a further corpus is missing or outside `more`.
    """
    if not archive.startswith(MORE):
        return unpack(mocap / archive, cache)
    if more is None:
        raise BadFile("is a further corpus; point --more at the folder that holds it", archive)
    return inside(more, archive.removeprefix(MORE))


def inside(folder: Path, member: str) -> Path:
    """The file or folder `member` below `folder`. Raises BadFile where it leads outside or there is none."""
    path = folder / member
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadFile(f"leads out of the folder {folder.name!r} of its corpus; fetch the corpus again", member)
    if not path.exists():
        raise BadFile("there is no such file; fetch the corpus again", str(path))
    return path


def unpack(archive: Path, cache: Path) -> Path:
    """The folder below `cache` that holds the archive's files; made on the first call, found again on later ones.

    Raises BadFile for an archive that is missing, damaged, or that would write outside its folder.
    """
    folder = cache / f"{archive.name.split('.')[0]}-{_digest(archive)[:12]}"
    if folder.is_dir():
        return folder
    log.info("unpacking %s", archive.name)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=cache) as scratch:
        part = Path(scratch) / "files"
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(part, filter="data")
        except (tarfile.TarError, EOFError, OSError) as problem:
            raise BadFile(f"cannot be unpacked ({problem}); fetch the archive again", str(archive)) from problem
        try:
            os.rename(part, folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was faster with the same files
                raise
    return folder


def members(folder: Path, suffix: str) -> list[str]:
    """Paths of all files below `folder` that end in `suffix` (any case), relative, with forward slashes, sorted."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() == suffix and path.is_file() and not path.name.startswith(".")
    )


def _digest(archive: Path) -> str:
    if not archive.is_file():
        raise BadFile("there is no such archive; point --mocap at the folder that holds it", str(archive))
    size = archive.stat().st_size
    with archive.open("rb") as stream:
        head = stream.read(_ENDS)
        stream.seek(max(0, size - _ENDS))
        return hashlib.sha256(b"%d" % size + head + stream.read()).hexdigest()
