"""Looping clips: the end is the beginning again, in pose and in speed, wherever the body has gone meanwhile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion import clip as clips
from motion import quat
from motion.edit.loop import loop, repeat
from motion.errors import BadClip
from tests.motion.clips import backflip, stroll, wriggle
from tests.motion.edit.seams import jerk, turn_jerk
from tests.motion.turns import angle_between


@given(st.integers(0, 500), st.integers(5, 60), st.floats(0, 1))
def test_the_last_frame_is_the_first_and_the_step_to_it_goes_on(seed: int, frames: int, seconds: float) -> None:
    looping = loop(wriggle(frames=frames, seed=seed), seconds)
    assert len(looping) == frames
    assert angle_between(looping.rotations[-1, 1:], looping.rotations[0, 1:]).max() < 1e-3
    assert looping.root[-1, 1] == pytest.approx(looping.root[0, 1], abs=1e-5)
    twice = repeat(looping, 2)
    assert len(twice) == 2 * frames - 1
    seam = clips.cut(twice, frames - 2, frames + 1)  # the frame before, the one where both rounds meet, the next
    assert turn_jerk(seam).max() < 3e-3
    assert np.linalg.norm(np.diff(seam.root, n=2, axis=0), axis=-1).max() < 1e-4


@given(st.integers(0, 500), st.integers(20, 60))
def test_the_middle_of_a_looping_clip_is_untouched(seed: int, frames: int) -> None:
    clip = wriggle(frames=frames, seed=seed)
    looping = loop(clip, 0.2)
    np.testing.assert_array_equal(looping.rotations[6:-6], clip.rotations[6:-6])
    np.testing.assert_array_equal(looping.root[6:-6], clip.root[6:-6])


def test_a_walk_walks_on_and_turns_on() -> None:
    cycle = clips.cut(stroll(), 0, 33)  # one round of the recorded cycle, along a bend
    rounds = repeat(loop(cycle, 0.2), 4)
    assert len(rounds) == 4 * 32 + 1
    travelled = np.linalg.norm(np.diff(rounds.root[::32], axis=0), axis=-1)
    np.testing.assert_allclose(travelled, travelled[0], rtol=1e-3)
    assert travelled[0] > 1
    turned = np.diff(np.unwrap(quat.yaw(rounds.rotations[::32, 0])))
    np.testing.assert_allclose(turned, turned[0], atol=1e-3)
    assert turned[0] > 0.5
    assert jerk(rounds).max() < 1.3 * jerk(cycle).max()


def test_a_motion_that_ends_elsewhere_than_it_began_loops_without_a_jump() -> None:
    clip = clips.cut(backflip(), 0, 30)  # cut off head down: nothing in it repeats
    twice = repeat(loop(clip, 0.4), 2)
    hard = repeat(clip, 2)
    assert jerk(twice).max() < 1.2 * jerk(clip).max()
    assert jerk(hard).max() > 5 * jerk(clip).max()


def test_contacts_and_moving_bones_loop_too() -> None:
    rng = np.random.default_rng(0)
    clip = backflip()
    offsets = (clips.bones(clip) * (1 + 0.1 * rng.normal(size=(len(clip), 1, 1)))).astype(np.float32)
    looping = loop(replace(clip, offsets=offsets))
    assert looping.offsets is not None
    np.testing.assert_allclose(looping.offsets[-1], looping.offsets[0], atol=1e-6)
    np.testing.assert_array_equal(looping.contacts, clip.contacts)  # type: ignore[arg-type]


def test_what_cannot_loop_is_refused() -> None:
    with pytest.raises(BadClip, match="4 frames is too short to loop; it needs 5"):
        loop(wriggle(frames=4))
    with pytest.raises(BadClip, match="from zero on"):
        loop(backflip(), -1)
    with pytest.raises(BadClip, match="cannot be repeated 0 times"):
        repeat(backflip(), 0)
