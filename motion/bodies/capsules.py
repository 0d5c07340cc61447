"""A plain body for any hierarchy: one tapered capsule for each bone, a ball at each joint.

Joints whose names say left are blue, right orange. For humanoids `motion.bodies.mannequin` is the better body.
"""

from __future__ import annotations

import re

import numpy as np

from motion.bodies import body, loft
from motion.bodies.body import JOINT, LEFT, LEFT_JOINT, RIGHT, RIGHT_JOINT, WOOD, Body
from motion.bodies.loft import Piece, Real, Rings
from motion.skeleton import Skeleton

_LEFT = re.compile(
    r"left|(^|[_.:\- ])l([_.:\- ]|$)|(^|:)[lL](?=[A-Z])|^l(?=hand|foot|thumb|finger|femur|tibia|hum|rad|wri|clav|toe)"
)
_RIGHT = re.compile(
    r"right|(^|[_.:\- ])r([_.:\- ]|$)|(^|:)[rR](?=[A-Z])|^r(?=hand|foot|thumb|finger|femur|tibia|hum|rad|wri|clav|toe)"
)


def fit(skeleton: Skeleton) -> Body:
    """Capsules on the bones of the rest pose."""
    at = skeleton.rest_positions()
    lengths = np.linalg.norm(skeleton.offsets, axis=1)
    lengths[0] = 0
    # An offset longer than half of all bones together is a place in the world, not a bone (Bandai's Hips).
    bones = [i for i in range(1, len(skeleton)) if 1e-4 < lengths[i] <= lengths.sum() / 2]
    size = float(np.sort(lengths[bones])[-8:].mean()) if bones else 0.1  # of the limbs: fingers are many but short
    alone = np.eye(len(skeleton), dtype=np.float32)
    sides = [side(skeleton, joint) for joint in range(len(skeleton))]
    skins, knots = ((WOOD, LEFT, RIGHT), (JOINT, LEFT_JOINT, RIGHT_JOINT))
    radius = {i: float(np.clip(0.16 * lengths[i], 0.06 * size, 0.30 * size)) for i in bones}
    pieces: list[Piece] = []
    for i in bones:
        parent = skeleton.parents[i]
        pieces.append(_capsule(at[parent], at[i], radius[i], alone[parent], skins[sides[i]]))
    for joint in range(len(skeleton)):
        near = [radius[i] for i in bones if i == joint or skeleton.parents[i] == joint]
        if near and skeleton.children(joint):
            head = skeleton.joints[joint].lower().split(":")[-1] == "head"
            axes = np.eye(3) * (0.28 * size if head else max(near) * 1.15)
            pieces.append(loft.ellipsoid(at[joint], axes, alone[joint], knots[sides[joint]], 10, 7))
    if not pieces:
        pieces = [loft.ellipsoid(at[0], np.eye(3) * 0.05, alone[0], JOINT)]
    identity = np.tile(np.array([1, 0, 0, 0], np.float32), (len(skeleton), 1))
    return body.assemble(skeleton, pieces, at, identity)


def _capsule(start: Real, end: Real, radius: float, weights: Real, paint: int) -> Piece:
    axis = loft.unit(end - start)
    across = loft.square_to(np.eye(3)[int(np.abs(axis).argmin())], axis)
    along = np.cross(axis, across)
    part = np.array([0.0, 0.2, 0.6, 1.0])[:, None]
    width = np.array([0.75, 1.0, 0.85, 0.6])[:, None] * radius
    rings = Rings(start + part * (end - start), across * width, along * width, np.tile(weights, (4, 1)))
    return loft.tube(loft.rounded(rings, radius * 0.7, radius * 0.5), 10, paint)


def side(skeleton: Skeleton, joint: int) -> int:
    """0 middle, 1 left, 2 right; a joint without a side in its name takes its parent's."""
    name = skeleton.joints[joint]
    plain = name if name[:1].islower() and name[1:2].isupper() else name.lower()
    if _LEFT.search(plain) or _LEFT.search(name.lower()):
        return 1
    if _RIGHT.search(plain) or _RIGHT.search(name.lower()):
        return 2
    parent = skeleton.parents[joint]
    return side(skeleton, parent) if parent > 0 else 0
