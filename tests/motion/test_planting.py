"""Feet that stay where they stand."""

from __future__ import annotations

import numpy as np

from motion.planting import Planter
from motion.skeleton import ANKLE_HEIGHT, TOE_HEIGHT

FPS = 30.0


def feet(left: np.ndarray, right: np.ndarray, lift: float = 0.0) -> np.ndarray:
    """World ankles and feet (T, 4, 3) from where each foot is on the floor (T, 2); the right one `lift` metres up."""
    frames = len(left)
    result = np.zeros((frames, 4, 3), np.float32)
    for joint, (place, height) in enumerate(
        ((left, ANKLE_HEIGHT), (left, TOE_HEIGHT), (right, ANKLE_HEIGHT + lift), (right, TOE_HEIGHT + lift))
    ):
        result[:, joint, [0, 2]] = place
        result[:, joint, 1] = height
    return result


def line(frames: int, speed: float) -> np.ndarray:
    """A straight way along Z at `speed` metres a second, (T, 2)."""
    return np.stack([np.zeros(frames), np.arange(frames) * speed / FPS], axis=-1).astype(np.float32)


def test_a_foot_that_rests_and_slides_is_held_while_the_other_swings() -> None:
    sliding, swinging = line(30, 0.12), line(30, 2.0)
    moved = Planter(FPS).push(feet(sliding, swinging, lift=0.15))
    slid = sliding[-1, 1] - sliding[0, 1]
    assert slid > 0.1
    assert abs(slid + moved[-1, 2]) < 0.15 * slid, "at least 85 % of the slide is taken back"


def test_feet_that_do_not_slide_move_nothing() -> None:
    still = np.zeros((20, 2), np.float32)
    assert np.abs(Planter(FPS).push(feet(still, still))).max() < 1e-6


def test_a_body_in_the_air_is_left_alone() -> None:
    flying = feet(line(20, 0.2), line(20, 0.2), lift=0.0)
    flying[..., 1] += 0.3
    assert np.abs(Planter(FPS).push(flying)).max() < 1e-4


def test_pieces_give_what_the_whole_gives() -> None:
    clip = feet(line(40, 0.15), line(40, 1.0), lift=0.1)
    whole = Planter(FPS).push(clip)
    planter = Planter(FPS)
    pieces = np.concatenate([planter.push(clip[a:b]) for a, b in ((0, 1), (1, 9), (9, 9), (9, 40))])
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


def test_the_height_of_the_root_is_never_touched() -> None:
    assert np.all(Planter(FPS).push(feet(line(30, 0.2), line(30, 0.2)))[:, 1] == 0)
