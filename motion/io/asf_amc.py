"""Acclaim skeletons and motions (.asf + .amc, as CMU and HDM05 publish them) -> Clip.

A bone of the ASF becomes the joint at its beginning, under the bone's name; each leaf bone's tip becomes
`<bone>_end`. A bone's local rotation is C M C^-1: M = Rz Ry Rx of its degrees of freedom, C the bone's `axis`
(CMU's ASF/AMC description). Lengths: the file's unit over its `length` factor is inches; here metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion import quat
from motion.clip import Clip
from motion.errors import BadFile
from motion.quat import F32
from motion.skeleton import Skeleton

_INCH = 0.0254
_ROOT = ["tx", "ty", "tz", "rx", "ry", "rz"]
_RATE = 120.0  # both CMU and HDM05 record at 120 frames per second; the files do not say


@dataclass
class _Bone:
    name: str
    direction: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    length: float = 0.0
    axis: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    order: str = "xyz"
    dof: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class _Rig:
    bones: dict[str, _Bone]
    parents: dict[str, str]
    factor: float
    """Metres per unit of the file."""


def read(asf: Path, amc: Path, fps: float = _RATE) -> Clip:
    """Reads one motion on its skeleton. Raises BadFile with file and line."""
    rig = _read_asf(asf)
    joints: list[str] = ["root"]
    parents: list[int] = [-1]
    offsets: list[F32] = [np.zeros(3, np.float32)]
    children: dict[str, list[str]] = {}
    for child, parent in rig.parents.items():
        children.setdefault(parent, []).append(child)

    def visit(bone: str, tip: F32) -> None:
        here = joints.index(bone)
        below = children.get(bone, [])
        for child in below:
            joints.append(child)
            parents.append(here)
            offsets.append(tip)
            spec = rig.bones[child]
            visit(child, np.array(spec.direction, np.float32) * np.float32(spec.length * rig.factor))
        if not below and bone != "root":
            joints.append(f"{bone}_end")
            parents.append(here)
            offsets.append(tip)

    visit("root", np.zeros(3, np.float32))
    skeleton = Skeleton(asf.stem, tuple(joints), tuple(parents), np.stack(offsets))
    return _read_amc(amc, rig, skeleton, fps)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("latin-1").splitlines()
    except OSError as error:
        raise BadFile(f"cannot be opened ({error.strerror})", str(path)) from error


def _floats(words: list[str], count: int, path: Path, row: int) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError:
        raise BadFile(f"expected {count} numbers, got {' '.join(words)[:40]!r}", str(path), row + 1) from None
    if len(values) != count or not np.isfinite(values).all():
        raise BadFile(f"expected {count} finite numbers, got {' '.join(words)[:40]!r}", str(path), row + 1)
    return values


def _read_asf(path: Path) -> _Rig:
    bones: dict[str, _Bone] = {"root": _Bone("root")}
    parents: dict[str, str] = {}
    section, current, scale = "", None, 1.0
    for row, line in enumerate(_lines(path)):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            section = words[0]
        elif section == ":units" and words[0] == "length":
            scale = _floats(words[1:], 1, path, row)[0]
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
                current = _Bone("")
            elif words[0] == "end" and current is not None:
                if not current.name:
                    raise BadFile("a bone without a name", str(path), row + 1)
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
    if not parents:
        raise BadFile("no hierarchy of bones in it; is this an ASF file?", str(path))
    return _Rig(bones, parents, _INCH / scale)


def _read_bone(bone: _Bone, words: list[str], path: Path, row: int) -> None:
    if words[0] == "name":
        bone.name = " ".join(words[1:])
    elif words[0] == "direction":
        bone.direction = _floats(words[1:], 3, path, row)
    elif words[0] == "length":
        bone.length = _floats(words[1:], 1, path, row)[0]
    elif words[0] == "axis":
        bone.axis, bone.order = _floats(words[1:4], 3, path, row), (words[4] if len(words) > 4 else "XYZ").lower()
        if sorted(bone.order) != ["x", "y", "z"]:
            raise BadFile(f"the axis order {bone.order!r} is none of x, y and z", str(path), row + 1)
    elif words[0] == "dof":
        bone.dof = [word.lower() for word in words[1:]]
        strange = [dof for dof in bone.dof if dof not in ("rx", "ry", "rz")]
        if strange:
            raise BadFile(
                f"bone {bone.name!r} moves by {strange[0]!r}; only rx, ry and rz are read", str(path), row + 1
            )


def _read_amc(path: Path, rig: _Rig, skeleton: Skeleton, fps: float) -> Clip:
    known = {name: bone for name, bone in rig.bones.items() if name in skeleton.joints}
    samples: dict[str, list[list[float]]] = {}
    frames = 0
    for row, line in enumerate(_lines(path)):
        words = line.split()
        if words and words[0].lower() == ":radians":
            raise BadFile("its angles are radians; only :DEGREES is read", str(path), row + 1)
        if not words or words[0][0] in "#:":
            continue
        if len(words) == 1 and words[0].isdigit():
            frames += 1
            continue
        bone = known.get(words[0])
        if bone is None:
            raise BadFile(
                f"names the bone {words[0]!r}, which the skeleton {skeleton.name!r} lacks", str(path), row + 1
            )
        values = _floats(words[1:], 6 if bone.name == "root" else len(bone.dof), path, row)
        track = samples.setdefault(bone.name, [])
        if len(track) != frames - 1:
            raise BadFile(f"bone {bone.name!r} must stand once in every frame", str(path), row + 1)
        track.append(values)
    if frames == 0 or "root" not in samples:
        raise BadFile("no frames in it; is this an AMC file?", str(path))
    short = [name for name, track in samples.items() if len(track) != frames]
    if short:
        raise BadFile(f"bone {short[0]!r} stops before the last frame; the file is truncated", str(path))

    rotations = np.zeros((frames, len(skeleton), 4), np.float32)
    rotations[..., 0] = 1
    root = np.zeros((frames, 3), np.float32)
    for name, track in samples.items():
        values = np.array(track)
        bone = rig.bones[name]
        angles = np.zeros((frames, 3))
        if name == "root":
            root = (values[:, :3] * rig.factor).astype(np.float32)
            angles = values[:, 3:]
        else:
            for column, dof in enumerate(bone.dof):
                angles[:, "xyz".index(dof[1])] = values[:, column]
        motion = quat.from_euler(np.deg2rad(angles[:, ::-1]), "zyx")  # Rz Ry Rx
        # "axis a b c XYZ" turns about x first, then y, then z of the fixed frame: intrinsic order reversed.
        frame = quat.from_euler(np.deg2rad(np.array(bone.axis[::-1])), bone.order[::-1])
        rotations[:, skeleton.index(name)] = quat.mul(quat.mul(frame, motion), quat.inv(frame))
    return Clip(skeleton, fps, quat.normalize(rotations), root, None, path.stem)
