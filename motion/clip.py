"""A clip: one character's motion on one skeleton at a steady frame rate.

Metres, seconds, Y up, right-handed. `rotations` (T, J, 4) are local, w x y z; `root` (T, 3) is the root joint's world
position. All arrays are float32.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from motion import quat
from motion.errors import BadClip, BadFile
from motion.quat import F32
from motion.skeleton import Skeleton, fk

# What numpy and zipfile raise for files that are cut short, altered, or something else altogether.
_UNREADABLE = (OSError, EOFError, ValueError, TypeError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Clip:
    """Motion of one skeleton."""

    skeleton: Skeleton
    fps: float
    rotations: F32
    """(T, J, 4) local rotations, unit quaternions."""
    root: F32
    """(T, 3) world position of the root joint, metres."""
    contacts: F32 | None = None
    """(T, 4) one where left heel, left toe, right heel, right toe rest on the ground."""
    name: str = ""
    offsets: F32 | None = None
    """(T, J, 3) local joint offsets frame by frame, for files that move bones; None: the skeleton's own."""

    def __post_init__(self) -> None:
        frames, joints = len(self.root), len(self.skeleton)
        if frames < 1:
            raise BadClip(f"clip {self.name!r} has no frames; a clip needs at least one")
        if not self.fps > 0:
            raise BadClip(f"clip {self.name!r} has a frame rate of {self.fps}; it must be positive")
        for label, array, shape in (
            ("rotations", self.rotations, (frames, joints, 4)),
            ("root", self.root, (frames, 3)),
            ("contacts", self.contacts, (frames, 4)),
            ("offsets", self.offsets, (frames, joints, 3)),
        ):
            if array is None:
                continue
            if array.shape != shape:
                raise BadClip(f"clip {self.name!r}: {label} have shape {array.shape}, expected {shape}")
            if not np.isfinite(array).all():
                bad = int(np.argwhere(~np.isfinite(array))[0][0])
                raise BadClip(f"clip {self.name!r}: {label} hold a value that is no number at frame {bad}")

    def __len__(self) -> int:
        return len(self.root)

    @property
    def seconds(self) -> float:
        """Length in seconds, each frame lasting 1 / fps."""
        return len(self) / self.fps


def positions(clip: Clip) -> F32:
    """World joint positions (T, J, 3), metres."""
    return fk(clip.skeleton, clip.rotations, clip.root, clip.offsets)[0]


def cut(clip: Clip, start: int, stop: int) -> Clip:
    """Frames `start` to `stop` (exclusive)."""
    return replace(
        clip,
        rotations=clip.rotations[start:stop],
        root=clip.root[start:stop],
        contacts=None if clip.contacts is None else clip.contacts[start:stop],
        offsets=None if clip.offsets is None else clip.offsets[start:stop],
    )


def resample(clip: Clip, fps: float) -> Clip:
    """The same motion at another frame rate: slerp between rotations, straight lines between positions. The first
    frame stays; the last is the latest that the source still covers."""
    if not fps > 0:
        raise BadClip(f"cannot resample to {fps} frames per second; give a positive rate")
    if fps == clip.fps or len(clip) == 1:
        return replace(clip, fps=fps)
    count = int(np.floor((len(clip) - 1) * fps / clip.fps + 1e-6)) + 1
    at = np.minimum(np.arange(count) * clip.fps / fps, len(clip) - 1)
    low = np.minimum(at.astype(int), len(clip) - 2)
    part = (at - low).astype(np.float32)

    def line(array: F32) -> F32:
        fraction = part.reshape(-1, *[1] * (array.ndim - 1))
        return cast(F32, array[low] * (1 - fraction) + array[low + 1] * fraction)

    return replace(
        clip,
        fps=fps,
        rotations=quat.slerp(clip.rotations[low], clip.rotations[low + 1], part[:, None]),
        root=line(clip.root),
        contacts=None if clip.contacts is None else np.round(line(clip.contacts)),
        offsets=None if clip.offsets is None else line(clip.offsets),
    )


def turn(clip: Clip, angle: float) -> Clip:
    """The clip turned by `angle` radians about the world's Y axis."""
    q = quat.from_yaw(np.array(angle, np.float32))
    rotations = clip.rotations.copy()
    rotations[:, 0] = quat.mul(q, rotations[:, 0])
    return replace(clip, rotations=rotations, root=quat.rotate(q, clip.root))


def move(clip: Clip, by: F32) -> Clip:
    """The clip shifted by `by` (3,) metres."""
    return replace(clip, root=clip.root + np.asarray(by, np.float32))


def canonicalise(clip: Clip) -> Clip:
    """The first frame's root stands over the origin and faces +Z; heights stay."""
    clip = turn(clip, -float(quat.yaw(clip.rotations[0, 0])))
    return move(clip, np.array([-clip.root[0, 0], 0, -clip.root[0, 2]]))


def mirror(clip: Clip) -> Clip:
    """Left and right exchanged across the world's YZ plane, for skeletons whose joints are named left_* and right_*
    and whose rest pose is symmetric (`smplx22`)."""
    joints = clip.skeleton.joints
    partner = {"left_": "right_", "right_": "left_"}

    def other(joint: str) -> str:
        for side, opposite in partner.items():
            if joint.startswith(side):
                return opposite + joint[len(side) :]
        return joint

    order = [clip.skeleton.index(other(joint)) for joint in joints]
    return replace(
        clip,
        rotations=clip.rotations[:, order] * np.array([1, 1, -1, -1], np.float32),
        root=clip.root * np.array([-1, 1, 1], np.float32),
        contacts=None if clip.contacts is None else clip.contacts[:, [2, 3, 0, 1]],
        offsets=None if clip.offsets is None else clip.offsets[:, order] * np.array([-1, 1, 1], np.float32),
    )


def save(clip: Clip, path: Path) -> None:
    """Writes a clip as `.npz`; `load` reads it back bit for bit."""
    skeleton = clip.skeleton
    optional = {"contacts": clip.contacts, "animated_offsets": clip.offsets}
    np.savez(
        path,
        name=np.array(clip.name),
        fps=np.array(clip.fps),
        skeleton=np.array(skeleton.name),
        joints=np.array(skeleton.joints),
        parents=np.array(skeleton.parents),
        offsets=skeleton.offsets,
        rotations=clip.rotations,
        root=clip.root,
        allow_pickle=False,
        **{key: value for key, value in optional.items() if value is not None},
    )


def load(path: Path) -> Clip:
    """Reads a clip written by `save`. Raises BadFile."""
    try:
        with path.open("rb") as stream:
            data: Any = np.load(stream, allow_pickle=False)
            if not hasattr(data, "files"):
                raise BadFile("it holds one array; a clip is a .npz that `motion.clip.save` wrote", str(path))
            skeleton = Skeleton(
                str(data["skeleton"]),
                tuple(str(joint) for joint in data["joints"]),
                tuple(int(parent) for parent in data["parents"]),
                data["offsets"],
            )
            return Clip(
                skeleton,
                float(data["fps"]),
                data["rotations"],
                data["root"],
                data.get("contacts"),
                str(data["name"]),
                data.get("animated_offsets"),
            )
    except _UNREADABLE as error:
        raise BadFile(
            f"this is no clip saved by Motus ({error}); give a .npz that `motion.clip.save` wrote", str(path)
        ) from error
