"""glTF containers made by hand: the ways of storing numbers and keys that the format allows, and ways to break it."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motion import quat
from motion.clip import positions
from motion.errors import BadFile
from motion.io import glb, gltf
from tests.motion.turns import angle_between


def arm(buffer: gltf.Buffer, samplers: list[dict[str, Any]], channels: list[dict[str, Any]]) -> dict[str, Any]:
    """Two joints, the second 1 m above the first, both in a skin without inverse bind matrices."""
    return {
        "asset": {"version": "2.0"},
        "nodes": [{"name": "upper", "children": [1]}, {"name": "fore", "translation": [0, 1, 0]}],
        "skins": [{"joints": [0, 1]}],
        "animations": [{"name": "bend", "samplers": samplers, "channels": channels}],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
    }


def bend(mode: str, times: list[float], keys: np.ndarray, path: str = "rotation") -> tuple[dict[str, Any], gltf.Buffer]:
    buffer = gltf.Buffer()
    sampler = {
        "input": buffer.add(np.array(times, np.float32), bounds=True),
        "output": buffer.add(keys),
        "interpolation": mode,
    }
    return arm(buffer, [sampler], [{"sampler": 0, "target": {"node": 1, "path": path}}]), buffer


def about_x(*degrees: float) -> np.ndarray:
    half = np.deg2rad(np.array(degrees)) / 2
    return np.stack([np.sin(half), 0 * half, 0 * half, np.cos(half)], axis=-1).astype(np.float32)


def saved(folder: Path, document: dict[str, Any], buffer: gltf.Buffer) -> Path:
    path = folder / "made.glb"
    path.write_bytes(gltf.pack(document, bytes(buffer.data)))
    return path


def angles(path: Path, fps: float | None = None) -> np.ndarray:
    clip = glb.read(path, fps=fps)
    return np.rad2deg(2 * np.arctan2(clip.rotations[:, 1, 1], clip.rotations[:, 1, 0]))


def test_keys_between_are_found_on_the_arc_of_the_circle(tmp_path: Path) -> None:
    path = saved(tmp_path, *bend("LINEAR", [0, 0.5, 1.0], about_x(0, 80, -40)))
    np.testing.assert_allclose(angles(path, 10), [0, 16, 32, 48, 64, 80, 56, 32, 8, -16, -40], atol=1e-3)


def test_steps_hold_their_value(tmp_path: Path) -> None:
    path = saved(tmp_path, *bend("STEP", [0, 0.5, 1.0], about_x(0, 80, -40)))
    np.testing.assert_allclose(angles(path, 4), [0, 0, 80, 80, -40], atol=1e-3)


def test_splines_follow_the_formats_own_formula(tmp_path: Path) -> None:
    """Appendix C of the specification, worked out for one coordinate."""
    keys = np.zeros((2, 3, 3), np.float32)  # in-tangent, value, out-tangent
    keys[:, 1] = [[0, 1, 0], [0, 2, 0]]
    keys[0, 2], keys[1, 0] = [3, 0, 0], [0, 0, -1]
    path = saved(tmp_path, *bend("CUBICSPLINE", [0, 2], keys.reshape(6, 3), "translation"))
    at = positions(glb.read(path, fps=2))[:, 1]
    t = np.linspace(0, 1, 5)
    expected = np.stack([(t**3 - 2 * t**2 + t) * 2 * 3, 1 + (3 * t**2 - 2 * t**3), (t**3 - t**2) * 2 * -1], axis=-1)
    np.testing.assert_allclose(at, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("times", "fps"),
    [([0, 1 / 30, 2 / 30], 30), ([0, 1 / 24, 5 / 24], 24), ([0.5, 1.5, 2.5], 24), ([0, 0.02, 0.04], 50),
     ([0, 0.1, 0.123], 1 / 0.023)],
)  # fmt: skip
def test_the_rate_is_the_lowest_common_one_on_which_all_keys_lie(
    tmp_path: Path, times: list[float], fps: float
) -> None:
    clip = glb.read(saved(tmp_path, *bend("LINEAR", times, about_x(0, 10, 20))))
    assert clip.fps == pytest.approx(fps, rel=1e-5)  # keys on no common grid: as fine as they are
    assert len(clip) == int((times[-1] - times[0]) * clip.fps + 1e-3) + 1


def test_small_numbers_turn_as_fractions_of_their_largest(tmp_path: Path) -> None:
    keys = np.round(about_x(0, 90) * 32767).astype("<i2")
    document, buffer = bend("LINEAR", [0, 1], keys)
    document["accessors"][1]["normalized"] = True
    np.testing.assert_allclose(angles(saved(tmp_path, document, buffer), 1), [0, 90], atol=0.01)


def test_interleaved_and_sparse_numbers_are_read(tmp_path: Path) -> None:
    buffer = gltf.Buffer()
    times, turns = np.array([0, 1, 2], np.float32), about_x(0, 30, 60)
    both = np.concatenate([times[:, None], turns], axis=1)
    view = buffer.view(both.astype("<f4").tobytes())
    buffer.views[view]["byteStride"] = 20
    buffer.accessors.append({"bufferView": view, "componentType": 5126, "count": 3, "type": "SCALAR"})
    buffer.accessors.append({"bufferView": view, "byteOffset": 4, "componentType": 5126, "count": 3, "type": "VEC4"})
    where, what = buffer.view(np.array([2], "<u2").tobytes()), buffer.view(about_x(-45).tobytes())
    buffer.accessors[1]["sparse"] = {
        "count": 1, "indices": {"bufferView": where, "componentType": 5123}, "values": {"bufferView": what},
    }  # fmt: skip
    document = arm(buffer, [{"input": 0, "output": 1}], [{"sampler": 0, "target": {"node": 1, "path": "rotation"}}])
    np.testing.assert_allclose(angles(saved(tmp_path, document, buffer), 1), [0, 30, -45], atol=1e-3)


def test_buffers_lie_beside_inside_or_nowhere(tmp_path: Path) -> None:
    document, buffer = bend("LINEAR", [0, 1], about_x(0, 90))
    data = bytes(buffer.data)
    (tmp_path / "the keys.bin").write_bytes(data)
    for uri in ("the%20keys.bin", "data:application/gltf-buffer;base64," + base64.b64encode(data).decode()):
        told = {**document, "buffers": [{"byteLength": len(data), "uri": uri}]}
        (tmp_path / "a.gltf").write_text(json.dumps(told))
        np.testing.assert_allclose(angles(tmp_path / "a.gltf", 1), [0, 90], atol=1e-3)
    for uri, words in (
        ("none.bin", "cannot be opened"), ("../outside.bin", "outside its own folder"),
        ("/etc/passwd", "outside its own"), ("data:;base64,!!!", "damaged"),
    ):  # fmt: skip
        (tmp_path / "a.gltf").write_text(json.dumps({**document, "buffers": [{"byteLength": 8, "uri": uri}]}))
        with pytest.raises(BadFile, match=words):
            glb.read(tmp_path / "a.gltf")


def test_scaled_and_turned_nodes_above_the_joints_make_metres_and_keep_the_rest(tmp_path: Path) -> None:
    """An armature in centimetres, Z up, as some exporters leave it."""
    document, buffer = bend("LINEAR", [0, 1], about_x(0, 90))
    document["nodes"] = [
        {"name": "armature", "scale": [0.01] * 3, "rotation": about_x(-90)[0].tolist(), "children": [1]},
        {"name": "upper", "children": [2], "rotation": about_x(90)[0].tolist()},
        {"name": "fore", "translation": [0, 100, 0]},
    ]
    document["skins"] = [{"joints": [1, 2]}]
    document["animations"][0]["channels"][0]["target"]["node"] = 2
    clip = glb.read(saved(tmp_path, document, buffer), fps=1)
    np.testing.assert_allclose(clip.skeleton.offsets, [[0, 0, 0], [0, 1, 0]], atol=1e-6)
    assert clip.skeleton.joints == ("upper", "fore")
    np.testing.assert_array_equal(clip.rotations[0], np.tile(quat.IDENTITY, (2, 1)))
    assert np.rad2deg(angle_between(clip.rotations[1, 1], quat.IDENTITY)) == pytest.approx(90, abs=1e-3)


def test_several_roots_hang_from_the_node_above_them(tmp_path: Path) -> None:
    document, buffer = bend("LINEAR", [0, 1], about_x(0, 90))
    document["nodes"] = [
        {"name": "body", "children": [1, 2]}, {"name": "left"}, {"name": "right", "translation": [1, 0, 0]},
    ]  # fmt: skip
    document["skins"] = [{"joints": [1, 2]}]
    clip = glb.read(saved(tmp_path, document, buffer))
    assert (clip.skeleton.joints, clip.skeleton.parents) == (("body", "left", "right"), (-1, 0, 0))


def test_two_nodes_of_one_name_and_nodes_without_one_are_told_apart(tmp_path: Path) -> None:
    document, buffer = bend("LINEAR", [0, 1], about_x(0, 90))
    document["nodes"] = [{"children": [1]}, {"name": "bone", "children": [2]}, {"name": "bone"}]
    document["skins"] = [{"joints": [2, 1, 0]}]
    assert glb.read(saved(tmp_path, document, buffer)).skeleton.joints == ("node0", "bone", "bone_2")


def test_an_animation_without_a_skin_moves_the_nodes_it_names_and_all_below(tmp_path: Path) -> None:
    document, buffer = bend("LINEAR", [0, 1], about_x(0, 90))
    document["nodes"] = [{"name": "room", "children": [1]}, {"name": "arm", "children": [2]}, {"name": "hand"}]
    del document["skins"]
    assert glb.read(saved(tmp_path, document, buffer)).skeleton.joints == ("arm", "hand")


def change(document: dict[str, Any], where: str, value: Any) -> dict[str, Any]:
    """A copy with one entry replaced; `where` is a path such as `nodes.0.children`."""
    result = copy.deepcopy(document)
    *steps, last = [int(step) if step.isdigit() else step for step in where.split(".")]
    inside: Any = result
    for step in steps:
        inside = inside[step]
    inside[last] = value
    return result


EMPTY = {"componentType": 5126, "count": 1 << 40, "type": "VEC4"}
BROKEN: dict[str, tuple[str, Any, str]] = {
    "a circle": ("nodes.1.children", [0], "runs in a circle"),
    "its own child": ("nodes.1.children", [1], "has a parent already"),
    "a child of two": ("nodes.0.children", [1, 1], "has a parent already"),
    "a child from nowhere": ("nodes.0.children", [7], "not there"),
    "a joint from nowhere": ("skins.0.joints", [0, 9], "a joint that is not there"),
    "an accessor from nowhere": ("animations.0.samplers.0.output", 17, "damaged"),
    "a negative accessor": ("animations.0.samplers.0.output", -1, "damaged"),
    "an accessor beyond its buffer": ("accessors.1.count", 99, "beyond its buffer"),
    "an endless accessor": ("accessors.1.count", 1 << 60, "beyond its buffer"),
    "an endless empty accessor": ("accessors.1", EMPTY, "more than"),
    "keys that do not fit": ("accessors.1.count", 1, "do not fit their times"),
    "an unknown type": ("accessors.1.componentType", 5130, "damaged"),
    "no transform": ("nodes.1.translation", [0, "up", 0], "damaged"),
    "no finite transform": ("nodes.1.matrix", [float("inf")] * 16, "no finite transform"),
    "a needed extension": ("extensionsRequired", ["KHR_draco_mesh_compression"], "needs the extension 'KHR_draco"),
    "another version": ("asset.version", "1.0", "this is glTF 1.0"),
    "nodes of another kind": ("nodes", 5, "damaged"),
    "a joint that is a word": ("skins.0.joints", ["hips"], "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named(tmp_path: Path, what: str) -> None:
    where, value, words = BROKEN[what]
    document, buffer = bend("LINEAR", [0, 1], about_x(0, 90))
    path = saved(tmp_path, change(document, where, value), buffer)
    with pytest.raises(BadFile, match=words) as caught:
        glb.read(path)
    assert str(path) in str(caught.value)


def test_keys_far_apart_in_time_are_refused_and_not_sampled(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="more than is read at once"):
        glb.read(saved(tmp_path, *bend("LINEAR", [0, 1e30], about_x(0, 90))))


def test_ten_thousand_nodes_in_one_chain_are_read_in_bounded_time(tmp_path: Path) -> None:
    document, buffer = bend("LINEAR", [0, 1], about_x(0, 90))
    count = 9_999
    nodes: list[dict[str, Any]] = [
        {"name": f"n{i}", "children": [i + 1], "translation": [0, 0.01, 0]} for i in range(count)
    ]
    document["nodes"] = [*nodes, {"name": "tip"}]
    document["skins"] = [{"joints": list(range(count, -1, -1))}]
    clip = glb.read(saved(tmp_path, document, buffer), fps=1)
    assert len(clip.skeleton) == count + 1
    document["nodes"] += [{"name": "one more"}]
    with pytest.raises(BadFile, match="10001 joints"):
        glb.read(saved(tmp_path, document, buffer))
