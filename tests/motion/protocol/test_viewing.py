"""What a watcher makes of what arrives: skeleton and pose at once, gaps counted, duplicates passed over."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import protocol
from motion.errors import BadMessage
from motion.protocol import Beat, Ended, Frames, Message, Scene
from motion.protocol.viewing import MOST, Viewing
from tests.motion.protocol.examples import messages

SCENE = cast(Scene, messages()["scene"])


def frame(sequence: int, agent: int = 0) -> Frames:
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (1, 2, 1))
    root = np.array([[sequence, 1, 0]], np.float32)
    return Frames("stage", sequence, sequence, 30.0, 0.0, root, rotations, rotations[:, 0], agent=agent)


def hear(viewing: Viewing, *said: Message) -> None:
    for message in said:
        viewing.receive([b"stream/stage/", *protocol.pack(message)], 1.0)


def test_it_asks_for_the_stream_first_and_joins_last_under_a_name_of_its_own() -> None:
    one, other = Viewing("stage"), Viewing("stage")
    assert one.topics[0] == b"stream/stage/"
    assert one.topics[-1].startswith(b"join/stage/")
    assert one.topics[-1] != other.topics[-1]
    with pytest.raises(BadMessage, match="names have letters"):
        Viewing("a/b")


def test_the_pose_sent_on_joining_counts_once_and_a_gap_is_counted() -> None:
    viewing = Viewing("stage")
    hear(viewing, SCENE, frame(7), frame(7), frame(8), frame(6), frame(12))
    assert [one.sequence for one in viewing.take(every=True)] == [7, 8, 12]
    assert viewing.lost == 3
    assert viewing.skeleton is not None
    assert viewing.skeleton.joints == SCENE.joints


def test_bodies_are_counted_each_by_itself_and_come_in_the_order_of_time() -> None:
    viewing = Viewing("stage")
    hear(viewing, frame(0, 1), frame(0), frame(1, 1), frame(1))
    assert [(one.sequence, one.agent) for one in viewing.take(every=True)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert viewing.lost == 0


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 7))
def test_every_frame_was_taken_or_counted_as_lost(steps: list[int], often: int) -> None:
    viewing, sequence, taken = Viewing("stage"), 0, 0
    hear(viewing, frame(0))
    for count, step in enumerate(steps):
        sequence += 1 + step
        hear(viewing, frame(sequence))
        if count % often == 0:
            taken += len(viewing.take())
    taken += len(viewing.take())
    assert taken + viewing.lost == sequence + 1


def test_who_takes_nothing_keeps_the_newest() -> None:
    viewing = Viewing("stage")
    hear(viewing, *(frame(i) for i in range(200)))
    assert [one.sequence for one in viewing.take(every=True)] == list(range(200 - MOST, 200))
    assert viewing.lost == 200 - MOST


def test_what_begins_anew_under_the_name_counts_anew() -> None:
    viewing = Viewing("stage")
    hear(viewing, SCENE, frame(50), Ended("stage", "its owner closed it"))
    assert viewing.ended is not None
    again = replace(SCENE, clock=SCENE.clock + 1)
    hear(viewing, again, frame(0), Beat(3.0))
    assert viewing.ended is None
    assert [one.sequence for one in viewing.take()] == [0]
    assert viewing.lost == 1, "the frame before, which was never taken"
