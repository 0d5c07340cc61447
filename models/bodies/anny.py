"""Anny, the open body for everybody: a parametric human mesh whose code is Apache-2.0 and whose data is CC0.

Brégier et al. 2026, "Human Mesh Modeling for Anny Body" (the package `anny`), built on MakeHuman. 13,718 vertices, 104
bones with fingers and toes; six numbers from 0 to 1 make it small or tall, young or old. V vertices, F triangles, J
joints, T frames; metres, Y up, facing +Z.

The package is an extra: `pip install -e ".[anny]"`. The first body takes half a minute to build; the package keeps it
in ANNY_CACHE_DIR, or in ~/.cache/anny.
"""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from models.bodies import anny_rig
from motion import quat
from motion.bodies import body as bodies
from motion.bodies import loft
from motion.bodies.body import LEFT, RIGHT, WOOD, Body
from motion.bodies.loft import I32, Real
from motion.clip import Clip
from motion.errors import BadConfig, MissingPart
from motion.quat import F32
from motion.retargeting.retarget import retarget
from motion.skeleton import Skeleton, fk

ADULT: Mapping[str, float] = {
    "gender": 0.5,
    "age": 0.67,
    "muscle": 0.5,
    "weight": 0.5,
    "height": 0.5,
    "proportions": 0.5,
}
"""The shape that is taken for what nobody says: a grown person, 1.84 m tall. Each number is from 0 to 1; `age` is 0 for
a baby, a third for a child, two thirds for a young adult and 1 for an old one; `gender` is 0 male and 1 female."""


@dataclass(frozen=True)
class Mesh:
    """A body in motion."""

    vertices: F32
    """(T, V, 3) world."""
    triangles: I32
    """(F, 3) counter-clockwise from outside."""


def body(phenotype: Mapping[str, float] | None = None) -> Body:
    """Anny bound to a skeleton of her own bones, which rests in a T-pose with the soles on y = 0.

    phenotype: numbers of `ADULT` to change.
    Raises MissingPart where the package is not installed, BadConfig for a number that is none of hers.
    """
    shape = dict(ADULT)
    for name, value in (phenotype or {}).items():
        if name not in shape:
            raise BadConfig(f"Anny has no {name!r}; her numbers are {', '.join(shape)}")
        if not 0 <= value <= 1:
            raise BadConfig(f"Anny's {name} is {value}; give a number from 0 to 1")
        shape[name] = float(value)
    return _built(tuple(shape.items()))


def wear(clip: Clip, phenotype: Mapping[str, float] | None = None) -> tuple[Clip, Body]:
    """A clip of any humanoid on Anny's bones, and her body: what `motion.io.glb.write` and the pictures take.

    Raises UnknownJoint where the clip's skeleton is no humanoid, and what `body` raises.
    """
    worn = body(phenotype)
    if clip.skeleton.joints != worn.skeleton.joints:
        clip = anny_rig.share_twist(retarget(clip, worn.skeleton, target_map=anny_rig.SHEET))
    return clip, worn


def pose(clip: Clip, phenotype: Mapping[str, float] | None = None) -> Mesh:
    """The skin of Anny, moving as a clip of any humanoid does; toes stay at rest, and fingers that the clip has
    not. Raises what `wear` raises."""
    clip, worn = wear(clip, phenotype)
    places, turns = fk(clip.skeleton, clip.rotations, clip.root, clip.offsets)
    vertices = np.stack([bodies.pose(worn, *frame)[0] for frame in zip(places, turns, strict=True)])
    return Mesh(vertices, worn.triangles)


@lru_cache(maxsize=8)
def _built(shape: tuple[tuple[str, float], ...]) -> Body:
    model = _model()
    shaped = model(phenotype_kwargs=dict(shape))
    vertices, heads = (
        _upright(shaped[key][0].numpy()).astype(np.float32) for key in ("rest_vertices", "rest_bone_heads")
    )
    parents = tuple(int(parent) for parent in model.bone_parents)
    offsets = heads - np.where(np.array(parents)[:, None] < 0, 0, heads[parents, :])
    modelled = Skeleton("anny", tuple(model.bone_labels), parents, offsets)
    turns = anny_rig.stance(modelled)
    skeleton = anny_rig.in_stance(modelled, turns)
    # Up to nine bones pull at a vertex; a body of ours holds the four strongest.
    weights, joints = model.vertex_bone_weights.numpy(), model.vertex_bone_indices.numpy()
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    weights, joints = np.take_along_axis(weights, order, axis=1), np.take_along_axis(joints, order, axis=1)
    weights = weights / weights.sum(axis=1, keepdims=True)
    triangles = model.faces.numpy().astype(np.int32)
    made = Body(
        skeleton,
        vertices,
        loft.normals(vertices, triangles),
        triangles,
        _paints(skeleton, weights, joints, triangles),
        np.where(weights > 0, joints, 0).astype(np.int32),
        weights.astype(np.float32),
        heads,
        quat.inv(turns),
    )
    return _standing(made)


def _standing(made: Body) -> Body:
    """The body with its soles on the ground, both as it was modelled and at rest."""
    skeleton = made.skeleton
    at_rest = bodies.pose(made, skeleton.rest_positions(), np.tile(quat.IDENTITY, (len(skeleton), 1)))[0]
    offsets = skeleton.offsets.copy()
    offsets[0, 1] -= at_rest[:, 1].min()
    lowest = np.array([0, made.vertices[:, 1].min(), 0], np.float32)
    return replace(
        made,
        skeleton=replace(skeleton, offsets=offsets),
        vertices=made.vertices - lowest,
        bind_positions=made.bind_positions - lowest,
    )


def _paints(skeleton: Skeleton, weights: Real, joints: I32, triangles: I32) -> I32:
    """Blue (F,) where the left limbs pull most, orange where the right do."""
    sides = np.zeros(len(skeleton), int)
    for joint, parent in enumerate(skeleton.parents):
        name = skeleton.joints[joint]
        limb = name.startswith(("upperleg01", "upperarm01"))
        sides[joint] = ("LR".index(name[-1]) + 1) if limb else sides[max(parent, 0)]
    shares = [(weights * (sides[joints] == side)).sum(axis=1)[triangles].mean(axis=1) for side in (1, 2)]
    return np.where(shares[0] > 0.5, LEFT, np.where(shares[1] > 0.5, RIGHT, WOOD)).astype(np.int32)


def _upright(points: Any) -> Any:
    """Anny's own axes have Z up and face -Y."""
    return points[:, [0, 2, 1]] * [1, 1, -1]


@lru_cache(maxsize=1)
def _model() -> Any:
    try:
        anny = importlib.import_module("anny")
    except ImportError as error:
        raise MissingPart(
            f'the open body Anny is not installed ({error}); install it with: pip install -e ".[anny]"'
        ) from error
    full: Any = importlib.import_module("anny.models.full_model")
    theirs, full.load_blend_shape = full.load_blend_shape, _blend_shape
    try:
        return anny.Anny(rig="anny", topology="anny", skinning_method="lbs")
    finally:
        full.load_blend_shape = theirs


def _blend_shape(filename: str, vertices_count: int, world_transformation: Any, dtype: Any) -> Any:
    """One of the 1,136 files that the first body is built from (`vertex x y z` in each line), as the package reads it,
    but in one go: number by number all of them take a minute."""
    torch = importlib.import_module("torch")
    with gzip.open(filename, "rt") as file:
        rows = np.array(file.read().split(), np.float64).reshape(-1, 4)
    shape = torch.zeros((vertices_count, 3), dtype=dtype)
    shape[torch.from_numpy(rows[:, 0].astype(np.int64))] = torch.from_numpy(rows[:, 1:]).to(dtype)
    return world_transformation.apply(shape)
