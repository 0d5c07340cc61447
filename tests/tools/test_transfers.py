"""The tables of retargeting measure what they say, on a clip whose answer is known."""

from __future__ import annotations

import numpy as np

from motion import clip as clips
from motion.retargeting.retarget import retarget
from motion.skeleton import SMPLX22
from tests.motion.clips import stroll
from tests.motion.rigs import unreal
from tools import transfers


def test_a_take_on_another_rig_points_where_it_pointed_and_slides_less_when_locked() -> None:
    clip = retarget(stroll())
    assert clip.contacts is not None
    row = transfers.measure(clip, unreal().skeleton, clip.contacts)
    assert row["worst"] < 0.1
    assert row["skate_source"] > 1, "the stroll glides"
    assert row["skate_locked"] < row["skate_source"]
    assert abs(row["skate_loose"] / row["skate_source"] - 1) < 0.5


def test_onto_itself_nothing_changes() -> None:
    clip = clips.cut(retarget(stroll()), 0, 30)
    assert clip.contacts is not None
    row = transfers.measure(clip, SMPLX22, clip.contacts)
    assert np.isclose(row["skate_loose"], row["skate_source"], rtol=0.01)
    assert row["worst"] < 0.1


def test_every_way_is_timed() -> None:
    taken = transfers.speed(1)
    assert len(taken) == 6
    assert all(value > 0 for value in taken.values())
