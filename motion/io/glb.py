"""Binary glTF 2.0 (.glb) <-> Clip: a skeleton, its animation, and a skinned body that any viewer shows.

Metres, seconds, Y up, +Z forward, as glTF wants them; quaternions x y z w. Every joint is a node; the root's node is
moved by the animation, and every joint's of a clip that moves bones. `read` takes back what `write` made: a file with
one skin and one animation, every key at the clip's frames.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from motion import mannequin, quat
from motion.body import Body, Paint
from motion.clip import Clip
from motion.errors import BadClip, BadFile
from motion.quat import F32
from motion.skeleton import Skeleton

_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_CODES = {"<f4": 5126, "<u4": 5125, "<u2": 5123, "|u1": 5121}
_DTYPES = {code: np.dtype(name) for name, code in _CODES.items()}
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963

Json = dict[str, Any]


@dataclass
class _Buffer:
    """The binary chunk while it grows."""

    data: bytearray = field(default_factory=bytearray)
    views: list[Json] = field(default_factory=list[Json])
    accessors: list[Json] = field(default_factory=list[Json])

    def add(self, array: NDArray[Any], target: int | None = None, bounds: bool = False) -> int:
        """Appends an array (N, width) and returns its accessor. bounds: state the smallest and largest values."""
        array = np.ascontiguousarray(array)
        self.data.extend(b"\0" * (-len(self.data) % 4))
        view: Json = {"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes}
        if target is not None:
            view["target"] = target
        accessor: Json = {
            "bufferView": len(self.views),
            "componentType": _CODES[array.dtype.str],
            "count": len(array),
            "type": _TYPES[1 if array.ndim == 1 else array.shape[1]],
        }
        if bounds:
            accessor["min"] = np.atleast_1d(array.min(axis=0)).tolist()
            accessor["max"] = np.atleast_1d(array.max(axis=0)).tolist()
        self.data.extend(array.tobytes())
        self.views.append(view)
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def write(clip: Clip, path: Path, body: Body | None = None) -> None:
    """Writes one clip.

    body: what the skeleton wears; None takes the mannequin, or capsules where the skeleton is no standing humanoid.
    """
    path.write_bytes(dump(clip, body))


def dump(clip: Clip, body: Body | None = None) -> bytes:
    """A clip as the bytes of a GLB file; see `write`."""
    body = mannequin.dress(clip.skeleton) if body is None else body
    if body.skeleton.joints != clip.skeleton.joints:
        raise BadClip(
            f"the body is bound to {body.skeleton.name!r}, but the clip moves {clip.skeleton.name!r}; fit one to that"
        )
    name = clip.name or "clip"
    joints = len(clip.skeleton)
    buffer = _Buffer()
    # Nodes: 0 holds the armature, 1 the mesh, then the joints.
    nodes: list[Json] = [{"name": "character", "children": [2]}, {"name": "body", "mesh": 0, "skin": 0}]
    for joint in range(joints):
        places = clip.root[0] if joint == 0 else _offset(clip, joint)
        node: Json = {
            "name": clip.skeleton.joints[joint],
            "translation": places.tolist(),
            "rotation": _xyzw(clip.rotations[0, joint]).tolist(),
        }
        if children := clip.skeleton.children(joint):
            node["children"] = [2 + child for child in children]
        nodes.append(node)
    document: Json = {
        "asset": {"version": "2.0", "generator": "Motus", "extras": _extras(clip)},
        "scene": 0,
        "scenes": [{"nodes": [0, 1]}],
        "nodes": nodes,
        "meshes": [_mesh(body, buffer)],
        "materials": [_material(body.palette[paint]) for paint in _worn(body)],
        "skins": [
            {
                "name": clip.skeleton.name,
                "skeleton": 2,
                "joints": list(range(2, 2 + joints)),
                "inverseBindMatrices": buffer.add(_inverse_binds(body)),
            }
        ],
        "animations": [_animation(clip, name, buffer)],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
    }
    data = bytes(buffer.data) + b"\0" * (-len(buffer.data) % 4)
    document["buffers"] = [{"byteLength": len(data)}]
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    header = struct.pack("<III", _MAGIC, 2, 12 + 8 + len(text) + 8 + len(data))
    return header + struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(data), _BIN) + data


def _extras(clip: Clip) -> Json:
    """What glTF has no place for, and `read` needs."""
    return {
        "fps": clip.fps,
        "skeleton": clip.skeleton.name,
        "offsets": clip.skeleton.offsets.tolist(),
        **({} if clip.contacts is None else {"contacts": clip.contacts.astype(int).tolist()}),
    }


def _offset(clip: Clip, joint: int) -> F32:
    return clip.skeleton.offsets[joint] if clip.offsets is None else clip.offsets[0, joint]


def _xyzw(q: F32) -> F32:
    return np.roll(quat.normalize(q.astype(np.float32)), -1, axis=-1)


def _inverse_binds(body: Body) -> F32:
    """(J, 16) column by column: from the bind pose to each joint's own axes."""
    turn = quat.to_matrix(quat.inv(body.bind_rotations))
    matrices = np.zeros((len(body.bind_positions), 4, 4), np.float32)
    matrices[:, :3, :3] = turn
    matrices[:, :3, 3] = -np.einsum("jab,jb->ja", turn, body.bind_positions)
    matrices[:, 3, 3] = 1
    return matrices.transpose(0, 2, 1).reshape(-1, 16)


def _worn(body: Body) -> list[int]:
    """The paints in use; each becomes a material and a primitive."""
    return [int(paint) for paint in np.unique(body.paints)]


def _material(paint: Paint) -> Json:
    linear = [round(channel**2.2, 4) for channel in paint.rgb]
    return {
        "name": paint.name,
        "pbrMetallicRoughness": {"baseColorFactor": [*linear, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.65},
    }


def _mesh(body: Body, buffer: _Buffer) -> Json:
    """One primitive for each paint in use, all on the same vertices."""
    small = np.uint8 if len(body.skeleton) < 256 else np.uint16
    attributes = {
        "POSITION": buffer.add(body.vertices, _ARRAY_BUFFER, bounds=True),
        "NORMAL": buffer.add(body.normals, _ARRAY_BUFFER),
        "JOINTS_0": buffer.add(body.joints.astype(small), _ARRAY_BUFFER),
        "WEIGHTS_0": buffer.add(body.weights, _ARRAY_BUFFER),
    }
    index = np.uint16 if len(body.vertices) < 65535 else np.uint32
    primitives: list[Json] = []
    for material, paint in enumerate(_worn(body)):
        corners = body.triangles[body.paints == paint].reshape(-1).astype(index)
        indices = buffer.add(corners, _ELEMENT_ARRAY_BUFFER)
        primitives.append({"attributes": attributes, "indices": indices, "material": material})
    return {"name": "body", "primitives": primitives}


def _animation(clip: Clip, name: str, buffer: _Buffer) -> Json:
    times = buffer.add((np.arange(len(clip)) / clip.fps).astype(np.float32), bounds=True)
    samplers: list[Json] = []
    channels: list[Json] = []

    def add(joint: int, path: str, keys: F32) -> None:
        channels.append({"sampler": len(samplers), "target": {"node": 2 + joint, "path": path}})
        samplers.append({"input": times, "output": buffer.add(keys.astype(np.float32)), "interpolation": "LINEAR"})

    rotations = _xyzw(quat.unroll(clip.rotations))
    for joint in range(len(clip.skeleton)):
        if joint == 0:
            add(joint, "translation", clip.root)
        elif clip.offsets is not None:
            add(joint, "translation", clip.offsets[:, joint])
        add(joint, "rotation", rotations[:, joint])
    return {"name": name, "samplers": samplers, "channels": channels}


def read(path: Path) -> Clip:
    """Reads a file that `write` made. Raises BadFile for anything else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadFile(f"cannot be opened ({error.strerror})", str(path)) from error
    document, binary = _chunks(data, str(path))
    try:
        return _clip(document, binary)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BadFile(
            f"this GLB was not written by Motus or is damaged ({error!r}); export the motion as BVH instead", str(path)
        ) from error


def _chunks(data: bytes, path: str) -> tuple[Json, bytes]:
    """The JSON and the binary chunk of a GLB."""
    if len(data) < 20 or struct.unpack_from("<II", data) != (_MAGIC, 2):
        raise BadFile("this is no binary glTF 2.0 file; give a .glb", path)
    length, kind = struct.unpack_from("<II", data, 12)
    start = 20 + length
    if kind != _JSON or len(data) < start + 8:
        raise BadFile("the file ends inside its first chunk; it is truncated", path)
    size, kind = struct.unpack_from("<II", data, start)
    if kind != _BIN or len(data) < start + 8 + size:
        raise BadFile("the file ends inside its binary chunk; it is truncated", path)
    try:
        return json.loads(data[20:start]), data[start + 8 : start + 8 + size]
    except ValueError as error:
        raise BadFile(f"the JSON chunk cannot be read ({error})", path) from error


def _clip(document: Json, binary: bytes) -> Clip:
    extras = cast(Json, document["asset"]["extras"])
    nodes = cast(list[Json], document["nodes"])
    joints = cast(list[int], document["skins"][0]["joints"])
    parents = [-1] * len(joints)
    for i, node in enumerate(joints):
        for child in nodes[node].get("children", []):
            parents[joints.index(child)] = i
    skeleton = Skeleton(
        extras["skeleton"],
        tuple(nodes[node]["name"] for node in joints),
        tuple(parents),
        np.array(extras["offsets"], np.float32),
    )
    animation = document["animations"][0]
    keys: dict[tuple[int, str], F32] = {}
    for channel in animation["channels"]:
        target = channel["target"]
        output = animation["samplers"][channel["sampler"]]["output"]
        keys[joints.index(target["node"]), target["path"]] = _values(document, binary, output)
    rotations = np.stack([keys[i, "rotation"] for i in range(len(joints))], axis=1)
    moved = [keys.get((i, "translation")) for i in range(1, len(joints))]
    offsets = None
    if moved and all(values is not None for values in moved):
        first = np.broadcast_to(skeleton.offsets[0], (len(rotations), 3))
        offsets = np.stack([first, *cast(list[F32], moved)], axis=1)
    contacts = np.array(extras["contacts"], np.float32) if "contacts" in extras else None
    return Clip(
        skeleton,
        extras["fps"],
        np.roll(rotations, 1, axis=-1),
        keys[0, "translation"],
        contacts,
        animation["name"],
        offsets,
    )


def _values(document: Json, binary: bytes, accessor: int) -> F32:
    described = document["accessors"][accessor]
    start = document["bufferViews"][described["bufferView"]]["byteOffset"]
    width = {name: width for width, name in _TYPES.items()}[described["type"]]
    values = np.frombuffer(binary, _DTYPES[described["componentType"]], described["count"] * width, start)
    return values.reshape(-1, width).astype(np.float32)
