"""A user's own glTF character with another motion: everything in the file stays, but for its animations.

Meshes, textures, materials and nodes are kept as they are; the joints get the keys of a clip on the skeleton that
`glb.read` gives for the file.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from motion import quat
from motion.clip import Clip
from motion.errors import BadClip
from motion.io import gltf, gltf_nodes, matrices, source
from motion.io.gltf import Buffer, Document, Json
from motion.io.gltf_nodes import Rig
from motion.io.matrices import F64
from motion.quat import F32
from motion.skeleton import fk

_STILL = 1e-5  # of the size of the character: a joint that moves less has no keys for its place
_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}


def write(clip: Clip, character: Path, path: Path, most: int = source.MOST_BYTES) -> None:
    """Writes `character` with the clip as its one animation; JSON with everything inside it where `path` ends in .gltf.

    Raises BadFile for a character that cannot be read, BadClip where the clip is not on its skeleton.
    """
    document = gltf.load(character, most)
    with gltf.trusting(document.path):
        rig = gltf_nodes.rig(document)
        if clip.skeleton.joints != rig.names:
            raise BadClip(
                f"the clip moves {clip.skeleton.name!r}, not the {len(rig.names)} joints of {character.name}; retarget "
                "it to that skeleton first"
            )
        told, buffer = _kept(document, character)
        told["asset"] = {
            **{key: value for key, value in told["asset"].items() if key in ("version", "copyright", "minVersion")},
            "generator": "Motus",
            "extras": {
                "fps": clip.fps,
                **({} if clip.contacts is None else {"contacts": clip.contacts.astype(int).tolist()}),
            },
        }
        told["animations"] = [_animation(clip, document, rig, told["nodes"], buffer)]
        told["accessors"], told["bufferViews"] = buffer.accessors, buffer.views
    path.write_bytes((gltf.embed if path.suffix.lower() == ".gltf" else gltf.pack)(told, bytes(buffer.data)))


def _kept(document: Document, character: Path) -> tuple[Json, Buffer]:
    """The document without animations, and a buffer with what the rest of it uses."""
    told = copy.deepcopy({key: value for key, value in document.json.items() if key not in ("animations", "buffers")})
    buffer = Buffer()
    views: dict[int, int] = {}
    accessors: dict[int, int] = {}

    def view(number: int) -> int:
        if number not in views:
            was = cast(Json, document.json["bufferViews"][number])
            start, size = int(was.get("byteOffset", 0)), int(was["byteLength"])
            views[number] = buffer.view(document.buffers[int(was["buffer"])][start : start + size])
            buffer.views[-1].update({key: was[key] for key in ("byteStride", "target", "name") if key in was})
        return views[number]

    def accessor(number: int) -> int:
        if number not in accessors:
            was = copy.deepcopy(document.json["accessors"][number])
            for part in (was, was.get("sparse", {}).get("indices", {}), was.get("sparse", {}).get("values", {})):
                if "bufferView" in part:
                    part["bufferView"] = view(part["bufferView"])
            buffer.accessors.append(was)
            accessors[number] = len(buffer.accessors) - 1
        return accessors[number]

    for mesh in cast(list[Json], told.get("meshes", [])):
        for primitive in mesh["primitives"]:
            for table in (primitive["attributes"], *primitive.get("targets", [])):
                table.update({name: accessor(number) for name, number in table.items()})
            if "indices" in primitive:
                primitive["indices"] = accessor(primitive["indices"])
    for skin in cast(list[Json], told.get("skins", [])):
        if "inverseBindMatrices" in skin:
            skin["inverseBindMatrices"] = accessor(skin["inverseBindMatrices"])
    for image in cast(list[Json], told.get("images", [])):
        if "bufferView" in image:
            image["bufferView"] = view(image["bufferView"])
        elif not image.get("uri", "data:").startswith("data:"):
            beside = gltf.beside(character, image.pop("uri"))
            image["bufferView"] = buffer.view(source.content(beside))
            image["mimeType"] = _IMAGES.get(beside.suffix.lower(), "image/png")
    return told, buffer


def _animation(clip: Clip, document: Document, rig: Rig, nodes: list[Json], buffer: Buffer) -> Json:
    """The clip's keys; nodes that are described by a matrix are rewritten, for only parts can be animated."""
    local = _local(clip, document, rig)  # (T, J, 4, 4)
    size = float(np.ptp(rig.rest[:, :3, 3], axis=0).max()) or 1.0
    times = buffer.add((np.arange(len(clip)) / clip.fps).astype(np.float32), bounds=True)
    samplers: list[Json] = []
    channels: list[Json] = []

    def add(node: int, path: str, keys: NDArray[Any]) -> None:
        channels.append({"sampler": len(samplers), "target": {"node": node, "path": path}})
        samplers.append({"input": times, "output": buffer.add(keys.astype(np.float32)), "interpolation": "LINEAR"})

    turns = quat.unroll(quat.from_matrix(cast(F32, matrices.turns(local))).astype(np.float32))
    for joint, number in enumerate(rig.nodes):
        node = nodes[number]
        if "matrix" in node:
            matrix = np.asarray(node.pop("matrix"), np.float64).reshape(4, 4).T
            turn = quat.from_matrix(cast(F32, matrices.turns(matrix)))
            node["translation"], node["rotation"] = matrix[:3, 3].tolist(), np.roll(turn, -1).tolist()
            node["scale"] = np.linalg.norm(matrix[:3, :3], axis=0).tolist()
        places = local[:, joint, :3, 3]
        if joint == 0 or np.abs(places - np.asarray(node.get("translation", [0, 0, 0]))).max() > _STILL * size:
            add(number, "translation", places)
        add(number, "rotation", np.roll(turns[:, joint], -1, axis=-1))
    return {"name": clip.name or "clip", "samplers": samplers, "channels": channels}


def _local(clip: Clip, document: Document, rig: Rig) -> F64:
    """Matrices (T, J, 4, 4) of the joints' nodes in their parents' axes."""
    at, turns = fk(clip.skeleton, clip.rotations, clip.root, clip.offsets)
    world = np.tile(np.eye(4), (len(clip), len(rig.nodes), 1, 1))
    world[..., :3, :3] = quat.to_matrix(turns) @ rig.rest[:, :3, :3]
    world[..., :3, 3] = at
    above = gltf_nodes.parents(document)
    still = gltf_nodes.world(document, above, [*rig.nodes], {}, np.zeros(1))[0]
    outer = [above[node] for node in rig.nodes]
    outside = [node for node in outer if node >= 0]
    known = gltf_nodes.world(document, above, outside, {}, np.zeros(1))[0] if outside else np.empty((0, 4, 4))
    frames: dict[int, int] = {node: i for i, node in enumerate(outside)}
    origin: F64 = np.eye(4)
    result = np.empty_like(world)
    for joint, node in enumerate(outer):
        frame: F64 = known[frames[node]] if node >= 0 else origin
        parent = rig.parents[joint]
        if parent >= 0:  # nodes between two joints stand still in the parent joint's axes
            frame = world[:, parent] @ _inverse(still[parent]) @ frame
        result[:, joint] = _inverse(frame) @ world[:, joint]
    return result


def _inverse(matrices: F64) -> F64:
    return cast(F64, np.linalg.inv(matrices))
