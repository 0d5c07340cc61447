"""The action classifier tells motions apart that differ, and cannot tell what it was never shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from export.metrics import actions
from motion import clip as clips
from motion import features
from motion.quat import F32
from tests.motion.clips import backflip, lie_down, stroll
from tests.motion.turns import f32


def _crops(frames: F32, count: int, seed: int) -> list[F32]:
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, len(frames) - 30, count)
    return [f32(frames[start : start + 30] + rng.normal(size=(30, 201)) * 0.003) for start in starts]


ONE, OTHER = features.encode(stroll()), features.encode(lie_down())


@pytest.fixture(scope="module")
def judge() -> actions.Classifier:
    training = [*_crops(ONE, 20, 0), *_crops(OTHER, 8, 1)]
    return actions.train(training, ["walk"] * 20 + ["lie"] * 8, steps=50)


def test_two_actions_are_told_apart_on_clips_it_has_not_seen(judge: actions.Classifier) -> None:
    assert judge.actions == ("lie", "walk")
    assert judge.predict(_crops(ONE, 10, 2)) == ["walk"] * 10
    assert judge.predict(_crops(OTHER, 10, 3)) == ["lie"] * 10


def test_a_clips_length_and_company_do_not_matter(judge: actions.Classifier) -> None:
    assert judge.predict([ONE, ONE[:12], OTHER]) == ["walk", "walk", "lie"]


def test_the_same_seed_trains_the_same_judge() -> None:
    clip_list = [*_crops(ONE, 6, 0), *_crops(OTHER, 6, 1)]
    one, same, other = (
        actions.train(clip_list, ["walk"] * 6 + ["lie"] * 6, steps=3, seed=seed).network.state_dict()
        for seed in (1, 1, 2)
    )
    assert all(bool((one[name] == same[name]).all()) for name in one)
    assert any(bool((one[name] != other[name]).any()) for name in one)


def test_sides_are_told_apart() -> None:
    """Left and right differ in sign alone: a judge that sees only sizes would pass a wave of the wrong hand."""
    clip = backflip()
    bent = clip.rotations.copy()
    bent[:, 16:20] = stroll().rotations[:48, 16:20]
    bent[:, 17] = bent[:, 0] * 0 + np.array([1, 0, 0, 0], np.float32)  # one arm out to its side
    sided = replace(clip, rotations=bent)
    ours, theirs = features.encode(sided), features.encode(clips.mirror(sided))
    trained = actions.train([*_crops(ours, 8, 0), *_crops(theirs, 8, 1)], ["right"] * 8 + ["left"] * 8, steps=60)
    assert trained.predict([ours, theirs]) == ["right", "left"]


def test_the_judge_sees_positions_and_speed_not_rotations() -> None:
    frames = ONE.copy()
    frames[:, features.LAYOUT["rot6d"]] = 0
    np.testing.assert_array_equal(actions.inputs(frames), actions.inputs(ONE))
    assert actions.inputs(ONE).shape == (len(ONE), 67)
