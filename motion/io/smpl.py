"""AMASS and SMPL-X parameter files (.npz) <-> Clip: axis-angle poses of the SMPL family's joints, and a translation.

Reads `poses` (T, 66, 72, 156 or 165) or its parts (`root_orient`, `pose_body`, `pose_hand`, `pose_jaw`, `pose_eye`),
`trans`, `betas`, `gender`, and `mocap_framerate` or `mocap_frame_rate`; whatever else a file has is left alone, and
what it lacks but for poses is no error. AMASS has Z up, SMPL-X files mostly Y: told apart by how the body stands.

`trans` is not where the pelvis is: SMPL turns the body about its pelvis and then moves it by `trans`, so that the
pelvis stands at `trans` plus its place in the body at rest, which depends on the body's shape. Without the model's
files the place is that of the published neutral bodies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from motion import quat, smplx
from motion.clip import Clip
from motion.errors import BadClip, BadFile
from motion.io import npz, source
from motion.quat import F32
from motion.skeleton import SMPLX22, Skeleton

Layout = Literal["amass", "smplx"]
Up = Literal["y", "z"]

# The pelvis of the neutral bodies at zero betas, metres, as their model files' joint regressors give it, to 1 cm.
_PELVIS: dict[int, tuple[float, float, float]] = {
    22: (0, -0.35, 0.01), 24: (0, -0.24, 0.03), 52: (0, -0.24, 0.03), 55: (0, -0.35, 0.01),
}  # fmt: skip
_PARTS = (("root_orient", "global_orient"), ("pose_body", "body_pose"))
_MORE = ("pose_jaw", "pose_eye", "pose_hand")  # in the order in which `poses` has them
_RATES = ("mocap_framerate", "mocap_frame_rate", "framerate", "frame_rate", "fps")
_LYING = 0.2  # mean height of the spine's direction along either axis below which the body tells nothing about up
_FARTHEST = 1e6  # metres or radians; beyond it a number is a mistake
_QUARTER: F32 = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0, 0], np.float32)  # +Z becomes +Y
_GENDERS = ("neutral", "male", "female")


@dataclass(frozen=True)
class Recording:
    """What a file says, before a body is chosen: T frames, J joints of the SMPL family, in the file's own axes."""

    path: str
    fps: float
    rotations: F32
    """(T, J, 4) local, J one of 22, 24, 52, 55."""
    trans: F32
    """(T, 3) metres."""
    betas: F32 | None
    """(B,) shape."""
    gender: str
    """neutral, male or female."""
    up: Up


def recognised(path: Path, most: int = source.MOST_BYTES) -> bool:
    """Whether a .npz holds SMPL parameters rather than a clip of ours. Raises BadFile."""
    arrays = npz.read(path, most)
    return "rotations" not in arrays and bool({"poses", "fullpose", "root_orient", "global_orient"} & set(arrays))


def read(
    path: Path,
    up: Up | None = None,
    fps: float | None = None,
    body: Skeleton | None = None,
    most: int = source.MOST_BYTES,
) -> Clip:
    """Reads one file; see `load` and `clip`."""
    return clip(load(path, up, fps, most), body)


def load(path: Path, up: Up | None = None, fps: float | None = None, most: int = source.MOST_BYTES) -> Recording:
    """What a file says.

    up: its vertical axis; None tells it from the body, which stands more than it lies.
    fps: its frame rate; None takes the file's.
    Raises BadFile.
    """
    with source.reading(str(path)):
        return _recording(npz.read(path, most), str(path), up, fps)


def _recording(arrays: dict[str, NDArray[Any]], place: str, up: Up | None, fps: float | None) -> Recording:
    poses = _poses(arrays, place)
    frames = len(poses)
    trans = _numbers(arrays, ("trans", "transl", "translation"), place)
    if trans is None:
        trans = np.zeros((frames, 3))
    if trans.shape != (frames, 3):
        raise BadFile(f"`trans` has shape {trans.shape}, expected {(frames, 3)} to fit `poses`", place)
    for label, array in (("poses", poses), ("trans", trans)):
        wild = ~(np.abs(array) < _FARTHEST)
        if wild.any():
            frame, column = (int(i) for i in np.argwhere(wild)[0][:2])
            joint = smplx.skeleton(poses.shape[1]).joints[column] if label == "poses" else "pelvis"
            raise BadFile(
                f"`{label}` hold {array[frame, column].reshape(-1)[0]:g}, at frame {frame}, joint {joint!r}; expected "
                "finite numbers",
                place,
            )
    rotations = from_axis_angle(poses)
    betas = _numbers(arrays, ("betas", "shape"), place)
    if betas is not None:  # some files repeat them in every frame
        betas = betas.reshape(-1, betas.shape[-1])[0] if betas.ndim > 1 and betas.size else betas.reshape(-1)
        if not (np.abs(betas) < _FARTHEST).all():
            raise BadFile("`betas` hold a value that is no finite number", place)
    return Recording(
        place,
        _rate(arrays, place) if fps is None else fps,
        rotations,
        trans.astype(np.float32),
        None if betas is None or not betas.size else betas.astype(np.float32),
        _gender(arrays),
        up or _up(arrays, rotations[:, 0]),
    )


def clip(recording: Recording, body: Skeleton | None = None) -> Clip:
    """The recording as a clip, Y up.

    body: the skeleton of the body it was recorded on (`models.bodies.smplx`), its root offset the pelvis' place at
    rest; None takes the family's own with our lengths. Raises BadClip for a body of other joints.
    """
    count = recording.rotations.shape[1]
    skeleton = smplx.skeleton(count)
    pelvis = np.array(_PELVIS[count], np.float32)
    if body is not None:
        if body.joints[:count] != skeleton.joints and set(skeleton.joints) - set(body.joints):
            raise BadClip(
                f"the body {body.name!r} lacks joints of {skeleton.name!r}; give the model it was recorded on"
            )
        keep = [body.index(joint) for joint in skeleton.joints]
        pelvis = body.offsets[0]
        offsets = body.offsets[keep].copy()
        offsets[0] = 0
        skeleton = Skeleton(skeleton.name, skeleton.joints, skeleton.parents, offsets)
    root, rotations = recording.trans + pelvis, recording.rotations
    if recording.up == "z":
        root, rotations = quat.rotate(_QUARTER, root), rotations.copy()
        rotations[:, 0] = quat.mul(_QUARTER, rotations[:, 0])
    name = Path(recording.path).stem
    return Clip(skeleton, recording.fps, rotations, root.astype(np.float32), None, name, None, recording.betas)


def write(
    motion: Clip, path: Path, layout: Layout = "smplx", up: Up | None = None, gender: str = "neutral",
    pelvis: F32 | None = None,
) -> None:  # fmt: skip
    """Writes a clip whose joints are `smplx22`'s, with fingers, jaw and eyes where it has them.

    layout: "amass" writes SMPL-H's 52 joints and Z up, "smplx" SMPL-X's 55 and Y up; `up` chooses otherwise.
    pelvis: (3,) its place at rest in the body that the file is meant for; None the neutral one's.
    Raises BadClip where the clip is not on that skeleton or moves its bones.
    """
    count = 52 if layout == "amass" else 55
    missing = [joint for joint in SMPLX22.joints if joint not in motion.skeleton.joints]
    if missing:
        raise BadClip(
            f"the clip moves {motion.skeleton.name!r}, which has no {missing[0]!r}; SMPL files hold the SMPL family's "
            "joints: retarget it to smplx22 first (--skeleton smplx22 of tools.convert)"
        )
    if motion.offsets is not None:
        raise BadClip("the clip moves its bones, which SMPL files cannot hold; retarget it to smplx22 first")
    up = up or ("z" if layout == "amass" else "y")
    rotations = np.tile(quat.IDENTITY, (len(motion), count, 1))
    for i, joint in enumerate(smplx.skeleton(count).joints):
        if joint in motion.skeleton.joints:
            rotations[:, i] = motion.rotations[:, motion.skeleton.index(joint)]
    root = motion.root
    if up == "z":
        turn = quat.inv(_QUARTER)
        root, rotations[:, 0] = quat.rotate(turn, root), quat.mul(turn, rotations[:, 0])
    poses = to_axis_angle(rotations).reshape(len(motion), -1)
    betas = np.zeros(16, np.float32) if motion.betas is None else motion.betas
    told: dict[str, Any] = {
        "poses": poses,
        "trans": root - (np.array(_PELVIS[count], np.float32) if pelvis is None else pelvis),
        "betas": betas,
        "gender": np.array(gender),
        "mocap_framerate" if layout == "amass" else "mocap_frame_rate": np.array(float(motion.fps)),
        "up": np.array(up),
    }
    if layout == "amass":
        told["dmpls"] = np.zeros((len(motion), 8), np.float32)
    else:
        cuts = {"root_orient": (0, 3), "pose_body": (3, 66), "pose_jaw": (66, 69), "pose_eye": (69, 75)}
        told |= {part: poses[:, a:b] for part, (a, b) in cuts.items()}
        told |= {"pose_hand": poses[:, 75:], "expressions": np.zeros((len(motion), 10), np.float32)}
        told["surface_model_type"] = np.array("smplx")
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **told)


def _numbers(arrays: dict[str, NDArray[Any]], names: tuple[str, ...], path: str) -> NDArray[np.float64] | None:
    name = next((name for name in names if name in arrays), None)
    if name is None:
        return None
    if arrays[name].dtype.kind not in "fiu":
        raise BadFile(f"`{name}` is of type {arrays[name].dtype}, expected numbers", path)
    return arrays[name].astype(np.float64)


def _poses(arrays: dict[str, NDArray[Any]], path: str) -> NDArray[np.float64]:
    """Axis-angle (T, J, 3)."""
    poses = _numbers(arrays, ("poses", "fullpose"), path)
    if poses is None:
        parts = [part for names in _PARTS if (part := _numbers(arrays, names, path)) is not None]
        if len(parts) < len(_PARTS):
            has = ", ".join(list(arrays)[:12]) or "nothing"
            raise BadFile(f"it holds no `poses`, nor `root_orient` and `pose_body`; it holds {has}", path)
        more = [part for name in _MORE if (part := _numbers(arrays, (name,), path)) is not None]
        parts += more if len(more) == len(_MORE) else []
        if any(part.ndim < 2 for part in parts) or len({len(part) for part in parts}) != 1:
            raise BadFile("the parts of its pose have different numbers of frames", path)
        poses = np.concatenate([part.reshape(len(part), math.prod(part.shape[1:])) for part in parts], axis=1)
    if not poses.size:
        raise BadFile("it has no frames", path)
    poses = poses.reshape(len(poses), -1) if poses.ndim > 1 else poses.reshape(1, -1)
    if poses.shape[1] % 3 or poses.shape[1] // 3 not in _PELVIS:
        raise BadFile(
            f"its poses have {poses.shape[1]} numbers a frame; SMPL has 72, SMPL-H 156, SMPL-X 165, the body alone 66",
            path,
        )
    source.admit(len(poses), poses.shape[1] // 3, path)
    return poses.reshape(len(poses), -1, 3)


def _rate(arrays: dict[str, NDArray[Any]], path: str) -> float:
    value = _numbers(arrays, _RATES, path)
    if value is None:
        raise BadFile(
            "it states no frame rate (`mocap_framerate`); say it with --fps of tools.convert, `fps` in code", path
        )
    rate = float(value.reshape(-1)[0]) if value.size else 0.0
    if not (0 < rate < 1e5):
        raise BadFile(f"its frame rate is {rate}; expected frames per second above 0", path)
    return rate


def _gender(arrays: dict[str, NDArray[Any]]) -> str:
    value = arrays.get("gender")
    if value is None or value.dtype.kind not in "US" or not value.size:
        return "neutral"
    word = value.reshape(-1)[0]
    word = (word.decode("ascii", "replace") if isinstance(word, bytes) else str(word)).lower()
    return next((gender for gender in reversed(_GENDERS) if gender in word or word == gender[0]), "neutral")


def _up(arrays: dict[str, NDArray[Any]], pelvis: F32) -> Up:
    """The axis along which the body's spine points on average; of one that lies, the usual axis of the file's maker."""
    noted = arrays.get("up")
    if noted is not None and noted.dtype.kind == "U" and str(noted) in ("y", "z"):
        return "z" if str(noted) == "z" else "y"
    spine = quat.rotate(pelvis, np.array([0, 1, 0], np.float32)).mean(axis=0)
    if max(spine[1], spine[2]) > _LYING:
        return "z" if spine[2] > spine[1] else "y"
    return "z" if {"mocap_framerate", "dmpls"} & set(arrays) else "y"


def from_axis_angle(vectors: NDArray[Any]) -> F32:
    """Rotations (..., 4) about vectors (..., 3), as far in radians as they are long."""
    angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
    axis = vectors / np.maximum(angle, 1e-12)
    return quat.normalize(quat.from_axis_angle(axis.astype(np.float32), np.remainder(angle[..., 0], 4 * np.pi)))


def to_axis_angle(q: F32) -> F32:
    """Vectors (..., 3) of length 0 to pi."""
    near = np.where(q[..., :1] < 0, -q, q).astype(np.float64)
    sine = np.linalg.norm(near[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, near[..., :1])
    return (near[..., 1:] * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2)).astype(np.float32)
