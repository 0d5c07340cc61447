"""The body everything is shown on: an artist's wooden mannequin, fitted to a humanoid skeleton.

Our own shape (CC0), made of rounded pieces around the joints. Every length scales with the skeleton's legs, so that
tall and small skeletons both wear it. The face looks along the body's front; the left side is blue, the right orange.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.bodies import anatomy, body, capsules, extremities, loft
from motion.bodies.anatomy import Anatomy, ball, limb
from motion.bodies.body import JOINT, LEFT, LEFT_JOINT, RIGHT, RIGHT_JOINT, WOOD, Body
from motion.bodies.loft import Piece, Rings
from motion.errors import UnknownJoint
from motion.quat import F32
from motion.retargeting.joint_map import map_joints
from motion.skeleton import SMPLX22, Skeleton

# Place (in bones, see anatomy.limb), half-width, half-depth, shift to the front.
_ARM = (
    (0.0, 0.044, 0.046, 0.0),
    (0.16, 0.050, 0.054, 0.002),
    (0.4, 0.049, 0.053, 0.004),
    (0.75, 0.040, 0.042, 0.001),
    (1.0, 0.030, 0.031, 0.0),
    (1.25, 0.042, 0.040, 0.0),
    (1.6, 0.035, 0.032, 0.0),
    (1.97, 0.022, 0.022, 0.0),
)
_LEG = (
    (0.0, 0.082, 0.086, 0.0),
    (0.25, 0.078, 0.084, 0.006),
    (0.6, 0.063, 0.069, 0.006),
    (0.88, 0.051, 0.054, 0.002),
    (1.0, 0.042, 0.044, 0.0),
    (1.12, 0.047, 0.051, -0.005),
    (1.32, 0.053, 0.061, -0.013),
    (1.62, 0.041, 0.047, -0.009),
    (1.9, 0.030, 0.033, -0.002),
    (2.0, 0.026, 0.028, 0.0),
)
_NECK = ((-0.25, 0.054, 0.056, 0.0), (0.4, 0.046, 0.048, 0.0), (1.3, 0.045, 0.047, 0.0))
# Place between the hips (0) and the neck (1), half-width, half-depth, shift to the front.
_TRUNK = (
    (-0.17, 0.040, 0.056, 0.0),
    (-0.10, 0.108, 0.088, -0.006),
    (0.0, 0.142, 0.106, -0.010),
    (0.12, 0.141, 0.104, -0.008),
    (0.27, 0.122, 0.090, 0.002),
    (0.40, 0.120, 0.088, 0.006),
    (0.55, 0.137, 0.100, 0.008),
    (0.72, 0.158, 0.112, 0.006),
    (0.84, 0.162, 0.106, -0.002),
    (0.93, 0.128, 0.082, -0.010),
    (1.0, 0.074, 0.060, -0.008),
    (1.06, 0.050, 0.050, -0.004),
)
_BELLY = (0.20, 0.44)  # this part of the trunk is painted as a joint
_BONES = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
_NEEDED = ("pelvis", "neck", "head", *(f"{side}_{joint}" for side in ("left", "right") for joint in sum(_BONES, ())))


def dress(skeleton: Skeleton) -> Body:
    """The mannequin where a skeleton is a humanoid whose rest pose stands with straight limbs, else capsules."""
    found = roles(skeleton)
    if found is None or found["neck"] == found["head"] or not _stands(skeleton, found):
        return capsules.fit(skeleton)
    return fit(skeleton, found)


def roles(skeleton: Skeleton) -> dict[str, int] | None:
    """Joints of a humanoid by the role their names tell of; None when they tell of none."""
    if set(SMPLX22.joints) <= set(skeleton.joints):
        return {joint: skeleton.index(joint) for joint in SMPLX22.joints}
    try:
        return map_joints(skeleton).roles
    except UnknownJoint:
        return None


def fit(skeleton: Skeleton, roles: Mapping[str, int] | None = None, bind: tuple[F32, F32] | None = None) -> Body:
    """A mannequin for a humanoid skeleton.

    roles: `smplx22` joint name -> the skeleton's joint; None when the skeleton's names are already those.
    bind: world positions (J, 3) and rotations (J, 4) of a pose with straight limbs in which the body is modelled, best
    a T-pose; None takes the rest pose.
    Raises UnknownJoint when a limb has no joint.
    """
    found = {joint: i for i, joint in enumerate(skeleton.joints)} if roles is None else roles
    missing = [joint for joint in _NEEDED if joint not in found]
    if missing:
        raise UnknownJoint(
            f"skeleton {skeleton.name!r} cannot wear the mannequin: it has no {missing[0]}; "
            "use motion.bodies.capsules, which fits any hierarchy"
        )
    if bind is None:
        identity = np.tile(np.array([1, 0, 0, 0], np.float32), (len(skeleton), 1))
        bind = skeleton.rest_positions(), identity
    found = {**found, **_spine(skeleton, found)}
    alone = np.eye(len(skeleton), dtype=np.float32)
    form = anatomy.measure(
        {role: bind[0][joint] for role, joint in found.items()},
        {role: alone[joint] for role, joint in found.items()},
    )
    pieces = [_trunk(form), loft.tube(limb(form, ("neck", "head"), _NECK, 8, 0.6), 14, JOINT), *extremities.head(form)]
    for side, skin, joint in (("left", LEFT, LEFT_JOINT), ("right", RIGHT, RIGHT_JOINT)):
        pieces += [*_arm(form, side, skin, joint), *_leg(form, side, skin, joint)]
    return body.assemble(skeleton, pieces, *bind)


def _stands(skeleton: Skeleton, found: Mapping[str, int]) -> bool:
    """Whether legs point down and arms outward or down in the rest pose, within 40 degrees."""
    rest = skeleton.rest_positions()
    at = {role: rest[joint] for role, joint in found.items()}
    form = anatomy.measure(at, {})
    for side, out in (("left", form.left), ("right", -form.left)):
        for a, b in _BONES:
            bone = loft.unit(at[f"{side}_{b}"] - at[f"{side}_{a}"])
            down = float(-bone @ form.up)
            if (np.hypot(max(down, 0), bone @ out) if a in ("shoulder", "elbow") else down) < 0.77:
                return False
    return True


def _spine(skeleton: Skeleton, found: Mapping[str, int]) -> dict[str, int]:
    """The joints above the pelvis up to the neck, as roles back0, back1 ..."""
    chain = [found["neck"]]
    while (parent := skeleton.parents[chain[0]]) >= 0 and parent != found["pelvis"]:
        chain.insert(0, parent)
    return {f"back{i}": joint for i, joint in enumerate(chain)}


def _trunk(form: Anatomy) -> Piece:
    """From the crotch to the neck; the rings follow the spine, which may curve to the front or back."""
    hips = (form.at["left_hip"] + form.at["right_hip"]) / 2
    spine = [role for role in form.at if role.startswith("back")]
    heights = np.array([(form.at[joint] - hips) @ form.up for joint in spine], np.float32)
    length = heights[-1]
    knots = np.maximum.accumulate(heights / length + np.arange(len(spine)) * 1e-4)
    at, wide = anatomy.shape(_TRUNK, 30, form.scale)
    bent = np.stack([form.at[joint] - hips - h * form.up for joint, h in zip(spine, heights, strict=True)])
    bow = np.stack([np.interp(at, [0, *knots], [0, *bent[:, i]]) for i in range(3)], axis=-1)
    rows = np.stack([form.rows[joint] for joint in ("pelvis", *spine)])
    rings = Rings(
        hips + at[:, None] * length * form.up + bow + wide[:, 2:] * form.front,
        wide[:, :1] * form.left,
        wide[:, 1:2] * form.front,
        anatomy.shares(at, knots.tolist(), 0.16) @ rows,
    )
    rings = loft.rounded(rings, 0.03 * form.scale, 0.01 * form.scale)
    place = ((rings.centres[1:] + rings.centres[:-1]) / 2 - hips) @ form.up / length
    paints = np.where((place > _BELLY[0]) & (place < _BELLY[1]), JOINT, WOOD)
    return loft.tube(rings, 22, np.tile(paints[:, None], (1, 22)).astype(np.int32), 2.35)


def _arm(form: Anatomy, side: str, skin: int, joint: int) -> list[Piece]:
    s = form.scale
    chain = tuple(f"{side}_{part}" for part in ("shoulder", "elbow", "wrist"))
    rings = loft.rounded(limb(form, chain, _ARM, 18, 0.28), 0.03 * s, 0.012 * s)
    balls = (ball(form, at, radius, joint) for at, radius in zip(chain, (0.060, 0.042, 0.029), strict=True))
    return [_yoke(form, side), loft.tube(rings, 14, skin), *balls, *extremities.hand(form, side, skin)]


def _yoke(form: Anatomy, side: str) -> Piece:
    """From inside the chest to the shoulder; it rides on the collar bone."""
    s, shoulder, neck = form.scale, form.at[f"{side}_shoulder"], form.at["neck"]
    rows = form.rows.get(f"{side}_collar", form.rows.get("spine3", form.rows["neck"]))
    inside = neck + (0.30 * (shoulder - neck) @ form.left) * form.left - 0.055 * s * form.up
    at = np.linspace(0, 1, 8, dtype=np.float32)[:, None]
    axis = loft.unit(shoulder - inside)
    up = loft.square_to(form.up, axis)
    rings = Rings(
        inside + at * (shoulder - inside),
        np.tile(up * np.float32(0.052 * s), (8, 1)),
        (0.070 - 0.016 * at) * s * np.cross(axis, up),
        np.tile(rows, (8, 1)),
    )
    return loft.tube(loft.rounded(rings, 0.05 * s, 0.02 * s), 14, WOOD)


def _leg(form: Anatomy, side: str, skin: int, joint: int) -> list[Piece]:
    s = form.scale
    chain = tuple(f"{side}_{part}" for part in ("hip", "knee", "ankle"))
    rings = loft.rounded(limb(form, chain, _LEG, 20, 0.24), 0.05 * s, 0.012 * s)
    balls = (ball(form, at, radius, joint) for at, radius in ((chain[1], 0.056), (chain[2], 0.038)))
    return [loft.tube(rings, 16, skin), *balls, extremities.foot(form, side, skin)]
