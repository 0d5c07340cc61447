"""A GLB character as its maker painted it: the body of its skins, the things it wears, the colours of its texture.

One colour a triangle, taken from the texture where the triangle's middle lies: exact for textures that are palettes, as
those of game characters often are.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from motion.bodies import loft
from motion.bodies.body import Body, Paint
from motion.bodies.loft import Real
from motion.errors import BadFile
from motion.io import gltf, gltf_body, gltf_nodes
from motion.io.gltf import Document, Json
from motion.io.gltf_nodes import Rig


def read(path: Path, worn: Sequence[str] = ()) -> Body:
    """The character of a file; worn: nodes with meshes of their own that hang on joints, such as a helmet.

    Raises BadFile where there is no skinned mesh, or no node of such a name.
    """
    document = gltf.load(path)
    with gltf.trusting(document.path):
        rig = gltf_nodes.rig(document)
        body = gltf_body.body_of(document, rig, path.stem)
        places = [_places(document, body)]
        for name in worn:
            body, place = _with(document, rig, body, name)
            places.append(place)
        picture = _texture(document)
    return body if picture is None else _painted(body, np.concatenate(places), picture)


def _places(document: Document, body: Body) -> Real:
    """Where on the texture each vertex (V, 2) of the skins lies, in the order of `gltf_body`."""
    found: dict[tuple[int, ...], Real] = {}
    for node in cast(list[Json], document.json["nodes"]):
        if "mesh" in node and "skin" in node:
            for primitive in document.json["meshes"][node["mesh"]]["primitives"]:
                told = primitive["attributes"]
                key = tuple(int(told.get(name, -1)) for name in ("POSITION", "JOINTS_0", "WEIGHTS_0", "NORMAL"))
                found.setdefault(key, gltf.values(document, told["TEXCOORD_0"]))
    places = np.concatenate(list(found.values()))
    if len(places) != len(body.vertices):
        raise BadFile("its texture coordinates do not fit its vertices", document.path)
    return places


def _with(document: Document, rig: Rig, body: Body, name: str) -> tuple[Body, Real]:
    """The body with the mesh of one node on the joint it hangs on, and the texture coordinates of what was added."""
    nodes = cast(list[Json], document.json["nodes"])
    node = next((i for i, one in enumerate(nodes) if one.get("name") == name and "mesh" in one), None)
    if node is None:
        raise BadFile(f"it has no mesh called {name!r}", document.path)
    above = gltf_nodes.parents(document)
    holder = node
    while holder >= 0 and holder not in rig.nodes:
        holder = above[holder]
    if holder < 0:
        raise BadFile(f"{name!r} hangs on no joint", document.path)
    joint = rig.nodes.index(holder)
    at_rest = gltf_nodes.world(document, above, [holder, node], {}, np.zeros(1))[0]
    matrix = rig.bind[joint] @ np.linalg.inv(at_rest[0]) @ at_rest[1]
    vertices, triangles, places = body.vertices, body.triangles, []
    for primitive in document.json["meshes"][nodes[node]["mesh"]]["primitives"]:
        told = primitive["attributes"]
        points = gltf.values(document, told["POSITION"]) @ matrix[:3, :3].T + matrix[:3, 3]
        corners = gltf.raw(document, primitive["indices"]).reshape(-1, 3).astype(np.int32)
        triangles = np.concatenate([triangles, corners + len(vertices)])
        vertices = np.concatenate([vertices, points.astype(np.float32)])
        places.append(gltf.values(document, told["TEXCOORD_0"]))
    more = len(vertices) - len(body.vertices)
    grown = replace(
        body,
        vertices=vertices,
        normals=np.concatenate([body.normals, loft.normals(vertices, triangles)[-more:]]),
        triangles=triangles,
        joints=np.concatenate([body.joints, np.tile(np.array([[joint, 0, 0, 0]], np.int32), (more, 1))]),
        weights=np.concatenate([body.weights, np.tile(np.array([[1, 0, 0, 0]], np.float32), (more, 1))]),
    )
    return grown, np.concatenate(places)


def _texture(document: Document) -> Any:
    """The first material's picture (H, W, 3); None where it has none."""
    for material in cast(list[Json], document.json.get("materials", [])):
        told = material.get("pbrMetallicRoughness", {}).get("baseColorTexture")
        if told is not None:
            image = document.json["images"][document.json["textures"][told["index"]]["source"]]
            view = document.json["bufferViews"][image["bufferView"]]
            start = view.get("byteOffset", 0)
            data = document.buffers[view["buffer"]][start : start + view["byteLength"]]
            return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return None


def _painted(body: Body, places: Real, picture: Any) -> Body:
    high, wide = picture.shape[:2]
    middle = places[body.triangles].mean(axis=1) % 1
    x, y = (middle * [wide, high]).astype(int).T
    colours, which = np.unique(picture[np.minimum(y, high - 1), np.minimum(x, wide - 1)], axis=0, return_inverse=True)
    palette = tuple(Paint("texture", (float(r), float(g), float(b))) for r, g, b in colours / 255)
    return replace(body, paints=which.reshape(-1).astype(np.int32), palette=palette)
