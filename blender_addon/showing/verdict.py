"""What becomes of a take: accepted, it is a named action of the armature; rejected, it is gone. Each is one undo step.

The decision stands in the scene, where undo finds it: a take whose decision was undone is open again.
"""

from __future__ import annotations

import time

import bpy

from blender_addon.armature import curves
from blender_addon.armature.curves import Assigned
from blender_addon.showing import library, preview
from blender_addon.showing.show import Show
from motion.errors import BadClip
from motion.protocol import Welcome


def accept(scene: bpy.types.Scene, show: Show, armature: bpy.types.Object, welcome: Welcome | None) -> bpy.types.Action:
    """The take as an action on the armature; the user's own action is kept. Raises BadClip where that cannot be."""
    preview.check(armature)
    preview.hide(armature)
    own = curves.assigned(armature)
    channels, frames = show.channels(armature, own, final=True)
    if not len(frames):
        raise BadClip("The take has no frames yet: wait for some, or reject it")
    if own.action is not None and own.action.is_editable:
        own.action.use_fake_user = True  # it has no other user now, and would be gone from the next file
    keep = show.wish.keep
    made = curves.make(show.take.title, armature) if keep == "NOTHING" else curves.copy(own, show.take.title, armature)
    action = made.action
    assert action is not None, "curves made it"
    action.use_fake_user = True
    curves.write(made, channels, frames, keep)
    record(action, show, welcome)
    clip = show.clip(final=True)
    if clip is not None:
        library.keep(action, clip)
    action.motus.before = own.action
    curves.assign(armature, made)
    if scene.motus.nla:
        strip(armature, made, float(frames[0]))
    _decide(scene, show.take.uid, "ACCEPTED")
    return action


def reject(scene: bpy.types.Scene, show: Show, armature: bpy.types.Object | None) -> None:
    """The armature as it was before."""
    if armature is not None:
        preview.hide(armature)
    _decide(scene, show.take.uid, "REJECTED")


def decided(scene: bpy.types.Scene, uid: str) -> bool:
    """Whether a take was accepted or rejected."""
    return uid in scene.motus.decisions


def record(action: bpy.types.Action, show: Show, welcome: Welcome | None) -> None:
    """Write on the action where it came from."""
    take = show.take
    note = action.motus
    note.uid, note.prompt, note.seed = take.uid, take.title, str(take.seed)
    clip = take.clip
    note.seconds = 0.0 if clip is None else clip.seconds
    note.made = time.strftime("%Y-%m-%d %H:%M", time.localtime(take.made))
    if welcome is not None:
        note.bundle, note.licence = f"{welcome.bundle} {welcome.bundle_version}", welcome.licence


def strip(armature: bpy.types.Object, what: Assigned, start: float) -> bpy.types.NlaStrip:
    """The action as a strip on a track of its own; the strip then animates, and the armature's action is free."""
    assert what.action is not None, "a strip is one of an action"
    data = armature.animation_data
    track = data.nla_tracks.new()
    track.name = what.action.name
    data.action = None
    made = track.strips.new(what.action.name, round(start), what.action)
    if curves.slotted():
        made.action_slot = next(slot for slot in what.action.slots if slot.handle == what.slot)
    return made


def _decide(scene: bpy.types.Scene, uid: str, verdict: str) -> None:
    decisions = scene.motus.decisions
    decision = decisions.get(uid) or decisions.add()
    decision.name, decision.verdict = uid, verdict
