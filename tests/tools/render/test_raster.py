"""Pixels: triangles cover what they should, the nearer one wins, and colours land on their side."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from motion.bodies import mannequin
from motion.bodies.body import Body
from motion.skeleton import SMPLX22
from tools.render import raster
from tools.render.camera import VIEWS, framing

PLACE = st.tuples(st.floats(-10, 70), st.floats(-10, 70))


@settings(deadline=None)  # other work may slow the machine
@given(st.tuples(PLACE, PLACE, PLACE))
def test_a_triangle_covers_just_the_pixel_centres_inside_it(corners: tuple[tuple[float, float], ...]) -> None:
    xy = np.array(corners, np.float32)
    found = raster.fragments(xy, np.array([[0, 1, 2]], np.int32), 60, 50)
    x, y = np.meshgrid(np.arange(60) + 0.5, np.arange(50) + 0.5)
    sides = []
    for i in range(3):
        a, b = xy[i].astype(np.float64), xy[(i + 1) % 3].astype(np.float64)
        sides.append((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]))
    spread = max(1.0, float(np.abs(xy).max()))
    surely = np.max(sides, axis=0) < -1e-3 * spread  # counter-clockwise, seen with y down
    maybe = np.max(sides, axis=0) <= 1e-3 * spread
    covered = np.zeros(60 * 50, bool)
    covered[found.pixel] = True
    covered = covered.reshape(50, 60)
    assert covered[surely].all()
    assert not covered[~maybe].any()


def square(z: float, paint: int, size: float) -> tuple[np.ndarray, np.ndarray, int]:
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32) * size + np.array(
        [0, 0, z], np.float32
    )
    return corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32), paint


def test_the_nearer_surface_hides_the_farther_one_in_whatever_order() -> None:
    worn = mannequin.dress(SMPLX22)
    near, far = square(0.5, 3, 0.5), square(0.0, 5, 1.0)
    for order in ((near, far), (far, near)):
        vertices = np.concatenate([part[0] for part in order])
        body = Body(
            worn.skeleton,
            vertices,
            np.tile(np.array([0, 0, 1], np.float32), (8, 1)),
            np.concatenate([order[0][1], order[1][1] + 4]),
            np.repeat([order[0][2], order[1][2]], 2).astype(np.int32),
            np.zeros((8, 4), np.int32),
            np.full((8, 4), 0.25, np.float32),
            worn.bind_positions,
            worn.bind_rotations,
        )
        seen = framing(vertices, VIEWS["front"], 0, 100, 100)
        picture = np.zeros((100, 100, 3), np.uint8)
        raster.draw(picture, seen, body, vertices, body.normals)
        red, blue = picture[..., 0].astype(int), picture[..., 2].astype(int)
        assert blue[50, 50] > red[50, 50]  # the blue square in front
        assert red[50, 20] > blue[50, 20]  # the orange one around it
        assert picture[2, 2].sum() == 0


def test_blue_is_on_the_right_from_the_front_and_on_the_left_from_behind() -> None:
    worn = mannequin.dress(SMPLX22)
    for view, sign in (("front", 1), ("back", -1)):
        seen = framing(worn.vertices, VIEWS[view], 0, 200, 200)
        picture = np.full((200, 200, 3), 128, np.uint8)
        raster.draw(picture, seen, worn, worn.vertices, worn.normals)
        tint = picture[..., 2].astype(int) - picture[..., 0]
        columns = np.arange(200)
        blue, orange = (tint > 20).sum(axis=0), (tint < -60).sum(axis=0)
        assert np.sign((columns * blue).sum() / blue.sum() - (columns * orange).sum() / orange.sum()) == sign


def test_a_body_half_out_of_the_picture_is_cut_at_its_edge() -> None:
    worn = mannequin.dress(SMPLX22)
    seen = framing(worn.vertices, VIEWS["front"], 0, 120, 120)
    moved = worn.vertices + np.array([0.9, 0, 0], np.float32)
    picture = np.full((120, 120, 3), 128, np.uint8)
    raster.draw(picture, seen, worn, moved, worn.normals)
    assert (picture[:, -2:] != 128).any()
    assert (picture[:, :40] == 128).all()
    raster.draw(picture, seen, worn, worn.vertices + np.array([50, 0, 0], np.float32), worn.normals)


def test_the_shadow_lies_on_the_floor_below_the_body() -> None:
    worn = mannequin.dress(SMPLX22)
    seen = framing(worn.vertices, VIEWS["three-quarter"], 0, 200, 200)
    floor = float(worn.vertices[:, 1].min())
    picture = np.full((200, 200, 3), 200, np.uint8)
    raster.shade(picture, seen, worn, worn.vertices, floor)
    dark = np.argwhere(picture[..., 0] < 190)
    feet, _ = seen.project(np.array([0, floor, 0.05]))
    assert len(dark) > 100
    assert dark[:, 0].min() > 120
    assert picture[round(float(feet[1])), round(float(feet[0])), 0] < 200
