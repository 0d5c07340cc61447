"""The way of the window: ask, watch frames arrive, cancel, accept, reject; the file stays the user's."""

from __future__ import annotations

import shutil

import bpy
import numpy as np

from tests.blender.inside.studio import (
    character,
    folder,
    heads,
    keys,
    last_take,
    press,
    statistics,
    streamed,
    turn,
)


def own_animation(armature: bpy.types.Object) -> bpy.types.Action:
    """Something the user has made: the head turns."""
    bone = armature.pose.bones["head"]
    bone.rotation_mode = "XYZ"
    for frame, angle in ((1, 0.0), (20, 1.0)):
        bone.rotation_euler = (0.0, angle, 0.0)
        bone.keyframe_insert("rotation_euler", frame=frame)
    armature.animation_data.action.name = "mine"
    return armature.animation_data.action


def test_generate_returns_at_once_and_frames_appear_while_the_rest_is_still_made() -> None:
    armature = character()
    bpy.context.scene.render.fps = 30
    running = press(seconds=6.0, server="slow", seed=bpy.app.version[0] * 10 + bpy.app.version[1])  # in no cache
    take = last_take()
    assert take.clip is None, "it has waited"
    turn(lambda: keys(armature) > 1)
    few, early = keys(armature), heads(armature, 2)
    assert few < 180
    assert 0 < take.progress < 1
    assert take.eta_s > 0
    turn(lambda: take.ended and not running.desk.busy)
    turn(lambda: keys(armature) == 180)
    assert np.abs(heads(armature, 2) - early).max() < 1e-5, "frames once shown stay"


def test_cancel_stops_the_servers_work_and_keeps_what_has_come_until_somebody_decides() -> None:
    armature = character()
    running = press(seconds=30.0, server="slow")
    turn(lambda: keys(armature) > 1)
    assert bpy.ops.motus.cancel.poll()
    assert bpy.ops.motus.cancel() == {"FINISHED"}
    assert not running.desk.busy
    turn(lambda: statistics(running).running == 0)
    before = statistics(running)
    assert before.cancelled >= 1
    made = before.tokens
    turn(lambda: True)
    assert statistics(running).tokens == made, "the server goes on working"
    assert keys(armature) > 1
    assert not bpy.ops.motus.cancel.poll(), "Esc has its other meanings again"
    assert bpy.ops.motus.accept() == {"FINISHED"}
    assert armature.animation_data.action.name == "a person walks"


def test_accept_is_one_undo_step_and_undoing_it_leaves_the_users_action_and_the_choice() -> None:
    armature = character()
    own_animation(armature)
    bpy.ops.ed.undo_push(message="mine")
    running = press(seconds=1.0)
    turn(lambda: last_take().ended and keys(armature) > 20)
    assert bpy.ops.motus.accept("INVOKE_DEFAULT", True) == {"FINISHED"}
    assert bpy.data.objects["Ann"].animation_data.action.name == "a person walks"
    assert bpy.data.actions["mine"].use_fake_user, "the user's action would be gone from the saved file"
    bpy.ops.ed.undo()
    armature = bpy.data.objects["Ann"]
    assert armature.animation_data.action.name == "mine"
    assert running.shown(armature) is not None, "the take is open again"
    bpy.ops.ed.redo()
    armature = bpy.data.objects["Ann"]
    assert armature.animation_data.action.name == "a person walks"
    assert running.shown(armature) is None
    expected = streamed(last_take())
    frame = 10 if bpy.context.scene.render.fps == 30 else None
    assert frame is None or np.abs(heads(armature, 1 + frame) - expected[frame]).max() < 1e-3


def test_reject_puts_everything_back_in_one_undo_step() -> None:
    armature = character()
    own_animation(armature)
    armature.pose.bones["left_hip"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    bpy.context.scene.frame_set(10)
    before = heads(armature, 10)
    bpy.ops.ed.undo_push(message="mine")
    running = press(seconds=1.0)
    turn(lambda: last_take().ended and keys(armature) > 20)
    assert np.abs(heads(armature, 10) - before).max() > 0.01
    assert bpy.ops.motus.reject("INVOKE_DEFAULT", True) == {"FINISHED"}
    armature = bpy.data.objects["Ann"]
    assert armature.animation_data.action.name == "mine"
    assert np.abs(heads(armature, 10) - before).max() < 1e-6
    assert [action.name for action in bpy.data.actions] == ["mine"]
    assert running.shown(armature) is None
    bpy.ops.ed.undo()
    armature = bpy.data.objects["Ann"]
    assert armature.animation_data.action.name == "mine"
    assert running.shown(armature) is not None, "the take that was thrown away is back"
    turn(lambda: keys(bpy.data.objects["Ann"]) > 20)
    bpy.ops.ed.redo()
    assert running.shown(bpy.data.objects["Ann"]) is None


def test_a_character_without_animation_is_left_without_when_a_take_is_rejected() -> None:
    armature = character()
    press(seconds=1.0)
    turn(lambda: last_take().ended and keys(armature) > 20)
    bpy.ops.motus.reject()
    assert armature.animation_data is None
    assert not bpy.data.actions
    rest = np.array([armature.matrix_world @ bone.head_local for bone in armature.data.bones], np.float32)
    assert np.abs(heads(armature, 5, tuple(armature.data.bones.keys())) - rest).max() < 1e-6


def test_a_file_saved_while_frames_arrive_holds_what_the_user_had_and_opens_idle() -> None:
    armature = character()
    own_animation(armature)
    running = press(seconds=30.0, server="slow")
    turn(lambda: keys(armature) > 20)
    path = str(folder() / "in the middle ünd.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    turn(lambda: armature.motus.showing)
    assert running.desk.busy, "saving does not stop the work"
    copy = shutil.copy(path, folder() / "copy.blend")  # later Blenders do not look into the file that is open
    with bpy.data.libraries.load(str(copy)) as (there, _):
        assert there.actions == ["mine"], "what nobody has decided about is in the file"
    bpy.ops.wm.open_mainfile(filepath=path)
    assert not running.desk.busy
    armature = bpy.data.objects["Ann"]
    assert armature.animation_data.action.name == "mine"
    assert not armature.motus.showing
    assert [action.name for action in bpy.data.actions] == ["mine"]
    turn(lambda: statistics(running).running == 0)


def test_undo_and_redo_in_the_middle_of_a_generation_do_no_harm() -> None:
    armature = character()
    own_animation(armature)
    bpy.ops.ed.undo_push(message="mine")
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="a cube")
    running = press(seconds=8.0, server="slow")
    turn(lambda: keys(armature) > 2 and armature.motus.showing)
    bpy.ops.ed.undo()
    assert "Cube" not in bpy.data.objects
    turn(lambda: bpy.data.objects["Ann"].motus.showing)
    bpy.ops.ed.redo()
    assert "Cube" in bpy.data.objects
    turn(lambda: bpy.data.objects["Ann"].motus.showing)
    bpy.data.objects["Cube"].location.x = 3
    bpy.ops.ed.undo_push(message="moved while a take is shown")
    bpy.ops.motus.cancel()
    bpy.ops.motus.reject("INVOKE_DEFAULT", True)
    assert bpy.data.objects["Ann"].animation_data.action.name == "mine"
    bpy.ops.ed.undo()
    assert bpy.data.objects["Cube"].location.x == 3
    turn(lambda: bpy.data.objects["Ann"].motus.showing)
    bpy.ops.ed.undo()
    assert bpy.data.objects["Cube"].location.x == 0
    turn(lambda: bpy.data.objects["Ann"].motus.showing)
    bpy.ops.motus.reject()
    assert bpy.data.objects["Ann"].animation_data.action.name == "mine"
    assert running.shown(bpy.data.objects["Ann"]) is None
