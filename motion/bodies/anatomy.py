"""Where a humanoid's joints are while a body is modelled on it, and how its limbs are swept.

Metres; `left`, `up` and `front` are the body's own directions. The bind pose is the one in which the skin is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motion.bodies import loft
from motion.bodies.loft import Piece, Real, Rings

LEGS = 0.80
"""Metres from hip to ankle of the adult for whom the tables of a body are written."""
Table = Sequence[tuple[float, ...]]
"""Cross-sections: a place along the part, then widths and shifts in metres."""


@dataclass(frozen=True)
class Anatomy:
    """A humanoid in its bind pose."""

    at: Mapping[str, Real]
    """Joint role (a name of `smplx22`) -> (3,) position."""
    rows: Mapping[str, Real]
    """Joint role -> (J,) weights that name this joint alone."""
    left: Real
    up: Real
    front: Real
    scale: float
    """Size against the adult of the tables."""


def measure(at: Mapping[str, Real], rows: Mapping[str, Real]) -> Anatomy:
    """Directions and size from joint positions: needs hips, knees, ankles, shoulders and neck."""
    hips = (at["left_hip"] + at["right_hip"]) / 2
    up = loft.unit(at["neck"] - hips)
    left = loft.square_to(at["left_hip"] - at["right_hip"] + at["left_shoulder"] - at["right_shoulder"], up)
    legs = [
        float(np.linalg.norm(at[f"{side}_{a}"] - at[f"{side}_{b}"]))
        for side in ("left", "right")
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    front = np.cross(left, up).astype(np.float32)
    return Anatomy(at, rows, left, up, front, sum(legs) / 2 / LEGS)


def shape(table: Table, steps: int, scale: float) -> tuple[Real, Real]:
    """Places (R,) and the other columns (R, C) times `scale`, read from a table through a smooth curve."""
    rows = np.array(table, np.float32)
    at = np.linspace(rows[0, 0], rows[-1, 0], steps, dtype=np.float32)
    return at, loft.curve(rows[:, 0].tolist(), rows[:, 1:], at) * np.float32(scale)


def shares(at: Real, knots: Sequence[float], bend: float) -> Real:
    """How much of each place (R,) belongs to each bone (R, K + 1), where bone i + 1 takes over from bone i around knot
    i, gradually over `bend`."""
    over = loft.smooth((at[:, None] - np.array(knots, np.float32)) / np.float32(bend) + 0.5)
    ones, zeros = np.ones((len(at), 1), np.float32), np.zeros((len(at), 1), np.float32)
    part = np.concatenate([ones, over], axis=1) * (1 - np.concatenate([over, zeros], axis=1))
    return part / part.sum(axis=1, keepdims=True)


def aside(body: Anatomy, axis: Real) -> Real:
    """The front as seen square to a bone's direction (..., 3); up, where the bone itself points to the front."""
    toward = np.where(np.abs(axis @ body.front)[..., None] < 0.9, body.front, body.up)
    return loft.square_to(toward, axis)


def limb(body: Anatomy, joints: Sequence[str], table: Table, steps: int, bend: float) -> Rings:
    """Rings along a chain of joints; a table's places count bones: 0 the first joint, 1 the next. The other columns are
    half-width, half-depth and a shift to the front. Over a part `bend` of a bone around each inner joint the skin
    follows both bones."""
    points = np.stack([body.at[joint] for joint in joints])
    bones = points[1:] - points[:-1]
    at, wide = shape(table, steps, body.scale)
    part = shares(at, range(1, len(bones)), bend)
    i = np.clip(at.astype(int), 0, len(bones) - 1)
    path = points[i] + (at - i)[:, None] * bones[i]
    axis = loft.unit(part @ loft.unit(bones))
    front = aside(body, axis)
    across = np.cross(front, axis)
    weights = part @ np.stack([body.rows[joint] for joint in joints[:-1]])
    return Rings(path + wide[:, 2:] * front, wide[:, :1] * across, wide[:, 1:2] * front, weights)


def ball(body: Anatomy, joint: str, radius: float, paint: int) -> Piece:
    """The ball of a joint."""
    axes = np.stack([body.left, body.front, body.up]) * np.float32(radius * body.scale)
    return loft.ellipsoid(body.at[joint], axes, body.rows[joint], paint)
