"""SMPL-X bodies, on a model file of the right layout made from our own mannequin: the licensed ones cannot lie here."""

from __future__ import annotations

import pickle
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.bodies import smplx
from motion import smplx as family
from motion.bodies import body as bodies
from motion.bodies import mannequin
from motion.clip import Clip, positions
from motion.errors import BadClip, BadFile, MissingPart
from motion.io import glb, gltf_body, smpl
from motion.skeleton import SMPLX22, Skeleton, fk
from tests.motion.clips import stroll, wriggle

installed = pytest.mark.skipif(find_spec("smplx") is None, reason="needs the extra smplx")
TALLER = 0.05
"""What one unit of the first beta adds to every length."""


def model(joints: int = 55, pose_dependent: float = 0.0) -> dict[str, Any]:
    """The arrays of a model file: the mannequin, whose first beta makes it larger."""
    skeleton = family.skeleton(joints)
    worn = mannequin.fit(skeleton)
    shift = np.array([0.0, -0.35, 0.01]) - worn.bind_positions[0]  # the makers' bodies have their origin at the chest
    vertices, at = worn.vertices + shift, worn.bind_positions + shift
    count = len(vertices)
    weights = np.zeros((count, joints))
    np.add.at(weights, (np.arange(count)[:, None], worn.joints), worn.weights)
    regressor = np.c_[at, np.ones(joints)] @ np.linalg.pinv(np.c_[vertices, np.ones(count)])
    shapes = np.zeros((count, 3, 20 if joints == 55 else 16))
    shapes[:, :, 0] = vertices * TALLER
    rng = np.random.default_rng(0)
    parents = np.array(skeleton.parents)
    return {
        "v_template": vertices,
        "shapedirs": shapes,
        "posedirs": rng.normal(size=(count, 3, 9 * (joints - 1))) * pose_dependent,
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": np.stack([np.where(parents < 0, 2**32 - 1, parents), np.arange(joints)]).astype(np.uint32),
        "f": worn.triangles.astype(np.uint32),
        **{f"hands_components{side}": np.eye(45) for side in "lr"},
        **{f"hands_mean{side}": rng.normal(size=45) for side in "lr"},
        "lmk_faces_idx": np.zeros(51, np.uint32),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("body_models")
    (folder / "smplx").mkdir()
    np.savez(
        folder / "smplx" / "SMPLX_NEUTRAL.npz", allow_pickle=True, **model(55), joint2num=np.array({"a": 1}, object)
    )
    (folder / "smplh" / "female").mkdir(parents=True)
    np.savez(folder / "smplh" / "female" / "model.npz", allow_pickle=True, **model(52))
    np.savez(folder / "SMPL_MALE.npz", allow_pickle=True, **model(24))
    return folder


@installed
@pytest.mark.parametrize(
    ("file", "joints"), [("smplx/SMPLX_NEUTRAL.npz", 55), ("smplh/female/model.npz", 52), ("SMPL_MALE.npz", 24)]
)
def test_joints_of_every_kind_of_model_are_where_its_regressor_puts_them(files: Path, file: str, joints: int) -> None:
    loaded = smplx.load(files / file)
    expected = family.skeleton(joints)
    assert (loaded.skeleton.joints, loaded.skeleton.parents) == (expected.joints, expected.parents)
    np.testing.assert_allclose(loaded.skeleton.offsets[1:], expected.offsets[1:], atol=1e-4)
    np.testing.assert_allclose(loaded.skeleton.offsets[0], [0, -0.35, 0.01], atol=1e-4)


@installed
def test_betas_change_lengths_and_a_longer_row_than_the_model_has_is_cut(files: Path) -> None:
    mean = smplx.load(files / "smplx" / "SMPLX_NEUTRAL.npz")
    for betas in (np.array([2.0], np.float32), np.array([2.0, *[0] * 15], np.float32)):
        larger = smplx.load(files / "smplx" / "SMPLX_NEUTRAL.npz", betas)
        np.testing.assert_allclose(larger.skeleton.offsets, mean.skeleton.offsets * (1 + 2 * TALLER), atol=1e-4)
        np.testing.assert_allclose(np.ptp(larger.vertices[:, 1]) / np.ptp(mean.vertices[:, 1]), 1.1, rtol=1e-3)
    amass = np.zeros(16, np.float32)
    assert len(smplx.load(files / "smplh" / "female" / "model.npz", amass).betas) == 16


@installed
def test_a_folder_is_searched_for_the_gender_and_then_for_the_neutral_body(files: Path) -> None:
    assert smplx.find(files, "female") == files / "smplh" / "female" / "model.npz"
    assert smplx.find(files, "male") == files / "SMPL_MALE.npz"
    assert smplx.find(files, "neutral") == smplx.find(files / "smplx", "male") == files / "smplx" / "SMPLX_NEUTRAL.npz"


@installed
@pytest.mark.parametrize("pose_dependent", [0.0, 0.01])
def test_the_mesh_of_a_recording_is_the_packages_own_turned_upright(tmp_path: Path, pose_dependent: float) -> None:
    """The package poses the file's axis-angles in the file's own axes; we go over a clip, quaternions and Y up."""
    np.savez(tmp_path / "SMPLX_NEUTRAL.npz", allow_pickle=True, **model(55, pose_dependent))
    betas = np.array([1.0, *[0.0] * 9], np.float32)
    loaded = smplx.load(tmp_path, betas)
    clip = smpl.clip(recording(wriggle(family.skeleton(55), frames=7), betas, tmp_path / "a.npz"), loaded.skeleton)
    mesh = smplx.pose(loaded, clip)
    with np.load(tmp_path / "a.npz") as told:
        package, network = pytest.importorskip("smplx"), loaded.network
        with torch.no_grad():
            theirs, joints = package.lbs.lbs(
                torch.from_numpy(np.tile(betas, (7, 1))), torch.from_numpy(told["poses"]), network.v_template,
                loaded.directions, network.posedirs, network.J_regressor, network.parents, network.lbs_weights,
            )  # fmt: skip
        theirs, joints = (array.numpy() + told["trans"][:, None] for array in (theirs, joints))
    np.testing.assert_allclose(mesh.vertices, theirs[..., [0, 2, 1]] * [1, 1, -1], atol=1e-4)
    np.testing.assert_allclose(positions(clip), joints[..., [0, 2, 1]] * [1, 1, -1], atol=1e-4)


def recording(clip: Clip, betas: np.ndarray, path: Path) -> smpl.Recording:
    """The clip as a file says it, Z up."""
    smpl.write(Clip(**{**vars(clip), "betas": betas}), path, "smplx", up="z")
    return smpl.load(path)


@installed
def test_the_skinned_body_is_the_mesh_where_nothing_depends_on_the_pose(files: Path, tmp_path: Path) -> None:
    loaded = smplx.load(files / "smplx")
    worn = smplx.body(loaded)
    clip = stroll()
    hands = np.tile(np.array([1, 0, 0, 0], np.float32), (len(clip), 33, 1))
    on = Clip(loaded.skeleton, 30, np.concatenate([clip.rotations, hands], axis=1), clip.root)
    mesh = smplx.pose(loaded, clip)
    at, turns = fk(on.skeleton, on.rotations, on.root)
    for frame in (0, 40, 90):
        np.testing.assert_allclose(bodies.pose(worn, at[frame], turns[frame])[0], mesh.vertices[frame], atol=1e-4)
    glb.write(on, tmp_path / "body.glb", worn)
    np.testing.assert_allclose(positions(glb.read(tmp_path / "body.glb")), positions(on), atol=1e-4)
    assert len(gltf_body.read(tmp_path / "body.glb").vertices) == len(worn.vertices)


@installed
def test_a_clip_of_another_skeleton_is_refused(files: Path) -> None:
    crane = Skeleton("crane", ("base", "boom"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    with pytest.raises(BadClip, match="'crane', which has no 'pelvis'"):
        smplx.pose(smplx.load(files / "smplx"), wriggle(crane))
    assert len(smplx.pose(smplx.load(files / "smplx"), wriggle(SMPLX22, 2)).vertices) == 2


@installed
def test_files_that_are_no_models_are_named(tmp_path: Path) -> None:
    whole = model(55)
    for name, arrays, words in (
        ("less", {key: whole[key] for key in ("v_template", "f")}, "it lacks shapedirs, posedirs"),
        ("hand", {**whole, "kintree_table": np.zeros((2, 16))}, "it has 16 joints"),
        (
            "tree",
            {**whole, "kintree_table": whole["kintree_table"] * 0},
            "joint 4 hangs from joint 0, not as left_knee",
        ),
        ("odd", {**whole, "weights": np.zeros((3, 3)), "J_regressor": np.zeros((2, 2))}, "layout"),
    ):
        np.savez(tmp_path / f"{name}.npz", allow_pickle=True, **arrays)
        with pytest.raises(BadFile, match=words):
            smplx.load(tmp_path / f"{name}.npz")
    with pytest.raises(BadFile, match=r"no body model in it; looked for SMPLX_NEUTRAL\.npz"):
        smplx.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFile, match="no body model in it"):
        smplx.load(tmp_path / "empty")


def test_a_model_that_would_run_a_program_is_not_opened(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Program:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return Path.touch, (str(ran),)

    (tmp_path / "SMPLX_NEUTRAL.pkl").write_bytes(pickle.dumps(Program()))
    with pytest.raises(BadFile, match=r"only \.npz models are read"):
        smplx.load(tmp_path / "SMPLX_NEUTRAL.pkl")
    np.savez(tmp_path / "SMPLX_NEUTRAL.npz", allow_pickle=True, part2num=np.array(Program(), object), f=np.zeros(3))
    with pytest.raises(BadFile, match="it lacks v_template"):
        smplx.load(tmp_path / "SMPLX_NEUTRAL.npz")
    assert not ran.exists()


def test_without_the_package_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smplx", None)
    np.savez(tmp_path / "SMPLX_NEUTRAL.npz", allow_pickle=True, **model(55))
    with pytest.raises(MissingPart, match=r'pip install -e "\.\[smplx\]"'):
        smplx.load(tmp_path)
