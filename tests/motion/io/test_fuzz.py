"""Whatever a file holds, a reader gives a clip of finite numbers or a MotionError that names the file.

Damage is done to files that are right: bytes flipped, cut out, doubled, numbers and words replaced by worse ones.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion import clip as clips
from motion.clip import Clip
from motion.errors import BadFile, MotionError
from motion.io import asf_amc, bvh, glb, gltf_body, npz, smpl, source
from motion.skeleton import Skeleton
from tests.motion.clips import wriggle
from tests.motion.io.test_asf_amc import AMC, ASF
from tests.motion.io.test_bvh import PLAIN

WORSE: tuple[str, ...] = (
    "nan", "inf", "-1", "0", "1e308", "-1e39", "1e-320", "99999999999999999999", "1,5", "-", "", "{", "}", "[", '"',
    "\x00", "\n", "null", "true", "1e9999", "root", "MOTION", "Frames: 7", "End Site",
    "CHANNELS 3 Xrotation Yrotation Zrotation",
)  # fmt: skip
many = settings(max_examples=150)


@dataclass(frozen=True)
class Damage:
    """One change: what stands from `at` on, `length` long, becomes `new`; both are shares of the whole, 0 to 1."""

    at: float
    length: int
    new: bytes

    def do(self, data: bytes) -> bytes:
        start = int(self.at * len(data))
        return data[:start] + self.new + data[start + self.length :]


damages = st.lists(
    st.builds(
        Damage,
        st.floats(0, 1, exclude_max=True),
        st.sampled_from([0, 0, 1, 2, 4, 9, 40, 400, 1 << 20]),
        st.one_of(st.binary(max_size=6), st.sampled_from(WORSE).map(lambda word: f" {word} ".encode())),
    ),
    max_size=4,
)
words = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(WORSE)), max_size=4)


def damaged(data: bytes, done: list[Damage]) -> bytes:
    for one in done:
        data = one.do(data)
    return data


def reworded(text: str, changes: Sequence[tuple[int, str]]) -> str:
    """Whole words replaced, so that what comes out is still nearly a file."""
    lines = [line.split(" ") for line in text.split("\n")]
    flat = [(i, j) for i, line in enumerate(lines) for j in range(len(line))]
    for number, word in changes:
        i, j = flat[number % len(flat)]
        lines[i][j] = word
    return "\n".join(" ".join(line) for line in lines)


def survives(read: Callable[[], Clip], *named: Path) -> None:
    """Reads; the clip is one that can be used, or the error names one of the files."""
    try:
        clip = read()
    except MotionError as error:
        said = str(error)
        assert any(path.name in said for path in named), said
        return
    for array in (clip.rotations, clip.root, clip.skeleton.offsets, clip.offsets, clip.contacts, clip.betas):
        assert array is None or np.isfinite(array).all()
    assert np.isfinite(clip.fps)
    np.testing.assert_allclose(np.linalg.norm(clip.rotations, axis=-1), 1, atol=1e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(
    st.one_of(damages.map(lambda done: damaged(PLAIN.encode(), done)), words.map(lambda w: reworded(PLAIN, w).encode()))
)
@many
def test_bvh(folder: Path, data: bytes) -> None:
    path = folder / "a.bvh"
    path.write_bytes(data)
    for partial in (False, True):
        survives(lambda: bvh.read(path, partial=partial), path)  # noqa: B023


@given(words, words, damages, damages)
@many
def test_acclaim(folder: Path, asf: Any, amc: Any, asf_damage: list[Damage], amc_damage: list[Damage]) -> None:
    paths = folder / "a.asf", folder / "a.amc"
    paths[0].write_bytes(damaged(reworded(ASF, asf).encode("latin-1"), asf_damage[:1]))
    paths[1].write_bytes(damaged(reworded(AMC, amc).encode("latin-1"), amc_damage[:1]))
    survives(lambda: asf_amc.read(*paths), *paths)


@cache
def small() -> Clip:
    tree = Skeleton("tree", ("a", "b", "c"), (-1, 0, 1), np.full((3, 3), 0.3, np.float32))
    return wriggle(tree, frames=4)


@cache
def small_glb() -> tuple[dict[str, Any], bytes]:
    """JSON and buffer of a small GLB, its mesh but a few triangles."""
    data = glb.dump(small())
    length = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]


@given(damages)
@many
def test_binary_gltf(folder: Path, done: list[Damage]) -> None:
    path = folder / "a.glb"
    path.write_bytes(damaged(glb.dump(small()), done))
    survives(lambda: glb.read(path), path)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.sampled_from([1 << 31, 1 << 62, -(1 << 40), 1.5, 1e308, float("nan")]),
    st.sampled_from(["", "VEC3", "SCALAR", "rotation", "CUBICSPLINE", "data:,", "x" * 300]),
    st.lists(st.integers(-2, 9), max_size=5),
    st.dictionaries(st.sampled_from(["node", "path", "count"]), st.integers(), max_size=2),
)


@given(st.lists(st.tuples(st.integers(0, 1 << 20), ODD, st.booleans()), max_size=5))
@settings(max_examples=400)
def test_gltf_whose_parts_are_of_other_kinds(folder: Path, changes: list[tuple[int, Any, bool]]) -> None:
    document, buffer = small_glb()
    document = json.loads(json.dumps(document))
    for number, value, remove in changes:
        places = list(_places(document))
        inside, key = places[number % len(places)]
        if remove and isinstance(inside, dict):
            del inside[key]
        else:
            inside[key] = value
    path = folder / "odd.glb"
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    header = struct.pack("<IIIII", 0x46546C67, 2, 28 + len(text) + len(buffer), len(text), 0x4E4F534A)
    path.write_bytes(header + text + struct.pack("<II", len(buffer), 0x004E4942) + buffer)
    survives(lambda: glb.read(path), path)
    try:
        worn = gltf_body.read(path)
    except BadFile:
        return
    assert worn.triangles.max(initial=0) < len(worn.vertices)
    assert worn.joints.max(initial=0) < len(worn.skeleton)


def _places(document: Any) -> Any:
    """Every entry of nested JSON, as what holds it and its key there."""
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(entries)[:12]:
        yield document, key
        if isinstance(value, dict | list):
            yield from _places(value)


STRANGE: list[np.ndarray] = [
    np.zeros(0), np.zeros((0, 3)), np.array(5), np.array("words"), np.array([b"b"]), np.full((4, 3), np.nan),
    np.full((4, 3), 1e300), np.full((4, 66), 1e38), np.zeros((4, 156)), np.zeros((4, 55, 3)),
    np.array([2**63], np.uint64), np.array(["a", "a", "b"]), np.array([-1, 0, 7]), np.array([0, 0, 0]),
    np.zeros((4, 3), complex), np.zeros(3, "datetime64[s]"), np.zeros(2, [("x", float)]), np.array({"a": 1}, object),
]  # fmt: skip
ARRAYS = st.one_of(st.sampled_from(STRANGE), st.tuples(st.integers(0, 5), st.integers(0, 5)).map(np.ones))
CLIP = ("skeleton", "joints", "parents", "offsets", "rotations", "root", "fps", "name", "contacts", "betas")
SMPL = ("poses", "trans", "betas", "gender", "mocap_framerate", "root_orient", "pose_body", "pose_hand", "pose_jaw",
        "pose_eye", "up")  # fmt: skip


@given(st.dictionaries(st.sampled_from(CLIP), ARRAYS, max_size=3), damages)
@many
def test_our_own_clips(folder: Path, changes: dict[str, np.ndarray], done: list[Damage]) -> None:
    clips.save(small(), folder / "whole.npz")
    path = folder / "clip.npz"
    with np.load(folder / "whole.npz") as whole:
        np.savez(path, allow_pickle=True, **{**whole, **changes})
    path.write_bytes(damaged(path.read_bytes(), done[:1]))
    survives(lambda: clips.load(path), path)


@given(st.dictionaries(st.sampled_from(SMPL), ARRAYS, max_size=4), st.booleans(), damages)
@many
def test_smpl_parameters(folder: Path, changes: dict[str, np.ndarray], bare: bool, done: list[Damage]) -> None:
    whole = {} if bare else {"poses": np.zeros((4, 165)), "trans": np.zeros((4, 3)), "mocap_frame_rate": np.array(30)}
    path = folder / "smpl.npz"
    np.savez(path, allow_pickle=True, **{**whole, **changes})
    path.write_bytes(damaged(path.read_bytes(), done[:1]))
    survives(lambda: smpl.read(path), path)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"glTF\x02\x00\x00\x00", b"HIERARCHY\n", b"{"]),
)
@many
def test_bytes_of_any_kind_under_any_name(folder: Path, data: bytes, start: bytes) -> None:
    for name, read in (
        ("x.bvh", bvh.read), ("x.glb", glb.read), ("x.gltf", glb.read), ("x.npz", clips.load), ("y.npz", smpl.read),
        ("x.amc", lambda path: asf_amc.read(path, path)),
    ):  # fmt: skip
        path = folder / name
        path.write_bytes(start + data)
        with pytest.raises(MotionError, match=name.replace(".", r"\.")):
            read(path)


def test_a_file_of_two_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    for name, read in (
        ("big.bvh", bvh.read), ("big.glb", glb.read), ("big.npz", smpl.read),
        ("big.amc", lambda path: asf_amc.read(path, path)),
    ):  # fmt: skip
        path = tmp_path / name
        with path.open("wb") as stream:
            stream.truncate(2 << 30)  # holes: takes no room on the disk
        with pytest.raises(BadFile, match=rf"{name}.*2,048 MB and at most 512 MB are read"):
            read(path)


def test_a_larger_file_is_read_on_demand_and_a_smaller_limit_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    path.write_text(PLAIN)
    with pytest.raises(BadFile, match="at most 0 MB are read"):
        bvh.read(path, most=100)
    assert len(bvh.read(path, most=len(PLAIN))) == 2


@pytest.mark.parametrize("reader", [bvh.read, glb.read, clips.load, smpl.read, lambda path: asf_amc.read(path, path)])
def test_folders_devices_and_missing_files_are_named(tmp_path: Path, reader: Callable[[Path], Clip]) -> None:
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "none", tmp_path / ("long" * 100), tmp_path / "nul\x00l"):
        with pytest.raises(BadFile):
            reader(path)


def test_endless_counts_take_no_memory() -> None:
    endless = PLAIN.replace("Frames: 2", "Frames: 100000000")
    with pytest.raises(BadFile, match="more than is read at once"):
        bvh.parse(endless)
    assert source.MOST_TURNS < 1e8
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    with pytest.raises(BadFile, match="does not fit into"):
        _npz(header.getvalue())


def _npz(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("poses.npy", data)
        npz.read(path)
