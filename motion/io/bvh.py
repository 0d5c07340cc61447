"""Biovision hierarchy files (.bvh) <-> Clip.

Reads any hierarchy and channel order, translation on any joint, several end sites; each end site becomes a joint
called `<parent>_end`. Lengths become metres: the unit is guessed from the skeleton's size, unless `scale` says it. The
rate is the common one whose frame time, written with as many decimals, is the file's. Every error names the file, the
line, and the joint where there is one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.clip import Clip
from motion.errors import BadFile
from motion.io import bvh_hierarchy, bvh_text, decimals, source
from motion.io.bvh_hierarchy import Hierarchy, numbers
from motion.quat import F32
from motion.skeleton import Skeleton

# Metres per unit by the size of the skeleton in the file's unit: the first row whose limit is not exceeded.
_UNITS = ((8.0, 1.0), (60.0, 0.0254 / 0.45), (600.0, 0.01), (np.inf, 0.001))  # CMU's unit is 1 / 0.45 inches
_RATES = (24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 200, 240)
_HEAD = 16 << 20  # bytes; MOST_JOINTS joints take a tenth of it
_CHUNK = 1 << 19  # rotations turned at once
_SHOWN = 40  # characters of what a file says instead
_FRAME_TIME = re.compile(rb"(?:\A|[\r\n])[ \t]*[Ff][Rr][Aa][Mm][Ee][ \t]+[Tt][Ii][Mm][Ee][^\r\n]*(?:\r\n|\n|\r|\Z)")
F64 = NDArray[np.float64]


def read(path: Path, scale: float | None = None, partial: bool = False, most: int = source.MOST_BYTES) -> Clip:
    """Reads one file.

    scale: metres per unit of the file; None guesses metres, CMU's unit, centimetres or millimetres from the size of
    the skeleton.
    partial: take the frames that are there from a file that announces more.
    most: bytes; a larger file is refused.
    Raises BadFile with file, line and joint for anything that is no BVH.
    """
    return _parse(source.content(path, most), str(path), scale, path.stem, partial)


def parse(text: str, path: str = "", scale: float | None = None, name: str = "", partial: bool = False) -> Clip:
    """Reads a BVH from its text; see `read`."""
    return _parse(text.encode(errors="replace"), path, scale, name, partial)


def _parse(data: bytes, path: str, scale: float | None, name: str, partial: bool) -> Clip:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", errors="replace").encode(errors="replace")
    lines, body = _split(data, path)
    tree, row = bvh_hierarchy.parse(lines, path)
    frames, fps, row = _timing(lines, row, path)
    source.admit(frames, len(tree.joints), path, row - 1)
    table = _values(body, row, frames, tree, path, partial)
    if scale is None:
        scale = next((metres for limit, metres in _UNITS if tree.extent <= limit), 1.0)
    with source.reading(path):
        return _clip(tree, table, fps, scale, name)


def _split(data: bytes, path: str) -> tuple[list[str], bytes]:
    """The lines up to `Frame Time:`, and the bytes after them."""
    found = _FRAME_TIME.search(data)
    end = found.end() if found else min(len(data), _HEAD)
    if end > _HEAD:
        raise BadFile(f"the hierarchy is longer than {_HEAD >> 20} MB; this is no BVH", path)
    try:
        head = data[:end].decode("utf-8-sig")
    except UnicodeDecodeError:
        head = data[:end].decode("latin-1")
    lines = re.split(r"\r\n|\n|\r", head)
    return lines[: None if lines[-1] else -1], data[end:]


def _timing(lines: list[str], row: int, path: str) -> tuple[int, float, int]:
    """Number of frames, frames per second, and the row after them."""
    found: list[tuple[float, str]] = []
    for prefix in ("frames:", "frame time:"):
        while row < len(lines) and not lines[row].strip():
            row += 1
        line = " ".join(lines[row].split()) if row < len(lines) else ""
        if not line.lower().startswith(prefix):
            raise BadFile(f"expected {prefix!r}, got {line[:_SHOWN]!r}", path, row + 1)
        words = line[len(prefix) :].split()
        found.append((numbers(words, 1, path, row)[0], words[0]))
        row += 1
    (frames, _), (seconds, written) = found
    if frames != int(frames) or frames < 1:
        raise BadFile(f"the file has no frames: it announces {frames:g}; expected 1 or more", path, row - 1)
    if seconds <= 0 or not np.isfinite(1 / seconds):
        raise BadFile(f"the frame time is {seconds:g} seconds; it must be positive", path, row)
    return int(frames), _rate(seconds, written), row


def _rate(seconds: float, written: str) -> float:
    """Frames per second: a common rate where the frame time is that rate's, rounded to as many decimals."""
    exact = 1 / seconds
    if abs(exact - round(exact)) < 1e-9 * exact:
        return float(round(exact))
    exponent = Decimal(written).as_tuple().exponent
    half = 0.5000001 * 10.0**exponent if isinstance(exponent, int) and exponent > -300 else 0.0
    common = [(float(fps), 0.025) for fps in _RATES] + [(float(round(exact)), 1e-3)]
    common += [(fps * 1000 / 1001, 1e-3) for fps in (24, 30, 60, 120)]
    near = [fps for fps, share in common if abs(fps - exact) < share * exact and abs(1 / fps - seconds) <= half]
    return near[0] if near else exact


def _values(body: bytes, row: int, frames: int, tree: Hierarchy, path: str, partial: bool) -> F64:
    """The motion (T, channels) in the file's units, from the bytes after line `row`."""
    width = len(tree.columns)
    if width == 0:
        return np.zeros((frames, 0))
    if b"\n" not in body:
        body = body.replace(b"\r", b"\n")
    table = decimals.table(body, width)
    if table is None and partial:
        table = decimals.table(body[: body.rstrip().rfind(b"\n") + 1], width)
    if table is not None and (len(table) >= frames or partial):
        return table[:frames]
    count = 0
    for number, line in _rows(body, row):
        if count == frames:
            break
        _diagnose(line.split(), tree, path, number)
        count += 1
    if count == frames:  # each line is right by itself: rows of numbers that only the slow way can read
        rows = (line.split() for _, line in _rows(body, row))
        return np.array([[float(word) for word in words] for words, _ in zip(rows, range(frames), strict=False)])
    last = row + len(re.split(rb"\r\n|\n|\r", body)) - (1 if body.endswith((b"\n", b"\r")) or not body else 0)
    raise BadFile(
        f"announces {frames} frames and holds {count}; it is truncated (--partial of tools.convert, `partial` in code, "
        "takes the frames that are there)",
        path,
        last,
    )


def _rows(body: bytes, row: int) -> Iterator[tuple[int, str]]:
    """The lines that hold anything, with their numbers counted from 1."""
    for number, line in enumerate(io.BytesIO(body), row + 1):
        if line.strip():
            yield number, line.decode("latin-1")


def _diagnose(words: list[str], tree: Hierarchy, path: str, number: int) -> None:
    """Raises BadFile where the words are not one finite number for each channel."""
    width = len(tree.columns)
    for word, (joint, channel) in zip(words, tree.columns, strict=False):
        try:
            numbers([word], 1, path, number - 1)
        except BadFile as error:
            kind = "finite numbers" if "finite" in str(error) else "numbers"
            hint = "; decimals need a point, not a comma" if "," in word else ""
            raise BadFile(
                f"expected {width} {kind}, got {word[:_SHOWN]!r} for {channel} of joint {joint!r}{hint}", path, number
            ) from None
    if len(words) != width:
        raise BadFile(
            f"expected {width} numbers, the last for joint {tree.columns[-1][0]!r}, got {len(words)}; the line is cut "
            "short or split",
            path,
            number,
        )


def _clip(tree: Hierarchy, table: F64, fps: float, scale: float, name: str) -> Clip:
    frames = len(table)
    offsets = (tree.offsets * scale).astype(np.float32)
    rotations = np.zeros((frames, len(offsets), 4), np.float32)
    rotations[..., 0] = 1
    for order, where, columns in tree.turning:
        for start in range(0, frames, step := max(1, _CHUNK // len(where))):
            angles = np.deg2rad(np.remainder(table[start : start + step, columns] + 180, 360) - 180)
            rotations[start : start + step, where] = quat.from_euler(angles.astype(np.float32), order)
    few = 1 if all(i == 0 for i, _, _ in tree.moving) else len(offsets)  # whose places are told frame by frame
    places: F32 = np.tile(offsets[:few], (frames, 1, 1))
    told = places.reshape(frames, -1)
    told[:, [3 * i + axis for i, axis, _ in tree.moving]] = table[:, [column for *_, column in tree.moving]] * scale
    root = places[:, 0].copy()
    skeleton = Skeleton(name or "bvh", tree.joints, tree.parents, offsets)
    return Clip(skeleton, fps, rotations, root, None, name, None if few == 1 else places)


def write(clip: Clip, path: Path) -> None:
    """Writes one clip in centimetres, 6 channels on the root (and on every joint of a clip that moves bones) and
    Z Y X rotations elsewhere; leaf joints called `<parent>_end` become end sites. Numbers keep 8 significant digits."""
    path.write_text(text(clip), encoding="utf-8", newline="\n")


def text(clip: Clip, scale: float = 100.0) -> str:
    """A clip as the text of a BVH file; see `write`. scale: units of the file per metre."""
    return bvh_text.dump(clip, scale)
