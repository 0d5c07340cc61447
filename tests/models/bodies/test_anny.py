"""Anny: which way she faces, how she is shaped, and that her skin goes where the bones of a clip go."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from models.bodies import anny, anny_rig
from motion import clip as clips
from motion import quat
from motion.bodies import body as bodies
from motion.bodies import loft
from motion.bodies.body import Body
from motion.clip import Clip
from motion.errors import BadConfig, MissingPart
from motion.io import glb, gltf_body
from motion.quat import F32
from motion.retargeting.retarget import retarget
from motion.skeleton import SMPLX22, fk
from tests.motion.clips import backflip, lie_down, stroll, walk
from tests.motion.turns import angle_between

# The package's first body takes a minute or two; later ones are read from its own cache.
installed = pytest.mark.skipif(find_spec("anny") is None, reason="needs the extra anny")
pytestmark = pytest.mark.slow


def skin(name: str) -> F32:
    """Rest vertices that follow mostly the bone of that name."""
    worn = anny.body()
    joint = worn.skeleton.index(name)
    weights = (worn.weights * (worn.joints == joint)).sum(axis=1)
    return worn.vertices[weights > 0.5]


def volume(worn: Body) -> float:
    """Cubic metres within the rest pose; positive where triangles wind outwards."""
    a, b, c = (worn.vertices[worn.triangles[:, i]].astype(np.float64) for i in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@installed
def test_she_stands_on_the_ground_as_tall_as_a_grown_person_and_faces_plus_z() -> None:
    worn = anny.body()
    assert worn.vertices[:, 1].min() == pytest.approx(0, abs=1e-5)
    assert 1.7 < worn.vertices[:, 1].max() < 1.95
    assert skin("foot.L")[:, 2].max() > skin("lowerleg02.L")[:, 2].max() + 0.05, "feet point to the front"
    assert skin("eye.L")[:, 2].min() > worn.bind_positions[worn.skeleton.index("head"), 2], "eyes look to the front"
    assert skin("wrist.L")[:, 0].min() > 0.3 > -0.3 > skin("wrist.R")[:, 0].max(), "left is +X"


@installed
def test_at_rest_she_stands_in_a_t_pose_with_her_palms_down_and_her_feet_to_the_front() -> None:
    worn = anny.body()
    at = worn.skeleton.rest_positions()
    vertices = bodies.pose(worn, at, np.tile(quat.IDENTITY, (len(at), 1)))[0]
    assert vertices[:, 1].min() == pytest.approx(0, abs=1e-4)
    assert np.ptp(vertices[:, 0]) == pytest.approx(np.ptp(vertices[:, 1]), rel=0.1), "arms as wide as she is tall"

    def bone(a: str, b: str) -> F32:
        return loft.unit(at[worn.skeleton.index(b)] - at[worn.skeleton.index(a)])

    for side, out in (("L", 1), ("R", -1)):
        for a, b in (("upperarm01", "lowerarm01"), ("lowerarm01", "wrist"), ("wrist", "finger3-1")):
            np.testing.assert_allclose(bone(f"{a}.{side}", f"{b}.{side}"), [out, 0, 0], atol=1e-4)
        for a, b in (("upperleg01", "lowerleg01"), ("lowerleg01", "foot")):
            np.testing.assert_allclose(bone(f"{a}.{side}", f"{b}.{side}"), [0, -1, 0], atol=1e-4)
        assert abs(bone(f"foot.{side}", f"toe2-1.{side}")[0]) < 1e-4
        across = bone(f"finger5-1.{side}", f"finger2-1.{side}")
        palm = np.cross(across, [out, 0, 0]) * out
        assert palm[1] > 0.95, "from the little finger to the forefinger is to the front"


@installed
def test_her_skin_is_closed_outside_and_bound_to_every_vertex() -> None:
    worn = anny.body()
    assert (len(worn.vertices), len(worn.skeleton)) == (13718, 104)
    np.testing.assert_allclose(worn.weights.sum(axis=1), 1, atol=1e-5)
    assert 0.05 < volume(worn) < 0.11, "as much as 50 to 110 kg of water"
    unmoved = bodies.pose(worn, worn.bind_positions, worn.bind_rotations)[0]
    np.testing.assert_allclose(unmoved, worn.vertices, atol=1e-5)


@installed
def test_six_numbers_make_another_body() -> None:
    child, heavy = anny.body({"age": 1 / 3}), anny.body({"weight": 1.0})
    grown = anny.body()
    assert child.vertices[:, 1].max() < 0.85 * grown.vertices[:, 1].max()
    assert volume(child) < 0.6 * volume(grown) < 0.6 * volume(heavy) / 1.1
    assert np.array_equal(child.triangles, grown.triangles)
    with pytest.raises(BadConfig, match="Anny has no 'hair'; her numbers are gender, age, muscle, weight, height"):
        anny.body({"hair": 1.0})
    for wrong in (1.5, float("nan")):
        with pytest.raises(BadConfig, match="give a number from 0 to 1"):
            anny.body({"age": wrong})


@installed
@pytest.mark.parametrize("make", [walk, stroll, backflip, lie_down])
def test_her_limbs_point_as_the_clips_do(make: object) -> None:
    clip = make()  # type: ignore[operator]
    moved, worn = anny.wear(clip)
    ours, theirs = clips.positions(moved), clips.positions(clip)
    for near, far, a, b in (
        ("left_hip", "left_knee", "upperleg01.L", "lowerleg01.L"),
        ("right_knee", "right_ankle", "lowerleg01.R", "foot.R"),
        ("left_shoulder", "left_elbow", "upperarm01.L", "lowerarm01.L"),
        ("right_elbow", "right_wrist", "lowerarm01.R", "wrist.R"),
    ):
        told = theirs[:, SMPLX22.index(far)] - theirs[:, SMPLX22.index(near)]
        shown = ours[:, worn.skeleton.index(b)] - ours[:, worn.skeleton.index(a)]
        cosine = (loft.unit(told) * loft.unit(shown)).sum(-1)
        assert np.degrees(np.arccos(np.clip(cosine.min(), -1, 1))) < 3, (near, far)


@installed
def test_the_skin_goes_where_the_bones_go() -> None:
    clip = clips.cut(backflip(), 10, 14)
    moved, worn = anny.wear(clip)
    mesh = anny.pose(clip)
    assert mesh.vertices.shape == (4, 13718, 3)
    assert mesh.vertices.dtype == np.float32
    np.testing.assert_array_equal(mesh.triangles, worn.triangles)
    places, turns = fk(moved.skeleton, moved.rotations, moved.root)
    head = worn.skeleton.index("head")
    alone = np.flatnonzero((worn.weights[:, 0] > 0.999) & (worn.joints[:, 0] == head))
    stiff = worn.vertices[alone] - worn.bind_positions[head]
    expected = places[:, head, None] + quat.rotate(turns[:, head, None], stiff)
    np.testing.assert_allclose(mesh.vertices[:, alone], expected, atol=1e-4)


@installed
def test_feet_stand_on_the_ground_when_the_clips_do() -> None:
    rotations = np.tile(quat.IDENTITY, (3, 22, 1))
    root = np.tile(np.array([[0, 0.92, 0]], np.float32), (3, 1))
    vertices = anny.pose(clips.Clip(SMPLX22, 30.0, rotations, root)).vertices
    assert abs(vertices[..., 1].min()) < 0.04
    assert 1.7 < vertices[..., 1].max() < 1.95


@installed
def test_twist_is_shared_by_halves_and_nothing_else_moves() -> None:
    clip = backflip()
    wrung = retarget(clip, anny.body().skeleton, target_map=anny_rig.SHEET)
    shared = anny_rig.share_twist(wrung)
    np.testing.assert_allclose(clips.positions(shared), clips.positions(wrung), atol=1e-4)
    index = wrung.skeleton.index
    before = fk(wrung.skeleton, wrung.rotations, wrung.root)[1]
    after = fk(shared.skeleton, shared.rotations, shared.root)[1]
    for joint in ("wrist.L", "foot.R", "lowerarm01.R", "lowerleg01.L", "upperarm02.L", "head"):
        assert angle_between(after[:, index(joint)], before[:, index(joint)]).max() < 1e-3, joint

    def twist(clip: Clip, joint: str) -> F32:
        """Degrees about the arm's own length by which the joint is turned against the one above, from frame to frame
        without a jump."""
        turned = clip.rotations[:, index(joint)]
        return np.degrees(np.unwrap(2 * np.arctan2(turned[:, 1], turned[:, 0])))

    whole, half = twist(wrung, "wrist.L"), twist(shared, "lowerarm02.L")
    np.testing.assert_allclose(half - half[0], (whole - whole[0]) / 2, atol=0.5)
    assert np.ptp(whole) > 90
    assert np.abs(np.diff(half)).max() < 0.6 * np.abs(np.diff(whole)).max(), "it never jumps to the other way round"


@installed
def test_a_clip_on_her_own_bones_is_worn_as_it_is() -> None:
    moved, _ = anny.wear(walk())
    again, _ = anny.wear(moved)
    assert again is moved


@installed
def test_she_is_written_and_read_as_glb(tmp_path: Path) -> None:
    moved, worn = anny.wear(clips.cut(walk(), 0, 5))
    glb.write(moved, tmp_path / "anny.glb", worn)
    back, body = glb.read(tmp_path / "anny.glb"), gltf_body.read(tmp_path / "anny.glb")
    np.testing.assert_allclose(clips.positions(back), clips.positions(moved), atol=1e-3)
    assert len(body.triangles) == len(worn.triangles)


def test_where_she_is_not_installed_a_sentence_says_how_to(monkeypatch: pytest.MonkeyPatch) -> None:
    anny._model.cache_clear()
    anny._built.cache_clear()
    monkeypatch.setitem(sys.modules, "anny", None)
    with pytest.raises(MissingPart, match=r'not installed .*install it with: pip install -e "\.\[anny\]"'):
        anny.pose(replace(walk(), name="a walk"))
    anny._model.cache_clear()
