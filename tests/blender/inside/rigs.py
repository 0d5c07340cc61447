"""Characters: bodies that are added, maps that are corrected and kept, takes that are used again on other rigs."""

from __future__ import annotations

import bpy
import numpy as np

from motion import smplx
from motion.skeleton import Skeleton
from tests.blender.inside.studio import activate, character, folder, heads, part, refused
from tests.motion import rigs


def mesh_of(armature: bpy.types.Object) -> np.ndarray:
    """The vertices of its body as they are now, (V, 3) of the world."""
    body = armature.children[0]
    evaluated = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    places = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", places.ravel())
    world = np.array(body.matrix_world, np.float32)
    evaluated.to_mesh_clear()
    return places @ world[:3, :3].T + world[:3, 3]


def test_a_character_for_who_has_none_stands_and_moves_with_its_body() -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 0.0)
    assert bpy.ops.motus.character() == {"FINISHED"}
    armature = bpy.context.scene.motus.armature
    at_rest = mesh_of(armature)
    assert abs(at_rest[:, 2].min()) < 0.03
    assert 1.6 < at_rest[:, 2].max() < 1.9
    assert np.abs(at_rest[:, :2].mean(axis=0) - (1.0, 2.0)).max() < 0.1
    bpy.ops.motus.generate(prompt="a person walks", seconds=2.0, seed=5)
    bpy.context.scene.frame_set(40)
    moved = mesh_of(armature)
    assert np.linalg.norm(moved.mean(axis=0) - at_rest.mean(axis=0)) > 0.5
    assert np.abs(moved - at_rest - (moved - at_rest).mean(axis=0)).max() > 0.1


def test_anny_comes_with_fingers_and_moves() -> None:
    assert bpy.ops.motus.anny() == {"FINISHED"}
    armature = bpy.context.scene.motus.armature
    assert len(armature.data.bones) == 104
    at_rest = mesh_of(armature)
    assert len(at_rest) == 13718
    assert 1.75 < np.ptp(at_rest[:, 2]) < 1.95
    bpy.ops.motus.generate(prompt="a person walks", seconds=2.0, seed=5)
    bpy.context.scene.frame_set(40)
    moved = mesh_of(armature)
    assert np.linalg.norm(moved.mean(axis=0) - at_rest.mean(axis=0)) > 0.5
    assert np.ptp(moved[:, 2]) > 1.5, "she has fallen over"


def smplx_file(joints: int = 55, **changes: np.ndarray | None) -> str:
    """A model file of the right layout, with a body of four vertices a joint."""
    skeleton = smplx.skeleton(joints)
    rest = skeleton.rest_positions()
    vertices = np.concatenate([rest + step for step in ((0.01, 0, 0), (-0.01, 0, 0), (0, 0.01, 0), (0, -0.01, 0))])
    regressor = np.tile(np.eye(joints, dtype=np.float32) / 4, (1, 4))
    arrays = {
        "v_template": vertices,
        "J_regressor": regressor,
        "weights": np.tile(np.eye(joints, dtype=np.float32), (4, 1)),
        "kintree_table": np.array([[2**32 - 1, *skeleton.parents[1:]], range(joints)], np.int64),
        "f": np.array([[joint, joint + joints, joint + 2 * joints] for joint in range(joints)]),
        **changes,
    }
    path = folder() / "SMPLX_NEUTRAL.npz"
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return str(path)


def test_a_users_own_smplx_becomes_a_character() -> None:
    assert bpy.ops.motus.smplx(filepath=smplx_file()) == {"FINISHED"}
    armature = bpy.context.scene.motus.armature
    assert len(armature.data.bones) == 55
    at_rest = mesh_of(armature)
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    bpy.context.scene.frame_set(20)
    assert np.linalg.norm(mesh_of(armature).mean(axis=0) - at_rest.mean(axis=0)) > 0.2


def test_files_that_are_no_smplx_are_refused_by_name() -> None:
    said = part("session").current()
    for changes, words in (
        ({"weights": None}, "lacks weights"),
        ({"kintree_table": np.zeros((2, 7), np.int64)}, "7 joints"),
        ("there is none.npz", "there is none.npz"),
        ("model.pkl", "only .npz"),
    ):
        path = str(folder() / changes) if isinstance(changes, str) else smplx_file(**changes)
        assert bpy.ops.motus.smplx(filepath=path) == {"CANCELLED"}
        assert words in said.error, said.error
    assert not bpy.data.objects


def test_any_humanoid_is_dressed_with_a_mannequin_that_moves_with_it() -> None:
    armature = character(rigs.mixamo().skeleton)
    assert bpy.ops.motus.mannequin() == {"FINISHED"}
    at_rest = mesh_of(armature)
    assert abs(at_rest[:, 2].min()) < 0.05
    bpy.context.scene.render.fps = 30
    bpy.ops.motus.generate(prompt="a person walks", seconds=2.0, seed=5)
    ankles = ("mixamorig:LeftFoot", "mixamorig:RightFoot")
    for frame in (10, 40):
        lowest = min(heads(armature, frame, ankles)[:, 2])
        assert -0.03 < lowest - mesh_of(armature)[:, 2].min() < 0.2, "the soles are not under the ankles"
    table = character(
        Skeleton("table", ("top", "leg"), (-1, 0), np.array([[0, 1, 0], [0, -1, 0]], np.float32)), "table"
    )
    bpy.context.scene.motus.armature = table
    assert bpy.ops.motus.mannequin() == {"CANCELLED"}
    assert "no joint for" in part("session").current().error


def test_a_map_is_found_corrected_kept_and_used_again() -> None:
    armature = character()
    assert bpy.ops.motus.map() == {"FINISHED"}
    lines = {line.name: line for line in armature.motus.bones}
    assert lines["left_wrist"].bone == "left_wrist"
    assert {line.how for line in lines.values()} == {"named"}
    lines["left_collar"].bone = ""
    bpy.ops.motus.map()
    lines = {line.name: line for line in armature.motus.bones}
    assert (lines["left_collar"].bone, lines["left_collar"].how) == ("", "given"), "the user's word stays"
    assert bpy.ops.motus.map_save(name="no left collar") == {"FINISHED"}
    other = character(name="Ben")
    bpy.context.scene.motus.armature = other
    assert bpy.ops.motus.map_load(name="no left collar") == {"FINISHED"}
    lines = {line.name: line for line in other.motus.bones}
    assert (lines["left_collar"].bone, lines["left_collar"].given) == ("", True)
    assert lines["left_wrist"].bone == "left_wrist"
    bpy.ops.motus.map_clear()
    assert not other.motus.bones
    assert bpy.ops.motus.map_save(name="../x") == {"CANCELLED"}


def test_a_kept_take_goes_onto_its_own_rig_again_and_onto_another_as_a_new_action() -> None:
    armature = character()
    bpy.context.scene.render.fps = 30
    bpy.ops.motus.generate(prompt="a person walks", seconds=2.0, seed=5)
    walk = armature.animation_data.action
    bpy.context.scene.frame_set(1)
    bpy.ops.motus.generate(prompt="a person bows", seconds=1.0, seed=50)
    bow = armature.animation_data.action
    assert bow != walk
    assert bpy.ops.motus.apply(action=walk.name) == {"FINISHED"}
    assert armature.animation_data.action == walk
    bpy.ops.motus.anny()
    anny = bpy.context.scene.motus.armature
    activate(anny)
    bpy.context.scene.frame_set(1)
    assert bpy.ops.motus.apply(action=walk.name) == {"FINISHED"}
    made = anny.animation_data.action
    assert made != walk
    assert made.motus.prompt == walk.motus.prompt
    legs = ("upperleg01.L", "upperleg01.R")
    way = heads(anny, 60, legs)[0] - heads(anny, 1, legs)[0]
    own = heads(armature, 60, ("left_hip",))[0] - heads(armature, 1, ("left_hip",))[0]
    assert np.dot(way[:2], own[:2]) / np.linalg.norm(way[:2]) / np.linalg.norm(own[:2]) > 0.99
    assert 0.9 < np.linalg.norm(way[:2]) / np.linalg.norm(own[:2]) < 1.3


def test_takes_are_compared_as_stick_figures_and_deleted() -> None:
    armature = character()
    bpy.context.scene.render.fps = 30
    bpy.ops.motus.generate(prompt="a person walks", seconds=2.0, seed=5)
    action = armature.animation_data.action
    ghosts = part("session").current().ghosts
    assert bpy.ops.motus.compare(action=action.name) == {"FINISHED"}
    lines = ghosts.shown[0].lines(31)
    assert lines.shape == (42, 3)
    joints = heads(armature, 31)
    assert np.abs(lines[1] - joints[1]).max() < 1e-3
    bpy.ops.motus.compare(action=action.name)
    assert not ghosts.shown
    assert bpy.ops.motus.delete(action=action.name) == {"FINISHED"}
    assert not bpy.data.actions
    assert bpy.ops.motus.delete(action="mine") == {"CANCELLED"}


def test_a_take_made_on_one_file_is_used_in_another_by_what_its_action_carries() -> None:
    character()
    bpy.ops.motus.generate(prompt="a person walks", seconds=1.0, seed=5)
    path = str(folder() / "kept.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(path) as (there, here):
        here.actions = list(there.actions)
    other = character(name="Ben")
    bpy.context.scene.motus.armature = other
    assert bpy.ops.motus.apply(action="a person walks") == {"FINISHED"}
    assert "no armature" not in refused(bpy.ops.motus.generate, prompt="")
