"""A skinned body: a triangle mesh in a bind pose, and the joints that move it.

V vertices, F triangles, J joints. Metres. Each vertex follows one to four joints (linear blend skinning); each
triangle wears one paint of a small palette, in which the left side is bluish and the right side orange.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion import quat
from motion.bodies import loft
from motion.bodies.loft import I32, Piece
from motion.quat import F32
from motion.skeleton import Skeleton


@dataclass(frozen=True)
class Paint:
    """One colour of a body."""

    name: str
    rgb: tuple[float, float, float]
    """sRGB, 0 to 1."""


WOOD, JOINT, FACE, LEFT, LEFT_JOINT, RIGHT, RIGHT_JOINT = range(7)
PALETTE = (
    Paint("wood", (0.87, 0.77, 0.63)),
    Paint("wood_joint", (0.70, 0.58, 0.45)),
    Paint("face", (0.25, 0.20, 0.18)),
    Paint("left", (0.60, 0.70, 0.83)),
    Paint("left_joint", (0.40, 0.52, 0.69)),
    Paint("right", (0.92, 0.69, 0.50)),
    Paint("right_joint", (0.76, 0.49, 0.31)),
)


@dataclass(frozen=True)
class Body:
    """A mesh bound to a skeleton."""

    skeleton: Skeleton
    vertices: F32
    """(V, 3) in the bind pose."""
    normals: F32
    """(V, 3) outward, unit length, in the bind pose."""
    triangles: I32
    """(F, 3) counter-clockwise from outside."""
    paints: I32
    """(F,) indices into `palette`."""
    joints: I32
    """(V, 4) the joints a vertex follows, strongest first; unused places repeat joint 0 with weight 0."""
    weights: F32
    """(V, 4) rows sum to one."""
    bind_positions: F32
    """(J, 3) where the joints are in the bind pose."""
    bind_rotations: F32
    """(J, 4) world rotations of the joints in the bind pose."""
    palette: tuple[Paint, ...] = PALETTE


def assemble(skeleton: Skeleton, pieces: Sequence[Piece], bind_positions: F32, bind_rotations: F32) -> Body:
    """One body of pieces modelled in the bind pose, where joints are at bind_positions (J, 3), metres, turned by
    bind_rotations (J, 4). Keeps the four strongest joints of each vertex."""
    whole = loft.join(pieces)
    order = np.argsort(-whole.weights, axis=1, kind="stable")[:, :4].astype(np.int32)
    weights = np.take_along_axis(whole.weights, order, axis=1)
    if order.shape[1] < 4:
        missing = ((0, 0), (0, 4 - order.shape[1]))
        order, weights = np.pad(order, missing), np.pad(weights, missing)
    weights = np.where(weights < 1e-3, 0, weights)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return Body(
        skeleton,
        whole.vertices,
        loft.normals(whole.vertices, whole.triangles),
        whole.triangles,
        whole.paints,
        np.where(weights > 0, order, 0).astype(np.int32),
        weights,
        bind_positions.astype(np.float32),
        bind_rotations.astype(np.float32),
    )


def pose(body: Body, positions: F32, rotations: F32) -> tuple[F32, F32]:
    """Vertices (V, 3) and normals (V, 3) for one frame of world joint positions (J, 3) and rotations (J, 4), as
    `skeleton.fk` gives them."""
    turn = quat.to_matrix(quat.mul(rotations, quat.inv(body.bind_rotations)))  # (J, 3, 3)
    shift = positions - np.einsum("jab,jb->ja", turn, body.bind_positions)
    matrices = np.concatenate([turn, shift[..., None]], axis=-1).reshape(-1, 12)
    blended = np.einsum("vk,vkm->vm", body.weights, matrices[body.joints]).reshape(-1, 3, 4)
    vertices = np.einsum("vab,vb->va", blended[..., :3], body.vertices) + blended[..., 3]
    normals = np.einsum("vab,vb->va", blended[..., :3], body.normals)
    return vertices.astype(np.float32), loft.unit(normals).astype(np.float32)
