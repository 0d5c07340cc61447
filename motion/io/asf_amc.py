"""Acclaim skeletons and motions (.asf + .amc, as CMU and HDM05 publish them) -> Clip.

A bone of the ASF becomes the joint at its beginning, under the bone's name; each leaf bone's tip becomes
`<bone>_end`. A bone's local rotation is C M C^-1: M = Rz Ry Rx of its degrees of freedom, C the bone's `axis`
(CMU's ASF/AMC description). Lengths: the file's unit over its `length` factor is inches; here metres. Every error
names the file, the line, and the bone where there is one.
"""

from __future__ import annotations

import io
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.clip import Clip
from motion.errors import BadFile
from motion.io import decimals, source
from motion.skeleton import Skeleton

_INCH = 0.0254
_ROOT = ["tx", "ty", "tz", "rx", "ry", "rz"]
_RATE = 120.0  # both CMU and HDM05 record at 120 frames per second; the files do not say
F64 = NDArray[np.float64]


@dataclass
class _Bone:
    name: str
    row: int = 0
    direction: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    length: float = 0.0
    axis: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    order: str = "xyz"
    dof: list[str] = field(default_factory=list[str])

    @property
    def width(self) -> int:
        """Numbers in each frame."""
        return 6 if self.name == "root" else len(self.dof)


@dataclass(frozen=True)
class _Rig:
    bones: dict[str, _Bone]
    children: dict[str, list[str]]
    factor: float
    """Metres per unit of the file."""


def read(asf: Path, amc: Path, fps: float = _RATE, most: int = source.MOST_BYTES) -> Clip:
    """Reads one motion on its skeleton. Raises BadFile with file, line and bone."""
    rig = _read_asf(asf, most)
    with source.reading(str(asf)):
        skeleton = _skeleton(asf, rig)
    tracks, frames = _read_amc(amc, rig, skeleton, most)
    source.admit(frames, len(skeleton), str(amc))
    with source.reading(str(amc)):
        return _clip(rig, skeleton, tracks, frames, fps, amc.stem)


def skeleton(asf: Path, most: int = source.MOST_BYTES) -> Skeleton:
    """The skeleton of an .asf by itself. Raises BadFile."""
    with source.reading(str(asf)):
        return _skeleton(asf, _read_asf(asf, most))


def beside(amc: Path) -> list[Path]:
    """The .asf files of a motion's folder that it may belong to: those whose name its own begins with, else all."""
    found = sorted(path for path in amc.parent.glob("*") if path.suffix.lower() == ".asf")
    fitting = [asf for asf in found if amc.stem.startswith(asf.stem)]
    longest = max((len(asf.stem) for asf in fitting), default=0)
    return [asf for asf in fitting if len(asf.stem) == longest] or found


def _clip(rig: _Rig, skeleton: Skeleton, tracks: dict[str, F64], frames: int, fps: float, name: str) -> Clip:
    rotations = np.zeros((frames, len(skeleton), 4), np.float32)
    rotations[..., 0] = 1
    root = np.zeros((frames, 3), np.float32)
    for track, values in tracks.items():
        bone = rig.bones[track]
        angles = np.zeros((frames, 3))
        if track == "root":
            root = (values[:, :3] * rig.factor).astype(np.float32)
            angles = values[:, 3:]
        else:
            for column, dof in enumerate(bone.dof):
                angles[:, "xyz".index(dof[1])] = values[:, column]
        motion = quat.from_euler(np.deg2rad(angles[:, ::-1]), "zyx")  # Rz Ry Rx
        # "axis a b c XYZ" turns about x first, then y, then z of the fixed frame: intrinsic order reversed.
        frame = quat.from_euler(np.deg2rad(np.array(bone.axis[::-1])), bone.order[::-1])
        rotations[:, skeleton.index(track)] = quat.mul(quat.mul(frame, motion), quat.inv(frame))
    return Clip(skeleton, fps, quat.normalize(rotations), root, None, name)


def _skeleton(path: Path, rig: _Rig) -> Skeleton:
    """Joints at the bones' beginnings, parents before children."""
    joints: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    waiting: list[tuple[str, int, list[float]]] = [("root", -1, [0.0, 0.0, 0.0])]
    while waiting:
        bone, parent, offset = waiting.pop()
        joints.append(bone)
        parents.append(parent)
        offsets.append(offset)
        if bone not in rig.bones:
            continue  # a tip
        spec = rig.bones[bone]
        tip = [part * spec.length * rig.factor for part in spec.direction]
        below = rig.children.get(bone, [f"{bone}_end"] if bone != "root" else [])
        waiting += [(child, len(joints) - 1, tip) for child in reversed(below)]
    listed = {child for below in rig.children.values() for child in below} - set(joints)
    if listed:
        bone = next(bone for bone in rig.bones.values() if bone.name in listed)
        raise BadFile(
            f"bone {bone.name!r} does not hang from the root: the hierarchy runs in a circle",
            str(path),
            bone.row + 1,
        )
    if not np.isfinite(offsets).all() or not np.any(offsets):
        first = rig.bones[joints[1]]
        raise BadFile(f"the bones have no length, from {first.name!r} on", str(path), first.row + 1)
    return Skeleton(path.stem, tuple(joints), tuple(parents), np.array(offsets, np.float32))


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Lines with their rows, whatever ends them."""
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    for row, line in enumerate(io.BytesIO(data)):
        yield row, line.decode("latin-1")


def _floats(words: list[str], count: int, path: Path, row: int, what: str) -> list[float]:
    shown = " ".join(words)[:40]
    try:
        values = [float(word.replace("_", "?")) for word in words]  # Python would read 1_000
    except ValueError:
        hint = "; decimals need a point, not a comma" if "," in shown else ""
        raise BadFile(f"expected {count} numbers for {what}, got {shown!r}{hint}", str(path), row + 1) from None
    if len(values) != count or not all(map(math.isfinite, values)):
        raise BadFile(f"expected {count} finite numbers for {what}, got {shown!r}", str(path), row + 1)
    return values


def _read_asf(path: Path, most: int) -> _Rig:
    bones: dict[str, _Bone] = {"root": _Bone("root")}
    parents: dict[str, str] = {}
    children: dict[str, list[str]] = {}
    section, current, scale = "", None, 1.0
    for row, line in _lines(source.content(path, most)):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            section = words[0].lower()
        elif section == ":units" and words[0] == "length":
            scale = _floats(words[1:], 1, path, row, "the unit of length")[0]
            if scale <= 0:
                raise BadFile(f"the unit of length is {scale}; it must be positive", str(path), row + 1)
        elif section == ":root" and words[0] == "order":
            order = [word.lower() for word in words[1:]]
            if order != _ROOT:
                raise BadFile(
                    f"the root's order is {' '.join(order)}; only {' '.join(_ROOT)} is read", str(path), row + 1
                )
        elif section == ":bonedata":
            if words[0] == "begin":
                current = _Bone("", row)
            elif words[0] == "end" and current is not None:
                if not current.name:
                    raise BadFile("a bone without a name", str(path), row + 1)
                if current.name in bones:
                    raise BadFile(f"bone {current.name!r} is listed twice; names must differ", str(path), row + 1)
                source.admit(0, len(bones) * 2, str(path), row + 1)
                bones[current.name] = current
                current = None
            elif current is not None:
                _read_bone(current, words, path, row)
        elif section == ":hierarchy" and words[0] not in ("begin", "end"):
            for child in words[1:]:
                if child not in bones or words[0] not in bones or child in parents or child == "root":
                    raise BadFile(
                        f"the hierarchy names {child!r} under {words[0]!r}, which does not fit", str(path), row + 1
                    )
                parents[child] = words[0]
                children.setdefault(words[0], []).append(child)
    if not parents or "root" not in children:
        raise BadFile("no hierarchy of bones in it; is this an ASF file?", str(path))
    return _Rig(bones, children, _INCH / scale)


def _read_bone(bone: _Bone, words: list[str], path: Path, row: int) -> None:
    called = f"bone {bone.name!r}"
    if words[0] == "name":
        bone.name = " ".join(words[1:])
    elif words[0] == "direction":
        bone.direction = _floats(words[1:], 3, path, row, f"the direction of {called}")
    elif words[0] == "length":
        bone.length = _floats(words[1:], 1, path, row, f"the length of {called}")[0]
    elif words[0] == "axis":
        bone.axis = _floats(words[1:4], 3, path, row, f"the axis of {called}")
        bone.order = (words[4] if len(words) > 4 else "XYZ").lower()
        if sorted(bone.order) != ["x", "y", "z"]:
            raise BadFile(f"the axis order {bone.order!r} of {called} is none of x, y and z", str(path), row + 1)
    elif words[0] == "dof":
        bone.dof = [word.lower() for word in words[1:]]
        strange = [dof for i, dof in enumerate(bone.dof) if dof not in ("rx", "ry", "rz") or dof in bone.dof[:i]]
        if strange:
            raise BadFile(
                f"{called} moves by {strange[0]!r}; only rx, ry and rz are read, each once", str(path), row + 1
            )


def _read_amc(path: Path, rig: _Rig, skeleton: Skeleton, most: int) -> tuple[dict[str, F64], int]:
    """The numbers (T, width) of each bone, and T."""
    data = source.content(path, most)
    known = {name: bone for name, bone in rig.bones.items() if name in skeleton.joints}
    found = _alike(data, known)
    return _line_by_line(data, path, known, skeleton.name) if found is None else found


def _alike(data: bytes, known: dict[str, _Bone]) -> tuple[dict[str, F64], int] | None:
    """All frames at once, where every frame names the same bones in the same order; None where they do not."""
    body = re.search(rb"(?m)^[ \t]*\d+[ \t\r]*$", data)
    if body is None or re.search(rb"(?im)^[ \t]*([^#:\s]|:radians)", data[: body.start()]):
        return None
    text = data[body.start() :]
    named = re.compile(rb"(?m)^[ \t]*([A-Za-z_]\S*)")
    names = [name.decode("latin-1") for name in named.findall(text)]
    count = names.index(names[0], 1) if names and names[0] in names[1:] else len(names)
    first = names[:count]
    if not first or names != first * (len(names) // count) or len(set(first)) < count or not set(first) <= set(known):
        return None
    widths = [known[name].width for name in first]
    if "root" not in first or 0 in widths:
        return None
    values = decimals.lines(named.sub(b"", text), (1, *widths))
    if values is None:
        return None
    table = values.reshape(-1, 1 + sum(widths))
    at = np.cumsum([1, *widths])
    return {name: table[:, a:b] for name, a, b in zip(first, at, at[1:], strict=False)}, len(table)


def _line_by_line(data: bytes, path: Path, known: dict[str, _Bone], skeleton: str) -> tuple[dict[str, F64], int]:
    tracks: dict[str, array[float]] = {}
    frames = 0
    for row, line in _lines(data):
        words = line.split()
        if words and words[0].lower() == ":radians":
            raise BadFile("its angles are radians; only :DEGREES is read", str(path), row + 1)
        if not words or words[0][0] in "#:":
            continue
        if len(words) == 1 and words[0].isdigit():
            frames += 1
            source.admit(frames, len(known), str(path), row + 1)
            continue
        bone = known.get(words[0])
        if bone is None:
            raise BadFile(
                f"names the bone {words[0][:40]!r}, which the skeleton {skeleton!r} lacks", str(path), row + 1
            )
        track = tracks.setdefault(bone.name, array("d"))
        values = _floats(words[1:], bone.width, path, row, f"bone {bone.name!r}")
        if bone.width and len(track) != (frames - 1) * bone.width:
            raise BadFile(f"bone {bone.name!r} must stand once in every frame", str(path), row + 1)
        track.extend(values)
    if frames == 0 or "root" not in tracks:
        raise BadFile("no frames in it; is this an AMC file?", str(path))
    short = [name for name, track in tracks.items() if len(track) != frames * known[name].width]
    if short:
        raise BadFile(f"bone {short[0]!r} stops before the last frame; the file is truncated", str(path))
    return {name: np.array(track).reshape(frames, known[name].width) for name, track in tracks.items()}, frames
