"""Live sessions: frames onto the armature without keys, steered, recorded, stopped at once."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from tests.blender.inside.layout import draw, words
from tests.blender.inside.studio import character, given, heads, keys, part, statistics, turn
from tests.motion import rigs


def go(armature: bpy.types.Object) -> object:
    """Go live on an armature."""
    running = part("session").current()
    running.connect(given["quick"])
    turn(lambda: running.desk.welcome)
    bpy.context.scene.motus.armature = armature
    assert not running.desk.lacks("streams")
    assert bpy.ops.motus.live() == {"FINISHED"}
    return running


def now(armature: bpy.types.Object) -> np.ndarray:
    """Where the bones are in the pose as it stands, without the frame being set anew."""
    bpy.context.view_layer.update()
    return np.array([armature.matrix_world @ bone.head for bone in armature.pose.bones], np.float32)


def test_a_character_moves_while_the_timeline_stands_still_and_nothing_is_keyed() -> None:
    armature = character()
    bone = armature.pose.bones["head"]
    bone.keyframe_insert("rotation_quaternion", frame=1)
    own = armature.animation_data.action
    rest = now(armature)
    running = go(armature)
    turn(lambda: np.abs(now(armature) - rest).max() > 0.05)
    first = now(armature)
    turn(lambda: np.abs(now(armature) - first).max() > 0.1)
    assert armature.animation_data.action is None
    assert bpy.data.actions[:] == [own]
    bpy.context.scene.frame_set(20)
    assert np.abs(now(armature) - rest).max() > 0.05, "the timeline overwrites the pose"
    assert bpy.ops.motus.live_stop() == {"FINISHED"}
    assert armature.animation_data.action == own
    assert np.abs(now(armature) - rest).max() < 1e-5
    turn(lambda: statistics(running).streams == 0)


def test_orders_are_typed_hurried_held_and_sent_to_a_place() -> None:
    armature = character(rigs.mixamo("").skeleton)
    running = go(armature)
    settings = bpy.context.scene.motus
    performance = running.performance
    turn(lambda: performance.live.state == "running" and np.abs(now(armature)).max() > 0)
    settings.live_text = "a person bows"
    assert performance.live.text == "a person bows"
    settings.live_pause = True
    turn(lambda: _still(armature))
    settings.live_pause = False
    turn(lambda: not _still(armature))
    settings.live_speed = 0.5
    bpy.context.scene.cursor.location = (3.0, -4.0, 0.0)
    assert bpy.ops.motus.live_go() == {"FINISHED"}
    legs = [armature.data.bones[name].head_local for name in ("LeftUpLeg", "LeftLeg", "LeftFoot")]
    length = (legs[0] - legs[1]).length + (legs[1] - legs[2]).length
    x, z = performance.spot((3.0, -4.0, 0.0))
    assert np.allclose((x, z), np.array((3.0, 4.0)) * 0.815 / length, rtol=0.02)
    bpy.ops.motus.live_free()
    settings.live_speed, settings.live_text = 1.0, "a person walks"
    turn(lambda: not running.error)
    assert not running.error
    bpy.ops.motus.live_stop()


def _still(armature: bpy.types.Object) -> bool:
    before = now(armature)
    count = [0]

    def some() -> bool:
        count[0] += 1
        return count[0] > 20

    turn(some)
    return bool(np.abs(now(armature) - before).max() < 1e-4)


def test_a_record_becomes_a_take_without_gaps() -> None:
    armature = character()
    bpy.context.scene.render.fps = 30
    running = go(armature)
    turn(lambda: armature.motus.showing)
    bpy.ops.motus.live_record()
    seen: list[np.ndarray] = []
    turn(lambda: (seen.append(now(armature)), len({tuple(one[0]) for one in seen}) > 20)[1])
    bpy.ops.motus.live_record()
    assert running.performance is not None, "recording ends, and the show goes on"
    bpy.ops.motus.live_stop()
    turn(lambda: keys(armature) > 10)
    assert bpy.ops.motus.accept() == {"FINISHED"}
    places = np.array([heads(armature, frame, ("pelvis",))[0] for frame in range(1, keys(armature) + 1)])
    assert np.linalg.norm(np.diff(places, axis=0), axis=-1).max() < 0.1
    pelvis = list(armature.pose.bones.keys()).index("pelvis")
    before = seen[0]  # what was shown when recording began is not in it, however long it stays
    recorded = [shown for shown in seen if np.abs(shown - before).max() > 1e-6][:-3]
    near = [float(np.linalg.norm(places - shown[pelvis], axis=-1).min()) for shown in recorded]
    assert max(near) < 2e-3, near


def test_strips_of_ones_own_are_silent_while_a_character_is_live_and_speak_again_afterwards() -> None:
    armature = character()
    scene = bpy.context.scene
    scene.render.fps, scene.motus.nla = 30, True
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    data = armature.animation_data
    there = heads(armature, 20)
    go(armature)
    turn(lambda: armature.motus.showing)
    assert not data.use_nla
    bpy.ops.motus.live_stop()
    assert data.use_nla
    assert np.abs(heads(armature, 20) - there).max() < 1e-6


def test_others_may_watch_a_live_session_under_the_name_it_is_given() -> None:
    armature = character()
    bpy.context.scene.motus.live_publish = "not a name"
    running = part("session").current()
    running.connect(given["quick"])
    turn(lambda: running.desk.welcome)
    assert bpy.ops.motus.live() == {"CANCELLED"}
    assert "no name to be watched by" in running.error
    name = f"hero-{bpy.app.version[0]}{bpy.app.version[1]}"
    bpy.context.scene.motus.live_publish = name
    go(armature)
    turn(lambda: armature.motus.showing)
    assert [show.publish for show in roster(running)] == [name]
    assert f"Published as {name}" in words(draw("MOTUS_PT_live"))
    bpy.ops.motus.live_stop()


def roster(running: Any) -> list[Any]:
    """The live sessions that the server tells of."""
    protocol, heard = part("motion.protocol"), []
    running.desk.link.send(protocol.Who())
    while not heard:
        running.desk.link.wait(1.0)
        heard = [event for event in running.desk.link.poll() if isinstance(event, protocol.Roster)]
    return list(heard[0].streams)


def test_esc_stops_a_live_session_and_undo_and_saving_pass_through_it() -> None:
    armature = character()
    bpy.ops.ed.undo_push(message="Ann")
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="a cube")
    rest = now(armature)
    running = go(armature)
    turn(lambda: np.abs(now(armature) - rest).max() > 0.05)
    bpy.ops.ed.undo()
    armature = bpy.data.objects["Ann"]
    turn(lambda: np.abs(now(armature) - rest).max() > 0.05)
    bpy.ops.wm.save_as_mainfile(filepath=f"{given['folder']}/live.blend", copy=True)
    turn(lambda: armature.motus.showing)
    assert bpy.ops.motus.cancel.poll()
    bpy.ops.motus.cancel()
    assert running.performance is None
    assert np.abs(now(armature) - rest).max() < 1e-5
    with bpy.data.libraries.load(f"{given['folder']}/live.blend") as (there, here):
        here.objects = list(there.objects)
    saved = here.objects[0]
    assert not saved.motus.showing
    turn(lambda: statistics(running).streams == 0)


def test_the_armature_or_the_server_goes_away() -> None:
    armature = character()
    given["quick"] = given["mortal"]
    running = go(armature)
    turn(lambda: armature.motus.showing)
    bpy.data.objects.remove(armature)
    turn(lambda: running.performance is None)
    bpy.context.view_layer.update()
    ben = character(name="Ben")
    go(ben)
    turn(lambda: ben.motus.showing)
    import os

    os.kill(int(given["pid"]), 9)
    turn(lambda: running.performance is None)
    assert "is gone" in running.error
    assert not ben.motus.showing
    assert ben.animation_data is None
