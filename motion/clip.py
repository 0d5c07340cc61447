"""A clip: one character's motion on one skeleton at a steady frame rate.

Metres, seconds, Y up, right-handed. `rotations` (T, J, 4) are local, w x y z; `root` (T, 3) is the root joint's world
position. All arrays are float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from motion import quat, sides
from motion.errors import BadClip, BadFile
from motion.io import npz
from motion.quat import F32
from motion.skeleton import Skeleton, fk


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
    betas: F32 | None = None
    """(B,) shape of the body as SMPL-X counts it; None: unknown."""

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
        if self.betas is not None and not (self.betas.ndim == 1 and np.isfinite(self.betas).all()):
            raise BadClip(
                f"clip {self.name!r}: betas of shape {self.betas.shape} are no row of numbers; give one for each shape"
            )

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
    """Frames `start` to `stop` (exclusive). Raises BadClip where the clip has no such frames."""
    if not 0 <= start <= stop <= len(clip):
        raise BadClip(f"cannot cut frames {start} to {stop} out of the {len(clip)} of clip {clip.name!r}; stay within")
    return replace(
        clip,
        rotations=clip.rotations[start:stop],
        root=clip.root[start:stop],
        contacts=None if clip.contacts is None else clip.contacts[start:stop],
        offsets=None if clip.offsets is None else clip.offsets[start:stop],
    )


def concatenate(clips: Sequence[Clip]) -> Clip:
    """One clip right after the other, as they stand; name, rate and shape are the first's. Raises BadClip where their
    skeletons or rates differ. Contacts are kept where all clips have them."""
    first = clips[0]
    for other in clips[1:]:
        if (other.skeleton.joints, other.skeleton.parents) != (first.skeleton.joints, first.skeleton.parents):
            raise BadClip(
                f"clips on {first.skeleton.name!r} and {other.skeleton.name!r} make no one clip; retarget one of them"
            )
        if abs(other.fps - first.fps) > 1e-6 * first.fps:
            raise BadClip(f"clips at {first.fps:g} and {other.fps:g} frames a second make no one clip; resample one")
    moving = any(
        other.offsets is not None or not np.array_equal(other.skeleton.offsets[1:], first.skeleton.offsets[1:])
        for other in clips
    )
    contacts = [clip.contacts for clip in clips if clip.contacts is not None]
    return replace(
        first,
        rotations=np.concatenate([clip.rotations for clip in clips]),
        root=np.concatenate([clip.root for clip in clips]),
        contacts=np.concatenate(contacts) if len(contacts) == len(clips) else None,
        offsets=np.concatenate([bones(clip) for clip in clips]) if moving else None,
    )


def bones(clip: Clip) -> F32:
    """Local joint offsets (T, J, 3) frame by frame, whether the clip moves bones or not."""
    if clip.offsets is not None:
        return clip.offsets
    return np.broadcast_to(clip.skeleton.offsets, (len(clip), *clip.skeleton.offsets.shape))


def resample(clip: Clip, fps: float) -> Clip:
    """The same motion at another frame rate: slerp between rotations, straight lines between positions. The first
    frame stays; the last is the latest that the source still covers. Raises BadClip for a rate that is not positive."""
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


def placed_as(clip: Clip, other: Clip) -> Clip:
    """The clip turned and moved so that it begins where another one does, facing the same way; heights stay."""
    clip = turn(clip, float(quat.yaw(other.rotations[0, 0]) - quat.yaw(clip.rotations[0, 0])))
    return move(clip, (other.root[0] - clip.root[0]) * np.array([1, 0, 1], np.float32))


def canonicalise(clip: Clip) -> Clip:
    """The first frame's root stands over the origin and faces +Z; heights stay."""
    clip = turn(clip, -float(quat.yaw(clip.rotations[0, 0])))
    return move(clip, np.array([-clip.root[0, 0], 0, -clip.root[0, 2]]))


def mirror(clip: Clip) -> Clip:
    """Left and right exchanged across the world's YZ plane, for skeletons whose joints' names tell their sides
    (`motion.sides`); joints in the middle, and those without a partner, mirror themselves."""
    order = sides.partners(clip.skeleton)
    parents = np.maximum(clip.skeleton.parents, 0)
    rotations = clip.rotations[:, order] * np.array([1, 1, -1, -1], np.float32)
    offsets = None if clip.offsets is None else clip.offsets[:, order] * sides.FLIP
    lean = sides.lean(clip.skeleton, order)
    if lean is not None:
        back = quat.inv(lean)[parents]
        back[0] = quat.IDENTITY
        rotations = quat.mul(quat.mul(back, rotations), lean)
        offsets = None if offsets is None else quat.rotate(back, offsets)
    return replace(
        clip,
        rotations=rotations,
        root=clip.root * sides.FLIP,
        contacts=None if clip.contacts is None else clip.contacts[:, [2, 3, 0, 1]],
        offsets=offsets,
    )


def save(clip: Clip, path: Path) -> None:
    """Writes a clip as `.npz`; `load` reads it back bit for bit."""
    skeleton = clip.skeleton
    optional = {"contacts": clip.contacts, "animated_offsets": clip.offsets, "betas": clip.betas}
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


def load(path: Path, most: int = 1 << 29) -> Clip:
    """Reads a clip written by `save`, whose arrays take at most that many bytes. Raises BadFile."""
    data = npz.read(path, most)
    try:
        joints = tuple(str(joint) for joint in data["joints"])
        skeleton = Skeleton(
            str(data["skeleton"]),
            joints,
            tuple(int(parent) for parent in data["parents"]),
            _floats(data["offsets"]).reshape(len(joints), 3),
        )
        contacts, offsets, betas = (data.get(name) for name in ("contacts", "animated_offsets", "betas"))
        return Clip(
            skeleton,
            float(data["fps"]),
            _floats(data["rotations"]),
            _floats(data["root"]),
            None if contacts is None else _floats(contacts),
            str(data["name"]),
            None if offsets is None else _floats(offsets),
            None if betas is None else _floats(betas),
        )
    except (ValueError, TypeError, KeyError, OverflowError, BadClip) as error:
        raise BadFile(
            f"this is no clip saved by Motus ({error}); give a .npz that `motion.clip.save` wrote", str(path)
        ) from error


def _floats(array: NDArray[Any]) -> F32:
    """Finite numbers as float32. Raises ValueError for anything else."""
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(f"an array of type {array.dtype} holds what is no finite number")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)
