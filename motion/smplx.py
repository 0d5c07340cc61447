"""The skeletons of the SMPL family beside `smplx22`: the same body with hands, eyes and jaw, in SMPL's joint orders.

    22  the body (`smplx22`)
    24  SMPL: the body and a joint in each palm
    52  SMPL-H, as AMASS has it: the body and three joints in each finger
    55  SMPL-X: the body, jaw, eyes, and three joints in each finger

All rest in a T-pose, palms down, no joint rotated. Places of hands and face are an adult's, rounded to 1 mm, and ours:
the licensed models know better for each shape (`models.bodies.smplx`).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from motion.errors import BadClip
from motion.skeleton import SMPLX22, Skeleton

NAMES = {22: "smplx22", 24: "smpl24", 52: "smplh52", 55: "smplx55"}

# Of the left hand, metres: from the wrist to the first knuckle (along the arm, up, to the front), on to the next two.
_FINGERS = (
    ("index", (0.098, 0.002, 0.024), 0.032, 0.023),
    ("middle", (0.101, 0.004, 0.002), 0.035, 0.025),
    ("pinky", (0.084, -0.004, -0.038), 0.022, 0.017),
    ("ring", (0.094, 0.001, -0.019), 0.033, 0.024),
    ("thumb", (0.030, -0.014, 0.028), 0.033, 0.028),
)
_THUMB = (0.75, -0.15, 0.65)  # the direction in which it points at rest; the other fingers go on along the arm
_FACE = (("jaw", (0.0, 0.012, 0.022)), ("left_eye", (0.032, 0.058, 0.078)), ("right_eye", (-0.032, 0.058, 0.078)))
_PALM = (0.09, 0.0, 0.0)

Row = tuple[str, str, tuple[float, float, float]]


@cache
def skeleton(joints: int) -> Skeleton:
    """The skeleton with that many joints. Raises BadClip for a number that the family does not have."""
    if joints == 22:
        return SMPLX22
    if joints not in NAMES:
        raise BadClip(f"no skeleton of the SMPL family has {joints} joints; they have {', '.join(map(str, NAMES))}")
    rows: list[Row] = []
    if joints == 24:
        rows = [("left_hand", "left_wrist", _PALM), ("right_hand", "right_wrist", (-_PALM[0], *_PALM[1:]))]
    if joints == 55:
        rows += [(name, "head", place) for name, place in _FACE]
    if joints > 50:
        rows += [*_hand("left", 1), *_hand("right", -1)]
    names = [*SMPLX22.joints, *(name for name, _, _ in rows)]
    return Skeleton(
        NAMES[joints],
        tuple(names),
        (*SMPLX22.parents, *(names.index(parent) for _, parent, _ in rows)),
        np.concatenate([SMPLX22.offsets, np.array([place for _, _, place in rows], np.float32)]),
    )


def _hand(side: str, sign: int) -> list[Row]:
    rows: list[Row] = []
    for finger, (x, y, z), second, third in _FINGERS:
        along = _THUMB if finger == "thumb" else (1.0, 0.0, 0.0)
        steps = [(x, y, z), *(tuple(length * part for part in along) for length in (second, third))]
        parent = f"{side}_wrist"
        for number, (a, b, c) in enumerate(steps, 1):
            rows.append((f"{side}_{finger}{number}", parent, (sign * a, b, c)))
            parent = rows[-1][0]
    return rows
