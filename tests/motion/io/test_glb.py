"""GLB files, read back by other people's code: the joints move, and the skin with them."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
import trimesh

from motion import quat
from motion.bodies import body, mannequin
from motion.clip import Clip, cut, positions
from motion.errors import BadClip, BadFile
from motion.io import bvh, glb, gltf, gltf_body, gltf_graft
from motion.skeleton import SMPLX22, Skeleton, fk
from tests import mocap
from tests.motion.io import validator

WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}
DTYPES = {5126: np.float32, 5125: np.uint32, 5123: np.uint16, 5121: np.uint8}


def moving(skeleton: Skeleton = SMPLX22, frames: int = 40, offsets: bool = False) -> Clip:
    """Every joint swings on its own beat while the root wanders."""
    rng = np.random.default_rng(3)
    time = np.arange(frames)[:, None, None] / 30
    angles = np.sin(time * rng.uniform(2, 9, (1, len(skeleton), 3)) + rng.uniform(0, 6, (1, len(skeleton), 3)))
    rotations = quat.from_euler(angles.astype(np.float32), "zyx")
    root = np.stack([np.sin(time[:, 0, 0]), 1 + 0 * time[:, 0, 0], time[:, 0, 0]], axis=-1).astype(np.float32)
    moved = None
    if offsets:
        moved = (skeleton.offsets * (1 + 0.2 * np.sin(time * 5))).astype(np.float32)
    contacts = (rng.random((frames, 4)) > 0.5).astype(np.float32)
    return Clip(skeleton, 30, rotations, root, contacts, "a person swings", moved)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "clip.glb"


def load(path: Path) -> Any:  # its fields are all optional by type, and these files have them
    document = pygltflib.GLTF2().load(str(path))
    assert document is not None
    return document


def values(document: Any, accessor: int) -> np.ndarray:
    told = document.accessors[accessor]
    view = document.bufferViews[told.bufferView]
    width = WIDTHS[told.type]
    blob = document.binary_blob()
    assert blob is not None
    return np.frombuffer(blob, DTYPES[told.componentType], told.count * width, view.byteOffset).reshape(-1, width)


def matrices(document: Any) -> np.ndarray:
    """World matrices (T, nodes, 4, 4) of all keys, as a viewer would make them: node by node, from the animation."""
    animation = document.animations[0]
    frames = document.accessors[animation.samplers[0].input].count
    parts: dict[tuple[int, str], np.ndarray] = {}
    for channel in animation.channels:
        keys = values(document, animation.samplers[channel.sampler].output)
        parts[channel.target.node, channel.target.path] = keys
    world = np.tile(np.eye(4), (frames, len(document.nodes), 1, 1))

    def visit(node: int, above: np.ndarray) -> None:
        told = document.nodes[node]
        turns: Any = parts.get((node, "rotation"), [told.rotation or [0, 0, 0, 1]])
        x, y, z, w = np.moveaxis(np.asarray(turns, np.float64), -1, 0)
        local = np.zeros((frames, 4, 4))
        local[:, 0, 0], local[:, 0, 1], local[:, 0, 2] = (
            1 - 2 * (y * y + z * z),
            2 * (x * y - w * z),
            2 * (x * z + w * y),
        )
        local[:, 1, 0], local[:, 1, 1], local[:, 1, 2] = (
            2 * (x * y + w * z),
            1 - 2 * (x * x + z * z),
            2 * (y * z - w * x),
        )
        local[:, 2, 0], local[:, 2, 1], local[:, 2, 2] = (
            2 * (x * z - w * y),
            2 * (y * z + w * x),
            1 - 2 * (x * x + y * y),
        )
        local[:, :3, 3] = parts.get((node, "translation"), told.translation or [0, 0, 0])
        local[:, 3, 3] = 1
        world[:, node] = above @ local
        for child in told.children or []:
            visit(child, world[:, node])

    for node in document.scenes[document.scene].nodes:
        visit(node, np.tile(np.eye(4), (frames, 1, 1)))
    return world


@pytest.mark.parametrize("offsets", [False, True])
def test_the_joints_stand_where_the_clip_has_them_within_1_mm(path: Path, offsets: bool) -> None:
    clip = moving(offsets=offsets)
    glb.write(clip, path)
    document = load(path)
    world = matrices(document)[:, document.skins[0].joints]
    np.testing.assert_allclose(world[..., :3, 3], positions(clip), atol=1e-3)
    assert [document.nodes[joint].name for joint in document.skins[0].joints] == list(SMPLX22.joints)


def test_the_skin_moves_as_the_body_does_within_1_mm(path: Path) -> None:
    clip = moving()
    glb.write(clip, path)
    document = load(path)
    skin = document.skins[0]
    inverse = values(document, skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
    joints = matrices(document)[:, skin.joints] @ inverse
    told = document.meshes[0].primitives[0].attributes
    points = values(document, told.POSITION)
    points = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    weights, which = values(document, told.WEIGHTS_0), values(document, told.JOINTS_0)
    worn = mannequin.dress(SMPLX22)
    places, turns = fk(SMPLX22, clip.rotations, clip.root)
    for frame in (0, 17, 39):
        skinned = np.einsum("vk,vkab,vb->va", weights, joints[frame][which], points)[:, :3]
        np.testing.assert_allclose(skinned, body.pose(worn, places[frame], turns[frame])[0], atol=1e-3)


def test_times_names_and_paints_are_the_clips(path: Path) -> None:
    glb.write(moving(), path)
    document = load(path)
    assert [animation.name for animation in document.animations] == ["a person swings"]
    times = values(document, document.animations[0].samplers[0].input)[:, 0]
    np.testing.assert_allclose(times, np.arange(40) / 30, atol=1e-6)
    assert {sampler.interpolation for sampler in document.animations[0].samplers} == {"LINEAR"}
    assert {"left", "right", "face"} <= {material.name for material in document.materials}


def test_accessors_state_their_true_bounds_and_are_aligned(path: Path) -> None:
    glb.write(moving(), path)
    document = load(path)
    bounded = [i for i, accessor in enumerate(document.accessors) if accessor.min]
    assert len(bounded) == 2  # positions and times, where the format asks for them
    for i in bounded:
        np.testing.assert_array_equal(np.float32(document.accessors[i].min), values(document, i).min(axis=0))
        np.testing.assert_array_equal(np.float32(document.accessors[i].max), values(document, i).max(axis=0))
    assert all(view.byteOffset % 4 == 0 for view in document.bufferViews)
    size = path.stat().st_size
    assert size % 4 == 0
    assert struct.unpack("<III", path.read_bytes()[:12]) == (0x46546C67, 2, size)


def test_neighbouring_keys_lie_in_one_hemisphere(path: Path) -> None:
    clip = moving()
    clip.rotations[::2] *= -1  # the same rotations
    glb.write(clip, path)
    document = load(path)
    for channel in document.animations[0].channels:
        if channel.target.path == "rotation":
            keys = values(document, document.animations[0].samplers[channel.sampler].output)
            assert ((keys[1:] * keys[:-1]).sum(axis=1) > 0).all()


def test_trimesh_sees_a_person_of_the_right_size(path: Path) -> None:
    glb.write(moving(), path)
    scene = trimesh.load_scene(io.BytesIO(path.read_bytes()), file_type="glb")
    low, high = scene.bounds  # of the bind pose, arms out
    np.testing.assert_allclose(high - low, [1.79, 1.78, 0.35], atol=0.02)


@pytest.mark.parametrize("offsets", [False, True])
def test_a_file_reads_back_as_the_same_clip(path: Path, offsets: bool) -> None:
    clip = moving(offsets=offsets)
    glb.write(clip, path)
    back = glb.read(path)
    assert (back.name, back.fps, back.skeleton.joints) == (clip.name, clip.fps, clip.skeleton.joints)
    assert back.skeleton.parents == clip.skeleton.parents
    assert (back.offsets is None) != offsets
    np.testing.assert_allclose(positions(back), positions(clip), atol=1e-5)
    np.testing.assert_array_equal(back.contacts, clip.contacts)


def test_a_single_frame_of_any_skeleton_is_a_file_too(path: Path) -> None:
    crane = Skeleton("crane", ("base", "boom"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    clip = Clip(crane, 30, np.tile(np.array([1, 0, 0, 0], np.float32), (1, 2, 1)), np.zeros((1, 3), np.float32))
    glb.write(clip, path)
    assert len(glb.read(path)) == 1
    np.testing.assert_allclose(matrices(load(path))[0, 3, :3, 3], [0, 1, 0], atol=1e-6)


def test_a_body_of_another_skeleton_is_refused(path: Path) -> None:
    crane = Skeleton("crane", ("base", "boom"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    with pytest.raises(BadClip, match="bound to 'crane', but the clip moves 'smplx22'"):
        glb.write(moving(), path, mannequin.dress(crane))


@pytest.mark.parametrize(
    ("cut", "words"), [(8, "no binary glTF"), (200, "inside its first chunk"), (-400, "inside its binary chunk")]
)
def test_a_truncated_file_is_named_and_refused(path: Path, cut: int, words: str) -> None:
    glb.write(moving(), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadFile, match=words) as caught:
        glb.read(path)
    assert str(path) in str(caught.value)


def test_a_glb_of_another_program_is_refused_with_a_hint(path: Path) -> None:
    box = trimesh.creation.box().export(file_type="glb")
    assert isinstance(box, bytes)
    path.write_bytes(box)
    with pytest.raises(BadFile, match="export the motion as BVH"):
        glb.read(path)


def test_json_with_the_buffer_inside_it_reads_back_as_the_same_clip(tmp_path: Path) -> None:
    clip = moving(offsets=True)
    glb.write(clip, tmp_path / "clip.gltf")
    assert (tmp_path / "clip.gltf").read_bytes().startswith(b"{")
    np.testing.assert_allclose(positions(glb.read(tmp_path / "clip.gltf")), positions(clip), atol=1e-5)


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_the_validator_of_khronos_has_nothing_to_say(tmp_path: Path, suffix: str) -> None:
    crane = Skeleton("crane", ("base", "boom"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    for i, clip in enumerate((moving(), moving(offsets=True), moving(crane), cut(moving(), 0, 1))):
        glb.write(clip, tmp_path / f"{i}{suffix}")
        assert validator.issues(tmp_path / f"{i}{suffix}") == []


def _character(name: str) -> Path:
    return mocap.MOCAP / "cc0" / name


@pytest.mark.parametrize(
    ("character", "take", "recorded"),
    [
        ("mannequin.glb", "Backflip", "mesh2motion/backflip.bvh"),
        ("mannequin.glb", "Crawl RM", "mesh2motion/crawl-RM.bvh"),
        ("Knight.glb", "Walking_A", "kaykit/exact/Walking_A.bvh"),
        ("Knight.glb", "Lie_Down", "kaykit/exact/Lie_Down.bvh"),
    ],
)
@mocap.needed
def test_an_animation_of_another_maker_is_the_one_in_his_bvh(
    character: str, take: str, recorded: str, cache: Path
) -> None:
    """The BVHs were made by other people's code, from the source scene or from the GLB's keys."""
    ours, theirs = glb.read(_character(character), take), bvh.read(mocap.find("cc0/clips.tar.xz", recorded, cache))
    assert (ours.name, ours.fps, len(ours)) == (take, theirs.fps, len(theirs))
    shared = [joint for joint in theirs.skeleton.joints if joint in ours.skeleton.joints]
    assert len(shared) >= 20
    a, b = (positions(clip)[:, [clip.skeleton.index(joint) for joint in shared]] for clip in (ours, theirs))
    np.testing.assert_allclose(a, b, atol=1e-4)


@mocap.needed
def test_takes_are_named_and_a_wrong_name_lists_them() -> None:
    names = glb.takes(_character("mannequin.glb"))
    assert len(names) == 34
    assert names[0] == "Angry"
    with pytest.raises(BadFile, match="there is no animation 'angry' in it; there are Angry, Backflip"):
        glb.read(_character("mannequin.glb"), "angry")


@mocap.needed
def test_a_character_without_an_animation_is_one_frame_of_its_rest() -> None:
    clip = glb.read(_character("human-kenney.glb"))
    assert len(clip) == 1
    np.testing.assert_allclose(positions(clip)[0], clip.skeleton.rest_positions(), atol=1e-5)


@pytest.mark.parametrize(
    ("character", "height"), [("mannequin.glb", 1.83), ("Knight.glb", 2.31), ("human-kenney.glb", 3.76)]
)
@mocap.needed
def test_a_mesh_is_read_at_its_height_and_stands_over_its_joints(character: str, height: float) -> None:
    worn = gltf_body.read(_character(character))
    clip = glb.read(_character(character))
    assert worn.skeleton.joints == clip.skeleton.joints
    assert np.ptp(worn.vertices[:, 1]) == pytest.approx(height, abs=0.01)
    np.testing.assert_allclose(worn.weights.sum(axis=1), 1, atol=1e-5)
    strongest = worn.bind_positions[worn.joints[:, 0]]
    assert np.linalg.norm(worn.vertices - strongest, axis=1).max() < 0.5 * height
    hands = ("hand_l", "hand_r", "hand.l", "hand.r", "LeftHand", "RightHand")
    wrists = [i for i, joint in enumerate(clip.skeleton.joints) if joint in hands]
    near = np.linalg.norm(worn.vertices[:, None] - worn.bind_positions[None, wrists], axis=-1).min(axis=0)
    assert near.max() < 0.06 * height, "the hands' joints lie in the skin"


@mocap.needed
def test_a_mesh_that_is_written_again_moves_as_it_did(tmp_path: Path) -> None:
    clip, worn = glb.read(_character("Knight.glb"), "Throw"), gltf_body.read(_character("Knight.glb"))
    glb.write(clip, tmp_path / "knight.glb", worn)
    back, again = glb.read(tmp_path / "knight.glb"), gltf_body.read(tmp_path / "knight.glb")
    for frame in (0, 20, 41):
        a, b = (
            body.pose(skin, *(array[frame] for array in fk(c.skeleton, c.rotations, c.root, c.offsets)))[0]
            for c, skin in ((clip, worn), (back, again))
        )
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("character", ["mannequin.glb", "Knight.glb", "human-kenney.glb"])
@mocap.needed
def test_a_character_keeps_its_looks_and_takes_another_motion(tmp_path: Path, character: str) -> None:
    rest = glb.read(_character(character))
    swinging = moving(rest.skeleton, frames=20)
    for suffix in (".glb", ".gltf"):
        path = tmp_path / f"swinging{suffix}"
        gltf_graft.write(swinging, _character(character), path)
        back = glb.read(path)
        assert (back.name, back.fps, len(back)) == ("a person swings", 30, 20)
        assert glb.takes(path) == ["a person swings"]
        np.testing.assert_allclose(positions(back), positions(swinging), atol=1e-4)
        np.testing.assert_array_equal(gltf_body.read(path).vertices, gltf_body.read(_character(character)).vertices)
    theirs, ours = (gltf.load(path).json for path in (_character(character), tmp_path / "swinging.glb"))
    for part in ("images", "meshes", "materials", "textures"):
        assert len(ours[part]) == len(theirs[part])
    assert [node["name"] for node in ours["nodes"]] == [node["name"] for node in theirs["nodes"]]


@mocap.needed
def test_a_character_refuses_the_motion_of_another(tmp_path: Path) -> None:
    with pytest.raises(BadClip, match="the clip moves 'smplx22', not the 41 joints of Knight"):
        gltf_graft.write(moving(), _character("Knight.glb"), tmp_path / "no.glb")


@mocap.needed
def test_a_character_with_another_motion_is_as_valid_as_it_was(tmp_path: Path) -> None:
    for name in ("Knight.glb", "human-kenney.glb", "mannequin.glb"):
        gltf_graft.write(moving(glb.read(_character(name)).skeleton), _character(name), tmp_path / name)
        assert set(validator.issues(tmp_path / name)) <= set(validator.issues(_character(name)))
