"""Other people's rigs: how far the bones are from the frames, and whether the limbs point where the frames' do."""

from __future__ import annotations

from pathlib import Path

import addon_utils
import bpy
import numpy as np

from motion.skeleton import Skeleton
from tests.blender.inside.studio import (
    Skipped,
    activate,
    character,
    error_mm,
    given,
    heads,
    last_take,
    limb_error_deg,
    part,
    refused,
    streamed,
)
from tests.motion import rigs

FRAMES = (0, 13, 29, 44, 59)


def generate(seconds: float = 2.0, **more: object) -> None:
    bpy.context.scene.render.fps = 30
    bpy.context.scene.frame_set(1)
    assert bpy.ops.motus.generate(prompt="a person walks", seconds=seconds, seed=5, **more) == {"FINISHED"}


def judge(armature: bpy.types.Object, roles: dict[str, str], turned: float = 0.0, worst: float = 3.0) -> None:
    """The bones are where the frames on the rig say, within 1 mm, and limbs point as the streamed ones do."""
    assert error_mm(armature, FRAMES) < 1.0
    angles = limb_error_deg(armature, roles, FRAMES, turned)
    assert max(angles.values()) < worst, angles


def test_every_makers_rig_is_found_by_its_names_and_moves_as_the_frames_say() -> None:
    for name, rig in rigs.all_rigs().items():
        armature = character(rig.skeleton, name)
        bpy.context.scene.motus.armature = armature
        generate(1.0)
        error = error_mm(armature, FRAMES[:3])
        assert error < 1.0, (name, error)
        angles = limb_error_deg(armature, rig.roles, FRAMES[:3])
        assert max(angles.values()) < 3.0, (name, angles)


def test_a_mixamo_rig_as_its_files_are_imported_in_centimetres_and_lying_on_its_back() -> None:
    rig = rigs.mixamo()
    big = Skeleton("mixamo", rig.skeleton.joints, rig.skeleton.parents, rig.skeleton.offsets * np.float32(100))
    upright = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], np.float32)  # a quarter turn about X
    armature = character(big, "Armature")
    # In such files the armature's own axes have Y up; the object stands it up and makes metres of centimetres.
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.transform(np.linalg.inv(upright).T)
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.matrix_world = (upright @ np.diag([0.01, 0.01, 0.01, 1]).astype(np.float32)).T
    bpy.context.view_layer.update()
    generate()
    judge(armature, rig.roles)
    assert 0.8 < heads(armature, 1, ("mixamorig:Hips",))[0][2] < 1.1, "metres of the world"


def test_a_rig_that_is_turned_moved_and_scaled_walks_where_it_faces() -> None:
    rig = rigs.mixamo("")
    turned = 0.7
    c, s = np.cos(turned), np.sin(turned)
    matrix = np.array(
        [[1.3 * c, -1.3 * s, 0, 2], [1.3 * s, 1.3 * c, 0, -1], [0, 0, 1.3, 0.25], [0, 0, 0, 1]], np.float32
    )
    armature = character(rig.skeleton, "Ann", matrix)
    generate()
    judge(armature, rig.roles, turned)
    way = heads(armature, 60, ("Hips",))[0] - heads(armature, 1, ("Hips",))[0]
    there = streamed(last_take())[:, 0]
    straight = there[59] - there[0]
    assert np.allclose(heads(armature, 1, ("Hips",))[0][:2], (2, -1), atol=0.05)
    ahead = np.array([c * straight[0] - s * straight[1], s * straight[0] + c * straight[1]])
    assert way[:2] @ ahead / np.linalg.norm(way[:2]) / np.linalg.norm(ahead) > 0.999


def test_rigifys_human_meta_rig() -> None:
    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    armature = bpy.context.object
    bpy.ops.object.mode_set(mode="OBJECT")
    generate()
    sides = {"left": "L", "right": "R"}
    parts = {
        "hip": "thigh",
        "knee": "shin",
        "ankle": "foot",
        "shoulder": "upper_arm",
        "elbow": "forearm",
        "wrist": "hand",
    }
    roles = {f"{side}_{role}": f"{bone}.{end}" for side, end in sides.items() for role, bone in parts.items()}
    judge(armature, roles)
    curves = part("armature.curves").curves(part("armature.curves").assigned(armature))
    keyed = {curve.data_path for curve in curves}
    assert not [path for path in keyed if "lip" in path or "f_index" in path or "heel" in path], "left alone"


def test_a_rig_that_rigify_generated_is_refused_with_what_to_do() -> None:
    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    meta = bpy.context.object
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.pose.rigify_generate()
    made = next(one for one in bpy.data.objects if one.type == "ARMATURE" and one != meta)
    assert "Use its meta-rig" in refused(bpy.ops.motus.generate, prompt="a person walks", armature=made.name)


def test_bones_that_constraints_hold_are_named() -> None:
    rig = rigs.mixamo("")
    armature = character(rig.skeleton)
    target = bpy.data.objects.new("Target", None)
    bpy.context.collection.objects.link(target)
    bone = armature.pose.bones["LeftArm"]
    bone.constraints.new("COPY_ROTATION").target = target
    generate(1.0)
    assert "1 bones are held by constraints and may not move (LeftArm)" in part("session").current().error
    bone.constraints[0].mute = True
    part("session").current().error = ""
    generate(1.0)
    assert not part("session").current().error


def knight() -> bpy.types.Object:
    """KayKit's Knight, as Blender imports it."""
    file = Path(given["mocap"]) / "cc0" / "Knight.glb"
    if not file.exists():
        raise Skipped("needs Knight.glb of the mocap folder; set MOTUS_MOCAP to it")
    bpy.ops.import_scene.gltf(filepath=str(file))
    armature = next(one for one in bpy.data.objects if one.type == "ARMATURE" and "upperleg.l" in one.data.bones)
    bpy.context.scene.motus.armature = armature
    return armature


def test_kaykits_knight() -> None:
    armature = knight()
    own = armature.animation_data.action
    generate()
    sides = {"left": "l", "right": "r"}
    parts = {
        "hip": "upperleg", "knee": "lowerleg", "ankle": "foot", "shoulder": "upperarm", "elbow": "lowerarm",
        "wrist": "wrist",
    }  # fmt: skip
    roles = {f"{side}_{role}": f"{bone}.{end}" for side, end in sides.items() for role, bone in parts.items()}
    judge(armature, roles)
    assert own.name in bpy.data.actions
    assert own.use_fake_user


def test_root_motion_on_the_object_moves_the_object_and_the_body_stays_over_it() -> None:
    rig = rigs.unreal()
    armature = character(rig.skeleton, "Manny")
    armature.motus.root_on = "OBJECT"
    armature.rotation_mode = "XYZ"
    generate()
    judge(armature, rig.roles)
    scene = bpy.context.scene
    places = []
    for frame in (1, 30, 60):
        scene.frame_set(frame)
        pelvis = armature.pose.bones["pelvis"]
        places.append(np.array(armature.location))
        assert np.abs(np.array(pelvis.head)[:2]).max() < 0.12, "the body is left behind"
    assert np.linalg.norm(places[2] - places[0]) > 1.0
    assert abs(armature.rotation_euler.z) > 0.3, "the walk turns, and so does the object"
    assert max(abs(place[2] - places[0][2]) for place in places) < 1e-4, "the object stays on the ground"


def test_root_motion_on_the_top_bone_of_a_child_of_a_turned_parent() -> None:
    rig = rigs.unreal()
    armature = character(rig.skeleton, "Manny")
    parent = bpy.data.objects.new("Carriage", None)
    bpy.context.collection.objects.link(parent)
    parent.location, parent.rotation_euler = (3.0, 1.0, 0.0), (0.0, 0.0, 1.1)
    bpy.context.view_layer.update()
    for root_on in ("TOP", "OBJECT"):
        armature.parent = parent
        bpy.context.view_layer.update()
        armature.motus.root_on = root_on
        generate()
        judge(armature, rig.roles, 1.1)
        if root_on == "TOP":
            travelled = heads(armature, 60, ("root",)) - heads(armature, 1, ("root",))
            assert np.linalg.norm(travelled[0][:2]) > 1.0
            assert abs(travelled[0][2]) < 1e-3
        armature.animation_data_clear()


def test_every_rotation_mode_gives_the_same_pose_and_values_without_jumps() -> None:
    rig = rigs.mixamo("")
    armature = character(rig.skeleton)
    wanted = None
    for mode in ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE"):
        armature.animation_data_clear()
        for bone in armature.pose.bones:
            bone.matrix_basis.identity()
            bone.rotation_mode = mode
        generate()
        assert error_mm(armature, FRAMES) < 1.0, mode
        places = heads(armature, 45, rig.skeleton.joints)
        wanted = places if wanted is None else wanted
        assert np.abs(places - wanted).max() < 1e-3, mode
        for curve in part("armature.curves").curves(part("armature.curves").assigned(armature)):
            if mode == "AXIS_ANGLE" and curve.array_index:
                continue  # where little is turned the axis swings freely
            values = np.array([key.co[1] for key in curve.keyframe_points])
            assert np.abs(np.diff(values)).max() < 0.7, (mode, curve.data_path)


def test_locked_channels_keep_what_they_have_and_get_no_keys() -> None:
    rig = rigs.mixamo("")
    armature = character(rig.skeleton)
    bones = armature.pose.bones
    bones["LeftUpLeg"].lock_rotation = (True, True, True)
    bones["RightUpLeg"].rotation_mode = "XYZ"
    bones["RightUpLeg"].lock_rotation[1] = True
    bones["RightUpLeg"].rotation_euler[1] = 0.25
    bones["RightLeg"].lock_rotation[0] = True
    bones["Hips"].lock_location[1] = True
    bones["Hips"].location[1] = 0.125
    generate()
    keyed = {
        (one.data_path, one.array_index)
        for one in part("armature.curves").curves(part("armature.curves").assigned(armature))
    }
    assert not [path for path, _ in keyed if "LeftUpLeg" in path and "rotation" in path]
    assert ('pose.bones["RightUpLeg"].rotation_euler', 1) not in keyed
    assert ('pose.bones["RightUpLeg"].rotation_euler', 0) in keyed
    assert ('pose.bones["Hips"].location', 1) not in keyed
    for frame in (1, 30, 60):
        bpy.context.scene.frame_set(frame)
        assert abs(bones["RightUpLeg"].rotation_euler[1] - 0.25) < 1e-6
        assert abs(bones["Hips"].location[1] - 0.125) < 1e-6
        assert abs(bones["RightLeg"].matrix_basis.to_euler("XYZ").x) < 1e-4
        assert np.allclose(bones["LeftUpLeg"].rotation_quaternion, (1, 0, 0, 0))


def test_bones_that_do_not_inherit_rotation_or_count_location_otherwise_still_arrive() -> None:
    rig = rigs.unreal()
    armature = character(rig.skeleton)
    for name in ("head", "upperarm_l", "calf_r"):
        armature.data.bones[name].use_inherit_rotation = False
    armature.data.bones["pelvis"].use_local_location = False
    bpy.context.view_layer.update()
    generate()
    judge(armature, rig.roles)


def test_a_pelvis_that_hangs_on_its_parent_is_carried_by_the_parent() -> None:
    rig = rigs.unreal()
    armature = character(rig.skeleton)
    bpy.ops.object.mode_set(mode="EDIT")
    root = armature.data.edit_bones["root"]
    root.tail = armature.data.edit_bones["pelvis"].head
    armature.data.edit_bones["pelvis"].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    generate()
    judge(armature, rig.roles)


def test_the_pose_the_armature_is_in_stands_in_for_a_rest_that_is_none() -> None:
    rig = rigs.mixamo("")
    armature = character(rig.skeleton)
    bones = armature.pose.bones
    upright = heads(armature, 1, rig.skeleton.joints)
    bpy.ops.object.mode_set(mode="POSE")
    for name, turn in (("LeftUpLeg", 1.6), ("RightUpLeg", 1.6), ("LeftArm", 1.2), ("Spine", 0.5)):
        bones[name].rotation_quaternion = (np.cos(turn / 2), np.sin(turn / 2), 0, 0)
    bpy.ops.pose.armature_apply()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert np.abs(heads(armature, 1, rig.skeleton.joints) - upright).max() > 0.3, "the rest is a seat now"
    assert "no stance" in refused(bpy.ops.motus.generate, prompt="a person walks")
    for name, turn in (("LeftUpLeg", -1.6), ("RightUpLeg", -1.6), ("LeftArm", -1.2), ("Spine", -0.5)):
        bones[name].rotation_quaternion = (np.cos(turn / 2), np.sin(turn / 2), 0, 0)
    bpy.context.view_layer.update()
    armature.motus.stance = "POSE"
    generate()
    judge(armature, rig.roles)


def test_bones_without_telling_names_are_moved_by_the_users_map() -> None:
    rig = rigs.mixamo("")
    joints = tuple(f"b{index:02d}" for index in range(len(rig.skeleton)))
    named = dict(zip(rig.skeleton.joints, joints, strict=True))
    armature = character(Skeleton("odd", joints, rig.skeleton.parents, rig.skeleton.offsets))
    assert bpy.ops.motus.map() == {"FINISHED"}
    assert {line.how for line in armature.motus.bones if line.bone} == {"guessed"}
    for line in armature.motus.bones:
        if line.name in rig.roles:
            line.bone = named[rig.roles[line.name]]
    generate()
    judge(armature, {role: named[joint] for role, joint in rig.roles.items()})


def test_a_body_is_found_beside_a_larger_tree_that_is_none() -> None:
    rig = rigs.smpl()
    armature = character(rig.skeleton)
    bpy.ops.object.mode_set(mode="EDIT")
    above = None
    for index in range(len(rig.skeleton) + 5):
        bone = armature.data.edit_bones.new(f"chain.{index:02d}")
        bone.head, bone.tail, bone.parent = (3, 0, index * 0.05), (3, 0, index * 0.05 + 0.05), above
        above = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    generate(1.0)
    assert error_mm(armature, FRAMES[:3]) < 1.0


def test_what_is_no_humanoid_is_told_what_was_looked_for() -> None:
    table = Skeleton(
        "table", ("top", "leg.1", "leg.2", "leg.3", "leg.4"), (-1, 0, 0, 0, 0),
        np.array([[0, 1, 0], [1, -1, 1], [-1, -1, 1], [1, -1, -1], [-1, -1, -1]], np.float32),
    )  # fmt: skip
    character(table, "table")
    told = refused(bpy.ops.motus.generate, prompt="a person walks")
    assert "'table' has no joint for" in told
    assert "looked for" in told
    empty = bpy.data.objects.new("empty", bpy.data.armatures.new("empty"))
    bpy.context.collection.objects.link(empty)
    assert "has no bones" in refused(bpy.ops.motus.generate, prompt="a person walks", armature="empty")


def test_an_armature_in_edit_mode_or_mirrored_is_refused() -> None:
    armature = character()
    bpy.ops.object.mode_set(mode="EDIT")
    assert "Edit Mode" in refused(bpy.ops.motus.generate, prompt="a person walks")
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.scale.x = -1
    bpy.context.view_layer.update()
    assert "mirrored" in refused(bpy.ops.motus.generate, prompt="a person walks")
    for scale, words in (((1, 1, 1.5), "more one way than another"), ((0, 0, 0), "scaled to nothing")):
        armature.scale = scale
        bpy.context.view_layer.update()
        assert words in refused(bpy.ops.motus.generate, prompt="a person walks")


def test_a_character_is_found_by_its_selected_body() -> None:
    bpy.ops.motus.character()
    first = bpy.context.scene.motus.armature
    other = character(name="Ben")
    bpy.context.scene.motus.armature = None
    activate(first.children[0])
    generate(1.0)
    assert first.animation_data.action
    assert not other.animation_data
    for one in bpy.context.view_layer.objects:
        one.select_set(False)
    bpy.context.view_layer.objects.active = None
    assert "Which of the 2 armatures" in refused(bpy.ops.motus.generate, prompt="a person walks")
