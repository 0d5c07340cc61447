"""GLB characters as their makers painted them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.bodies import body as bodies
from motion.errors import BadFile
from motion.io import gltf_body
from motion.quat import IDENTITY
from tests import mocap
from tools.render import character

KNIGHT = mocap.MOCAP / "cc0" / "Knight.glb"


@mocap.needed
def test_a_character_wears_the_colours_of_its_texture() -> None:
    plain, painted = gltf_body.read(KNIGHT), character.read(KNIGHT)
    np.testing.assert_array_equal(painted.triangles, plain.triangles)
    assert len(painted.palette) > 8
    colours = np.array([paint.rgb for paint in painted.palette])[painted.paints]
    steel = (np.ptp(colours, axis=1) < 0.15) & (colours.mean(axis=1) > 0.3)
    assert steel.mean() > 0.3, "most of a knight is grey"
    head = painted.joints[painted.triangles[:, 0], 0] == painted.skeleton.index("head")
    skin = (colours[:, 0] > 0.7) & (colours[:, 2] < 0.7) & (colours[:, 0] > colours[:, 2] + 0.1)
    assert skin[head].mean() > 3 * skin[~head].mean(), "the face is not"


@mocap.needed
def test_what_a_character_wears_rides_on_its_joint() -> None:
    bare, armed = character.read(KNIGHT), character.read(KNIGHT, ("Knight_Helmet",))
    added = armed.vertices[len(bare.vertices) :]
    assert len(added) > 100
    assert (armed.joints[len(bare.vertices) :, 0] == armed.skeleton.index("head")).all()
    assert added[:, 1].max() == pytest.approx(2.47, abs=0.05), "as tall as its maker says, with the helmet on"
    lifted = armed.bind_positions + np.array([0, 1, 0], np.float32)
    moved = bodies.pose(armed, lifted, np.tile(IDENTITY, (len(lifted), 1)))[0]
    assert moved[len(bare.vertices) :, 1].min() > added[:, 1].min() + 0.9


@mocap.needed
def test_a_thing_that_is_not_there_is_named() -> None:
    with pytest.raises(BadFile, match=r"Knight\.glb: it has no mesh called 'Knight_Wings'"):
        character.read(KNIGHT, ("Knight_Wings",))


def test_a_file_that_is_no_character_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.glb").write_bytes(b"BVH")
    with pytest.raises(BadFile, match=r"no\.glb"):
        character.read(tmp_path / "no.glb")
