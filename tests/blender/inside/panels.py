"""The sidebar: every panel in every state, what is grey and why, what is told of server, work and takes."""

from __future__ import annotations

import bpy

from tests.blender.inside import layout
from tests.blender.inside.layout import draw, words
from tests.blender.inside.studio import PACKAGE, character, given, keys, last_take, part, press, turn

NEEDY = {
    "MOTUS_PT_generate": "motus.generate",
    "MOTUS_PT_timeline": "motus.timeline",
    "MOTUS_PT_between": "motus.between",
    "MOTUS_PT_continue": "motus.continue",
    "MOTUS_PT_edit": "motus.edit",
    "MOTUS_PT_describe": "motus.describe",
    "MOTUS_PT_live": "motus.live",
}
"""panels, and the button in each that needs a server"""


def test_every_panel_is_drawn_in_every_state_with_icons_and_properties_that_this_blender_has() -> None:
    def all_of_them() -> None:
        for name in layout.panels():
            assert draw(name) or name == "MOTUS_PT_take", name

    all_of_them()
    armature = character()
    bpy.ops.motus.map()
    scene = bpy.context.scene
    for frame in (1, 40):
        scene.frame_set(frame)
        bpy.ops.motus.segment_add()
        bpy.ops.motus.mark()
    scene.motus.variations = 2
    running = press(seconds=10.0, server="slow")
    turn(lambda: keys(armature) > 2)
    all_of_them()
    bpy.ops.motus.cancel()
    bpy.ops.motus.accept()
    bpy.ops.motus.compare(action=armature.animation_data.action.name)
    running.say("something went wrong")
    all_of_them()
    bpy.ops.motus.live()
    all_of_them()
    bpy.ops.motus.live_stop()


def test_what_cannot_be_done_is_grey_under_the_reason() -> None:
    character()
    running = part("session").current()
    for panel, button in NEEDY.items():
        drawn = draw(panel)
        assert "Not connected" in words(drawn), panel
        assert [one.enabled for one in drawn if one.name == button] == [False], panel
    running.connect(given["quick"])
    turn(lambda: running.desk.welcome)
    for panel, button in NEEDY.items():
        drawn = draw(panel)
        can = panel != "MOTUS_PT_edit"
        assert [one.enabled for one in drawn if one.name == button] == [can], panel
        assert ("has no editing; it can do text-to-motion, unconditional" in words(drawn)) == (not can), panel
    media = words(draw("MOTUS_PT_media"))
    for task in ("video-to-motion", "music-to-dance", "speech-to-gesture"):
        assert f"the bundle 'recorded' has no {task}" in media


def test_the_connection_tells_its_server_bundle_licence_and_what_that_can_do() -> None:
    running = part("session").current()
    assert [one.name for one in draw("MOTUS_PT_connect") if one.kind == "operator"] == ["motus.connect"]
    lights = [draw("MOTUS_PT_connect")[0].data["icon"]]
    running.connect(given["quick"])
    lights.append(draw("MOTUS_PT_connect")[0].data["icon"])
    turn(lambda: running.desk.welcome)
    lights.append(draw("MOTUS_PT_connect")[0].data["icon"])
    assert len(set(lights)) == 3, "the light does not change"
    told = words(draw("MOTUS_PT_connect"))
    welcome = running.desk.welcome
    for what in ("recorded 0.1.0", welcome.server, "Weights: CC0", "in-betweening", "motion-to-text", "streams"):
        assert what in told, (what, told)


def test_progress_and_the_time_left_are_told_with_ways_out() -> None:
    armature = character()
    press(seconds=20.0, server="slow", seed=bpy.app.version[0] * 10 + bpy.app.version[1])
    running = part("session").current()
    turn(lambda: keys(armature) > 10)
    drawn = draw("MOTUS_PT_take")
    bar = next(one for one in drawn if one.kind == "progress")
    assert 0 < bar.data["factor"] < 1
    assert bar.name.endswith(" s left"), bar.name
    rest_s = last_take().eta_s
    assert 0.2 < rest_s / (0.1 * 150 * (1 - last_take().progress)) < 5, rest_s
    assert {"motus.accept", "motus.reject", "motus.cancel"} <= {one.name for one in drawn if one.kind == "operator"}
    assert running.status.words.startswith("Motus: a person walks  ")
    bpy.ops.motus.cancel()
    bpy.ops.motus.reject()
    assert draw("MOTUS_PT_take") == []
    assert running.status.words is None


def test_a_sentence_far_from_what_was_learned_gets_a_hint_beside_its_take_and_no_error() -> None:
    armature = character()
    running = press("do a cartwheel", seconds=1.0)
    turn(lambda: last_take().ended and keys(armature) > 2)
    hint = "Far from what this bundle learned; nearest: a person walks, a person walks in an arc"
    assert hint in words(draw("MOTUS_PT_take"))
    assert not running.error
    assert bpy.ops.motus.accept() == {"FINISHED"}
    assert draw("MOTUS_PT_take") == []
    press("a person walks", seconds=1.0)
    turn(lambda: last_take().ended)
    assert "Far from" not in words(draw("MOTUS_PT_take"))
    bpy.ops.motus.reject()
    assert bpy.ops.motus.generate(prompt="do a cartwheel", seconds=1.0) == {"FINISHED"}, "a script gets its clip"


def test_the_library_tells_sentence_seed_and_time_of_each_take() -> None:
    character()
    assert "kept here" in words(draw("MOTUS_PT_library"))
    bpy.ops.motus.generate(prompt="a person wäves", seconds=1.0, seed=77)
    bpy.data.actions.new("of the user's own")
    bpy.context.scene.motus.take = bpy.data.actions.find("a person wäves")
    drawn = draw("MOTUS_PT_library")
    note = bpy.data.actions["a person wäves"].motus
    for what in ("“a person wäves”", "Seed 77", note.made, "recorded 0.1.0 (CC0)"):
        assert what in words(drawn), what
    assert [one.data["given"].action for one in drawn if one.kind == "operator"] == ["a person wäves"] * 3
    assert len([one for one in drawn if one.kind == "prop"]) == 1, "actions that are no takes are listed"


def test_the_preferences_are_drawn_with_the_server_of_ones_own() -> None:
    page = layout.Layout()
    settings = bpy.context.preferences.addons[PACKAGE].preferences
    type(settings).draw(layout.stand_in(type(settings), page, settings), bpy.context)
    names = {one.name for one in page.drawn}
    assert {"address", "keys", "folder", "python", "rate", "motus.server_start", "motus.server_log"} <= names
    assert "Stopped" in words(page.drawn)
