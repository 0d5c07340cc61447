"""The layout `uni269`: the columns of `hml263`, and the pelvis' whole orientation after them."""

from __future__ import annotations

import numpy as np

from motion import clip as clips
from motion import quat
from motion.features import hml263, uni269
from motion.features.uni269 import LAYOUT
from tests.motion.clips import backflip, lie_down
from tests.motion.turns import angle_between


def test_the_first_263_columns_are_those_of_hml263() -> None:
    clip = clips.resample(backflip(), 20.0)
    np.testing.assert_array_equal(uni269.encode(clip)[:, :263], hml263.encode(clip))
    assert [name for name in LAYOUT if name not in hml263.LAYOUT] == ["orientation"]


def test_the_pelvis_turns_over_in_a_somersault_as_it_did() -> None:
    clip = clips.resample(backflip(), 20.0)
    told = quat.from_rot6d(uni269.encode(clip)[:, LAYOUT["orientation"]])
    down = quat.rotate(told, np.array([0, 1, 0], np.float32))[:, 1].min()
    assert down < -0.9, "head over heels"
    between = quat.mul(told, quat.inv(clip.rotations[:, 0]))
    assert angle_between(between, between[:1]).max() < 1e-3, "one turn of the world for the whole clip"
    assert np.abs(between[:, [1, 3]]).max() < 1e-3, "about Y"


def test_the_decoded_pelvis_is_the_one_that_is_told_though_positions_alone_say_another() -> None:
    clip = clips.resample(lie_down(), 20.0)
    frames = uni269.encode(clip)
    tilt = quat.from_axis_angle(np.array([1, 0, 0], np.float32), np.full(len(clip), 0.3, np.float32))
    frames[:, LAYOUT["orientation"]] = quat.to_rot6d(tilt)
    assert angle_between(uni269.decode(frames).rotations[:, 0], tilt).max() < 1e-3
    assert angle_between(hml263.decode(frames[:, :263]).rotations[:, 0], tilt).max() > 0.2
