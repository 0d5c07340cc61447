"""Scripts: `bpy.ops.motus.generate` blocks and puts the clip on the armature."""

from __future__ import annotations

import bpy
import numpy as np

from tests.blender.inside.studio import character, given, heads, last_take, refused, streamed


def test_a_script_gets_a_clip_whose_joints_stand_where_the_frames_say_within_1_mm() -> None:
    armature = character()
    bpy.context.scene.render.fps = 30
    assert bpy.ops.motus.generate(prompt="a person walks", seconds=3.0, seed=5) == {"FINISHED"}
    expected = streamed(last_take())
    assert len(expected) == 90
    for frame in (0, 1, 44, 89):
        error = np.linalg.norm(heads(armature, frame + 1) - expected[frame], axis=-1)
        assert error.max() < 1e-3, (frame, error.max())
    assert np.linalg.norm(expected[89] - expected[0], axis=-1).min() > 0.5


def test_the_clip_is_an_action_named_after_the_prompt_that_says_where_it_came_from() -> None:
    armature = character()
    bpy.ops.motus.generate(prompt="a person wäves ☂", seconds=1.0, seed=7)
    action = armature.animation_data.action
    assert action.name == "a person wäves ☂"
    note = action.motus
    assert (note.prompt, note.seed, note.bundle) == ("a person wäves ☂", "7", "recorded 0.1.0")
    assert abs(note.seconds - 1.0) < 0.01


def test_the_same_seed_gives_the_same_animation() -> None:
    armature = character()
    places = []
    for seed in (3, 3, 4):
        bpy.context.scene.frame_set(1)
        bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=seed)
        places.append(heads(armature, 20))
    assert np.array_equal(places[0], places[1])
    assert np.abs(places[0] - places[2]).max() > 0.01


def test_what_cannot_be_done_is_said_in_one_sentence_and_changes_nothing() -> None:
    assert "no armature" in refused(bpy.ops.motus.generate, prompt="a person walks")
    armature = character()
    assert "prompt is empty" in refused(bpy.ops.motus.generate, prompt="   ")
    assert "0.5 to 60 seconds" in refused(bpy.ops.motus.generate, prompt="a person walks", seconds=100.0)
    assert "no armature 'nobody'" in refused(bpy.ops.motus.generate, prompt="a person walks", armature="nobody")
    assert armature.animation_data is None
    assert not bpy.data.actions


def test_without_a_server_a_script_is_told_how_to_start_one() -> None:
    character()
    told = refused(bpy.ops.motus.generate, prompt="a person walks", address="tcp://127.0.0.1:9")
    assert "No server answers at tcp://127.0.0.1:9" in told
    assert given["quick"] not in told
