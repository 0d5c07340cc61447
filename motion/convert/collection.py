"""The motion files that a run of tools.convert is about: one, all of a folder, all in its archives; where each goes."""

from __future__ import annotations

import contextlib
import lzma
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from motion.convert import formats
from motion.errors import BadConfig, BadFile, MotionError

_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".xz", ".bz2")
_BESIDE = (".asf", ".bin", ".png", ".jpg", ".jpeg")  # files that motion files need next to them


@dataclass(frozen=True)
class Task:
    """One file to convert."""

    source: Path
    out: Path
    group: str
    """the row of the table that counts it"""
    shown: str
    take: str | None = None


def single(source: Path, out: Path) -> list[Task]:
    """One file into one file. Raises BadFile, BadConfig."""
    _readable(source)
    if out.exists() and out.samefile(source):
        raise BadConfig(f"{out} is IN itself; write to another file")
    return [Task(source, out, source.suffix.lower(), source.name)]


def several(source: Path, out: Path, ending: str, every_take: bool, scratch: Path, most: int) -> list[Task]:
    """Everything in a folder or an archive, or every animation of a file, into the folder `out`.

    scratch: where archives are unpacked to; has to be there until all is converted. Raises BadFile.
    """
    if source.is_dir() or is_archive(source):
        found = list(_found(source, scratch, most))
    else:
        _readable(source)
        found = [(source, Path(source.name), "", source.name)]
    tasks = list(_placed(found, out, ending, every_take, most))
    if not tasks:
        raise BadFile(f"there is no motion file in it; looked for {', '.join(formats.READ)}", str(source))
    return tasks


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.suffix.lower() in _ARCHIVES


def _readable(source: Path) -> None:
    if source.suffix.lower() not in formats.READ:
        hint = "; give the .amc, which finds its .asf" if source.suffix.lower() == ".asf" else ""
        ending = source.suffix or "a file without ending"
        raise BadFile(f"{ending} is not read; give {', '.join(formats.READ)}{hint}", str(source))


Found = tuple[Path, Path, str, str]  # where it lies, where under OUT it goes, its group, and what it is called


def _found(source: Path, scratch: Path, most: int) -> Iterator[Found]:
    """All motion files of a folder or an archive, those in archives unpacked into `scratch`."""
    if source.is_file():
        inside = scratch / f"in{len(list(scratch.glob('in*')))}"
        _unpack(source, inside, most)
        stem = Path(source.name.split(".")[0])
        for path, relative, _, shown in _found(inside, scratch, most):
            yield path, stem / relative, source.name, f"{source.name}: {shown}"
        return
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if not path.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        if path.suffix.lower() in formats.READ:
            group = relative.parts[0] if len(relative.parts) > 1 else "."
            yield path, relative, group, str(relative)
        elif path.suffix.lower() in _ARCHIVES:
            for inner, below, group, shown in _found(path, scratch, most):
                yield inner, relative.parent / below, group, shown


def _unpack(archive: Path, into: Path, most: int) -> None:
    """Motion files and what they need, out of a zip or a tar. Raises BadFile."""
    wanted = (*formats.READ, *_BESIDE)
    into.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as files:
                for entry in files.infolist():
                    if entry.filename.lower().endswith(wanted) and entry.file_size <= most:
                        files.extract(entry, into)
        else:
            with tarfile.open(archive) as tar:
                for member in tar:
                    if member.isfile() and member.name.lower().endswith(wanted) and member.size <= most:
                        tar.extract(member, into, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadFile(f"the archive cannot be unpacked ({reason}); fetch it again", str(archive)) from error


def _placed(found: list[Found], out: Path, ending: str, every_take: bool, most: int) -> Iterator[Task]:
    """Tasks with a place each; files that differ in their endings alone keep them in their names."""
    stems = [relative.with_suffix("") for _, relative, _, _ in found]
    count = Counter(stems)
    for (path, relative, group, shown), stem in zip(found, stems, strict=True):
        kind = f"{group} {path.suffix.lower()}".strip()
        name = f"{relative.name}{ending}" if count[stem] > 1 else f"{stem.name}{ending}"
        place = out / relative.parent / name
        names: list[str] = []
        if every_take:
            with contextlib.suppress(MotionError):  # converting it says what is wrong
                names = formats.takes(path, most)
        if len(names) < 2:
            yield Task(path, place, kind, shown)
        for take in names if len(names) > 1 else []:
            plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in take)
            yield Task(path, place.with_name(f"{stem.name}-{plain}{ending}"), kind, f"{shown}: {take}", take)
