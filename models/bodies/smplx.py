"""SMPL-X, SMPL-H and SMPL bodies, for whoever has the licensed model files: `--body PATH` of tools.convert.

The package `smplx` (an extra: `pip install -e ".[smplx]"`; its code and the models it reads are for non-commercial
research) poses the mesh; here it is given the right file and the right joints. Only `.npz` models are read, and out of
them only arrays: a `.pkl` is a program, which is not run. V vertices, J joints, T frames; metres, Y up.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.bodies.anny import Mesh
from motion import quat, smplx
from motion.bodies import loft
from motion.bodies.body import LEFT, RIGHT, WOOD, Body
from motion.bodies.loft import I32
from motion.clip import Clip, positions
from motion.errors import BadClip, BadFile, MissingPart
from motion.io import npz
from motion.quat import F32, IDENTITY
from motion.skeleton import Skeleton

_KINDS = {55: ("SMPLX", "smplx"), 52: ("SMPLH", "smplh"), 24: ("SMPL", "smpl")}
_MOST = 4 << 30  # bytes; SMPL-X's file has 0.17 GB, its arrays 0.35
_NEEDED = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
_BATCH = 64  # frames posed at once


@dataclass(frozen=True)
class Model:
    """One model file, for one shape."""

    network: Any
    """A module of the package."""
    joints: int
    betas: F32
    """(B,) as many as are given and the model has."""
    directions: Any
    """(V, 3, B) tensor: how each of them moves the vertices."""
    vertices: F32
    """(V, 3) of the shape, at rest."""
    skeleton: Skeleton
    """Its root offset is the pelvis' place at rest."""


def load(path: Path, betas: F32 | None = None, gender: str = "neutral") -> Model:
    """The model of a file, or of a folder laid out as the models are handed out, for the given shape.

    betas: (B,) shape; None is the mean body. gender: which file of a folder.
    Raises BadFile, and MissingPart where the package is not installed.
    """
    file = find(path, gender)
    arrays = npz.read(file, _MOST)
    missing = [name for name in _NEEDED if name not in arrays]
    count = arrays["kintree_table"].shape[-1] if not missing else 0
    if count not in _KINDS:
        told = f"it lacks {', '.join(missing)}" if missing else f"it has {count} joints"
        raise BadFile(f"this is no SMPL, SMPL-H or SMPL-X model: {told}", str(file))
    package = _package()
    try:
        network = _network(package, arrays, count)
        given = torch.from_numpy(np.array(np.zeros(10) if betas is None else betas, np.float32))
        given = given[: _shapes(int(arrays["shapedirs"].shape[-1]), count)]
        directions = torch.from_numpy(np.asarray(arrays["shapedirs"], np.float32)[:, :, : len(given)])
        vertices = network.v_template + package.lbs.blend_shapes(given[None], directions)[0]
        joints = package.lbs.vertices2joints(network.J_regressor, vertices[None])[0].numpy()
    except (RuntimeError, ValueError, IndexError, AttributeError, TypeError, KeyError) as error:
        raise BadFile(f"the model does not have the layout it should ({error})", str(file)) from error
    names, parents = _tree(arrays["kintree_table"], count, str(file))
    offsets = joints - np.where(np.array(parents)[:, None] < 0, 0, joints[list(parents)])
    skeleton = Skeleton(smplx.NAMES[count], names, parents, offsets.astype(np.float32))
    return Model(network, count, given.numpy(), directions, vertices.numpy().astype(np.float32), skeleton)


def _shapes(columns: int, joints: int) -> int:
    """How many of the columns are shape: SMPL-X's files go on with as many expressions, or with 100 after 300."""
    return columns if joints != 55 or columns < 20 else 10 if columns == 20 else min(columns, 300)


def find(path: Path, gender: str) -> Path:
    """The model file of a gender, else the neutral one. Raises BadFile."""
    if path.is_file():
        if path.suffix.lower() != ".npz":
            raise BadFile(
                "only .npz models are read, for a .pkl is a program that would be run; take the .npz that the models' "
                "makers offer, or save the .pkl's arrays as one",
                str(path),
            )
        return path
    looked: list[str] = []
    for wanted in dict.fromkeys((gender, "neutral")):
        for kind, folder in _KINDS.values():
            name = f"{kind}_{wanted.upper()}.npz"
            for place in (name, f"{folder}/{name}", f"{folder}/{wanted}/model.npz"):
                if (path / place).is_file():
                    return path / place
                looked.append(place)
        if (path / wanted / "model.npz").is_file():
            return path / wanted / "model.npz"
    raise BadFile(f"there is no body model in it; looked for {', '.join(looked[:3])} and the like", str(path))


def _package() -> Any:
    try:
        package: Any = importlib.import_module("smplx")
    except ImportError as error:
        raise MissingPart(
            f'the package smplx is not installed ({error}); install it with: pip install -e ".[smplx]"'
        ) from error
    return package


def _network(package: Any, arrays: dict[str, Any], count: int) -> Any:
    """The package's module. It reads files, pickled objects too: it is given one of our own, with arrays alone."""
    kind = _KINDS[count][0]
    told: dict[str, Any] = {"use_pca": False, "flat_hand_mean": True}
    arrays = {"lmk_faces_idx": np.zeros(1, np.int64), "lmk_bary_coords": np.eye(1, 3), **arrays}  # of faces; not used
    for side in "lr":
        arrays.setdefault(f"hands_components{side}", np.eye(45))
        arrays.setdefault(f"hands_mean{side}", np.zeros(45))
    # The package picks extra joints from vertices of the real mesh by number; which do not matter here.
    none = dict.fromkeys(package.vertex_ids.vertex_ids["smplx"], 0)
    with tempfile.TemporaryDirectory(prefix="motus-") as folder, contextlib.redirect_stdout(io.StringIO()):
        if kind == "SMPL":
            struct = package.utils.Struct(**arrays)
            return package.SMPL("", data_struct=struct, vertex_ids=none)
        file = Path(folder) / f"{kind}_NEUTRAL.npz"
        np.savez(file, allow_pickle=False, **arrays)
        if kind == "SMPLH":
            return package.SMPLH(str(file), ext="npz", vertex_ids=none, **told)
        return package.SMPLX(str(file), ext="npz", **told)


def _tree(table: Any, count: int, path: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names and parents of the joints, in the model's order."""
    family = smplx.skeleton(count)
    parents = tuple(int(parent) if i else -1 for i, parent in enumerate(table[0]))
    if parents != family.parents:
        odd = next(i for i, (a, b) in enumerate(zip(parents, family.parents, strict=True)) if a != b)
        raise BadFile(f"its joint {odd} hangs from joint {parents[odd]}, not as {family.joints[odd]} does", path)
    return family.joints, parents


def body(model: Model) -> Body:
    """The model's mesh bound to its skeleton, the four strongest joints a vertex; without the corrections of its shape
    that depend on the pose, which linear skinning does not have."""
    weights = model.network.lbs_weights.numpy()
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4].astype(np.int32)
    strongest = np.take_along_axis(weights, order, axis=1)
    strongest = strongest / strongest.sum(axis=1, keepdims=True)
    triangles = np.asarray(model.network.faces, np.int64).astype(np.int32)
    identity = np.tile(IDENTITY, (model.joints, 1))
    joints = np.where(strongest > 0, order, 0).astype(np.int32)
    return Body(
        model.skeleton,
        model.vertices,
        loft.normals(model.vertices, triangles),
        triangles,
        _paints(model.skeleton, joints[:, 0], triangles),
        joints,
        strongest.astype(np.float32),
        model.skeleton.rest_positions(),
        identity,
    )


def _paints(skeleton: Skeleton, strongest: I32, triangles: I32) -> I32:
    paints = {"left": LEFT, "right": RIGHT}
    sides = np.array([paints.get(name.partition("_")[0], WOOD) for name in skeleton.joints])
    return sides[strongest[triangles[:, 0]]].astype(np.int32)


def pose(model: Model, clip: Clip) -> Mesh:
    """The mesh of every frame (T, V, 3), as the package poses it, with the corrections that depend on the pose.

    Raises BadClip where the clip lacks a joint of the body; hands, jaw and eyes that it lacks stay at rest.
    """
    names = model.skeleton.joints
    lacking = [name for name in names[:22] if name not in clip.skeleton.joints]
    if lacking:
        raise BadClip(f"the clip moves {clip.skeleton.name!r}, which has no {lacking[0]!r}; retarget it to smplx22")
    rotations = np.tile(IDENTITY, (len(clip), len(names), 1))
    for i, name in enumerate(names):
        if name in clip.skeleton.joints:
            rotations[:, i] = clip.rotations[:, clip.skeleton.index(name)]
    pelvis = positions(clip)[:, clip.skeleton.index("pelvis")]
    parts: list[F32] = []
    network, betas = model.network, torch.from_numpy(model.betas)
    package = _package()
    for start in range(0, len(clip), _BATCH):
        some = slice(start, start + _BATCH)
        matrices = torch.from_numpy(np.ascontiguousarray(quat.to_matrix(rotations[some]), np.float32))
        shape = betas.expand(len(matrices), -1)
        with torch.no_grad():
            vertices, _ = package.lbs.lbs(
                shape, matrices, network.v_template, model.directions, network.posedirs, network.J_regressor,
                network.parents, network.lbs_weights, pose2rot=False,
            )  # fmt: skip
        parts.append(vertices.numpy() + (pelvis[some] - model.skeleton.offsets[0])[:, None])
    return Mesh(np.concatenate(parts).astype(np.float32), np.asarray(network.faces, np.int64).astype(np.int32))
