"""One motion file made into another: read, retargeted, resampled, dressed, written, and read again to be sure."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from motion import clip as clips
from motion.bodies.body import Body
from motion.clip import Clip, positions
from motion.convert import formats
from motion.convert.formats import Reading, Writing
from motion.errors import BadConfig, MotionError
from motion.io import smpl
from motion.io.source import MOST_TURNS
from motion.quat import F32, IDENTITY
from motion.retargeting.retarget import Options, hold_feet, transfer
from motion.skeleton import Skeleton

Shaped = Callable[[F32 | None, str], Body]
"""a person's body, from the betas of its shape (None: the average) and a gender; raises MotionError"""


@dataclass(frozen=True)
class Plan:
    """What is done to every file of a run."""

    reading: Reading = field(default_factory=Reading)
    writing: Writing = field(default_factory=Writing)
    target: Skeleton | Clip | None = None
    """the skeleton that the motion goes to; None keeps its own"""
    fps: float | None = None
    """frames per second of the result; None keeps the source's"""
    source_map: Mapping[str, str] | None = None
    target_map: Mapping[str, str] | None = None
    lock_feet: bool = False
    reach_hands: bool = False
    shaped: Shaped | None = None
    """the bodies that SMPL recordings are read and written on, and that scenes wear"""
    verify: bool = False
    """read the result again and measure how far its joints are from those that were written"""
    through: Callable[[Clip], Clip] | None = None
    """what the motion goes through first, such as a bundle's codes"""


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    source: str
    out: str
    error: str = ""
    frames: int = 0
    joints: int = 0
    fps: float = 0.0
    megabytes: float = 0.0
    """of the source"""
    read_s: float = 0.0
    """processor time"""
    write_s: float = 0.0
    apart_mm: float | None = None
    """largest distance between joints as written and as read again"""
    report: str = ""
    """of the retargeting"""
    note: str = ""


def convert(source: Path, out: Path, plan: Plan) -> Outcome:
    """Converts one file; what is wrong with it is in the outcome. Nothing half-written is left behind."""
    part = out.with_name(f".{out.stem}.{os.getpid()}{out.suffix}")
    try:
        return _convert(source, out, part, plan)
    except MotionError as error:
        return Outcome(str(source), str(out), str(error).replace(str(part), str(out)))
    except OSError as error:
        return Outcome(str(source), str(out), f"{out}: cannot be written ({error.strerror})")
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _convert(source: Path, out: Path, part: Path, plan: Plan) -> Outcome:
    started = time.process_time()
    clip, body = _read(source, plan)
    if plan.through is not None:
        clip = plan.through(clip)
    read_s = time.process_time() - started
    report, writing = "", plan.writing
    target = plan.target if plan.target is not None or body is None or _worn(body, clip) else body.skeleton
    if target is not None:
        options = Options(lock_feet=plan.lock_feet, reach_hands=plan.reach_hands)
        clip, told = transfer(clip, target, plan.source_map, plan.target_map, options)
        report = str(told)
    elif plan.lock_feet:
        clip = hold_feet(clip, plan.source_map)
    if plan.fps is not None:
        clip = _resampled(clip, plan.fps)
    if body is not None:
        writing = replace(writing, pelvis=body.skeleton.offsets[0])
        if out.suffix.lower() in formats.SCENES and _worn(body, clip):
            clip, writing = _filled(clip, body.skeleton), replace(writing, body=body)
    elif target is None and plan.through is None and _keeps_its_looks(source, out, writing):
        writing = replace(writing, character=source)
    out.parent.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    formats.write(clip, part, writing)
    os.replace(part, out)
    return Outcome(
        str(source),
        str(out),
        frames=len(clip),
        joints=len(clip.skeleton),
        fps=clip.fps,
        megabytes=source.stat().st_size / 1e6,
        read_s=read_s,
        write_s=time.process_time() - started,
        apart_mm=_apart(clip, out, plan) if plan.verify and out.suffix.lower() != ".csv" else None,
        report=report,
        note=_note(source, clip, plan),
    )


def _resampled(clip: Clip, fps: float) -> Clip:
    frames = round(clip.seconds * fps)
    if frames * len(clip.skeleton) > MOST_TURNS:
        raise BadConfig(
            f"--fps {fps:g} would make {frames} frames of {len(clip.skeleton)} joints, which is more than is written "
            "at once; give a lower rate"
        )
    return clips.resample(clip, fps)


def _read(source: Path, plan: Plan) -> tuple[Clip, Body | None]:
    """The clip, and the body of its shape where bodies are given."""
    if plan.shaped is None:
        return formats.read(source, plan.reading), None
    how = plan.reading
    if source.suffix.lower() == ".npz" and smpl.recognised(source, how.most):
        recording = smpl.load(source, how.up, how.fps, how.most)
        body = plan.shaped(recording.betas, recording.gender)
        return smpl.clip(recording, body.skeleton), body
    clip = formats.read(source, how)
    return clip, plan.shaped(clip.betas, plan.writing.gender)


def _worn(body: Body, clip: Clip) -> bool:
    """Whether the clip moves the body's own bones."""
    names = [joint for joint in clip.skeleton.joints if joint in body.skeleton.joints]
    if set(body.skeleton.joints[:22]) - set(names):
        return False
    ours, theirs = clip.skeleton, body.skeleton
    a = ours.offsets[[ours.index(joint) for joint in names if joint != "pelvis"]]
    b = theirs.offsets[[theirs.index(joint) for joint in names if joint != "pelvis"]]
    return bool(np.abs(a - b).max() < 1e-4)


def _filled(clip: Clip, skeleton: Skeleton) -> Clip:
    """The clip on a skeleton that has more joints, which stay at rest."""
    rotations = np.tile(IDENTITY, (len(clip), len(skeleton), 1))
    for i, joint in enumerate(skeleton.joints):
        if joint in clip.skeleton.joints:
            rotations[:, i] = clip.rotations[:, clip.skeleton.index(joint)]
    return replace(clip, skeleton=skeleton, rotations=rotations)


def _keeps_its_looks(source: Path, out: Path, writing: Writing) -> bool:
    scene = source.suffix.lower() in (".glb", ".gltf") and out.suffix.lower() in formats.SCENES
    return scene and writing.character is None and writing.body is None


def _apart(clip: Clip, out: Path, plan: Plan) -> float | None:
    """Largest distance in millimetres between the clip's joints and the file's; None where they share none."""
    how = Reading(up=plan.writing.up, units=plan.writing.units or "cm", most=1 << 40)
    back = formats.read(out, replace(how, up=plan.writing.up or ("y" if out.suffix.lower() == ".bvh" else None)))
    theirs = {joint: i for i, joint in enumerate(back.skeleton.joints)}
    plain = [joint.replace(" ", "_") if out.suffix.lower() == ".bvh" else joint for joint in clip.skeleton.joints]
    pairs = [(i, theirs[joint]) for i, joint in enumerate(plain) if joint in theirs]
    if not pairs:
        return None
    if len(back) != len(clip):
        return float("inf")
    a, b = np.array(pairs).T
    return float(np.linalg.norm(positions(clip)[:, a] - positions(back)[:, b], axis=-1).max() * 1000)


def _note(source: Path, clip: Clip, plan: Plan) -> str:
    names = formats.takes(source, plan.reading.most)
    if plan.reading.take is None and len(names) > 1:
        return (
            f"it holds {len(names)} animations and this is the first, {clip.name!r}: --take NAME picks another "
            f"({', '.join(names[1:4])} ...), --take all writes each"
        )
    return ""
