"""Motion from motion: append, continue, prompt timeline, in-between, describe."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from motion import protocol, quat
from motion.protocol import Task
from tests.blender.inside.studio import character, heads, last_take, part, refused, turn
from tests.blender.stranger import Stranger, welcome

SCENE_RATE = 30


def walking(seconds: float = 2.0) -> bpy.types.Object:
    """A character with an action."""
    armature = character()
    bpy.context.scene.render.fps = SCENE_RATE
    bpy.context.scene.frame_set(1)
    bpy.ops.motus.generate(prompt="a person walks", seconds=seconds, seed=5)
    return armature


def steps(armature: bpy.types.Object, first: int, last: int) -> np.ndarray:
    """How far the fastest joint moves from frame to frame, metres."""
    places = np.array([heads(armature, frame) for frame in range(first, last + 1)])
    return np.linalg.norm(np.diff(places, axis=0), axis=-1).max(axis=-1)


def test_append_goes_on_where_the_clip_before_ends_and_holds_both() -> None:
    armature = walking()
    before = [heads(armature, frame) for frame in (1, 30, 60)]
    first = armature.animation_data.action
    bpy.context.scene.motus.append = True
    bpy.ops.motus.generate(prompt="a person bows", seconds=2.0, seed=6)
    action = armature.animation_data.action
    assert action != first
    assert first.use_fake_user
    assert tuple(action.frame_range) == (1.0, 120.0)
    for frame, places in zip((1, 30, 60), before, strict=True):
        assert np.abs(heads(armature, frame) - places).max() < 1e-3, frame
    assert steps(armature, 50, 80).max() < 2.5 * np.median(steps(armature, 10, 50)), "there is a jump at the seam"


def test_there_is_nothing_to_append_to_without_an_action() -> None:
    character()
    bpy.context.scene.motus.append = True
    assert "no action to append to" in refused(bpy.ops.motus.generate, prompt="a person bows")


def test_continue_begins_at_the_playhead_and_replaces_what_came_after() -> None:
    armature = walking(4.0)
    until = heads(armature, 60)
    later = heads(armature, 100)
    bpy.context.scene.frame_set(60)
    assert getattr(bpy.ops.motus, "continue")(prompt="a person turns") == {"FINISHED"}
    assert bpy.context.scene.frame_current == 60, "the playhead stays"
    assert np.abs(heads(armature, 60) - until).max() < 1e-3
    assert tuple(armature.animation_data.action.frame_range) == (1.0, 180.0)
    assert np.abs(heads(armature, 100) - later).max() > 1e-3 or last_take().steps[0].past is not None


def test_a_prompt_timeline_is_one_take_with_each_sentence_in_its_stretch() -> None:
    armature = character()
    scene = bpy.context.scene
    scene.render.fps = SCENE_RATE
    for text, start, end in (("a person walks", 11, 71), ("a person bows", 71, 131), ("a person waves", 146, 191)):
        scene.motus.prompt = text
        bpy.ops.motus.segment_add()
        segment = scene.motus.segments[-1]
        segment.start, segment.end = start, end
    scene.motus.seed, scene.motus.dice = 5, False
    assert bpy.ops.motus.timeline() == {"FINISHED"}
    take = last_take()
    assert [(step.text, step.seconds) for step in take.steps] == [
        ("a person walks", 2.0), ("a person bows", 2.5), ("a person waves", 1.5),
    ]  # fmt: skip
    assert [step.task for step in take.steps] == ["text-to-motion", "prediction", "prediction"]
    assert tuple(armature.animation_data.action.frame_range) == (11.0, 190.0)
    assert steps(armature, 11, 190).max() < 2.5 * np.median(steps(armature, 11, 190))


def test_sentences_are_bands_on_the_timeline_from_their_first_frame_to_their_last() -> None:
    settings = bpy.context.scene.motus
    for text, start, end in (("second", 71, 131), ("first", 11, 71)):
        segment = settings.segments.add()
        segment.name, segment.start, segment.end = text, start, end

    class View:
        def view_to_region(self, x: float, y: float, clip: bool) -> tuple[float, float]:
            assert not clip, "a band may begin before the view does"
            return 3.0 * x - 20.0, y

    made = part("showing.bands").layout(bpy.context.scene, View())
    assert [(band.left, band.right, band.text, band.chosen) for band in made] == [
        (13.0, 193.0, "first", False), (193.0, 373.0, "second", True),
    ]  # fmt: skip


def test_bands_leave_the_numbers_of_the_frames_free_and_are_no_higher_than_they_need_be() -> None:
    for height, scale in ((46, 1.0), (60, 1.0), (400, 1.0), (92, 2.0), (20, 1.0)):
        low, high = part("showing.bands").rows(height, scale)
        assert 8 * scale <= high - low <= 18 * scale, (height, high - low)
        assert high <= height - 24 * scale or height == 20, height


def test_segments_that_overlap_or_say_nothing_are_told_apart() -> None:
    character()
    assert "timeline is empty" in refused(bpy.ops.motus.timeline)
    scene = bpy.context.scene
    scene.motus.prompt = "a person walks"
    bpy.ops.motus.segment_add()
    bpy.ops.motus.segment_add()
    scene.motus.segments[1].start -= 5
    assert "overlap" in refused(bpy.ops.motus.timeline)
    scene.motus.segments[1].name = ""
    bpy.ops.motus.segment_remove()
    assert len(scene.motus.segments) == 1


def posed(armature: bpy.types.Object) -> None:
    """Three key poses of the user's own, by hand."""
    for frame, angle, forward in ((1, 0.0, 0.0), (61, 0.9, 0.6), (121, -0.3, 1.0)):
        for name, sign in (("left_shoulder", 1), ("right_shoulder", -1), ("left_hip", 1)):
            bone = armature.pose.bones[name]
            bone.rotation_mode = "XYZ" if name == "left_hip" else "QUATERNION"
            if name == "left_hip":
                bone.rotation_euler = (angle, 0.0, 0.1)
                bone.keyframe_insert("rotation_euler", frame=frame)
            else:
                bone.rotation_quaternion = (np.cos(angle / 2), 0.0, 0.0, sign * np.sin(angle / 2))
                bone.keyframe_insert("rotation_quaternion", frame=frame)
        pelvis = armature.pose.bones["pelvis"]
        pelvis.location = (0.0, 0.0, forward)
        pelvis.keyframe_insert("location", frame=frame)


def test_an_in_between_passes_exactly_through_the_users_poses() -> None:
    armature = character()
    scene = bpy.context.scene
    scene.render.fps = SCENE_RATE
    posed(armature)
    own = armature.animation_data.action
    wanted = {frame: heads(armature, frame) for frame in (1, 61, 121)}
    plain = heads(armature, 30)
    for frame in wanted:
        scene.frame_set(frame)
        bpy.ops.motus.mark()
    assert bpy.ops.motus.between() == {"FINISHED"}
    assert armature.animation_data.action != own
    assert own.name in bpy.data.actions
    for frame, places in wanted.items():
        assert np.abs(heads(armature, frame) - places).max() < 1e-3, frame
    assert np.abs(heads(armature, 30) - plain).max() > 0.01, "nothing was filled in"
    assert [step.task for step in last_take().steps] == ["in-betweening", "in-betweening", ""]


def test_selected_keyframes_stand_in_for_marks_and_near_poses_are_refused() -> None:
    armature = character()
    bpy.context.scene.render.fps = SCENE_RATE
    posed(armature)
    curves = part("armature.curves")
    for curve in curves.curves(curves.assigned(armature)):
        for key in curve.keyframe_points:
            key.select_control_point = key.co[0] != 121
    assert bpy.ops.motus.between() == {"FINISHED"}
    assert len(last_take().steps) == 2
    for mark in (1, 5):
        bpy.context.scene.frame_set(mark)
        bpy.ops.motus.mark()
    assert "too near" in refused(bpy.ops.motus.between)
    bpy.ops.motus.marks_clear()
    assert not bpy.context.scene.motus.marks


def test_a_description_goes_into_a_text_block_and_onto_the_action() -> None:
    armature = walking()
    assert bpy.ops.motus.describe() == {"FINISHED"}
    assert armature.animation_data.action.motus.description == "a person walks in an arc"
    assert bpy.data.texts["Motus descriptions"].as_string() == "a person walks: a person walks in an arc\n"


def test_editing_by_words_is_refused_with_what_the_bundle_can_do() -> None:
    walking()
    told = refused(bpy.ops.motus.edit, prompt="slower")
    assert "has no editing; it can do text-to-motion, unconditional" in told


def test_editing_by_words_sends_the_armatures_motion_to_a_bundle_that_can_and_shows_what_comes_back() -> None:
    armature = walking()
    own = armature.animation_data.action
    before = heads(armature, 30)
    running = part("session").current()
    with Stranger() as later:
        running.connect(later.address)
        turn(lambda: later.hear())
        later.say(protocol.pack(welcome(Task("editing", ("motion", "text"), (), "motion"))))
        turn(lambda: running.desk.welcome)
        assert bpy.ops.motus.edit(prompt="  with a turned body ", wait=False) == {"FINISHED"}
        heard: list[Any] = []
        turn(lambda: heard.extend(one for one in later.hear() if isinstance(one, protocol.Generate)) or heard)
        asked = heard[0]
        assert (asked.task, asked.text) == ("editing", "with a turned body")
        assert len(asked.motion.root) in (59, 60)
        turned = quat.mul(quat.from_yaw(np.array(0.5, np.float32)), asked.motion.rotations[:, 0])
        rotations = np.concatenate([turned[:, None], asked.motion.rotations[:, 1:]], axis=1)
        frames = len(rotations)
        still = np.zeros((frames, 4), np.float32)
        later.say(
            protocol.pack(protocol.Accepted(asked.id, 0, 1)),
            protocol.pack(protocol.Frames(asked.id, 0, 0, 30.0, 0.0, asked.motion.root, rotations, still)),
            protocol.pack(protocol.Done(asked.id, 15, frames, "", 0.0, 0.0, 0.0, 0.0, 1.0)),
        )
        turn(lambda: last_take().ended and armature.motus.showing)
        assert bpy.ops.motus.accept() == {"FINISHED"}
    made = armature.animation_data.action
    assert (made.name, made.motus.prompt, made.frame_range[0]) == ("with a turned body",) * 2 + (own.frame_range[0],)
    assert own.name in bpy.data.actions
    after = heads(armature, 30)
    assert np.abs(after[0] - before[0]).max() < 1e-3, "the hips are where they were"
    assert np.abs(after - before).max() > 0.05, "nothing is edited"
