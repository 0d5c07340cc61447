"""Runs inside Blender: a character's motion out of any file that Blender imports, and a GLB carried into an FBX.

    read  FILE OUT.npz FPS [TAKE]     joints, rest and world matrices of the largest armature, every frame, Y up, metres
    write FILE.glb OUT.fbx FPS        the whole scene, the armature's motion baked frame by frame

A glTF has keys in seconds: FPS is the rate at which they become frames. An FBX states its own.

Needs what Blender carries: bpy and numpy. Ends with `motus: ok`, or with `motus: ` and a sentence on what is wrong.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

_Y_UP = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])


class Refused(Exception):
    """Something in the file that a user can put right."""


def bring(bpy: Any, path: Path, fps: float) -> None:
    """Imports a file into an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    render = bpy.context.scene.render
    render.fps = max(1, round(fps))
    render.fps_base = render.fps / fps
    match path.suffix.lower():
        case ".fbx":
            bpy.ops.import_scene.fbx(filepath=str(path))
        case ".glb" | ".gltf":
            bpy.ops.import_scene.gltf(filepath=str(path))
        case ".bvh":
            bpy.ops.import_anim.bvh(filepath=str(path), update_scene_fps=True, update_scene_duration=True)
        case other:
            raise Refused(f"{other} is no file that Blender is asked to import here")


def read(bpy: Any, source: Path, out: Path, fps: float, take: str | None) -> None:
    """Writes the largest armature's joints and their matrices as .npz."""
    bring(bpy, source, fps)
    scene = bpy.context.scene
    armatures = [thing for thing in scene.objects if thing.type == "ARMATURE" and thing.data.bones]
    if not armatures:
        raise Refused("there is no skeleton in it that Blender can import as an armature; export it with its bones")
    armature = max(armatures, key=lambda thing: len(thing.data.bones))
    names = _takes(bpy, armature)
    if take is not None and take not in names:
        raise Refused(f"there is no animation {take!r} in it; there are {', '.join(names) or 'none'}")
    action = names[take] if take is not None else next(iter(names.values()), None)
    if action is not None:
        armature.animation_data_create()
        armature.animation_data.use_nla = False
        armature.animation_data.action = action
        if hasattr(armature.animation_data, "action_slot") and action.slots:
            armature.animation_data.action_slot = action.slots[0]
    first, last = action.frame_range if action is not None else (1.0, 1.0)
    bones = list(armature.data.bones)
    order: list[Any] = []
    for bone in bones:
        if bone.parent is None:
            order += [bone, *bone.children_recursive]
    roots = [bone for bone in order if bone.parent is None]
    number = {bone.name: i + (len(roots) > 1) for i, bone in enumerate(order)}
    parents = [number[bone.parent.name] if bone.parent else -1 + (len(roots) > 1) for bone in order]
    frames = np.arange(round(float(last - first)) + 1) + float(first)
    world = np.empty((len(frames), len(order), 4, 4))
    still = np.empty((len(frames), 4, 4))
    for i, frame in enumerate(frames):
        scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1))
        pose = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        still[i] = np.array(pose.matrix_world)
        world[i] = [np.array(pose.pose.bones[bone.name].matrix) for bone in order]
    world = still[:, None] @ world
    rest = still[0] @ np.array([np.array(bone.matrix_local) for bone in order])
    joints = [bone.name for bone in order]
    if len(roots) > 1:  # a skeleton has one root: the armature itself
        joints, parents = [armature.name, *joints], [-1, *parents]
        world = np.concatenate([still[:, None], world], axis=1)
        rest = np.concatenate([still[:1], rest])
    np.savez(
        out,
        joints=np.array(joints),
        parents=np.array(parents),
        rest=_Y_UP @ rest,
        world=_Y_UP @ world,
        fps=np.array(float(scene.render.fps)),
        take=np.array(next((name for name, one in names.items() if one == action), "")),
        takes=np.array(list(names)),
    )


def _takes(bpy: Any, armature: Any) -> dict[str, Any]:
    """The actions that move the armature's bones, by the names that their file gives them."""
    found: dict[str, Any] = {}
    for action in bpy.data.actions:
        paths = [curve.data_path for curve in _curves(action)]
        if any(path.startswith("pose.bones") for path in paths):
            words = action.name.split("|")  # the importer of FBX: `Armature|Take 001|BaseLayer`
            own = len(words) > 1 and words[0].split(".")[0] == armature.name.split(".")[0]
            name = words[1] if own else action.name.removesuffix(f"_{armature.name}")  # of glTF: `Walk_Armature`
            found[name if name not in found else action.name] = action
    own = armature.animation_data.action if armature.animation_data else None
    return dict(sorted(found.items(), key=lambda pair: pair[1] != own))


def _curves(action: Any) -> list[Any]:
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    return [
        curve for layer in action.layers for strip in layer.strips for bag in strip.channelbags for curve in bag.fcurves
    ]


def write(bpy: Any, source: Path, out: Path, fps: float) -> None:
    """Carries a GLB into an FBX in centimetres, Y up."""
    bring(bpy, source, fps)
    for thing in list(bpy.context.scene.objects):
        if thing.name.startswith("Icosphere"):  # the importer's own bone shape
            bpy.data.objects.remove(thing)
    ranges = [action.frame_range for action in bpy.data.actions]
    scene = bpy.context.scene
    if bpy.data.actions:  # the exporter names the animation after the scene
        armature = next((thing.name for thing in bpy.data.objects if thing.type == "ARMATURE"), "")
        scene.name = bpy.data.actions[0].name.removesuffix(f"_{armature}")
    scene.frame_start = int(np.floor(min((span[0] for span in ranges), default=0)))
    scene.frame_end = int(np.ceil(max((span[1] for span in ranges), default=0)))
    bpy.ops.export_scene.fbx(
        filepath=str(out),
        object_types={"ARMATURE", "MESH", "EMPTY"},
        apply_scale_options="FBX_SCALE_ALL",
        add_leaf_bones=False,
        bake_anim=True,
        bake_anim_use_all_bones=True,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_simplify_factor=0.0,
        path_mode="COPY",
        embed_textures=True,
    )


def main(arguments: list[str]) -> None:
    """Does what the arguments say; prints how it ended."""
    bpy: Any = importlib.import_module("bpy")
    try:
        match arguments:
            case ["read", source, out, fps, *take]:
                read(bpy, Path(source), Path(out), float(fps), take[0] if take else None)
            case ["write", source, out, fps]:
                write(bpy, Path(source), Path(out), float(fps))
            case _:
                raise Refused(f"not understood: {' '.join(arguments)}")
        print("motus: ok")
    except Refused as refusal:
        print(f"motus: {refusal}")
    except (RuntimeError, OSError, ValueError, KeyError, AttributeError, TypeError) as error:  # importers raise these
        traceback.print_exc()
        print(f"motus: Blender could not read it ({type(error).__name__}: {str(error).strip()[:200]})")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # bpy may crash or hang on a regular exit


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
