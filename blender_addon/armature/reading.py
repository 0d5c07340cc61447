"""The armature's own animation as a clip: what to go on from, what to arrive at, what to describe.

The pose is read frame by frame as Blender evaluates it, with constraints, drivers and NLA; the current frame is put
back afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from blender_addon.armature import retargeting
from blender_addon.armature.rig import Rig
from motion import quat
from motion.clip import Clip
from motion.quat import F32
from motion.skeleton import Skeleton, to_local


def before(scene: bpy.types.Scene, end: float, seconds: float, fps: float) -> list[float]:
    """The scene's frames, at `fps` a second, of the last `seconds` up to and with `end`."""
    step = scene.render.fps / scene.render.fps_base / fps
    count = max(round(seconds * fps), 1)
    return [end - step * back for back in reversed(range(count))]


def after(scene: bpy.types.Scene, start: float, seconds: float, fps: float) -> list[float]:
    """The scene's frames, at `fps` a second, of the first `seconds` from and with `start`."""
    step = scene.render.fps / scene.render.fps_base / fps
    return [start + step * ahead for ahead in range(max(round(seconds * fps), 1))]


def read(
    scene: bpy.types.Scene, armature: bpy.types.Object, rig: Rig, frames: Sequence[float], fps: float, to: Skeleton
) -> Clip:
    """The pose at these frames as a clip of `fps` on skeleton `to`, in character space."""
    return retargeting.back(sample(scene, armature, rig, frames, fps), rig, to)


def sample(scene: bpy.types.Scene, armature: bpy.types.Object, rig: Rig, frames: Sequence[float], fps: float) -> Clip:
    """The pose at these frames as a clip of `fps` on the rig's own skeleton, in character space."""
    here, part = scene.frame_current, scene.frame_subframe
    bones = [bone.name for bone in rig.bones]
    matrices = np.empty((len(frames), len(bones), 4, 4), np.float32)
    try:
        for row, frame in enumerate(frames):
            whole = int(np.floor(frame))
            scene.frame_set(whole, subframe=min(frame - whole, 0.9999))
            world = np.array(armature.matrix_world, np.float32)
            for column, bone in enumerate(bones):
                matrices[row, column] = world @ np.array(armature.pose.bones[bone].matrix, np.float32)
    finally:
        scene.frame_set(here, subframe=part)
    places = rig.inside(matrices[..., :3, 3])
    return _clip(rig, places, _swings(rig, matrices[..., :3, :3]), fps)


def _swings(rig: Rig, world: F32) -> F32:
    """Rotations (T, J, 4) in character space away from the rest, of world matrices (T, J, 3, 3)."""
    lengths = np.linalg.norm(world, axis=-2, keepdims=True)
    turned = quat.from_matrix(world / np.maximum(lengths, 1e-9))
    outward = quat.mul(rig.placement.turn, quat.inv(rig.inward))
    rest = quat.mul(outward, rig.stance_turns)  # (J, 4) of the world, as the rig was read
    swing = quat.mul(turned, quat.inv(rest))
    return quat.mul(quat.mul(quat.inv(rig.placement.turn), swing), rig.placement.turn)


def _clip(rig: Rig, places: F32, directions: F32, fps: float) -> Clip:
    parents = np.array([max(bone.parent, 0) for bone in rig.bones])
    steps = quat.rotate(quat.inv(directions[:, parents]), places - places[:, parents])
    steps[:, 0] = rig.skeleton.offsets[0]
    return Clip(
        rig.skeleton,
        fps,
        quat.normalize(to_local(rig.skeleton, directions)),
        places[:, 0].astype(np.float32),
        offsets=steps.astype(np.float32),
    )
