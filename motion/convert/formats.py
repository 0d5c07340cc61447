"""Motion files of every kind that tools read and write, by their endings.

    .bvh                     Biovision                        read, written
    .amc (with its .asf)     Acclaim                          read
    .npz                     ours, AMASS, SMPL-X              read, written
    .glb .gltf               glTF 2.0                         read, written
    .fbx                     through Blender (motion.convert.blender)  read, written
    .csv                     joint positions                  written

Clips are metres, Y up. What a file's own axes and units are is told from the file, or said in `Reading`.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from motion import clip as clips
from motion import quat
from motion.bodies.body import Body
from motion.clip import Clip
from motion.convert import blender
from motion.errors import BadConfig, BadFile, UnknownJoint
from motion.io import asf_amc, bvh, glb, gltf_graft, positions, smpl, source
from motion.quat import F32
from motion.retargeting.joint_map import map_joints
from motion.skeleton import Skeleton, fk

READ = (".bvh", ".amc", ".npz", ".glb", ".gltf", ".fbx")
WRITTEN = (".bvh", ".npz", ".glb", ".gltf", ".fbx", ".csv")
SCENES = (".glb", ".gltf", ".fbx")
"""Files that hold meshes and several animations."""
METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
_SIGNS = ((b"HIERARCHY", ".bvh"), (b"glTF", ".glb"), (b"PK\x03\x04", ".npz"), (b"Kaydara FBX", ".fbx"))
"""how files begin, whatever they are called"""
_STANDING = 0.8  # cosine of the angle from a vertical axis within which a body stands
_SAMPLE = 64  # frames looked at
_QUARTER: F32 = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0, 0], np.float32)  # +Z becomes +Y

Up = Literal["y", "z"]
Layout = Literal["motus", "amass", "smplx"]


@dataclass(frozen=True)
class Reading:
    """How a file is read."""

    asf: Path | None = None
    """skeleton of an .amc; None takes the one beside it"""
    take: str | None = None
    """name of an animation; None is the first"""
    up: Up | None = None
    """the file's vertical axis; None tells it from the body"""
    units: str | None = None
    """the file's unit of length (a key of METRES); None tells it from the size of the skeleton"""
    fps: float | None = None
    """rate of a file that states none"""
    partial: bool = False
    """take the frames that are there from a file that announces more"""
    most: int = source.MOST_BYTES
    """bytes"""


@dataclass(frozen=True)
class Writing:
    """How a file is written."""

    up: Up | None = None
    """vertical axis; None is the format's usual one"""
    units: str | None = None
    """unit of length; None is the format's usual one: centimetres for .bvh, metres else"""
    layout: Layout = "motus"
    """what kind of .npz"""
    gender: str = "neutral"
    """of an .npz of AMASS or SMPL-X"""
    character: Path | None = None
    """a .glb or .gltf whose looks the motion wears"""
    body: Body | None = None
    """a mesh that the motion wears"""
    pelvis: F32 | None = None
    """(3,) the pelvis' place at rest in the body that an .npz is meant for"""


def read(path: Path, how: Reading | None = None) -> Clip:
    """A clip from any file, Y up. Raises BadFile, BadConfig, MissingPart."""
    how = Reading() if how is None else how
    _check_content(path)
    match path.suffix.lower():
        case ".bvh":
            clip = bvh.read(path, None if how.units is None else METRES[how.units], how.partial, how.most)
            return upright(clip, how.up)  # of all formats here the one that leaves open which axis is up
        case ".amc":
            clip = asf_amc.read(skeleton_of(path, how.asf), path, how.fps or 120.0, how.most)
        case ".npz":
            if smpl.recognised(path, how.most):
                return smpl.read(path, how.up, how.fps, None, how.most)
            clip = clips.load(path, how.most)
        case ".glb" | ".gltf":
            clip = glb.read(path, how.take, how.fps, how.most)
        case ".fbx":
            clip = blender.read(path, how.take, most=how.most)
        case other:
            raise BadFile(f"{other or 'a file without ending'} is not read; give {', '.join(READ)}", str(path))
    return clip if how.up is None else upright(clip, how.up)


def _check_content(path: Path) -> None:
    """Raises BadFile for a file whose content is another format's than its ending says."""
    if not path.is_file():
        return  # whoever opens it says what is wrong
    with path.open("rb") as stream:
        start = stream.read(32).removeprefix(b"\xef\xbb\xbf").lstrip()
    for sign, ending in _SIGNS:
        if start.startswith(sign) and path.suffix.lower() != ending and path.suffix.lower() in READ:
            raise BadFile(f"its content is that of a {ending} file; give it that ending", str(path))


def concerns(path: Path, how: Reading) -> None:
    """Raises BadConfig for what is asked of a file and does not apply to files of that ending."""
    ending = path.suffix.lower()
    asked = (
        (how.asf, "--asf", (".amc",)),
        (how.take, "--take", SCENES),
        (how.units, "--from-units", (".bvh",)),
        (how.fps, "--from-fps", (".amc", ".npz", ".glb", ".gltf")),
        (how.partial, "--partial", (".bvh",)),
    )
    for value, option, endings in asked:
        if value and ending not in endings:
            raise BadConfig(f"{option} is for {', '.join(endings)} and does not apply to {path.name}; leave it out")


def skeleton_of(amc: Path, asf: Path | None = None) -> Path:
    """The .asf of an .amc. Raises BadFile where none or several fit."""
    fitting = [asf] if asf else asf_amc.beside(amc)
    if len(fitting) != 1:
        raise BadFile(f"an .amc needs its skeleton and {len(fitting)} .asf files fit it; name one with --asf", str(amc))
    return fitting[0]


def takes(path: Path, most: int = source.MOST_BYTES) -> list[str]:
    """Names of the animations of a file; one without a name where a file holds a single motion. Raises BadFile."""
    return glb.takes(path, most) if path.suffix.lower() in (".glb", ".gltf") else []


def upright(clip: Clip, up: Up | None = None) -> Clip:
    """The clip with Y up; `up` is its own vertical axis, None tells it from a body that stands, and takes Y for
    anything else."""
    return turned(clip, _QUARTER) if (up or _up(clip)) == "z" else clip


def _up(clip: Clip) -> Up:
    """The axis from the ankles to the head at rest, or in the motion where the rest pose is no stance."""
    try:
        roles = map_joints(clip.skeleton).roles
        feet, head = [roles["left_ankle"], roles["right_ankle"]], roles["head"]
    except (UnknownJoint, KeyError):
        return "y"
    rest = clip.skeleton if clip.offsets is None else replace(clip.skeleton, offsets=np.median(clip.offsets, axis=0))
    at = rest.rest_positions()
    tall = at[head] - at[feet].mean(axis=0)
    if tall[1:].max() < _STANDING * np.linalg.norm(tall):
        some = slice(None, None, max(1, len(clip) // _SAMPLE))
        offsets = None if clip.offsets is None else clip.offsets[some]
        at, _ = fk(clip.skeleton, clip.rotations[some], clip.root[some], offsets)
        tall = (at[:, head] - at[:, feet].mean(axis=1)).mean(axis=0)
    return "z" if tall[2] > tall[1] else "y"


def turned(clip: Clip, turn: F32) -> Clip:
    """The same motion in axes turned by `turn` (4,): the skeleton at rest, the path, and every joint's own axes."""
    back = quat.inv(turn)
    offsets = None if clip.offsets is None else quat.rotate(turn, clip.offsets)
    return replace(
        clip,
        skeleton=replace(clip.skeleton, offsets=quat.rotate(turn, clip.skeleton.offsets)),
        rotations=quat.mul(quat.mul(turn, clip.rotations), back),
        root=quat.rotate(turn, clip.root),
        offsets=offsets,
    )


def check(path: Path, how: Writing) -> None:
    """Whether a file of that ending can be written that way. Raises BadFile, BadConfig."""
    ending = path.suffix.lower()
    if ending not in WRITTEN:
        hint = "; motion goes to .bvh" if ending in (".asf", ".amc") else "" if ending else ", or a folder as NAME/"
        raise BadFile(f"{ending or 'a file without ending'} is not written; give {', '.join(WRITTEN)}{hint}", str(path))
    plain = ending in SCENES or (ending == ".npz" and how.layout == "motus")
    if how.up == "z" and plain:
        raise BadConfig(f"--up z does not apply to {ending}, whose format has Y up; leave it out")
    if how.units not in (None, "m") and ending in (".glb", ".gltf", ".npz"):
        raise BadConfig(f"--units {how.units} does not apply to {ending}, whose format is in metres; leave it out")
    if how.units not in (None, "cm") and ending == ".fbx":
        raise BadConfig(f"--units {how.units} does not apply to .fbx, which is written in centimetres; leave it out")
    if how.layout != "motus" and ending != ".npz":
        raise BadConfig(f"--npz {how.layout} is for .npz files, not for {ending}")


def write(clip: Clip, path: Path, how: Writing | None = None) -> None:
    """Writes a clip as its ending says. Raises BadFile, BadConfig, BadClip, MissingPart."""
    how = Writing() if how is None else how
    check(path, how)
    ending = path.suffix.lower()
    if how.up == "z" and ending in (".bvh", ".csv"):
        clip = turned(clip, quat.inv(_QUARTER))
    scale = 1 / METRES[how.units or ("cm" if ending == ".bvh" else "m")]
    match ending:
        case ".bvh":
            path.write_text(bvh.text(clip, scale), encoding="utf-8", newline="\n")
        case ".csv":
            positions.write(clip, path, scale)
        case ".npz" if how.layout == "motus":
            clips.save(clip, path)
        case ".npz":
            smpl.write(clip, path, "amass" if how.layout == "amass" else "smplx", how.up, how.gender, how.pelvis)
        case ".fbx":
            with tempfile.TemporaryDirectory(prefix="motus-") as folder:
                worn = Path(folder) / "clip.glb"
                _scene(clip, worn, how)
                blender.write_fbx(clip, path, worn.read_bytes())
        case _:
            _scene(clip, path, how)


def _scene(clip: Clip, path: Path, how: Writing) -> None:
    if how.character is not None:
        gltf_graft.write(clip, how.character, path)
    else:
        glb.write(clip, path, how.body)


def skeleton(path: Path, how: Reading | None = None) -> Skeleton | Clip:
    """What a motion is to be retargeted to: the skeleton of an .asf, a clip of any other file, which shows its axes too
    where the rest pose is no stance."""
    if path.suffix.lower() == ".asf":
        return asf_amc.skeleton(path)
    return read(path, how)
