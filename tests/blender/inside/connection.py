"""Preferences and the connection: a server of one's own, keys, versions, and what new files begin with."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import bpy

from motion import protocol
from motion.protocol import wire
from tests.blender.inside.studio import PACKAGE, character, fingerprint, folder, given, part, refused, turn
from tests.blender.stranger import Stranger


def preferences() -> bpy.types.AddonPreferences:
    """The extension's."""
    return bpy.context.preferences.addons[PACKAGE].preferences


def told(running: object, words: str) -> None:
    """Wait until the panel, the connection and the status bar say something."""
    turn(lambda: words in running.error)
    assert words in running.desk.link.sentence
    running.step()
    assert running.status.words == f"Motus: {running.error}"


def test_a_server_of_ones_own_is_started_found_read_and_stopped() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    settings, running = preferences(), part("session").current()
    settings.address, settings.folder, settings.python = address, str(folder()), given["python"]
    assert bpy.ops.motus.server_start() == {"CANCELLED"}
    assert "is not Motus' folder" in running.error
    settings.folder = str(Path(__file__).parents[3])
    assert not bpy.ops.motus.server_stop.poll()
    assert bpy.ops.motus.server_start() == {"FINISHED"}
    assert running.server.state == "starting"
    try:
        turn(lambda: running.desk.welcome, seconds=120.0)
        assert (running.server.state, running.desk.link.address) == ("ready", address)
        assert running.desk.welcome.bundle == "base"
        assert bpy.ops.motus.server_log() == {"FINISHED"}
        assert f"ready {address}" in bpy.data.texts["Motus server log"].as_string()
    finally:
        bpy.ops.motus.server_stop()
        settings.folder = settings.python = ""
    assert running.server.state == "stopped"
    turn(lambda: running.desk.welcome is None)


def test_a_server_with_keys_lets_in_whoever_has_the_right_ones_and_others_are_told_why() -> None:
    character()
    before = fingerprint()
    running, settings = part("session").current(), preferences()
    settings.address = given["guarded"]
    assert bpy.ops.motus.connect() == {"FINISHED"}
    told(running, "lets in only clients with keys: choose your keys folder in preferences")
    assert "lets in only clients with keys" in refused(bpy.ops.motus.generate, prompt="a person walks")
    settings.keys = str(folder())
    assert bpy.ops.motus.connect() == {"CANCELLED"}
    assert "There are no keys in" in running.error
    assert fingerprint() == before
    settings.keys = str(folder() / "keys" / "hand-out" / "ann")
    try:
        assert bpy.ops.motus.connect() == {"FINISHED"}
        turn(lambda: running.desk.welcome)
        assert bpy.ops.motus.generate(prompt="a person walks", seconds=1.0) == {"FINISHED"}
    finally:
        settings.keys = ""


def test_a_server_of_another_version_is_told_with_both_versions() -> None:
    character()
    before = fingerprint()
    running, settings = part("session").current(), preferences()
    answer = protocol.pack(protocol.Error("", "bad_version", "this server speaks 2.0: update the add-on", False))
    answer[0] = wire.MAGIC + bytes((2, 0))
    with Stranger() as other:
        settings.address = other.address
        assert bpy.ops.motus.connect() == {"FINISHED"}
        turn(lambda: other.hear())
        other.say(answer)
        told(running, "2.0")
        assert "1.2" in running.error
        assert "2.0" in refused(bpy.ops.motus.generate, prompt="a person walks")
    assert fingerprint() == before


def test_no_server_is_told_to_who_asked_for_one_and_not_to_who_only_started_blender() -> None:
    running, settings = part("session").current(), preferences()
    settings.address = "tcp://127.0.0.1:9"
    bpy.ops.motus.connect()
    told(running, "No server answers at tcp://127.0.0.1:9: start one in the add-on's preferences")
    running.error = ""
    bpy.ops.motus.disconnect()
    running.step()
    assert running.status.words is None
    running.connect("tcp://127.0.0.1:9")
    running._begun = True
    turn(lambda: running.desk.link.troubled)
    running.step()
    assert not running.error


def test_new_files_begin_with_the_preferences_and_keep_what_they_are_given() -> None:
    settings = preferences()
    own = {"seconds": 7.5, "variations": 3, "nla": True, "root_on": "OBJECT"}
    before = {name: getattr(settings, name) for name in own}
    try:
        for name, value in own.items():
            setattr(settings, name, value)
        bpy.ops.wm.read_homefile(use_empty=True)
        scene = bpy.context.scene.motus
        assert (scene.seconds, scene.variations, scene.nla) == (7.5, 3, True)
        armature = character()
        assert part("defaults").root_on(armature) == "OBJECT"
        armature.motus.root_on = "PELVIS"
        scene.seconds = 2.5
        path = str(folder() / "given.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        bpy.ops.wm.open_mainfile(filepath=path)
        assert bpy.context.scene.motus.seconds == 2.5
        assert part("defaults").root_on(bpy.data.objects["Ann"]) == "PELVIS"
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


def test_nothing_of_the_extension_waits_for_a_server_that_is_not_there() -> None:
    running = part("session").current()
    running.connect("tcp://127.0.0.1:9")
    began, turns = time.monotonic(), 0
    while time.monotonic() - began < 0.5:
        running.step()
        turns += 1
    assert turns > 500, "a turn waits"
