"""Cameras: everything they should show is in the picture, and left stays left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion.errors import BadConfig
from tools.render import camera
from tools.render.camera import VIEWS, framing

SPOT = st.tuples(*[st.floats(-20, 20)] * 3)


@settings(deadline=None)  # other work may slow the machine
@given(st.lists(SPOT, min_size=1, max_size=30), st.sampled_from(list(VIEWS)), st.floats(-4, 4), st.integers(100, 900))
def test_every_point_is_inside_the_margin(
    points: list[tuple[float, float, float]], view: str, facing: float, width: int
) -> None:
    spread = np.concatenate([np.array(points), np.array(points) + np.array([0.1, 0.2, 0.3])])
    xy, depth = framing(spread, VIEWS[view], facing, width, 480, margin=0.07).project(spread)
    assert (depth > 0).all()
    assert (xy >= np.array([width, 480]) * 0.07 - 0.5).all()
    assert (xy <= np.array([width, 480]) * 0.93 + 0.5).all()


@settings(deadline=None)  # other work may slow the machine
@given(st.floats(-4, 4))
def test_from_the_front_the_left_hand_is_on_the_right_of_the_picture(facing: float) -> None:
    left = np.array([np.cos(facing), 0, -np.sin(facing)])
    points = np.stack([left, -left, [0, 1, 0], [0, -1, 0]])
    for view, sign in (("front", 1), ("three-quarter", 1), ("back", -1)):
        xy, _ = framing(points, VIEWS[view], facing, 400, 400).project(points)
        assert np.sign(xy[0, 0] - xy[1, 0]) == sign
        assert xy[2, 1] < xy[3, 1]


def test_from_the_side_a_body_faces_the_right_of_the_picture() -> None:
    points = np.array([[0, 0, 0], [0, 0, 1.0], [0, 1, 0]])
    xy, depth = framing(points, VIEWS["side"], 0, 400, 400).project(np.array([[0, 0, 0], [0, 0, 1.0], [-0.1, 0, 0]]))
    assert xy[1, 0] > xy[0, 0]
    assert depth[2] < depth[0]  # its right hand is nearer


def test_a_pixel_of_the_floor_is_the_floor_point_that_projects_there() -> None:
    seen = framing(np.array([[-1, 0, -1], [1, 2, 1]]), VIEWS["three-quarter"], 0.3, 320, 240)
    ground, _ = seen.floor(0.0)
    xy, _ = seen.project(np.array([ground[200, 100, 0], 0, ground[200, 100, 1]]))
    np.testing.assert_allclose(xy, [100.5, 200.5], atol=1e-3)


def test_views_are_chosen_by_name_and_unknown_ones_are_named() -> None:
    assert [view.name for view in camera.views("side, top")] == ["side", "top"]
    with pytest.raises(BadConfig, match="no view 'below'; the views are three-quarter, side"):
        camera.views("front,below")
