"""The user's own SMPL-X, SMPL-H or SMPL: a model file as its makers hand it out (.npz) becomes a skinned character.

Only arrays are read from the file, never programs. The model's licence stays between its makers and the user.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from blender_addon.armature import axes, body
from blender_addon.armature.body import Skin
from motion import smplx
from motion.errors import BadFile
from motion.io import npz
from motion.skeleton import Skeleton

_MOST = 4 << 30  # bytes; SMPL-X's file has 0.17 GB, its arrays 0.35
_NEEDED = ("v_template", "J_regressor", "weights", "kintree_table", "f")


def add(path: str) -> bpy.types.Object:
    """An armature and its mesh, of the mean shape. Raises BadFile."""
    file = Path(path)
    if file.suffix.lower() != ".npz":
        raise BadFile("only .npz models are read, for a .pkl is a program that would be run; take the .npz", path)
    arrays = npz.read(file, _MOST)
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise BadFile(f"this is no SMPL model: it lacks {', '.join(missing)}", path)
    skeleton, vertices = _skeleton(arrays, path)
    made = body.armature(skeleton, file.stem)
    body.dress(made, _skin(arrays, skeleton, vertices))
    return made


def _skeleton(arrays: dict[str, Any], path: str) -> tuple[Skeleton, np.ndarray]:
    """The joints of the mean shape, and its vertices (V, 3), the soles on the ground; Y up."""
    count = arrays["kintree_table"].shape[-1]
    if count not in smplx.NAMES:
        raise BadFile(f"this model has {count} joints, and SMPL's have {', '.join(map(str, smplx.NAMES))}", path)
    try:
        vertices = np.asarray(arrays["v_template"], np.float32)
        joints = np.asarray(arrays["J_regressor"], np.float32) @ vertices
    except (ValueError, TypeError) as error:
        raise BadFile(f"the model does not have the layout it should ({error})", path) from error
    lift = np.array([0, -vertices[:, 1].min(), 0], np.float32)
    vertices, joints = vertices + lift, (joints + lift).astype(np.float32)
    table = np.asarray(arrays["kintree_table"], np.int64)
    parents = tuple(int(parent) if 0 <= parent < joint else -1 for joint, parent in enumerate(table[0]))
    above = np.array([joints[parent] if parent >= 0 else np.zeros(3, np.float32) for parent in parents])
    names = smplx.skeleton(count).joints
    return Skeleton(smplx.NAMES[count], names, parents, (joints - above).astype(np.float32)), vertices


def _skin(arrays: dict[str, Any], skeleton: Skeleton, vertices: np.ndarray) -> Skin:
    weights = np.asarray(arrays["weights"], np.float32)
    groups: dict[str, tuple[np.ndarray, Any]] = {}
    for joint, name in enumerate(skeleton.joints):
        follow = np.flatnonzero(weights[:, joint] > 1e-4)
        if len(follow):
            groups[name] = (follow, np.round(weights[follow, joint], 4))
    faces = [tuple(row) for row in np.asarray(arrays["f"], np.int64).tolist()]
    return Skin("SMPL-X", axes.to_blender(vertices), faces, groups)
