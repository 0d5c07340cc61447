"""Biovision hierarchy files (.bvh) <-> Clip.

Reads any hierarchy and channel order, translation on any joint, several end sites; each end site becomes a joint
called `<parent>_end`. Lengths become metres: a skeleton taller than 8 units is taken for centimetres, unless `scale`
says otherwise. Every error names the file and the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.clip import Clip
from motion.errors import BadFile
from motion.quat import F32
from motion.skeleton import Skeleton

_CHANNELS = {f"{a}{kind}": (kind, i) for i, a in enumerate("XYZ") for kind in ("position", "rotation")}
_TALLEST_IN_METRES = 8.0
F64 = NDArray[np.float64]


@dataclass
class _Joint:
    name: str
    parent: int
    offset: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    channels: list[str] = field(default_factory=list[str])


def read(path: Path, scale: float | None = None) -> Clip:
    """Reads one file.

    scale: metres per unit of the file; None guesses metres or centimetres from the skeleton's size.
    Raises BadFile with file and line for anything that is no BVH.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise BadFile(f"cannot be opened ({error.strerror})", str(path)) from error
    return parse(text, str(path), scale, path.stem)


def parse(text: str, path: str = "", scale: float | None = None, name: str = "") -> Clip:
    """Reads a BVH from its text; see `read`."""
    lines = text.splitlines()
    joints, row = _hierarchy(lines, path)
    frames, seconds, row = _timing(lines, row, path)
    width = sum(len(joint.channels) for joint in joints)
    values = _values(lines, row, frames, width, path)
    offsets = np.array([joint.offset for joint in joints], np.float32)
    if scale is None:
        extent = _extent(joints, offsets)
        scale = 0.01 if extent > _TALLEST_IN_METRES else 1.0
    return _clip(joints, offsets * np.float32(scale), values, 1 / seconds, scale, name)


def _hierarchy(lines: list[str], path: str) -> tuple[list[_Joint], int]:
    joints: list[_Joint] = []
    stack: list[int] = []
    pending: _Joint | None = None
    started = False
    for row, line in _statements(lines):
        words = line.split()
        key = words[0].upper()
        if not started:
            if key != "HIERARCHY":
                raise BadFile(f"a BVH begins with HIERARCHY, this file with {line.strip()[:40]!r}", path, row + 1)
            started = True
        elif key == "MOTION":
            if stack or not joints:
                raise BadFile("MOTION begins before the hierarchy is closed; a brace is missing", path, row + 1)
            return joints, row + 1
        elif key in ("ROOT", "JOINT"):
            if not stack and joints:
                raise BadFile("a second root; a BVH holds one character", path, row + 1)
            label = line.strip()[len(key) :].strip() or f"joint{len(joints)}"
            if any(joint.name == label for joint in joints):
                raise BadFile(f"joint {label!r} is listed twice; joint names must differ", path, row + 1)
            pending = _Joint(label, stack[-1] if stack else -1)
        elif key == "END":
            if not stack:
                raise BadFile("an end site outside any joint", path, row + 1)
            parent = stack[-1]
            label = f"{joints[parent].name}_end"
            count = sum(joint.name.startswith(label) for joint in joints)
            pending = _Joint(label + (str(count + 1) if count else ""), parent)
        elif key == "{":
            if pending is None:
                raise BadFile("a brace opens without a joint before it", path, row + 1)
            joints.append(pending)
            stack.append(len(joints) - 1)
            pending = None
        elif key == "}":
            if not stack:
                raise BadFile("a brace closes that was never opened", path, row + 1)
            stack.pop()
        elif key == "OFFSET" and stack:
            joints[stack[-1]].offset = _numbers(words[1:], 3, path, row)
        elif key == "CHANNELS" and stack:
            named = [word[:1].upper() + word[1:].lower() for word in words[2:]]
            unknown = [word for word in named if word not in _CHANNELS]
            if unknown or not words[1:2] or words[1] != str(len(named)):
                raise BadFile(f"channels are not readable: {line.strip()[:60]!r}", path, row + 1)
            joints[stack[-1]].channels = named
        else:
            raise BadFile(f"unexpected {line.strip()[:40]!r} in the hierarchy", path, row + 1)
    raise BadFile("the file ends inside the hierarchy; it is truncated or no BVH", path, len(lines))


def _statements(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines with their rows, empty ones left out, a brace on a line of its own wherever the file puts it."""
    for row, line in enumerate(lines):
        for part in re.split(r"([{}])", line):
            if part.strip():
                yield row, part


def _numbers(words: list[str], count: int, path: str, row: int) -> list[float]:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        hint = "; decimals need a point, not a comma" if any("," in word for word in words) else ""
        raise BadFile(f"expected {count} numbers, got {' '.join(words)[:40]!r}{hint}", path, row + 1) from None
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise BadFile(f"expected {count} finite numbers, got {' '.join(words)[:40]!r}", path, row + 1)
    return numbers


def _timing(lines: list[str], row: int, path: str) -> tuple[int, float, int]:
    found: list[float] = []
    for prefix in ("frames:", "frame time:"):
        while row < len(lines) and not lines[row].strip():
            row += 1
        line = lines[row].strip() if row < len(lines) else ""
        if not line.lower().startswith(prefix):
            raise BadFile(f"expected {prefix!r}, got {line[:40]!r}", path, row + 1)
        found += _numbers(line[len(prefix) :].split(), 1, path, row)
        row += 1
    frames, seconds = int(found[0]), found[1]
    if frames < 1:
        raise BadFile("the file has no frames", path, row - 1)
    if seconds <= 0:
        raise BadFile(f"the frame time is {seconds}; it must be positive", path, row)
    return frames, seconds, row


def _values(lines: list[str], row: int, frames: int, width: int, path: str) -> F64:
    rows = [(number, line) for number, line in enumerate(lines[row:], row + 1) if line.strip()]
    if len(rows) < frames:
        raise BadFile(f"announces {frames} frames and holds {len(rows)}; it is truncated", path, len(lines))
    words = [line.split() for _, line in rows[:frames]]
    try:
        values = np.array([word for one in words for word in one], np.float64)
        fits = all(len(one) == width for one in words) and bool(np.isfinite(values).all())
    except ValueError:
        fits, values = False, np.empty(0)
    if not fits:
        for (number, _), one in zip(rows, words, strict=False):
            _numbers(one, width, path, number - 1)
        raise BadFile(f"expected {width} numbers a frame", path, row + 1)
    return values.reshape(frames, width)


def _extent(joints: list[_Joint], offsets: F32) -> float:
    """Longest path of bones from the root, in the file's unit; the root's own offset is a place, not a bone. Where a
    child's offset holds a place too (Bandai's Hips), a single bone longer than all others together is left out."""
    reach = np.zeros(len(joints))
    lengths = np.linalg.norm(offsets, axis=1)
    lengths[lengths > lengths.sum() / 2] = 0
    for i, joint in enumerate(joints):
        if joint.parent >= 0:
            reach[i] = reach[joint.parent] + lengths[i]
    return float(2 * reach.max())


def _clip(joints: list[_Joint], offsets: F32, values: F64, fps: float, scale: float, name: str) -> Clip:
    frames = len(values)
    rotations = np.zeros((frames, len(joints), 4), np.float32)
    rotations[..., 0] = 1
    places = np.broadcast_to(offsets, (frames, *offsets.shape)).copy()
    moved = False
    column = 0
    for i, joint in enumerate(joints):
        order = ""
        angles: list[F64] = []
        for channel in joint.channels:
            kind, axis = _CHANNELS[channel]
            if kind == "rotation":
                order += "xyz"[axis]
                angles.append(np.deg2rad(values[:, column]))
            else:
                places[:, i, axis] = values[:, column] * scale
                moved = moved or i > 0
            column += 1
        if order:
            rotations[:, i] = quat.from_euler(cast(F32, np.stack(angles, axis=-1)), order)
    skeleton = Skeleton(name or "bvh", tuple(j.name for j in joints), tuple(j.parent for j in joints), offsets)
    return Clip(skeleton, fps, rotations, places[:, 0].copy(), None, name, places if moved else None)


def write(clip: Clip, path: Path) -> None:
    """Writes one clip in centimetres, 6 channels on the root (and on every joint of a clip that moves bones) and
    Z Y X rotations elsewhere; leaf joints called `<parent>_end` become end sites."""
    path.write_text(text(clip), encoding="utf-8", newline="\n")


def _is_end(skeleton: Skeleton, joint: int) -> bool:
    parent = skeleton.joints[skeleton.parents[joint]]
    named = re.fullmatch(re.escape(parent) + r"_end\d*", skeleton.joints[joint])
    return named is not None and not skeleton.children(joint)


def text(clip: Clip) -> str:
    """A clip as the text of a BVH file; see `write`."""
    skeleton = clip.skeleton
    ends = {i for i in range(1, len(skeleton)) if _is_end(skeleton, i)}
    order: list[int] = []
    lines = ["HIERARCHY"]

    def visit(joint: int, depth: int) -> None:
        pad = "\t" * depth
        x, y, z = skeleton.offsets[joint] * 100
        label = skeleton.joints[joint].replace(" ", "_")
        kind = "End Site" if joint in ends else f"{'JOINT' if depth else 'ROOT'} {label}"
        lines.extend([f"{pad}{kind}", f"{pad}{{", f"{pad}\tOFFSET {x:.6f} {y:.6f} {z:.6f}"])
        if joint not in ends:
            order.append(joint)
            moves = depth == 0 or clip.offsets is not None
            positions = "Xposition Yposition Zposition " if moves else ""
            lines.append(f"{pad}\tCHANNELS {6 if moves else 3} {positions}Zrotation Yrotation Xrotation")
            children = skeleton.children(joint)
            for child in children:
                visit(child, depth + 1)
            if not children:
                lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET 0.0 0.0 0.0", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    visit(0, 0)
    columns: list[F32] = []
    for joint in order:
        if joint == 0:
            columns.append(clip.root * 100)
        elif clip.offsets is not None:
            columns.append(clip.offsets[:, joint] * 100)
        columns.append(np.rad2deg(quat.to_euler(clip.rotations[:, joint], "zyx")))
    lines += ["MOTION", f"Frames: {len(clip)}", f"Frame Time: {1 / clip.fps:.8f}"]
    table = np.concatenate(columns, axis=1)
    lines += [" ".join(f"{value:.6f}" for value in row) for row in table]
    return "\n".join(lines) + "\n"
