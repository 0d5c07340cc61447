"""Closed surfaces swept along points: the clay that bodies are made of.

A `Piece` is a triangle mesh whose vertices already know which joints move them. Metres; triangles wind
counter-clockwise seen from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motion.quat import F32

I32 = NDArray[np.int32]
Real = NDArray[np.floating[Any]]
"""Modelling happens in any precision; finished pieces are float32."""


@dataclass(frozen=True)
class Piece:
    """A closed mesh with joint weights and one paint for each triangle."""

    vertices: F32
    """(V, 3) metres."""
    triangles: I32
    """(F, 3) indices of vertices."""
    weights: F32
    """(V, J) each row sums to one."""
    paints: I32
    """(F,) indices into a palette."""


@dataclass(frozen=True)
class Rings:
    """Cross-sections along a path: R rings, each an ellipse spanned by `across` and `along`."""

    centres: Real
    """(R, 3) metres."""
    across: Real
    """(R, 3) half-axis, length included."""
    along: Real
    """(R, 3) the other half-axis, length included."""
    weights: Real
    """(R, J) joint weights of the whole ring."""


def unit(v: Real) -> Real:
    """Vectors (..., 3) scaled to length one; zero stays zero."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def square_to(v: Real, axis: Real) -> Real:
    """The part of `v` (..., 3) at a right angle to the unit `axis` (..., 3), scaled to length one."""
    return unit(v - (v * axis).sum(-1, keepdims=True) * axis)


def smooth(x: Real) -> Real:
    """Zero below 0, one above 1, a smooth step between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def curve(knots: Sequence[float], values: Real, at: Real) -> Real:
    """Values (K, C) at rising knots (K,), read at (N,) places through a cubic Hermite curve."""
    x = np.asarray(knots, np.float32)
    slope = np.gradient(values, x, axis=0)
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    span = (x[i + 1] - x[i])[:, None]
    t = np.clip((at - x[i])[:, None] / span, 0, 1)
    low, high, rise, fall = values[i], values[i + 1], slope[i] * span, slope[i + 1] * span
    bend = (t**3 - 2 * t**2 + t) * rise + (t**3 - t**2) * fall
    return (low + (high - low) * (3 * t**2 - 2 * t**3) + bend).astype(np.float32)


def tube(rings: Rings, sides: int, paints: I32 | int, square: float = 2.0) -> Piece:
    """The surface through the rings, closed by a vertex at each end.

    sides: vertices in a ring. paints: one number, or (R - 1, sides) for each quad between rings.
    square: 2 makes ellipses, more makes rounded boxes.
    """
    count = len(rings.centres)
    angle = np.arange(sides) * (2 * np.pi / sides)
    c, s = np.cos(angle), np.sin(angle)
    c, s = np.sign(c) * np.abs(c) ** (2 / square), np.sign(s) * np.abs(s) ** (2 / square)
    body = rings.centres[:, None] + c[:, None] * rings.across[:, None] + s[:, None] * rings.along[:, None]
    vertices = np.concatenate([body.reshape(-1, 3), rings.centres[[0, -1]]])
    weights = np.concatenate([np.repeat(rings.weights, sides, axis=0), rings.weights[[0, -1]]])

    k = np.arange(sides)
    n = (k + 1) % sides
    low = (np.arange(count - 1) * sides)[:, None]
    a, b, c_, d = low + k, low + n, low + sides + k, low + sides + n
    sides_faces = np.stack([np.stack([a, b, d], -1), np.stack([a, d, c_], -1)], axis=-2)  # (R-1, sides, 2, 3)
    first, last = count * sides, count * sides + 1
    start = np.stack([np.full(sides, first), n, k], -1)
    end = np.stack([np.full(sides, last), (count - 1) * sides + k, (count - 1) * sides + n], -1)
    triangles = np.concatenate([sides_faces.reshape(-1, 3), start, end])
    painted = np.broadcast_to(np.asarray(paints, np.int32), (count - 1, sides))
    colours = np.concatenate([np.repeat(painted.reshape(-1), 2), painted[0], painted[-1]])
    piece = Piece(vertices.astype(np.float32), triangles.astype(np.int32), weights.astype(np.float32), colours)
    return piece if _volume(piece) > 0 else Piece(piece.vertices, piece.triangles[:, ::-1], piece.weights, colours)


def ellipsoid(centre: Real, axes: Real, weights: Real, paint: int, sides: int = 12, rings: int = 8) -> Piece:
    """A ball stretched along three half-axes (3, 3), rows with their lengths; the last row runs from pole to pole.
    weights (J,) move the whole ball."""
    tilt = (np.arange(rings) + 0.5) / rings * np.pi - np.pi / 2
    width = np.cos(tilt)[:, None]
    return tube(
        Rings(
            centre + np.sin(tilt)[:, None] * axes[2],
            width * axes[0],
            width * axes[1],
            np.broadcast_to(weights, (rings, len(weights))),
        ),
        sides,
        paint,
    )


def rounded(rings: Rings, start: float, end: float, steps: int = 3) -> Rings:
    """The same rings with domes of `start` and `end` metres added at the two ends."""

    def dome(at: int, beyond: int, height: float) -> Rings:
        out = unit(rings.centres[at] - rings.centres[beyond])
        angle = (np.arange(steps) + 1) / (steps + 0.35) * (np.pi / 2)
        width = np.cos(angle)[:, None]
        return Rings(
            rings.centres[at] + np.sin(angle)[:, None] * out * height,
            width * rings.across[at],
            width * rings.along[at],
            np.broadcast_to(rings.weights[at], (steps, rings.weights.shape[1])),
        )

    first, last = dome(0, 1, start), dome(-1, -2, end)
    return Rings(
        *(
            np.concatenate([a[::-1], b, c])
            for a, b, c in (
                (first.centres, rings.centres, last.centres),
                (first.across, rings.across, last.across),
                (first.along, rings.along, last.along),
                (first.weights, rings.weights, last.weights),
            )
        )
    )


def join(pieces: Sequence[Piece]) -> Piece:
    """Several pieces as one mesh."""
    starts = np.cumsum([0, *(len(piece.vertices) for piece in pieces[:-1])])
    return Piece(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.triangles + start for piece, start in zip(pieces, starts, strict=True)]).astype(np.int32),
        np.concatenate([piece.weights for piece in pieces]),
        np.concatenate([piece.paints for piece in pieces]),
    )


def normals(vertices: F32, triangles: I32) -> F32:
    """Outward unit normals (V, 3), the triangles around a vertex weighted by their area."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    flat = np.cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(total, triangles[:, i], flat)
    return unit(total)


def _volume(piece: Piece) -> float:
    a, b, c = (piece.vertices[piece.triangles[:, i]].astype(np.float64) for i in range(3))
    return float((np.cross(a, b) * c).sum())
