"""What happens to people: deleted armatures, changed modes, dead servers, linked files, an extension switched off."""

from __future__ import annotations

import os
import signal

import bpy
import numpy as np

from tests.blender.inside.studio import (
    PACKAGE,
    activate,
    character,
    error_mm,
    folder,
    given,
    heads,
    keys,
    last_take,
    part,
    press,
    refused,
    statistics,
    turn,
)
from tests.motion import rigs


def running_take(seconds: float = 20.0) -> bpy.types.Object:
    """A character on which a take is just being shown."""
    armature = character()
    press(seconds=seconds, server="slow")
    turn(lambda: keys(armature) > 2 and armature.motus.showing)
    return armature


def test_an_armature_that_is_deleted_while_its_motion_is_made_takes_nothing_with_it() -> None:
    armature = running_take()
    running = part("session").current()
    bpy.data.objects.remove(armature)
    version = last_take().version
    turn(lambda: last_take().version > version)
    turn(lambda: running.error)
    assert "armature was deleted" in running.error
    assert not last_take().ended
    bpy.ops.motus.cancel()
    turn(lambda: statistics(running).running == 0)


def test_an_armature_that_is_deleted_and_brought_back_by_undo_has_its_take_again() -> None:
    armature = character()
    bpy.ops.ed.undo_push(message="Ann")
    press(seconds=2.0)
    turn(lambda: last_take().ended and keys(armature) > 40)
    bpy.ops.object.delete()
    bpy.ops.ed.undo_push(message="Delete")
    turn(lambda: True)
    assert not bpy.data.objects
    bpy.ops.ed.undo()
    turn(lambda: keys(bpy.data.objects["Ann"]) > 40)
    assert bpy.ops.motus.accept() == {"FINISHED"}
    assert bpy.data.objects["Ann"].animation_data.action.name == "a person walks"


def test_an_armature_that_is_renamed_goes_on() -> None:
    armature = running_take()
    before = keys(armature)
    armature.name = "Bénédicte ☂"
    turn(lambda: keys(armature) > before)
    bpy.ops.motus.cancel()
    bpy.ops.motus.accept()
    assert armature.animation_data.action.name == "a person walks"


def test_modes_are_changed_while_frames_arrive() -> None:
    armature = running_take()
    for mode in ("POSE", "EDIT", "OBJECT"):
        bpy.ops.object.mode_set(mode=mode)
        before = keys(armature)
        turn(lambda before=before: keys(armature) > before)
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.data.edit_bones["head"]
    armature.data.edit_bones.remove(bone)
    bpy.ops.object.mode_set(mode="OBJECT")
    before = keys(armature)
    running = part("session").current()
    turn(lambda: keys(armature) > before or running.error)
    bpy.ops.motus.cancel()
    bpy.ops.motus.reject()
    assert armature.animation_data is None


def test_the_extension_is_switched_off_and_on_while_frames_arrive() -> None:
    armature = character()
    bone = armature.pose.bones["head"]
    bone.rotation_quaternion = (0.6, 0.8, 0.0, 0.0)
    before = heads(armature, 1)
    press(seconds=20.0, server="slow")
    turn(lambda: keys(armature) > 2)
    bpy.ops.preferences.addon_disable(module=PACKAGE)
    assert armature.animation_data is None
    assert np.abs(heads(armature, 1) - before).max() < 1e-6
    assert not bpy.data.actions
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    bpy.context.preferences.addons[PACKAGE].preferences.address = given["quick"]
    running = press(seconds=1.0)
    turn(lambda: not running.desk.busy and keys(armature) > 10)
    bpy.ops.motus.accept()
    assert armature.animation_data.action


def test_a_server_that_dies_is_said_and_what_has_come_can_be_kept_and_the_next_server_is_found() -> None:
    armature = character()
    given["quick"] = given["mortal"]
    running = press(seconds=30.0)
    turn(lambda: keys(armature) > 5)
    os.kill(int(given["pid"]), signal.SIGKILL)
    turn(lambda: not running.desk.busy)
    assert last_take().state == "failed"
    assert "is gone" in running.error
    assert keys(armature) > 5
    assert "is gone; looking for it" in refused(bpy.ops.motus.generate, prompt="a person bows")
    assert bpy.ops.motus.accept() == {"FINISHED"}
    assert armature.animation_data.action.name == "a person walks"


def test_the_next_request_never_gets_the_answer_to_the_one_before() -> None:
    armature = character()
    for seed in (5, 40, 17):
        press(seconds=20.0, seed=seed, server="slow")
        turn(lambda: keys(armature) > 2)
        bpy.ops.motus.cancel()
        bpy.ops.motus.reject()
    bpy.ops.motus.generate(prompt="a person bows", seconds=1.0, seed=30, address=given["quick"])
    first = heads(armature, 10)
    bpy.context.scene.frame_set(1)
    bpy.ops.motus.generate(prompt="a person bows", seconds=1.0, seed=30, address=given["quick"])
    assert np.array_equal(first, heads(armature, 10))


def test_a_linked_armature_is_refused_and_an_overridden_one_keeps_its_take() -> None:
    character()
    library = str(folder() / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = ["Ann"]
    linked = bpy.data.objects["Ann"]
    bpy.context.collection.objects.link(linked)
    bpy.context.scene.motus.armature = linked
    told = refused(bpy.ops.motus.generate, prompt="a person walks")
    assert "linked from another file" in told
    assert "library override" in told
    own = linked.override_create(remap_local_usages=True)
    bpy.context.scene.motus.armature = own
    own.motus.root_on = "OBJECT"
    bpy.context.scene.render.fps = 30
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    assert error_mm(own, (0, 10, 29)) < 1.0
    there = heads(own, 20)
    path = str(folder() / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    again = next(one for one in bpy.data.objects if one.override_library)
    assert again.motus.root_on == "OBJECT"
    assert again.animation_data.action.name == "a person walks"
    assert np.abs(heads(again, 20) - there).max() < 1e-4


def test_an_armature_of_ones_own_on_linked_bones_moves() -> None:
    character()
    library = str(folder() / "bones.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.armatures = ["Ann"]
    own = bpy.data.objects.new("mine", bpy.data.armatures["Ann"])
    assert own.data.library
    bpy.context.collection.objects.link(own)
    bpy.context.scene.render.fps = 30
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    assert error_mm(own, (0, 10, 29)) < 1.0


def test_a_take_with_its_origin_survives_saving_and_loading() -> None:
    armature = character()
    bpy.context.scene.motus.seconds = 7.5
    bpy.ops.motus.generate(prompt="a person wäves", seconds=1.0, seed=5)
    there = heads(armature, 20)
    path = str(folder() / "Übung ☂.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    armature = bpy.data.objects["Ann"]
    assert np.abs(heads(armature, 20) - there).max() < 1e-6
    note = armature.animation_data.action.motus
    assert (note.prompt, note.seed) == ("a person wäves", "5")
    assert bpy.context.scene.motus.seconds == 7.5
    assert len(part("showing.library").motion(armature.animation_data.action)) == 30


def test_muted_and_locked_curves_of_the_users_own_action_stay_and_do_not_silence_the_take() -> None:
    armature = character()
    bone = armature.pose.bones["left_hip"]
    for frame in (1, 40):
        bone.rotation_quaternion = (1, 0, 0, 0)
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    own = armature.animation_data.action
    curves = part("armature.curves")
    for curve in curves.curves(curves.assigned(armature)):
        curve.mute, curve.lock = True, True
    bpy.context.scene.render.fps = 30
    for append in (False, True):
        bpy.context.scene.motus.append = append
        bpy.context.scene.frame_set(1)
        bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
        turned = np.array([list(armature.pose.bones["left_hip"].rotation_quaternion) for _ in _frames(45, 69)])
        if append:
            assert np.ptp(turned, axis=0).max() > 0.05, "the copied curve is still muted"
        curves.assign(armature, curves.Assigned(own, own.slots[0].handle if curves.slotted() else 0))
        assert all(curve.mute and curve.lock for curve in curves.curves(curves.assigned(armature)))


def _frames(first: int, last: int):
    for frame in range(first, last + 1):
        bpy.context.scene.frame_set(frame)
        yield frame


def test_saving_where_nothing_can_be_saved_leaves_the_take_shown() -> None:
    armature = running_take()
    assert refused(bpy.ops.wm.save_as_mainfile, filepath=str(folder() / "no such folder" / "x.blend"))
    turn(lambda: armature.motus.showing)
    bpy.ops.motus.cancel()
    bpy.ops.motus.reject()


def test_a_file_that_is_read_only_is_told_of_and_not_written() -> None:
    character()
    path = folder() / "locked ☂.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    path.chmod(0o444)
    before = path.read_bytes()
    bpy.ops.wm.open_mainfile(filepath=str(path))
    running = press(seconds=1.0)
    told = "locked ☂.blend is read-only: save it under another name to keep takes"
    assert running.error == told
    turn(lambda: not running.desk.busy and keys(bpy.data.objects["Ann"]) > 20)
    assert running.status.words == f"Motus: {told}"
    assert bpy.ops.motus.accept() == {"FINISHED"}
    assert path.read_bytes() == before
    bpy.ops.wm.save_as_mainfile(filepath=str(folder() / "mine.blend"))
    press(seconds=1.0)
    assert not running.error


def test_names_of_any_unicode_are_animated_kept_saved_and_found_again() -> None:
    names = ("日本語の歩き", "مشية", "👩‍🚀 e\u0301", 'quote " and \\ and ]', "Zalgo " + "\u0338" * 20, "ü" * 90)
    path = str(folder() / "名前 👋.blend")
    for name in names:
        armature = character(name=name)
        bone = armature.data.bones["left_hip"]
        bone.name = name[:20] + " left hip"
        scene = bpy.context.scene
        scene.name, scene.motus.armature = name, armature
        scene.render.fps = 30
        scene.frame_set(1)
        for line in ("left_hip",):
            bpy.ops.motus.map()
            next(one for one in armature.motus.bones if one.name == line).bone = bone.name
        assert bpy.ops.motus.generate(prompt=name, seconds=1.0, seed=5) == {"FINISHED"}
        assert error_mm(armature, (0, 29)) < 1.0
        action = armature.animation_data.action
        assert action.motus.prompt == " ".join(name.split())
        assert action.name[:20] == name[:20]
        assert bpy.ops.motus.apply(action=action.name) == {"FINISHED"}
    places = {one.name: heads(one, 20, ("pelvis",)) for one in bpy.data.objects}
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    for name, there in places.items():
        assert np.abs(heads(bpy.data.objects[name], 20, ("pelvis",)) - there).max() < 1e-6


def test_a_strip_in_tweak_mode_is_left_alone() -> None:
    armature = character()
    bpy.context.scene.motus.nla = True
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    data = armature.animation_data
    data.nla_tracks[0].select = True
    data.nla_tracks[0].strips[0].select = True
    data.use_tweak_mode = True
    if not data.use_tweak_mode:  # without a window Blender may not enter it
        return
    assert "tweak mode" in refused(bpy.ops.motus.generate, prompt="a person bows")


def test_a_range_of_no_frames_has_nothing_to_describe() -> None:
    character()
    scene = bpy.context.scene
    scene.frame_start = scene.frame_end = 5
    assert "nothing from frame 5 to 5" in refused(bpy.ops.motus.describe)
    assert bpy.ops.motus.generate(prompt="a person walks", seconds=1.0) == {"FINISHED"}


def test_two_characters_are_asked_for_at_once_and_each_gets_its_own() -> None:
    ann = character(name="Ann")
    ben = character(rigs.mixamo("").skeleton, name="Ben")
    scene = bpy.context.scene
    for armature, seed in ((ann, 5), (ben, 30)):
        scene.motus.armature = armature
        running = press(seconds=1.0, seed=seed)
    turn(lambda: not running.desk.busy and ann.motus.showing and ben.motus.showing)
    for armature, seed in ((ann, "5"), (ben, "30")):
        activate(armature)
        scene.motus.armature = armature
        bpy.ops.motus.accept()
        assert armature.animation_data.action.motus.seed == seed


def test_another_machine_is_not_talked_to_unless_blender_is_allowed_online() -> None:
    character()
    told = refused(bpy.ops.motus.generate, prompt="a person walks", address="tcp://198.51.100.7:5570")
    assert "Allow Online Access" in told
    assert "no address" in refused(bpy.ops.motus.generate, prompt="a person walks", address="tcp://127.0.0.1")
