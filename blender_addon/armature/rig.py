"""A user's armature, read once: its bones as Blender has them, and as a skeleton of ours.

The character's own space is ours (metres, Y up, facing +Z), standing where the armature object stands, whichever way
the object is turned or scaled: `placement` takes it to Blender's world. Reading changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import bpy
import numpy as np
from mathutils import Matrix

from blender_addon.armature import axes
from motion import quat
from motion.errors import BadClip, UnknownJoint
from motion.quat import F32
from motion.retargeting.humanoid import Humanoid
from motion.skeleton import Skeleton


@dataclass(frozen=True)
class Bone:
    """One bone as far as animation is concerned."""

    name: str
    parent: int
    """index, -1 for a bone without one"""
    inherits_rotation: bool
    local_location: bool
    connected: bool


@dataclass(frozen=True)
class Placement:
    """Where and how large the armature object stands: character space -> Blender's world, and back."""

    origin: F32
    """(3,) of Blender's world"""
    turn: F32
    """(4,) from character space to Blender's world"""
    heading: float
    """radians by which the character, at rest, faces away from Blender's -Y"""


@dataclass(frozen=True, eq=False)
class Rig:
    """An armature's bones, parents first, in their order in `skeleton`."""

    name: str
    bones: tuple[Bone, ...]
    skeleton: Skeleton
    roles: dict[str, int]
    """joint of `smplx22` -> index of the bone that plays it"""
    how: dict[str, str]
    """role -> how its bone was found: "named", "guessed", "given" """
    moved: frozenset[int]
    """the bones that are turned: those with roles, and those between them along spine and neck"""
    base: int
    """the bone where legs and trunk part: the pelvis, or one above it"""
    sheet: dict[str, str]
    """what the user said of roles, for whoever maps again"""
    stance_turns: F32
    """(J, 4) of the bones in the pose that stands as a body stands, in armature space: the rest, or the current pose"""
    rest_turns: F32
    """(J, 4) of the bones at rest, in armature space"""
    rest_heads: F32
    """(J, 3) where they begin at rest, in armature space"""
    placement: Placement
    inward: F32
    """(4,) from character space to armature space"""
    scale: float
    """metres of the world for one unit of armature space"""

    @property
    def pelvis(self) -> int:
        """The bone that plays the pelvis."""
        return self.roles["pelvis"]

    @cached_property
    def needed(self) -> tuple[int, ...]:
        """The bones that are turned and all above them, parents first: what has to be worked out to move them."""
        found: set[int] = set()
        for index in (*self.moved, self.base, 0):
            while index >= 0 and index not in found:
                found.add(index)
                index = self.bones[index].parent
        return tuple(sorted(found))

    def inside(self, point: F32) -> F32:
        """Points (..., 3) of Blender's world in character space."""
        return quat.rotate(quat.inv(self.placement.turn), point - self.placement.origin)

    def outside(self, point: F32) -> F32:
        """Points (..., 3) of character space in Blender's world."""
        return self.placement.origin + quat.rotate(self.placement.turn, point)


def read(armature: bpy.types.Object, sheet: dict[str, str] | None = None, posed: bool = False) -> Rig:
    """The rig of an armature object as it stands now. `sheet` says which bones play which roles where the user knows
    better; `posed`: the pose it is in, and not its rest, is what stands as a body stands.

    Raises UnknownJoint where the bones are no humanoid's, naming what was looked for, and BadClip for an armature that
    cannot be animated as it is.
    """
    sheet = dict(sheet or {})
    _check(armature, bool(sheet))
    refused: UnknownJoint | None = None
    for bones in _trees(armature):
        try:
            return _read(armature, bones, sheet, posed)
        except UnknownJoint as error:  # what is no body may stand beside one: targets, props
            refused = refused or error
    assert refused is not None, "an armature with bones has a tree"
    raise refused


def _check(armature: bpy.types.Object, mapped: bool) -> None:
    """Raises BadClip for an armature that cannot be animated as it is."""
    if not armature.data.bones:
        raise BadClip(f"The armature {armature.name!r} has no bones")
    stretch = armature.matrix_world.to_scale()
    if min(stretch) < 0 or armature.matrix_world.determinant() < 0:
        raise BadClip(f"{armature.name!r} is mirrored by a negative scale: apply its scale first (Ctrl A, Scale)")
    if sum(stretch) / 3 < 1e-6:
        raise BadClip(f"{armature.name!r} is scaled to nothing: give it a scale first")
    if max(stretch) > 1.01 * min(stretch):
        raise BadClip(f"{armature.name!r} is scaled more one way than another: apply its scale first (Ctrl A, Scale)")
    held = sum(bone.name.startswith("MCH-") and len(bone.constraints) > 0 for bone in armature.pose.bones)
    if held > 4 and not mapped:
        raise BadClip(
            f"{armature.name!r} is a rig that Rigify made: its controls hold its bones by constraints. Use its "
            "meta-rig, or say in the Retarget panel which bones are to be turned"
        )


def _read(armature: bpy.types.Object, order: list[bpy.types.Bone], sheet: dict[str, str], posed: bool) -> Rig:
    """The rig that consists of these bones."""
    index = {bone.name: i for i, bone in enumerate(order)}
    parents = tuple(-1 if bone.parent is None else index[bone.parent.name] for bone in order)
    names = tuple(bone.name for bone in order)
    location, rotation, stretch = armature.matrix_world.decompose()
    scale, outward = float(sum(stretch) / 3), np.array(rotation, np.float32)
    heads = np.array([bone.head_local for bone in order], np.float32)
    turns = quat.normalize(np.array([_turn(bone.matrix_local) for bone in order], np.float32))
    stance, stood = turns, heads
    if posed:
        poses = [armature.pose.bones[name] for name in names]
        stance = quat.normalize(np.array([_turn(pose.matrix) for pose in poses], np.float32))
        stood = np.array([pose.head for pose in poses], np.float32)
    at = axes.from_blender(quat.rotate(outward, stood * np.float32(scale)))
    body = Humanoid.of(
        Skeleton(armature.name, names, parents, _offsets(at, parents)),
        {role: bone for role, bone in sheet.items() if not bone or bone in index},
    )
    roles = dict(body.map.roles)
    left = at[roles["left_hip"]] - at[roles["right_hip"]]
    heading = float(np.arctan2(-left[2], left[0]))
    facing = quat.from_yaw(np.array(heading, np.float32))
    turn = quat.mul(axes.TO_BLENDER, facing)
    return Rig(
        name=armature.name,
        bones=tuple(
            Bone(bone.name, parent, bone.use_inherit_rotation, bone.use_local_location, bone.use_connect)
            for bone, parent in zip(order, parents, strict=True)
        ),
        skeleton=Skeleton(armature.name, names, parents, _offsets(quat.rotate(quat.inv(facing), at), parents)),
        roles=roles,
        how=dict(body.map.how),
        moved=frozenset(body.joints.values()),
        base=body.base,
        sheet={role: bone for role, bone in sheet.items() if not bone or bone in index},
        stance_turns=stance,
        rest_turns=turns,
        rest_heads=heads,
        placement=Placement(np.array(location, np.float32), turn, heading),
        inward=quat.mul(quat.inv(outward), turn),
        scale=scale,
    )


def held(armature: bpy.types.Object, rig: Rig) -> list[str]:
    """The bones that a take moves in vain, since a constraint says where they are."""
    bones = [armature.pose.bones.get(rig.bones[index].name) for index in sorted(rig.moved)]
    return [
        bone.name
        for bone in bones
        if bone is not None and any(one.enabled and one.influence > 0 for one in bone.constraints)
    ]


def _trees(armature: bpy.types.Object) -> list[list[bpy.types.Bone]]:
    """The bones of each tree, parents first; the largest tree first."""
    order = {bone.name: i for i, bone in enumerate(armature.data.bones)}
    trees: list[list[bpy.types.Bone]] = []
    for root in (bone for bone in armature.data.bones if bone.parent is None):
        tree, waiting = [], [root]
        while waiting:
            bone = waiting.pop(0)
            tree.append(bone)
            waiting += sorted(bone.children, key=lambda child: order[child.name])
        trees.append(tree)
    return sorted(trees, key=len, reverse=True)


def _offsets(at: F32, parents: tuple[int, ...]) -> F32:
    above = np.array([at[parent] if parent >= 0 else np.zeros(3, np.float32) for parent in parents], np.float32)
    return (at - above).astype(np.float32)


def _turn(matrix: Matrix) -> tuple[float, float, float, float]:
    return tuple(matrix.to_quaternion())
