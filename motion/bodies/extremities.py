"""Head, hands and feet of the mannequin: each takes an anatomy and gives its pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.bodies import anatomy, loft
from motion.bodies.anatomy import Anatomy
from motion.bodies.body import FACE, JOINT, WOOD
from motion.bodies.loft import Piece, Rings
from motion.skeleton import TOE_HEIGHT

# Place from the heel's back (0) over the ball (1) to the toes' tip (2), half-width, height above the sole.
_FOOT = (
    (0.0, 0.028, 0.050),
    (0.2, 0.035, 0.068),
    (0.5, 0.037, 0.070),
    (0.75, 0.042, 0.055),
    (1.0, 0.047, 0.043),
    (1.5, 0.045, 0.034),
    (2.0, 0.030, 0.024),
)
# Place from the wrist (0) to the finger tips (1), half-width, half-thickness.
_HAND = ((0.0, 0.023, 0.020), (0.25, 0.036, 0.020), (0.5, 0.043, 0.017), (0.8, 0.038, 0.013), (1.0, 0.027, 0.009))


def head(body: Anatomy) -> list[Piece]:
    """An egg with two eyes and a nose, so that one sees where it looks."""
    s, left, front, up = body.scale, body.left, body.front, body.up
    rows = body.rows["head"]
    centre = body.at["head"] + (0.088 * up + 0.018 * front) * s
    rings = 14
    tilt = (np.arange(rings) + 0.5) / rings * np.pi - np.pi / 2
    high, wide = np.sin(tilt)[:, None], np.cos(tilt)[:, None]
    below = np.minimum(high, 0) ** 2
    jaw = wide * (1 - 0.26 * below)  # narrower towards the chin, which stands out a little
    egg = Rings(
        centre + high * 0.122 * s * up + 0.012 * s * below * front,
        jaw * 0.077 * s * left,
        jaw * 0.096 * s * front,
        np.tile(rows, (rings, 1)),
    )
    nose = np.stack([0.013 * left, 0.024 * front, 0.024 * up]) * s
    eye = np.stack([0.015 * left, 0.013 * front, 0.019 * up]) * s
    tip = centre + (0.094 * front - 0.018 * up) * s
    eyes = [centre + (side * 0.033 * left + 0.081 * front + 0.016 * up) * s for side in (1, -1)]
    return [
        loft.tube(egg, 20, WOOD),
        loft.ellipsoid(tip, nose, rows, JOINT, 10, 7),
        *(loft.ellipsoid(place, eye, rows, FACE, 10, 7) for place in eyes),
    ]


def hand(body: Anatomy, side: str, skin: int) -> list[Piece]:
    """A mitten and a thumb on the side of the body's front; it goes on where the forearm points."""
    s, wrist, rows = body.scale, body.at[f"{side}_wrist"], body.rows[f"{side}_wrist"]
    axis = loft.unit(wrist - body.at[f"{side}_elbow"])
    edge = anatomy.aside(body, axis)  # the thumb's side
    thick = np.cross(edge, axis)
    at, wide = anatomy.shape(_HAND, 9, s)
    palm = Rings(
        wrist + at[:, None] * 0.165 * s * axis,
        wide[:, :1] * edge,
        wide[:, 1:] * thick,
        np.tile(rows, (len(at), 1)),
    )
    root, tip = wrist + (0.035 * axis + 0.022 * edge) * s, wrist + (0.098 * axis + 0.058 * edge) * s
    out = np.cross(loft.unit(tip - root), thick)
    width = np.array([[0.015], [0.014], [0.011]], np.float32) * s
    thumb = Rings(np.stack([root, (root + tip) / 2, tip]), thick * width, out * width, np.tile(rows, (3, 1)))
    return [
        loft.tube(loft.rounded(palm, 0.01 * s, 0.012 * s), 14, skin, 2.4),
        loft.tube(loft.rounded(thumb, 0.012 * s, 0.012 * s), 10, skin),
    ]


def foot(body: Anatomy, side: str, skin: int) -> Piece:
    """A flat-soled foot from heel to toes; the toes bend with the foot joint where there is one."""
    s, up, ankle = body.scale, body.up, body.at[f"{side}_ankle"]
    toe = body.at.get(f"{side}_foot")
    reach = body.front * 0.13 * s - up * 0.065 * s if toe is None else toe - ankle
    level = reach - (reach @ up) * up
    forward = loft.unit(level) if np.linalg.norm(level) > 0.03 * s else body.front
    ball = float(np.clip(reach @ forward, 0.09 * s, 0.20 * s))
    drop = float(np.clip(-(reach @ up) + TOE_HEIGHT * s, 0.06 * s, 0.12 * s))  # from the ankle to the sole
    at, wide = anatomy.shape(_FOOT, 14, s)
    along = np.interp(at, [0, 1, 2], [-0.052 * s, ball, ball + 0.085 * s])[:, None]
    height = (wide[:, 1] * np.where(at < 1, 1 + (drop / (0.085 * s) - 1) * (1 - at), 1))[:, None]
    part = anatomy.shares(at, [1.0], 0.5)
    rows = np.stack([body.rows[f"{side}_ankle"], body.rows.get(f"{side}_foot", body.rows[f"{side}_ankle"])])
    rings = Rings(
        ankle + along * forward + (height / 2 - drop) * up,
        wide[:, :1] * np.cross(up, forward),
        height / 2 * up,
        part @ rows,
    )
    piece = loft.tube(loft.rounded(rings, 0.016 * s, 0.014 * s), 14, skin, 2.6)
    sunk = np.maximum(-drop - (piece.vertices - ankle) @ up, 0)
    return replace(piece, vertices=(piece.vertices + sunk[:, None] * up).astype(np.float32))
