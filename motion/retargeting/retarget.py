"""Motion from any humanoid skeleton onto any other.

Every joint keeps the source's world rotation times a constant that aligns the two rigs' axes
(`motion.retargeting.alignment`); limbs then swing by the small rest so that each points exactly where the source's
limb points, and the trunk so that the neck lies where the source's does. The root is scaled by leg length. Joints that
play no role stay at rest.

    retarget(clip)              onto `smplx22`: the first frame over the origin, facing +Z, as training wants it
    retarget(clip, skeleton)    onto any skeleton: place and heading are kept
    transfer(clip, skeleton)    the same, and a report of what was mapped, guessed and left alone
    hold_feet(clip)             its own skeleton, and feet that do not slide

A skeleton whose rest pose is no stance tells nothing by itself: give a clip of it in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from motion import contacts, quat
from motion.clip import Clip, canonicalise, move, positions
from motion.errors import BadClip
from motion.quat import F32
from motion.retargeting.alignment import unit
from motion.retargeting.feet import lock_feet
from motion.retargeting.humanoid import Humanoid, canonical
from motion.retargeting.legs import Leg, Legs, legs_of
from motion.retargeting.report import Report
from motion.retargeting.transfer import Transfer
from motion.skeleton import ANKLE_HEIGHT, Skeleton


@dataclass(frozen=True)
class Options:
    """What is done besides carrying the pose over."""

    lock_floor: bool = True
    """lower or raise the clip so that its lowest contact rests on y = 0"""
    lock_feet: bool = False
    """feet that rest do not slide (`motion.retargeting.feet`)"""
    reach_hands: bool = False
    """hands go where the source's go, at the target's size, rather than pointing as its arms do"""


class Transferred(NamedTuple):
    """A clip on another skeleton, and how it came there."""

    clip: Clip
    report: Report


def retarget(
    clip: Clip,
    target: Skeleton | Clip | None = None,
    source_map: Mapping[str, str] | None = None,
    target_map: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> Clip:
    """The clip on another skeleton, at its own frame rate, with contacts; see `transfer`."""
    return transfer(clip, target, source_map, target_map, options).clip


def transfer(
    clip: Clip,
    target: Skeleton | Clip | None = None,
    source_map: Mapping[str, str] | None = None,
    target_map: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> Transferred:
    """The clip on another skeleton, and the report.

    target: None for `smplx22`, the first frame over the origin and facing +Z; a skeleton, or a clip of it where its
    rest pose is no stance, for place and heading as they are. Maps say which joint plays which role where that should
    not be found by name (`motion.retargeting.joint_sheet`).
    Raises UnknownJoint where a skeleton is no humanoid, BadClip where a target needs a clip to be understood.
    """
    options = Options() if options is None else options
    source = Humanoid.of(clip, source_map)
    body = canonical() if target is None else Humanoid.of(target, target_map)
    way = Transfer(source, body, plain=target is None)
    result = way.carry(clip, options.reach_hands)
    if target is None:
        result, known = canonicalise(result), None
    else:
        known = _contacts(clip, source)
    result = _grounded(result, legs_of(body), options, known)
    return Transferred(body.filed(result), Report.of(way))


def hold_feet(clip: Clip, source_map: Mapping[str, str] | None = None) -> Clip:
    """The clip of any humanoid with feet that stay where they rest, by its legs alone; nothing else changes.

    Raises UnknownJoint where the skeleton is no humanoid, BadClip where the file moves bones.
    """
    if clip.offsets is not None:
        raise BadClip(
            f"clip {clip.name!r} moves its bones, so that no leg has a length; retarget it to a skeleton first"
        )
    body = Humanoid.of(clip, source_map)
    legs, known, raised = legs_of(body), _contacts(clip, body), body.raised(clip)
    lift = np.array([0, -_floor(_feet(raised, legs), legs), 0], np.float32)
    held = lock_feet(move(raised, lift), known, legs=legs)
    return replace(body.filed(move(held, -lift)), contacts=known)


def _contacts(clip: Clip, source: Humanoid) -> F32:
    """When the source's feet rest (T, 4): as it says, or as they do on `smplx22`, whose soles are known."""
    if clip.contacts is not None:
        return clip.contacts
    body = canonical()
    plain = _grounded(Transfer(source, body, plain=True).carry(clip), legs_of(body), Options(), None)
    assert plain.contacts is not None
    return plain.contacts


def _grounded(clip: Clip, legs: tuple[Leg, Leg], options: Options, known: F32 | None) -> Clip:
    """The clip with its floor at y = 0, and contacts: those `known` of the source, else as the feet now move."""
    feet = _feet(clip, legs)
    standing = np.array([height for leg in legs for height in (leg.ankle_height, leg.toe_height)], np.float32)
    if options.lock_floor:
        lowest = _floor(feet, legs)
        clip = move(clip, np.array([0, -lowest, 0]))
        feet = feet - np.array([0, lowest, 0], np.float32)
    down = known
    if down is None:
        down = contacts.detect_from(feet, clip.fps, standing, float(standing[0]) / ANKLE_HEIGHT)
    if options.lock_feet:
        clip = lock_feet(clip, down, legs=legs)
    return replace(clip, contacts=down)


def _feet(clip: Clip, legs: tuple[Leg, Leg]) -> F32:
    """World positions (T, 4, 3) of ankle and toe of both legs; of the ankle twice where there is no toe."""
    return positions(clip)[:, [joint for leg in legs for joint in (leg.ankle, Legs.toe(leg))]]


def _floor(feet: F32, legs: tuple[Leg, Leg]) -> float:
    """Height of the ground on which feet (T, 4, 3) stand at their lowest."""
    standing = np.array([leg.toe_height for leg in legs], np.float32)
    return float(np.percentile(feet[:, 1::2, 1].min(axis=1), 2)) - float(standing.mean())


def limb_error_deg(
    source: Clip,
    result: Clip,
    source_map: Mapping[str, str] | None = None,
    target_map: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """Mean angle in degrees between the limbs of a clip and of its retargeted copy, by limb, headings aligned by the
    one turn that fits all limbs best; the limbs are hip-knee, knee-ankle, shoulder-elbow, elbow-wrist and pelvis-neck.
    """
    theirs = Humanoid.of(source, source_map).read(source)
    ours = Humanoid.of(result, target_map).read(result)
    pairs = [("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")]

    def angle(a: F32, b: F32) -> float:
        return float(np.degrees(np.arccos(np.clip((unit(a) * unit(b)).sum(-1), -1, 1))).mean())

    def ray(role: str, end: str) -> tuple[F32, F32]:
        return theirs.at[end] - theirs.at[role], ours.at[end] - ours.at[role]

    rays = {f"{near}-{far}": [ray(f"{s}_{near}", f"{s}_{far}") for s in ("left", "right")] for near, far in pairs}
    rays["pelvis-neck"] = [(theirs.at["neck"] - theirs.hips, ours.at["neck"] - ours.hips)]
    # The retargeted clip may have been turned to face +Z: undo the one turn about Y that fits all limbs best.
    a = np.concatenate([unit(x) for both in rays.values() for x, _ in both])
    b = np.concatenate([unit(y) for both in rays.values() for _, y in both])
    sine, cosine = (a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]).sum(), (a[:, 0] * b[:, 0] + a[:, 2] * b[:, 2]).sum()
    q = quat.from_yaw(np.arctan2(sine, cosine).astype(np.float32))
    return {limb: float(np.mean([angle(quat.rotate(q, x), y) for x, y in both])) for limb, both in rays.items()}
