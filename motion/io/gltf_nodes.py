"""The nodes of a glTF scene over time: which of them are joints, how they rest, and where an animation puts them.

N nodes, J joints, T frames. World matrices are float64 (..., 4, 4); metres, Y up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from typing import cast

import numpy as np

from motion import quat
from motion.errors import BadFile
from motion.io import gltf, gltf_keys, source
from motion.io.gltf import Document, Json
from motion.io.gltf_keys import Tracks
from motion.io.matrices import F64, bones, turns
from motion.quat import F32
from motion.skeleton import Skeleton

_SAME_TURN = 0.02  # radians that a joint may differ between the bind pose and the nodes' own pose to be the same pose


@dataclass(frozen=True)
class Rig:
    """The joints of one character."""

    nodes: tuple[int, ...]
    """Node of each joint, parents first."""
    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest: F64
    """(J, 4, 4) world, in the pose without rotations."""
    bind: F64
    """(J, 4, 4) world, in the pose that the mesh was bound in; the same pose but for scales, as a rule."""
    frame: F64
    """(4, 4) from the mesh's own axes to the world in the bind pose."""


def parents(document: Document) -> list[int]:
    """Parent of each node, -1 for roots. Raises BadFile for nodes with two parents or in a circle."""
    nodes = _nodes(document)
    result = [-1] * len(nodes)
    for i, node in enumerate(nodes):
        for child in cast(list[int], node.get("children", [])):
            if not 0 <= child < len(nodes) or child == i or result[child] >= 0:
                raise BadFile(
                    f"node {_name(nodes, i)!r} lists the child {child}, which is not there or has a parent already",
                    document.path,
                )
            result[child] = i
    depth = [0] * len(nodes)  # 0 unknown
    for i in range(len(nodes)):
        chain = [i]
        while (above := result[chain[-1]]) >= 0 and not depth[above]:
            if len(chain) > len(nodes):
                raise BadFile(
                    f"node {_name(nodes, i)!r} is among its own ancestors; the tree runs in a circle", document.path
                )
            chain.append(above)
        for node in reversed(chain):
            depth[node] = 1
    return result


def rig(document: Document) -> Rig:
    """The joints of the largest skin and of those that share joints with it, or, without a skin, the animated nodes and
    all below them. Raises BadFile where there are none."""
    nodes = _nodes(document)
    source.admit(0, len(nodes), document.path)
    above = parents(document)
    skins = [cast(list[int], skin["joints"]) for skin in cast(list[Json], document.json.get("skins", []))]
    chosen = set(max(skins, key=len)) if skins else set[int]()
    order = list(dict.fromkeys(joint for skin in skins if chosen.intersection(skin) for joint in skin))
    if not order:
        order = _animated(document, above)
    if any(not 0 <= joint < len(nodes) for joint in order):
        raise BadFile("a skin names a joint that is not there", document.path)
    order = _rooted(order, above)
    parent_of = _joint_parents(order, above)
    placed: dict[int, int] = {}  # joint -> index: parents first, otherwise in the file's order
    for joint in order:
        chain = [joint]
        while chain[-1] not in placed and parent_of[chain[-1]] >= 0:
            chain.append(parent_of[chain[-1]])
        for one in reversed(chain):
            placed.setdefault(one, len(placed))
    joints = list(placed)
    own = world(document, above, joints, {}, np.zeros(1))[0]
    names = _distinct([_name(nodes, joint) for joint in joints])
    above_of = tuple(placed.get(parent_of[joint], -1) for joint in joints)
    inverse = _inverse_binds(document, placed)
    frame, rest = np.eye(4), own
    bind = own if inverse is None and not skins else np.tile(frame, (len(joints), 1, 1))
    if inverse is not None:
        frame, rest = _bound(own, inverse, above, joints, above_of, document)
        bind = frame @ np.linalg.inv(inverse)
    offsets = made_here(document).get("offsets")
    if offsets is not None:
        rest = np.tile(np.eye(4), (len(joints), 1, 1))
        rest[:, :3, 3] = Skeleton("", names, above_of, np.array(offsets, np.float32)).rest_positions()
    return Rig(tuple(joints), names, above_of, rest, bind, frame)


def made_here(document: Document) -> Json:
    """What `glb.write` noted beside the format in a file of its own; nothing in another's."""
    asset = cast(Json, document.json["asset"])
    alone = len(document.json.get("animations", [])) == 1
    return cast(Json, asset.get("extras") or {}) if asset.get("generator") == "Motus" and alone else {}


def _nodes(document: Document) -> list[Json]:
    return cast(list[Json], document.json.get("nodes", []))


def _name(nodes: list[Json], node: int) -> str:
    return str(nodes[node].get("name") or f"node{node}")


def _distinct(names: list[str]) -> tuple[str, ...]:
    """glTF lets two nodes have one name: the second is called `name_2`."""
    seen: set[str] = set()
    taken = set(names)
    for i, name in enumerate(names):
        label, count = name, 2
        while label in seen or (label != name and label in taken):
            label, count = f"{name}_{count}", count + 1
        seen.add(label)
        names[i] = label
    return tuple(names)


def _joint_parents(joints: list[int], above: list[int]) -> dict[int, int]:
    """The nearest joint above each, -1 for roots."""
    known = set(joints)
    result: dict[int, int] = {}
    for joint in joints:
        node = above[joint]
        while node >= 0 and node not in known:
            node = above[node]
        result[joint] = node
    return result


def _animated(document: Document, above: list[int]) -> list[int]:
    """Nodes that an animation moves, and all below them, parents first."""
    moved = {
        cast(int, channel["target"].get("node", -1))
        for animation in cast(list[Json], document.json.get("animations", []))
        for channel in animation["channels"]
    } - {-1}
    if not moved:
        raise BadFile(
            "there is no skeleton in it, neither a skin nor an animated node; export the motion with its skeleton, or "
            "export the motion as BVH",
            document.path,
        )
    inside: dict[int, bool] = {-1: False}
    for node in range(len(above)):
        for one in reversed(_line(node, above, inside)):
            inside[one] = one in moved or inside[above[one]]
    return [node for node, found in inside.items() if found]


def _line(node: int, above: list[int], known: Container[int] = ()) -> list[int]:
    """The node and all above it, as far as they are not among the known."""
    result: list[int] = []
    while node >= 0 and node not in known:
        result.append(node)
        node = above[node]
    return result


def _rooted(order: list[int], above: list[int]) -> list[int]:
    """The joints, with their nearest common ancestor before them where they have no single root among themselves."""
    parent_of = _joint_parents(order, above)
    roots = [joint for joint in order if parent_of[joint] < 0]
    if len(roots) == 1:
        return order
    lines = [_line(root, above)[::-1] for root in roots]
    common = [steps[0] for steps in zip(*lines, strict=False) if len(set(steps)) == 1]
    if common:
        return [common[-1], *order]
    tops: dict[int, int] = {-1: -1}  # several trees: the one with the most joints
    for joint in order:
        line = _line(joint, above, tops)[::-1]
        for node in line:
            tops[node] = node if above[node] < 0 else tops[above[node]]
    sizes = Counter(tops[joint] for joint in order)
    best = sizes.most_common(1)[0][0]
    return _rooted([joint for joint in order if tops[joint] == best], above)


def _inverse_binds(document: Document, joints: dict[int, int]) -> F64 | None:
    result = np.tile(np.eye(4), (len(joints), 1, 1))
    found: set[int] = set()
    for skin in cast(list[Json], document.json.get("skins", [])):
        if "inverseBindMatrices" not in skin:
            continue
        matrices = gltf.values(document, skin["inverseBindMatrices"]).astype(np.float64)
        for joint, matrix in zip(skin["joints"], matrices.reshape(-1, 4, 4).transpose(0, 2, 1), strict=True):
            if joint in joints and abs(np.linalg.det(matrix[:3, :3])) > 1e-12:
                result[joints[joint]] = matrix
                found.add(joint)
    return result if len(found) >= len(joints) - 1 else None  # a common ancestor that was added has none


def _bound(
    own: F64, inverse: F64, above: list[int], joints: list[int], parents_of: tuple[int, ...], document: Document
) -> tuple[F64, F64]:
    """The matrix (4, 4) from the mesh's axes to the world, and the rest pose (J, 4, 4): the nodes' own pose where that
    is the bind pose, else what the inverse bind matrices say, turned and scaled as a whole to stand as the nodes do."""
    loose = len(joints) > 1 and np.allclose(inverse[0], np.eye(4))  # a common ancestor, which no mesh is bound to
    first = int(loose)
    bind = cast(F64, np.linalg.inv(inverse))
    relative = [np.swapaxes(turns(pose[first]), -1, -2) @ turns(pose[first:]) for pose in (own, bind)]
    apart = np.arccos(np.clip((np.einsum("jab,jab->j", *relative) - 1) / 2, -1, 1))
    if apart.max() < _SAME_TURN:
        return own[first] @ inverse[first], own
    sizes = [float(np.linalg.norm(bones(pose, parents_of)[first + 1 :], axis=1).sum()) for pose in (own, bind)]
    scale = sizes[0] / sizes[1] if sizes[1] > 0 and not 0.9 < sizes[0] / sizes[1] < 1.1 else 1.0
    outside = above[joints[first]]
    around = np.eye(4) if outside < 0 else world(document, above, [outside], {}, np.zeros(1))[0, 0]
    frames = [np.eye(4), np.eye(4)]
    for frame, turn in zip(frames, (np.eye(3), turns(around)), strict=True):
        frame[:3, :3] = turn * scale
    frame = max(frames, key=lambda one: float(np.einsum("ab,ab->", turns(one @ bind[first]), turns(own[first]))))
    rest = frame @ bind
    if loose:
        rest[0] = own[0]
    return frame, rest


def world(document: Document, above: list[int], joints: list[int], found: Tracks, times: F64) -> F64:
    """World matrices (T, J, 4, 4) of the nodes `joints`."""
    nodes = _nodes(document)
    done: dict[int, F64] = {-1: np.eye(4)}
    for joint in joints:
        for node in reversed(_line(joint, above, done)):
            done[node] = done[above[node]] @ _local(nodes[node], node, found, times)
    return np.stack([np.broadcast_to(done[joint], (len(times), 4, 4)) for joint in joints], axis=1)


def _local(node: Json, number: int, found: Tracks, times: F64) -> F64:
    """One node's matrix (4, 4), or (T, 4, 4) where it is animated."""

    def part(path: str, default: list[float]) -> F64:
        track = found.get((number, path))
        return gltf_keys.sample(track, times, path) if track else np.asarray(node.get(path, default), np.float64)

    if "matrix" in node and not any((number, path) in found for path in ("translation", "rotation", "scale")):
        matrix = np.asarray(node["matrix"], np.float64).reshape(4, 4).T
    else:
        move, turn, scale = part("translation", [0, 0, 0]), part("rotation", [0, 0, 0, 1]), part("scale", [1, 1, 1])
        length = np.linalg.norm(turn, axis=-1, keepdims=True)
        turn = np.where(length > 1e-9, turn / np.maximum(length, 1e-9), [0.0, 0, 0, 1])
        rotation = quat.to_matrix(cast(F32, np.roll(turn, 1, axis=-1))) * scale[..., None, :]
        shape = np.broadcast_shapes(rotation.shape[:-2], move.shape[:-1])
        matrix = np.zeros((*shape, 4, 4))
        matrix[..., :3, :3], matrix[..., :3, 3], matrix[..., 3, 3] = rotation, move, 1
    if matrix.shape[-2:] != (4, 4) or not np.isfinite(matrix).all():
        raise ValueError(f"node {number} has no finite transform")
    return matrix
