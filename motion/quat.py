"""Rotations as unit quaternions.

Arrays are float32 (..., 4), ordered w x y z. Functions broadcast over leading axes, never write to their inputs, and
return new arrays. Angles are radians. Matrices are (..., 3, 3) and act on column vectors.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

IDENTITY: F32 = np.array([1, 0, 0, 0], np.float32)
_AXES = {"x": 0, "y": 1, "z": 2}


def mul(a: F32, b: F32) -> F32:
    """Hamilton product (..., 4): the rotation `b` followed by `a`."""
    aw, ax, ay, az = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bw, bx, by, bz = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    product: Any = np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )
    return product


def inv(q: F32) -> F32:
    """The opposite rotation (..., 4); for unit quaternions the conjugate."""
    return q * np.array([1, -1, -1, -1], q.dtype)


def rotate(q: F32, v: F32) -> F32:
    """Vectors `v` (..., 3) turned by `q` (..., 4)."""
    u = q[..., 1:]
    t = _cross(u, v) * np.float32(2)
    return cast(F32, v + q[..., :1] * t + _cross(u, t))


def _cross(a: F32, b: F32) -> F32:
    """`np.cross` of vectors (..., 3), bit for bit, at a third of its time."""
    product: F32 = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        product[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return product


def normalize(q: F32) -> F32:
    """Unit quaternions (..., 4); a zero quaternion becomes the identity."""
    length = np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(length > 1e-12, q / np.maximum(length, 1e-12), IDENTITY).astype(q.dtype)


def from_axis_angle(axis: F32, angle: F32) -> F32:
    """Rotation by `angle` (...) radians about the unit `axis` (..., 3)."""
    half = np.asarray(angle)[..., None] / 2
    return np.concatenate([np.cos(half), np.sin(half) * axis], axis=-1).astype(np.float32)


def from_euler(angles: F32, order: str) -> F32:
    """Intrinsic Euler angles (..., 3) radians, in `order` such as "zxy" as a BVH's channels list them."""
    result = None
    for i, letter in enumerate(order):
        half = angles[..., i] / 2
        part = np.zeros((*half.shape, 4), angles.dtype)
        part[..., 0] = np.cos(half)
        part[..., 1 + _AXES[letter]] = np.sin(half)
        result = part if result is None else mul(result, part)
    assert result is not None, "an order names at least one axis"
    return result


def to_euler(q: F32, order: str) -> F32:
    """Intrinsic Tait-Bryan angles (..., 3) radians in `order` (three different letters); inverse of `from_euler`."""
    i, j, k = (_AXES[letter] for letter in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    # In float64 and of length one: what is left of the first and last angle near gimbal lock is small differences.
    m = to_matrix(normalize(cast(F32, q.astype(np.float64))))
    across = np.hypot(m[..., i, i], m[..., i, j])
    middle = np.arctan2(sign * m[..., i, k], across)
    locked = across < 1e-7  # gimbal lock: the first and last axis coincide, the last is set to zero
    first = np.where(
        locked, np.arctan2(sign * m[..., k, j], m[..., j, j]), np.arctan2(-sign * m[..., j, k], m[..., k, k])
    )
    last = np.where(locked, 0.0, np.arctan2(-sign * m[..., i, j], m[..., i, i]))
    return np.stack([first, middle, last], axis=-1).astype(np.float32)


def to_matrix(q: F32) -> F32:
    """Rotation matrices (..., 3, 3)."""
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    matrix: Any = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    return matrix


def from_matrix(m: F32) -> F32:
    """Unit quaternions (..., 4) with w >= 0 of rotation matrices (..., 3, 3); the largest component is divided by
    (Shepperd 1978), so that no angle loses precision."""
    a, b, c = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = np.stack([1 + a + b + c, 1 + a - b - c, 1 - a + b - c, 1 - a - b + c], axis=-1)  # 4 q_i^2
    yz, zx, xy = m[..., 2, 1], m[..., 0, 2], m[..., 1, 0]
    zy, xz, yx = m[..., 1, 2], m[..., 2, 0], m[..., 0, 1]
    candidates = np.stack(
        [
            np.stack([squares[..., 0], yz - zy, zx - xz, xy - yx], axis=-1),
            np.stack([yz - zy, squares[..., 1], xy + yx, zx + xz], axis=-1),
            np.stack([zx - xz, xy + yx, squares[..., 2], yz + zy], axis=-1),
            np.stack([xy - yx, zx + xz, yz + zy, squares[..., 3]], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(squares, axis=-1)
    q = np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    return normalize(np.where(q[..., :1] < 0, -q, q)).astype(m.dtype)


def to_rot6d(q: F32) -> F32:
    """First two columns of the matrix (..., 6), after Zhou et al. 2019, "On the continuity of rotation
    representations"."""
    m = to_matrix(q)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def from_rot6d(x: F32) -> F32:
    """Unit quaternions (..., 4) from any two independent columns (..., 6), by Gram-Schmidt."""
    a, b = x[..., :3], x[..., 3:]
    a = a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-8)
    b = b - (a * b).sum(-1, keepdims=True) * a
    b = b / np.maximum(np.linalg.norm(b, axis=-1, keepdims=True), 1e-8)
    return from_matrix(np.stack([a, b, _cross(a, b)], axis=-1))


def between(a: F32, b: F32) -> F32:
    """The smallest rotation (..., 4) that turns direction `a` (..., 3) into `b` (..., 3)."""
    a = a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-12)
    b = b / np.maximum(np.linalg.norm(b, axis=-1, keepdims=True), 1e-12)
    w = 1 + (a * b).sum(-1, keepdims=True)
    xyz = _cross(a, b)
    opposite = w < 1e-6
    if opposite.any():  # half a turn about any axis at a right angle to `a`
        away = np.where(np.abs(a[..., :1]) < 0.9, np.array([1.0, 0, 0]), np.array([0.0, 1, 0]))
        side = _cross(a, np.broadcast_to(away, a.shape))
        w, xyz = np.where(opposite, 0.0, w), np.where(opposite, side, xyz)
    return normalize(np.concatenate([w, xyz], axis=-1).astype(np.float32))


def align(ours: F32, theirs: F32, near: F32 = IDENTITY) -> F32:
    """The rotations (..., 4) that best turn vectors `ours` (N, 3) or (..., N, 3) into `theirs` (..., N, 3) by least
    squares (Kabsch 1976); what these leave open, as one vector leaves its own twist, is as in `near` (..., 4)."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    # 1e-7 of the reference: it decides what the vectors leave open and no more.
    open_part = to_matrix(cast(F32, near.astype(np.float64))) * max(
        1e-7 * float((a**2).sum(axis=(-1, -2)).max()), 1e-19
    )
    u, _, v = np.linalg.svd(np.einsum("...ni,...nj->...ij", b, np.broadcast_to(a, b.shape)) + open_part)
    flip = np.ones((*u.shape[:-2], 3))
    flip[..., 2] = np.sign(np.linalg.det(u @ v))  # a rotation, not a reflection
    return from_matrix(cast(F32, (u * flip[..., None, :]) @ v)).astype(np.float32)


def to_vector(q: F32) -> F32:
    """Rotation vectors (..., 3), axis times angle in radians: up to half a turn where w >= 0, more where w < 0, so that
    signs made steady by `unroll` give steady vectors."""
    sine: Any = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    return (np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0) * q[..., 1:]).astype(q.dtype)


def from_vector(v: F32) -> F32:
    """Rotations (..., 4) of rotation vectors (..., 3), axis times angle in radians."""
    half: Any = np.linalg.norm(v, axis=-1, keepdims=True) / 2
    return np.concatenate([np.cos(half), np.sinc(half / np.pi) * v / 2], axis=-1).astype(v.dtype)


def slerp(a: F32, b: F32, t: F32 | float) -> F32:
    """The rotation (..., 4) at fraction `t` (...) of the shortest arc from `a` to `b`."""
    t = np.asarray(t, np.float32)[..., None]
    dot = (a * b).sum(-1, keepdims=True)
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0, 1))
    sine = np.sin(angle)
    near = sine < 1e-4
    safe = np.where(near, 1.0, sine)
    wa = np.where(near, 1 - t, np.sin((1 - t) * angle) / safe)
    wb = np.where(near, t, np.sin(t * angle) / safe)
    return normalize((wa * a + wb * b).astype(np.float32))


def unroll(q: F32) -> F32:
    """Rotations (T, ..., 4) with the signs chosen so that neighbours in time lie in one hemisphere."""
    dots = (q[1:] * q[:-1]).sum(-1)
    flips = np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0).astype(q.dtype)
    result = q.copy()
    result[1:] *= flips[..., None]
    return result


def mean(q: F32, axis: int = 0) -> F32:
    """The average rotation over `axis`: the principal eigenvector of the outer products (Markley et al. 2007)."""
    moved = np.moveaxis(q, axis, -2).astype(np.float64)
    _, vectors = np.linalg.eigh(np.swapaxes(moved, -1, -2) @ moved)
    return vectors[..., :, -1].astype(np.float32)


def yaw(q: F32) -> F32:
    """Heading (...) in radians about +Y: 0 where the rotated +X axis (a body's left) points along +X, so that the body
    faces +Z. Read from the left side, not from the front, it stays steady while a body bows, lies down or somersaults.
    """
    left = rotate(q, np.array([1, 0, 0], q.dtype))
    return np.arctan2(-left[..., 2], left[..., 0])


def from_yaw(angle: F32) -> F32:
    """Rotation (..., 4) about +Y by `angle` (...) radians."""
    half = np.asarray(angle) / 2
    zero = np.zeros_like(half)
    return np.stack([np.cos(half), zero, np.sin(half), zero], axis=-1).astype(np.float32)
