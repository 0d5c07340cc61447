"""The layout `pos`: joints in the world, placed by the first frame and the lowest joint."""

from __future__ import annotations

import numpy as np
import pytest

from motion import clip as clips
from motion import quat
from motion.features import pos
from motion.skeleton import SMPLX22, TOE_HEIGHT
from tests.motion.clips import backflip, lie_down, stroll, walk
from tests.motion.turns import angle_between


def test_the_clip_stands_on_the_floor_and_begins_over_the_origin_facing_plus_z() -> None:
    clip = clips.move(clips.turn(stroll(), 1.0), np.array([3, 2, 1], np.float32))
    at = pos.joints(pos.encode(clip))
    assert at[..., 1].min() == 0
    np.testing.assert_allclose(at[0, 0, [0, 2]], 0, atol=1e-6)
    left = at[0, SMPLX22.index("left_hip")] - at[0, SMPLX22.index("right_hip")]
    assert abs(left[2] / left[0]) < 1e-3
    assert left[0] > 0.1
    assert np.linalg.norm(at[-1, 0] - at[0, 0]) > 2, "it goes where it went"


@pytest.mark.parametrize("make", [walk, backflip, lie_down])
def test_twist_is_guessed_within_the_bend_of_knees(make: object) -> None:
    clip = clips.resample(make(), 30.0)  # type: ignore[operator]
    back = pos.decode(pos.encode(clip))
    turned = clips.canonicalise(clip)
    for joint, within_deg in (("pelvis", 0.1), ("spine3", 3.0), ("left_hip", 6.0), ("right_hip", 6.0)):
        i = SMPLX22.index(joint)
        off_deg = np.degrees(angle_between(back.rotations[:, i], turned.rotations[:, i]))
        assert np.median(off_deg) < within_deg, joint


def test_an_error_in_one_frame_stays_in_that_frame() -> None:
    frames = pos.encode(walk())
    hurt = frames.copy()
    hurt[10] += 0.1
    good, bad = clips.positions(pos.decode(frames)), clips.positions(pos.decode(hurt))
    others = np.arange(len(frames)) != 10
    np.testing.assert_allclose(bad[others], good[others], atol=1e-6)
    assert np.abs(bad[10] - good[10]).max() > 0.05


def test_a_decoded_clip_stands_as_high_as_a_toe_with_contacts_while_it_does() -> None:
    rotations = np.tile(quat.IDENTITY, (40, 22, 1))
    root = np.zeros((40, 3), np.float32)
    root[20:, 1] = 0.5  # half a metre up in the air from one frame to the next
    back = pos.decode(pos.encode(clips.Clip(SMPLX22, 30.0, rotations, root)), "a leap")
    assert back.name == "a leap"
    assert back.contacts is not None
    assert back.contacts[:18].min() == 1
    assert back.contacts[22:].max() == 0
    assert clips.positions(back)[..., 1].min() == pytest.approx(TOE_HEIGHT, abs=1e-5)
    assert quat.yaw(back.rotations[0, 0]) == pytest.approx(0, abs=1e-3)
