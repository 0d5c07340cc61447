"""glTF 2.0 (.glb, .gltf) <-> Clip: a skeleton, its animation, and a skinned body that any viewer shows.

Metres, seconds, Y up, +Z forward, as glTF wants them; quaternions x y z w. Every joint is a node; the root's node is
moved by the animation, and every joint's of a clip that moves bones. `read` takes files of any maker: the joints of the
skin at a steady rate, at rest as the mesh was bound. A file that `write` made reads back as the same clip.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from motion import quat
from motion.bodies import mannequin
from motion.bodies.body import Body, Paint
from motion.clip import Clip
from motion.errors import BadClip, BadFile
from motion.io import gltf, gltf_keys, gltf_nodes, matrices, source
from motion.io.gltf import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Buffer, Document, Json
from motion.io.gltf_nodes import Rig
from motion.quat import F32

_CHUNK = 1 << 18  # frames times joints whose matrices are held at once


def write(clip: Clip, path: Path, body: Body | None = None) -> None:
    """Writes one clip, as JSON with the buffer inside it where the name ends in .gltf.

    body: what the skeleton wears; None takes the mannequin, or capsules where the skeleton is no standing humanoid.
    """
    document, data = _describe(clip, body)
    path.write_bytes((gltf.embed if path.suffix.lower() == ".gltf" else gltf.pack)(document, data))


def dump(clip: Clip, body: Body | None = None) -> bytes:
    """A clip as the bytes of a GLB file; see `write`."""
    return gltf.pack(*_describe(clip, body))


def _describe(clip: Clip, body: Body | None) -> tuple[Json, bytes]:
    body = mannequin.dress(clip.skeleton) if body is None else body
    if body.skeleton.joints != clip.skeleton.joints:
        raise BadClip(
            f"the body is bound to {body.skeleton.name!r}, but the clip moves {clip.skeleton.name!r}; fit one to that"
        )
    name = clip.name or "clip"
    joints = len(clip.skeleton)
    buffer = Buffer()
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
    return document, bytes(buffer.data)


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


def _mesh(body: Body, buffer: Buffer) -> Json:
    """One primitive for each paint in use, all on the same vertices."""
    small = np.uint8 if len(body.skeleton) < 256 else np.uint16
    attributes = {
        "POSITION": buffer.add(body.vertices, ARRAY_BUFFER, bounds=True),
        "NORMAL": buffer.add(body.normals, ARRAY_BUFFER),
        "JOINTS_0": buffer.add(body.joints.astype(small), ARRAY_BUFFER),
        "WEIGHTS_0": buffer.add(body.weights, ARRAY_BUFFER),
    }
    index = np.uint16 if len(body.vertices) < 65535 else np.uint32
    primitives: list[Json] = []
    for material, paint in enumerate(_worn(body)):
        corners = body.triangles[body.paints == paint].reshape(-1).astype(index)
        indices = buffer.add(corners, ELEMENT_ARRAY_BUFFER)
        primitives.append({"attributes": attributes, "indices": indices, "material": material})
    return {"name": "body", "primitives": primitives}


def _animation(clip: Clip, name: str, buffer: Buffer) -> Json:
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


def takes(path: Path, most: int = source.MOST_BYTES) -> list[str]:
    """The names of a file's animations. Raises BadFile."""
    document = gltf.load(path, most)
    with gltf.trusting(document.path):
        return _takes(document)


def _takes(document: Document) -> list[str]:
    animations = cast(list[Json], document.json.get("animations", []))
    return [str(animation.get("name") or f"animation {i + 1}") for i, animation in enumerate(animations)]


def read(path: Path, take: str | None = None, fps: float | None = None, most: int = source.MOST_BYTES) -> Clip:
    """Reads one animation of a file; a file without any gives one frame of its rest.

    take: name of the animation; None takes the first.
    fps: rate at which the keys are sampled; None takes the lowest common rate on whose grid they lie.
    Raises BadFile.
    """
    document = gltf.load(path, most)
    with gltf.trusting(document.path), source.reading(document.path):
        return clip_of(document, gltf_nodes.rig(document), take, fps, path.stem)


def clip_of(document: Document, rig: Rig, take: str | None, fps: float | None, name: str) -> Clip:
    """One animation of a document on its rig; see `read`. Raises BadFile where it has none of the name `take`."""
    names = _takes(document)
    if take is not None and take not in names:
        raise BadFile(f"there is no animation {take!r} in it; there are {', '.join(names) or 'none'}", document.path)
    number = names.index(take) if take is not None else 0
    tracks = gltf_keys.tracks(document, number) if names else {}
    ours = gltf_nodes.made_here(document)
    rate, times = gltf_keys.timing(tracks, fps or ours.get("fps"), document.path)
    source.admit(len(times), len(rig.nodes), document.path)
    parts: list[matrices.Motion] = []
    above = gltf_nodes.parents(document)
    for start in range(0, len(times), step := max(1, _CHUNK // len(rig.nodes))):
        world = gltf_nodes.world(document, above, list(rig.nodes), tracks, times[start : start + step])
        parts.append(matrices.motion(world, rig.rest, rig.parents))
    skeleton = str(ours.get("skeleton", name)) or "glb"
    take = names[number] if names else name
    clip = matrices.clip(skeleton, take, rate, rig.names, rig.parents, rig.rest, matrices.join(parts))
    if "contacts" in ours and rate == ours["fps"]:
        clip = replace(clip, contacts=np.array(ours["contacts"], np.float32))
    return clip
