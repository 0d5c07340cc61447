"""The skinned mesh of a glTF file, as a body that follows the skeleton which `glb.read` gives.

V vertices, F triangles. Four joints a vertex are kept, and one colour a triangle: the material's own, or blue and
orange for left and right where the colour lies in a texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.bodies import capsules, loft
from motion.bodies.body import LEFT, PALETTE, RIGHT, WOOD, Body, Paint
from motion.bodies.loft import I32
from motion.errors import BadFile
from motion.io import gltf, gltf_nodes, matrices, source
from motion.io.gltf import Document, Json
from motion.io.gltf_nodes import Rig
from motion.io.matrices import F64
from motion.quat import F32
from motion.skeleton import Skeleton

_TRIANGLES = 4  # the primitive mode


def read(path: Path, most: int = source.MOST_BYTES) -> Body:
    """The mesh of all skins on the joints of the largest, in its bind pose. Raises BadFile where there is none."""
    document = gltf.load(path, most)
    with gltf.trusting(document.path), source.reading(document.path):
        return body_of(document, gltf_nodes.rig(document), path.stem)


def body_of(document: Document, rig: Rig, name: str) -> Body:
    """The mesh of a document on its rig; see `read`."""
    skeleton = Skeleton(name, rig.names, rig.parents, matrices.bones(rig.rest, rig.parents))
    pools: dict[tuple[int, ...], _Pool] = {}
    corners: list[I32] = []
    worn: list[NDArray[np.int64]] = []
    meshes = cast(list[Json], document.json.get("meshes", []))
    for node in cast(list[Json], document.json.get("nodes", [])):
        if "mesh" not in node or "skin" not in node:
            continue
        joints = cast(list[int], document.json["skins"][node["skin"]]["joints"])
        for primitive in cast(list[Json], meshes[node["mesh"]]["primitives"]):
            told = primitive["attributes"]
            if primitive.get("mode", _TRIANGLES) != _TRIANGLES or "JOINTS_0" not in told or joints[0] not in rig.nodes:
                continue
            key = tuple(int(told.get(name, -1)) for name in ("POSITION", "JOINTS_0", "WEIGHTS_0", "NORMAL"))
            if key not in pools:
                pools[key] = _pool(document, rig, joints, told, sum(len(pool.points) for pool in pools.values()))
            corners.append(_corners(document, primitive, pools[key]))
            worn.append(np.full(len(corners[-1]), int(primitive.get("material", -1))))
    if not corners:
        raise BadFile("there is no skinned mesh in it; it can be read as motion only", document.path)
    vertices, weights = (
        np.concatenate([getattr(pool, part) for pool in pools.values()]) for part in ("points", "weights")
    )
    joints = np.concatenate([pool.joints for pool in pools.values()])
    triangles = np.concatenate(corners)
    turned = matrices.turns(rig.bind) @ np.swapaxes(matrices.turns(rig.rest), -1, -2)
    paints, palette = _painted(document, skeleton, joints[:, 0][triangles[:, 0]], np.concatenate(worn))
    smooth = [pool.normals for pool in pools.values() if pool.normals is not None]
    return Body(
        skeleton,
        vertices.astype(np.float32),
        np.concatenate(smooth) if len(smooth) == len(pools) else loft.normals(vertices, triangles),
        triangles,
        paints,
        joints,
        weights.astype(np.float32),
        rig.bind[:, :3, 3].astype(np.float32),
        quat.from_matrix(turned.astype(np.float32)),
        palette,
    )


@dataclass(frozen=True)
class _Pool:
    """Vertices that several primitives may share; joints strongest first."""

    start: int
    points: F64
    joints: I32
    weights: F64
    normals: F32 | None


def _pool(document: Document, rig: Rig, joints: list[int], told: Json, start: int) -> _Pool:
    index = {node: i for i, node in enumerate(rig.nodes)}
    own = np.array([index[node] for node in joints])
    points = gltf.values(document, told["POSITION"]).astype(np.float64)
    which = own[gltf.raw(document, told["JOINTS_0"]).astype(np.int64)]
    weights = np.maximum(gltf.values(document, told["WEIGHTS_0"]).astype(np.float64), 0)
    if not len(points) == len(which) == len(weights):
        raise BadFile("a mesh has not as many weights as vertices; the file is damaged", document.path)
    weights[:, 0] += weights.sum(axis=1) == 0
    order = np.argsort(-weights, axis=1, kind="stable")
    weights, which = np.take_along_axis(weights, order, axis=1), np.take_along_axis(which, order, axis=1)
    turn = rig.frame[:3, :3]
    normals = loft.unit(gltf.values(document, told["NORMAL"]) @ turn.T).astype(np.float32) if "NORMAL" in told else None
    placed = points @ turn.T + rig.frame[:3, 3]
    weights = weights / weights.sum(axis=1, keepdims=True)
    return _Pool(start, placed, np.where(weights > 0, which, 0).astype(np.int32), weights, normals)


def _corners(document: Document, primitive: Json, pool: _Pool) -> I32:
    """Triangles (F, 3) of one primitive, counted over all pools."""
    if "indices" in primitive:
        corners = gltf.raw(document, primitive["indices"]).reshape(-1, 3).astype(np.int64)
    else:
        corners = np.arange(len(pool.points), dtype=np.int64).reshape(-1, 3)
    if corners.max(initial=-1) >= len(pool.points):
        raise BadFile("a mesh has corners without a vertex; the file is damaged", document.path)
    return (corners + pool.start).astype(np.int32)


def _painted(
    document: Document, skeleton: Skeleton, strongest: I32, worn: NDArray[np.int64]
) -> tuple[I32, tuple[Paint, ...]]:
    """Paint (F,) of triangles on the joints `strongest` (F,) that wear the materials `worn` (F,), and the palette."""
    materials = cast(list[Json], document.json.get("materials", []))
    sides = np.array([capsules.side(skeleton, joint) for joint in range(len(skeleton))])
    plain = [i for i, material in enumerate(materials) if "baseColorTexture" not in _surface(material)]
    by_side = np.array([WOOD, LEFT, RIGHT])[sides[strongest]]
    paints = np.where(np.isin(worn, plain), worn + len(PALETTE), by_side)
    return paints.astype(np.int32), PALETTE + tuple(_paint(material) for material in materials)


def _surface(material: Json) -> Json:
    return cast(Json, material.get("pbrMetallicRoughness", {}))


def _paint(material: Json) -> Paint:
    red, green, blue = (
        float(np.clip(c, 0, 1)) ** (1 / 2.2) for c in _surface(material).get("baseColorFactor", [1] * 4)[:3]
    )
    return Paint(str(material.get("name") or "skin"), (red, green, blue))
