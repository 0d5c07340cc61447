"""What tests inside Blender share: a fresh file, characters to animate, the extension's own modules, measures."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import numpy as np

from motion.quat import F32
from motion.skeleton import SMPLX22, Skeleton

PACKAGE = "bl_ext.user_default.motus"
given: dict[str, str] = {}


def fresh(what: dict[str, str]) -> None:
    """An empty file, the extension idle."""
    given.clear()
    given.update(what)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    running = part("session").current()
    running.desk.disconnect("")
    running.leave()
    settings = bpy.context.preferences.addons[PACKAGE].preferences
    settings.address = given["quick"]
    bpy.ops.ed.undo_push(message="a fresh file")


def part(name: str) -> ModuleType:
    """A module of the installed extension."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def folder() -> Path:
    """A folder of this test's own."""
    return Path(given["folder"])


def character(skeleton: Skeleton = SMPLX22, name: str = "Ann", matrix: np.ndarray | None = None) -> bpy.types.Object:
    """An armature with this skeleton, in Blender's axes, made active."""
    rest = skeleton.rest_positions()
    size = float(np.ptp(rest[:, 1])) / 1.8
    at = np.stack([rest[:, 0], -rest[:, 2], rest[:, 1]], -1)
    data = bpy.data.armatures.new(name)
    armature = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(armature)
    activate(armature)
    bpy.ops.object.mode_set(mode="EDIT")
    for joint, parent in enumerate(skeleton.parents):
        bone = data.edit_bones.new(skeleton.joints[joint])
        bone.head = at[joint]
        apart = [child for child in skeleton.children(joint) if np.linalg.norm(at[child] - at[joint]) > 1e-3]
        bone.tail = at[apart[0]] if apart else at[joint] + (0, 0, size * 0.1)
        if parent >= 0:
            bone.parent = data.edit_bones[skeleton.joints[parent]]
    bpy.ops.object.mode_set(mode="OBJECT")
    if matrix is not None:
        armature.matrix_world = matrix.T  # Blender reads columns
        bpy.context.view_layer.update()
    return armature


def activate(armature: bpy.types.Object) -> None:
    """Select it alone."""
    for one in bpy.context.view_layer.objects:
        one.select_set(False)
    armature.select_set(True)
    bpy.context.view_layer.objects.active = armature


def heads(armature: bpy.types.Object, frame: float, bones: tuple[str, ...] = SMPLX22.joints) -> F32:
    """Where bones begin in the world at a frame, (J, 3) of Blender's axes."""
    bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([posed.matrix_world @ posed.pose.bones[bone].head for bone in bones], np.float32)


def streamed(take: Any) -> F32:
    """World positions (T, J, 3) of the frames that came, in Blender's axes."""
    places = part("motion.clip").positions(take.clip)
    return np.stack([places[..., 0], -places[..., 2], places[..., 1]], -1)


def last_take() -> Any:
    """The take that was asked for last."""
    return part("session").current().desk.takes[-1]


def turn(until: Any, seconds: float = 30.0) -> None:
    """Let the extension's timer run until something holds."""
    pulse = part("pulse")
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"nothing came in {seconds} s: {part('session').current().error}"
        time.sleep(min(pulse.step(), 0.02))


def press(prompt: str = "a person walks", seconds: float = 4.0, seed: int = 5, server: str = "quick") -> Any:
    """Press Generate, and return at once; the session."""
    running = part("session").current()
    if running.desk.link is None or running.desk.link.address != given[server]:
        running.connect(given[server])
    turn(lambda: running.desk.welcome)
    settings = bpy.context.scene.motus
    settings.prompt, settings.seconds, settings.seed, settings.dice = prompt, seconds, seed, False
    assert bpy.ops.motus.generate(wait=False) == {"FINISHED"}
    return running


def keys(armature: bpy.types.Object) -> int:
    """How many frames of the armature's action have keys."""
    data = armature.animation_data
    if data is None or data.action is None:
        return 0
    return int(data.action.frame_range[1] - data.action.frame_range[0]) + 1


def statistics(running: Any) -> Any:
    """The server's counters, asked for now."""
    protocol, heard = part("motion.protocol"), []
    link = running.desk.link
    link.send(protocol.Stats())
    end = time.monotonic() + 10
    while not heard:
        link.wait(0.05)
        heard = [event for event in link.poll() if isinstance(event, protocol.Statistics)]
        assert time.monotonic() < end, "the server does not answer"
    return heard[0]


class Skipped(Exception):
    """What a test needs is not here."""


def error_mm(armature: bpy.types.Object, frames: tuple[int, ...]) -> float:
    """How far the bones that a take moves are from where its frames, on the rig, say; the farthest, millimetres."""
    show = list(part("session").current().shows.values())[-1]
    clip = show.on_rig(final=True)
    places = show.rig.outside(part("motion.clip").positions(clip))
    moved = sorted(show.rig.moved)
    names = tuple(show.rig.skeleton.joints[joint] for joint in moved)
    start = int(show.wish.start)
    errors = [np.linalg.norm(heads(armature, start + at, names) - places[at, moved], axis=-1).max() for at in frames]
    return float(max(errors)) * 1000


LIMBS = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)


def limb_error_deg(armature: bpy.types.Object, roles: dict[str, str], frames: tuple[int, ...], turned: float = 0.0):
    """Mean angle between the limbs of the rig and those of the frames that were streamed, degrees, limb by limb. The
    character faces `turned` radians away from the front."""
    there = streamed(last_take())
    show = list(part("session").current().shows.values())[-1]
    c, s = np.cos(turned), np.sin(turned)
    there = there @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    joint = {name: index for index, name in enumerate(SMPLX22.joints)}
    angles: dict[str, list[float]] = {}
    for at in frames:
        for a, b in LIMBS:
            ours = np.diff(heads(armature, int(show.wish.start) + at, (roles[a], roles[b])), axis=0)[0]
            theirs = there[at, joint[b]] - there[at, joint[a]]
            cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
            angles.setdefault(f"{a}-{b}", []).append(float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))))
    return {limb: float(np.mean(found)) for limb, found in angles.items()}


def fingerprint() -> dict[str, object]:
    """What is in the file: its data-blocks, the sidebar's settings, how armatures are posed and what animates them."""
    bpy.context.view_layer.update()
    kinds = [name for name, value in bpy.data.bl_rna.properties.items() if value.type == "COLLECTION"]
    settings = bpy.context.scene.motus
    found: dict[str, object] = {name: [one.name for one in getattr(bpy.data, name)] for name in kinds}
    for name in settings.bl_rna.properties.keys():  # noqa: SIM118  it is no dictionary
        value = getattr(settings, name)
        found[f"scene.{name}"] = len(value) if hasattr(value, "add") else str(value)
    for armature in (one for one in bpy.data.objects if one.type == "ARMATURE"):
        data = armature.animation_data
        found[f"{armature.name} moves by"] = None if data is None else str(data.action)
        found[f"{armature.name} shows"] = armature.motus.showing
        if armature.pose is not None and (data is None or data.action is None):  # otherwise its curves pose it
            found[f"{armature.name} poses"] = [[*map(tuple, bone.matrix_basis)] for bone in armature.pose.bones]
    return found


def refused(operator: Any, **arguments: Any) -> str:
    """What an operator that must not run says: in the status bar and in the panel, in one line, nothing changed."""
    running, before = part("session").current(), fingerprint()
    try:
        done = operator(**arguments)
    except RuntimeError as error:
        said = str(error).strip()
    else:
        raise AssertionError(f"it ran: {done}")
    if operator.get_rna_type().identifier.startswith("MOTUS"):
        after = fingerprint()
        assert after == before, [name for name in after if after[name] != before.get(name)]
        assert running.error, "the panel says nothing"
        assert running.error in said, (running.error, said)
        assert "\n" not in running.error
    return said


def shown(armature: bpy.types.Object, frames: int, locked: bool = True) -> Any:
    """A walk of so many frames as a take on an armature."""
    take, show = part("talk.take"), part("showing.show")
    clip = walk(frames)
    made = take.Take("walk", [take.Step(lead=clip)], 0, clip.skeleton, clip.fps)
    made.request()
    wish = show.Wish(1.0, 30.0, lock_feet=locked)
    return show.Show(
        made, part("armature.rig").read(armature), wish, armature.session_uid, bpy.context.scene.session_uid
    )


def walk(frames: int) -> Any:
    """A body that walks in an arc, swinging its legs, its feet on the ground in turn."""
    clip, quat, skeleton = part("motion.clip"), part("motion.quat"), part("motion.skeleton").SMPLX22
    t = np.arange(frames, dtype=np.float32) / 30
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (frames, len(skeleton), 1))
    swing = np.sin(2 * np.pi * 0.9 * t)
    for joint, sign in (("left_hip", 1), ("right_hip", -1), ("left_shoulder", -1), ("right_shoulder", 1)):
        axis = np.tile(np.array([1, 0, 0], np.float32), (frames, 1))
        rotations[:, skeleton.index(joint)] = quat.from_axis_angle(axis, (0.3 * sign * swing).astype(np.float32))
    heading = (0.3 * t).astype(np.float32)
    rotations[:, 0] = quat.from_yaw(heading)
    root: F32 = np.cumsum(np.stack([np.sin(heading), 0 * t, np.cos(heading)], -1) / 30, axis=0).astype(np.float32)
    root[:, 1] = 0.93 + 0.02 * np.abs(swing)
    back = np.cos(2 * np.pi * 0.9 * t)[:, None] * np.array([1, 1, -1, -1])  # a leg that swings back stands
    down = (back > 0.3).astype(np.float32)
    return clip.Clip(skeleton, 30.0, rotations, root, down)
