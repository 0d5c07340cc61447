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

from motion import body, mannequin, quat
from motion.clip import Clip, positions
from motion.errors import BadClip, BadFile
from motion.io import glb
from motion.skeleton import SMPLX22, Skeleton, fk

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
