"""Actions and their curves, in whichever way this Blender keeps them: flat up to 4.3, in slots from 4.4 on.

Keys are written in bulk: one array a curve. Actions made here belong to one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import bpy
import numpy as np

from blender_addon.armature.channel import Channel

Keep = Literal["NOTHING", "BEFORE", "AROUND"]
_LINEAR = 1  # of Keyframe.interpolation: there is a key on every frame, so that no handles are needed
_SHAPE = ("handle_left", "handle_right", "handle_left_type", "handle_right_type", "easing", "type")


def slotted() -> bool:
    """Whether this Blender's actions have slots."""
    return bpy.app.version >= (4, 4, 0)


@dataclass(frozen=True)
class Assigned:
    """Which action animates an object, and in slotted Blenders by which slot."""

    action: bpy.types.Action | None
    slot: int = 0
    """the slot's handle; 0 for none"""


def make(name: str, armature: bpy.types.Object) -> Assigned:
    """A new action with room for the curves of one object."""
    action = bpy.data.actions.new(name or "Motus")
    return Assigned(action, action.slots.new(id_type="OBJECT", name=armature.name).handle if slotted() else 0)


def of(what: Assigned) -> Any:
    """The collections of curves and groups through which an action animates an object."""
    if not slotted():
        return what.action
    assert what.action is not None, "curves need an action"
    slots = what.action.slots
    slot = next((slot for slot in slots if slot.handle == what.slot), slots[0] if slots else None)
    if slot is None:
        slot = slots.new(id_type="OBJECT", name="Object")
    layer = what.action.layers[0] if what.action.layers else what.action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def curves(what: Assigned) -> list[bpy.types.FCurve]:
    """All curves through which an action, whoever made it, animates an object."""
    if what.action is None:
        return []
    if not slotted():
        return list(what.action.fcurves)
    bags = [bag for layer in what.action.layers for strip in layer.strips for bag in strip.channelbags]
    return [curve for bag in bags if bag.slot_handle == what.slot for curve in bag.fcurves]


def copy(what: Assigned, name: str, armature: bpy.types.Object) -> Assigned:
    """A copy of what animates an object, as an action of its own; a new one where nothing does."""
    if what.action is None:
        return make(name, armature)
    action = what.action.copy()
    action.name = name
    return Assigned(action, what.slot)


def write(what: Assigned, channels: Iterable[Channel], frames: np.ndarray, keep: Keep = "NOTHING") -> None:
    """Keys of all channels at `frames` (T,). Of the keys that were there: all go, or those before stay, or those before
    and after."""
    assert what.action is not None, "keys need an action"
    home = of(what)
    known = {(curve.data_path, curve.array_index): curve for curve in home.fcurves}
    points = np.empty((len(frames), 2), np.float32)
    points[:, 0] = frames
    for channel in channels:
        for index in range(channel.values.shape[1]):
            if index in channel.kept:
                continue
            curve = known.get((channel.path, index))
            if curve is None:
                curve = home.fcurves.new(channel.path, index=index)
                curve.group = home.groups.get(channel.group) or home.groups.new(channel.group)
            _wake(curve)
            points[:, 1] = channel.values[:, index]
            _fill(curve.keyframe_points, points, keep)
            curve.update()


def _wake(curve: bpy.types.FCurve) -> None:
    """A copied curve may be muted, or bent by modifiers, which the new keys are not meant for."""
    if curve.mute:
        curve.mute = False
    for modifier in curve.modifiers:
        modifier.mute = True


def _fill(keys: Any, points: np.ndarray, keep: Keep) -> None:
    others = {} if keep == "NOTHING" or not len(keys) else _others(keys, points[0, 0], points[-1, 0], keep)
    kept = len(others["co"]) if others else 0
    if len(keys) != kept + len(points):
        keys.clear()
        keys.add(kept + len(points))
    _set(keys, "co", others, points)
    _set(keys, "interpolation", others, np.full(len(points), _LINEAR, np.int32))
    for name in _SHAPE if others else ():
        _set(keys, name, others, points if name.endswith(("left", "right")) else np.ones(len(points), np.int32))


def _set(keys: Any, name: str, others: dict[str, np.ndarray], new: np.ndarray) -> None:
    values = np.concatenate([others[name], new]) if others else new
    keys.foreach_set(name, values.ravel())


def _others(keys: Any, first: float, last: float, keep: Keep) -> dict[str, np.ndarray]:
    """What is kept of the keys that are there, by property."""
    co = np.empty((len(keys), 2), np.float32)
    keys.foreach_get("co", co.ravel())
    stay = co[:, 0] < first - 1e-3
    if keep == "AROUND":
        stay |= co[:, 0] > last + 1e-3
    result = {"co": co[stay]}
    for name in ("interpolation", *_SHAPE):
        place = name in ("handle_left", "handle_right")
        values = np.empty((len(keys), 2) if place else len(keys), np.float32 if place else np.int32)
        keys.foreach_get(name, values.ravel())
        result[name] = values[stay]
    return result if stay.any() else {}


def assigned(armature: bpy.types.Object) -> Assigned:
    """What animates the object now."""
    data = armature.animation_data
    if data is None or data.action is None:
        return Assigned(None)
    return Assigned(data.action, data.action_slot_handle if slotted() else 0)


def assign(armature: bpy.types.Object, what: Assigned) -> None:
    """Let this animate the object from now on."""
    data = armature.animation_data or armature.animation_data_create()
    data.action = what.action
    if what.action is None or not slotted():
        return
    fitting: Sequence[Any] = [slot for slot in what.action.slots if slot.handle == what.slot]
    data.action_slot = fitting[0] if fitting else next(iter(data.action_suitable_slots), None)
