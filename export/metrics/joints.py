"""Errors between joint positions of two clips of one length: metres, positions (T, J, 3)."""

from __future__ import annotations

import numpy as np

from motion.quat import F32


def mpjpe(ours: F32, theirs: F32) -> float:
    """Mean per-joint position error in the world, metres: place, heading and pose together."""
    return float(np.linalg.norm(ours - theirs, axis=-1).mean())


def root_relative(ours: F32, theirs: F32) -> float:
    """Mean per-joint position error with both roots at the origin, metres."""
    return mpjpe(ours - ours[:, :1], theirs - theirs[:, :1])


def pa_mpjpe(ours: F32, theirs: F32) -> float:
    """Mean per-joint position error after the best rotation, scale and shift of each frame (Procrustes), metres."""
    a = (ours - ours.mean(axis=1, keepdims=True)).astype(np.float64)
    b = (theirs - theirs.mean(axis=1, keepdims=True)).astype(np.float64)
    u, s, vt = np.linalg.svd(np.swapaxes(a, 1, 2) @ b)
    flip = np.sign(np.linalg.det(u @ vt))
    s[:, -1] *= flip
    vt[:, -1] *= flip[:, None]
    scale = s.sum(-1) / np.maximum((a**2).sum((1, 2)), 1e-12)
    return float(np.linalg.norm(scale[:, None, None] * (a @ (u @ vt)) - b, axis=-1).mean())


def n_mpjpe(ours: F32, theirs: F32) -> float:
    """Mean per-joint position error with both roots at the origin and ours scaled to fit best over the clip, metres."""
    a, b = (ours - ours[:, :1]).astype(np.float64), (theirs - theirs[:, :1]).astype(np.float64)
    return float(np.linalg.norm(a * ((a * b).sum() / max((a * a).sum(), 1e-12)) - b, axis=-1).mean())


def root_errors(ours: F32, theirs: F32) -> tuple[float, float]:
    """Mean (ADE) and last (FDE) distance between the roots' places on the ground, metres."""
    apart = np.linalg.norm((ours - theirs)[:, 0, [0, 2]], axis=-1)
    return float(apart.mean()), float(apart[-1])


def ape(ours: F32, theirs: F32) -> float:
    """Average position error: mean distance of joints about their roots, the roots' own left out, metres."""
    return float(np.linalg.norm(((ours - ours[:, :1]) - (theirs - theirs[:, :1]))[:, 1:], axis=-1).mean())


def ave(ours: F32, theirs: F32) -> float:
    """Average variance error: mean distance between joints' variances over the clip, about their roots, square
    metres."""
    a, b = ((one - one[:, :1]).var(axis=0) for one in (ours, theirs))
    return float(np.linalg.norm((a - b)[1:], axis=-1).mean())


def velocity_error(ours: F32, theirs: F32, fps: float) -> float:
    """Mean distance between velocities of the joints in the world, metres per second."""
    if len(ours) < 2:
        return 0.0
    return float(np.linalg.norm(np.diff(ours - theirs, axis=0), axis=-1).mean() * fps)


def acceleration_error(ours: F32, theirs: F32, fps: float) -> float:
    """Mean distance between accelerations, metres per second squared."""
    if len(ours) < 3:
        return 0.0
    return float(np.linalg.norm(np.diff(ours - theirs, n=2, axis=0), axis=-1).mean() * fps**2)


def jitter(positions: F32, fps: float) -> float:
    """Mean size of the third derivative of joint positions, metres per second cubed."""
    if len(positions) < 4:
        return 0.0
    return float(np.linalg.norm(np.diff(positions, n=3, axis=0), axis=-1).mean() * fps**3)


def foot_skate(feet: F32, contacts: F32, fps: float) -> float:
    """Mean horizontal speed of the feet while they are in contact, centimetres per second.

    feet (T, 4, 3) in the order of `motion.contacts.JOINTS`, contacts (T, 4).
    """
    if len(feet) < 2:
        return 0.0
    speed = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * fps * 100
    down = (contacts[1:] > 0.5) & (contacts[:-1] > 0.5)
    return float(speed[down].mean()) if down.any() else 0.0


def penetration(feet: F32) -> float:
    """Mean depth to which the lowest of the feet's joints lies under the ground y = 0, centimetres.

    feet (T, C, 3), of any points of the feet.
    """
    return float(np.maximum(-feet[..., 1].min(axis=-1), 0).mean() * 100)


def feature_mse(ours: F32, theirs: F32) -> float:
    """Mean squared error of features (N, D), each in units of its own variance in `theirs`: 1 is what their mean alone
    would score. Features that never change there count nothing."""
    spread = theirs.var(axis=0, dtype=np.float64)
    moves = spread > 1e-8
    return float((((ours - theirs).astype(np.float64) ** 2).mean(axis=0)[moves] / spread[moves]).mean())
