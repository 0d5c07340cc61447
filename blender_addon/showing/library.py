"""Takes that were kept: actions that carry their own motion, so that they can go onto other rigs and be compared.

The motion is what the server streamed, on its own skeleton in character space; it lies on the action as bytes.
"""

from __future__ import annotations

import io
import zipfile

import bpy
import numpy as np

from blender_addon.armature import axes
from motion.clip import Clip, positions
from motion.errors import BadClip
from motion.quat import F32
from motion.skeleton import Skeleton

_KEY = "motus_motion"


def keep(action: bpy.types.Action, clip: Clip) -> None:
    """Put a motion on an action."""
    buffer = io.BytesIO()
    skeleton = clip.skeleton
    np.savez_compressed(
        buffer,
        skeleton=np.array(skeleton.name),
        joints=np.array(skeleton.joints),
        parents=np.array(skeleton.parents),
        offsets=skeleton.offsets,
        fps=np.array(clip.fps),
        rotations=clip.rotations,
        root=clip.root,
        allow_pickle=False,
    )
    action[_KEY] = buffer.getvalue()


def motion(action: bpy.types.Action) -> Clip:
    """The motion on an action. Raises BadClip where there is none, or it was damaged."""
    kept = action.get(_KEY)
    if not isinstance(kept, bytes):
        raise BadClip(f"The action {action.name!r} carries no motion of its own: it is for the rig it was made on")
    try:
        with np.load(io.BytesIO(kept), allow_pickle=False) as data:
            parents = tuple(int(parent) for parent in data["parents"])
            skeleton = Skeleton(str(data["skeleton"]), tuple(data["joints"].tolist()), parents, data["offsets"])
            return Clip(skeleton, float(data["fps"]), data["rotations"], data["root"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadClip(f"The motion on the action {action.name!r} is damaged ({error})") from error


def takes() -> list[bpy.types.Action]:
    """All actions that came from takes, newest first."""
    return sorted((one for one in bpy.data.actions if one.motus.uid), key=lambda one: one.motus.made, reverse=True)


def places(clip: Clip) -> F32:
    """Where the joints are, (T, J, 3) of Blender's axes."""
    return axes.to_blender(positions(clip))


def fits(armature: bpy.types.Object, paths: list[str]) -> bool:
    """Whether the armature has everything that an action with curves at these paths is for."""
    if not paths:
        return False
    for path in paths:
        try:
            armature.path_resolve(path)
        except ValueError:
            return False
    return True
