"""A take shown on the armature before anybody has decided, and the armature put back exactly as it was.

While a take is shown its keys are in an action of their own, which nothing else uses. What the user had, the action,
its slot, and the values of the properties that the keys cover, is written on the object itself, so that it can be put
back by whoever finds it: after undo, after loading a file, after the extension was switched off and on.
"""

from __future__ import annotations

import json

import bpy
import numpy as np

from blender_addon.armature import curves
from blender_addon.armature.channel import Channel
from blender_addon.armature.curves import Assigned, Keep
from motion.errors import BadClip
from motion.quat import F32

ACTION = "Motus preview"


def check(armature: bpy.types.Object) -> None:
    """Raises BadClip, saying what to do, where nothing can be shown on this object."""
    if not armature.is_editable:
        raise BadClip(
            f"{armature.name!r} is linked from another file: make a library override of it first "
            "(Object > Library Override > Make)"
        )
    data = armature.animation_data
    if data is not None and data.use_tweak_mode:
        raise BadClip(f"{armature.name!r} has an NLA strip in tweak mode: leave it first (Tab in the NLA editor)")


def own(armature: bpy.types.Object) -> Assigned:
    """What the user has let animate the armature, whether or not a take is shown in its place."""
    kept = armature.motus
    return Assigned(kept.own_action, kept.own_slot) if kept.showing else curves.assigned(armature)


def show(armature: bpy.types.Object, uid: str, channels: list[Channel], frames: F32, keep: Keep = "NOTHING") -> None:
    """Let the armature move as `channels` say, as take `uid`, before and after which the user's animation may stay."""
    if armature.motus.showing and armature.motus.showing != uid:
        hide(armature)
    if not armature.motus.showing:
        _keep(armature, uid, channels)
    shown = curves.assigned(armature)
    if shown.action is None or not shown.action.name.startswith(ACTION):
        before = own(armature)
        shown = curves.make(ACTION, armature) if keep == "NOTHING" else curves.copy(before, ACTION, armature)
        curves.assign(armature, shown)
    curves.write(shown, channels, frames, keep)
    shown.action.update_tag()
    armature.update_tag()


def put_aside(armature: bpy.types.Object, uid: str, channels: list[Channel]) -> None:
    """Free the properties of `channels` of whatever animates them, for `uid` to set them by hand."""
    if armature.motus.showing == uid:
        return
    check(armature)
    hide(armature)
    _keep(armature, uid, channels)
    armature.animation_data.use_nla = False


def hide(armature: bpy.types.Object) -> None:
    """Put the armature back as it was before a take was shown on it."""
    kept = armature.motus
    if not kept.showing:
        return
    data = armature.animation_data
    shown = None if data is None else data.action
    if data is not None:
        curves.assign(armature, Assigned(kept.own_action, kept.own_slot))
        data.use_nla = kept.had_nla
    for path, values in json.loads(kept.own_pose or "[]"):
        _restore(armature, path, values)
    if data is not None and not kept.had_data and not data.nla_tracks and not data.drivers and data.action is None:
        armature.animation_data_clear()
    kept.showing, kept.own_action, kept.own_slot, kept.own_pose = "", None, 0, ""
    if shown is not None and shown.name.startswith(ACTION) and shown.users == 0:
        bpy.data.actions.remove(shown)
    armature.update_tag()


def shown() -> list[bpy.types.Object]:
    """The objects on which a take is shown."""
    return [one for one in bpy.data.objects if one.type == "ARMATURE" and one.is_editable and one.motus.showing]


def hide_all() -> None:
    """Put every armature back as it was."""
    for armature in shown():
        hide(armature)


def _keep(armature: bpy.types.Object, uid: str, channels: list[Channel]) -> None:
    kept = armature.motus
    before = curves.assigned(armature)
    kept.had_data = armature.animation_data is not None
    kept.had_nla = not kept.had_data or armature.animation_data.use_nla
    kept.own_action, kept.own_slot = before.action, before.slot
    kept.own_pose = json.dumps([(channel.path, _values(armature, channel.path)) for channel in channels])
    kept.showing = uid
    if armature.animation_data is None:
        armature.animation_data_create()
    curves.assign(armature, Assigned(None))


def _values(armature: bpy.types.Object, path: str) -> list[float]:
    return [float(value) for value in armature.path_resolve(path)]


def _restore(armature: bpy.types.Object, path: str, values: list[float]) -> None:
    try:
        armature.path_resolve(path)[:] = np.array(values, np.float32).tolist()
    except ValueError:  # the bone was renamed or deleted meanwhile
        return
