"""What the sidebar's settings do: rates, places, loops, variations, strips, history."""

from __future__ import annotations

import bpy
import numpy as np

from tests.blender.inside.studio import (
    PACKAGE,
    character,
    heads,
    keys,
    last_take,
    part,
    press,
    refused,
    shown,
    streamed,
    turn,
)
from tests.motion import rigs


def test_keys_stand_on_whole_frames_at_the_scenes_rate_with_its_base() -> None:
    armature = character()
    render = bpy.context.scene.render
    render.fps, render.fps_base = 24, 1.001
    bpy.context.scene.frame_set(101)
    bpy.ops.motus.generate(prompt="a person walks", seconds=2.0, seed=5)
    curve = part("armature.curves").curves(part("armature.curves").assigned(armature))[0]
    frames = [key.co[0] for key in curve.keyframe_points]
    assert frames == [float(frame) for frame in range(101, 101 + len(frames))]
    assert len(frames) == int(59 / 30 * 24 / 1.001) + 1
    expected = streamed(last_take())
    for frame in (101, 110, 140):
        at = (frame - 101) * 1.001 / 24 * 30
        low = int(at)
        middle = expected[low] + (expected[low + 1] - expected[low]) * (at - low)
        assert np.linalg.norm(heads(armature, frame) - middle, axis=-1).max() < 3e-3


def test_keys_come_at_the_servers_rate_where_that_is_preferred() -> None:
    armature = character()
    settings = bpy.context.preferences.addons[PACKAGE].preferences
    settings.rate = "SERVER"
    bpy.context.scene.render.fps = 24
    bpy.context.scene.frame_set(1)
    bpy.ops.motus.generate(prompt="a person walks", seconds=2.0, seed=5)
    settings.rate = "SCENE"
    curve = part("armature.curves").curves(part("armature.curves").assigned(armature))[0]
    assert len(curve.keyframe_points) == 60
    expected = streamed(last_take())
    assert np.linalg.norm(heads(armature, 1 + 31 * 24 / 30) - expected[31], axis=-1).max() < 1e-3


def test_the_start_is_the_scenes_first_frame_where_the_playhead_is_not_wanted() -> None:
    armature = character()
    scene = bpy.context.scene
    scene.frame_start, scene.motus.at_playhead = 50, False
    scene.frame_set(7)
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0)
    assert armature.animation_data.action.frame_range[0] == 50


def test_a_clip_begins_where_the_3d_cursor_stands() -> None:
    armature = character()
    scene = bpy.context.scene
    scene.render.fps = 30
    scene.cursor.location = (2.0, -3.0, 0.5)
    scene.motus.at_cursor = True
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    expected = streamed(last_take())
    assert np.allclose(heads(armature, 1)[0] - expected[0, 0], (2.0, -3.0, 0.0), atol=1e-4)


def test_in_place_takes_the_way_out_and_leaves_the_steps() -> None:
    armature = character()
    scene = bpy.context.scene
    scene.render.fps = 30
    scene.motus.in_place = True
    bpy.ops.motus.generate(prompt="a person walks", seconds=3.0, seed=5)
    pelvis = np.array([heads(armature, frame)[0] for frame in range(1, 91, 5)])
    assert np.ptp(pelvis[:, :2], axis=0).max() < 0.15
    knees = np.array([heads(armature, frame, ("left_knee",))[0] for frame in range(1, 91, 5)])
    assert np.ptp(knees - pelvis, axis=0).max() > 0.1


def bends(armature: bpy.types.Object, frame: int) -> np.ndarray:
    """How hips and shoulders are turned at a frame."""
    bpy.context.scene.frame_set(frame)
    limbs = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    return np.array([armature.pose.bones[bone].rotation_quaternion for bone in limbs])


def test_a_looping_clip_ends_in_the_pose_it_began_with() -> None:
    armature = character()
    scene = bpy.context.scene
    scene.render.fps = 30
    scene.motus.in_place = True
    for loop in (False, True):
        scene.frame_set(1)
        scene.motus.loop = loop
        bpy.ops.motus.generate(prompt="a person walks", seconds=3.0, seed=5)
        first, last = (bends(armature, frame) for frame in (1, 90))
        error = np.abs(first - last).max()
        assert (error < 0.02) == loop, (loop, error)


def test_variations_are_takes_with_the_next_seeds_of_which_one_is_shown_at_a_time() -> None:
    armature = character()
    bpy.context.scene.motus.variations = 3
    running = press(seed=10, seconds=1.0)
    turn(lambda: len(running.desk.takes) == 3 and not running.desk.busy)
    shows = running.open_shows(armature)
    assert [show.take.seed for show in shows] == [10, 11, 12]
    turn(lambda: keys(armature) > 20)
    first = heads(armature, 10)
    assert bpy.ops.motus.choose(uid=shows[2].take.uid) == {"FINISHED"}
    turn(lambda: armature.motus.showing == shows[2].take.uid)
    assert np.abs(heads(armature, 10) - first).max() > 0.01
    bpy.ops.motus.accept()
    assert armature.animation_data.action.motus.seed == "12"
    bpy.ops.motus.choose(uid=shows[0].take.uid)
    turn(lambda: armature.motus.showing == shows[0].take.uid)
    bpy.ops.motus.reject(every=True)
    assert not running.open_shows(armature)
    assert armature.animation_data.action.motus.seed == "12"


def test_an_accepted_take_becomes_a_strip_where_that_is_wanted() -> None:
    armature = character()
    scene = bpy.context.scene
    scene.render.fps = 30
    scene.motus.nla = True
    for start in (1, 61):
        scene.frame_set(start)
        bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    data = armature.animation_data
    assert data.action is None
    strips = [strip for track in data.nla_tracks for strip in track.strips]
    assert [(strip.frame_start, strip.action.motus.prompt) for strip in strips] == [
        (1.0, "a person walks"), (61.0, "a person walks"),
    ]  # fmt: skip
    expected = streamed(last_take())
    assert np.linalg.norm(heads(armature, 70) - expected[9], axis=-1).max() < 1e-3


def test_prompts_are_remembered_newest_first_and_once_each() -> None:
    character()
    settings = bpy.context.preferences.addons[PACKAGE].preferences
    settings.history.clear()
    for prompt in ("a person walks", "a person bows", "a person walks"):
        press(prompt=prompt, seconds=1.0)
        turn(lambda: last_take().ended)
    assert [one.name for one in settings.history] == ["a person walks", "a person bows"]
    bpy.ops.motus.recall(prompt="a person bows")
    assert bpy.context.scene.motus.prompt == "a person bows"


def test_the_dice_rolls_a_new_seed_and_a_seed_that_is_held_stays() -> None:
    character()
    settings = bpy.context.scene.motus
    settings.seed, settings.dice = 77, False
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0)
    assert (settings.seed, last_take().seed) == (77, 77)
    settings.dice = True
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0)
    assert settings.seed == last_take().seed != 77
    before = settings.seed
    bpy.ops.motus.dice()
    assert settings.seed != before
    before = settings.seed
    refused(bpy.ops.motus.generate, prompt=" ")
    assert settings.seed == before, "a refusal has changed the file"


def test_stride_says_how_far_the_same_steps_carry() -> None:
    armature = character(rigs.mixamo("").skeleton)
    bpy.context.scene.render.fps = 30
    way = {}
    for stride in (1.0, 0.5):
        armature.motus.stride = stride
        bpy.context.scene.frame_set(1)
        bpy.ops.motus.generate(prompt="a person walks", seconds=2.0, seed=5)
        way[stride] = heads(armature, 60, ("Hips",))[0] - heads(armature, 1, ("Hips",))[0]
    assert np.linalg.norm(way[1.0][:2]) > 1.0
    assert np.abs(way[0.5][:2] - way[1.0][:2] / 2).max() < 1e-3
    assert abs(way[0.5][2] - way[1.0][2]) < 1e-3


def test_feet_that_rest_stay_where_they_are_where_that_is_wanted() -> None:
    armature = character(rigs.mixamo("").skeleton)
    bpy.context.scene.render.fps = 30
    curves, slid = part("armature.curves"), {}
    for locked in (False, True):
        show = shown(armature, 120, locked)
        channels, frames = show.channels(armature, curves.assigned(armature), True)
        made = curves.make("walk", armature)
        curves.write(made, channels, frames)
        curves.assign(armature, made)
        places = np.array([heads(armature, frame, ("LeftToeBase",))[0] for frame in range(1, 121)])
        resting = show.take.clip.contacts[1:, 0] * show.take.clip.contacts[:-1, 0] > 0.5
        slid[locked] = np.linalg.norm(np.diff(places, axis=0), axis=-1)[resting].mean()
    assert slid[True] < 0.5 * slid[False], slid


def test_baking_writes_what_constraints_make_of_an_action_into_its_keys() -> None:
    armature = character()
    bpy.context.scene.render.fps = 30
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    bone = armature.pose.bones["head"]
    target = bpy.data.objects.new("Target", None)
    bpy.context.collection.objects.link(target)
    target.rotation_euler = (0.4, 0.3, 1.2)
    bone.constraints.new("COPY_ROTATION").target = target
    held = [np.array(_matrix(armature, "head", frame)) for frame in (1, 15, 30)]
    assert bpy.ops.motus.bake() == {"FINISHED"}
    bone.constraints[0].mute = True
    for frame, wanted in zip((1, 15, 30), held, strict=True):
        assert np.abs(np.array(_matrix(armature, "head", frame)) - wanted).max() < 1e-3, frame


def _matrix(armature: bpy.types.Object, bone: str, frame: int) -> object:
    bpy.context.scene.frame_set(frame)
    return armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones[bone].matrix.copy()
