"""Grafts of gestures onto walks: the arms of the named sides and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from export.data import compose
from export.data.compose import ARMS, GESTURES, PACES, RARE, STEPS, Recorded, graft, sentences
from motion import clip as clips
from motion.skeleton import SMPLX22
from tests.motion.clips import backflip, lie_down, stroll
from tests.motion.turns import angle_between

WALK, GESTURE = stroll(), clips.cut(backflip(), 0, 40)


@pytest.mark.parametrize("sides", [("left",), ("right",), ("left", "right")])
def test_a_graft_changes_the_arms_of_its_sides_and_nothing_else(sides: tuple[str, ...]) -> None:
    made = graft(WALK, GESTURE, sides, 20)
    changed = [joint for side in sides for joint in ARMS[side]]
    kept = [joint for joint in range(22) if joint not in changed]
    assert len(made) == len(WALK)
    np.testing.assert_array_equal(made.root, WALK.root)
    np.testing.assert_array_equal(made.rotations[:, kept], WALK.rotations[:, kept])
    assert {SMPLX22.joints[joint].split("_")[0] for joint in changed} == set(sides)
    for joint in changed:
        assert angle_between(made.rotations[:, joint], WALK.rotations[:, joint]).max() > 0.05


def test_the_arms_follow_the_gesture_once_they_have_passed_over_to_it_and_return_behind_it() -> None:
    made = graft(WALK, GESTURE, ("left",), 20)
    arms = list(ARMS["left"])
    inner = slice(20 + 8, 60 - 8)
    assert angle_between(made.rotations[inner][:, arms], GESTURE.rotations[8:32][:, arms]).max() < 1e-3
    np.testing.assert_array_equal(made.rotations[:20], WALK.rotations[:20])
    np.testing.assert_array_equal(made.rotations[60:], WALK.rotations[60:])


def test_the_passage_makes_no_jump() -> None:
    made = graft(WALK, GESTURE, ("left", "right"), 20)
    steps = angle_between(made.rotations[1:], made.rotations[:-1])
    own = max(angle_between(clip.rotations[1:], clip.rotations[:-1]).max() for clip in (WALK, GESTURE))
    assert steps.max() < own + np.pi / 8, "an eighth of the way at most, and what the clips themselves do"


def test_a_gesture_from_the_first_frame_on_needs_no_passage() -> None:
    made = graft(WALK, GESTURE, ("right",), 0)
    arms = list(ARMS["right"])
    assert angle_between(made.rotations[:32][:, arms], GESTURE.rotations[:32][:, arms]).max() < 1e-3


def test_a_gesture_that_is_longer_than_the_walk_goes_on_to_its_end() -> None:
    short = clips.cut(WALK, 0, 30)
    made = graft(short, GESTURE, ("left",), 5)
    assert len(made) == 30
    arms = list(ARMS["left"])
    assert angle_between(made.rotations[-1, arms], GESTURE.rotations[24, arms]).max() < 1e-3


def test_the_inputs_stay_as_they_were() -> None:
    walk, gesture = stroll(), clips.cut(backflip(), 0, 40)
    graft(walk, gesture, ("left", "right"), 3)
    np.testing.assert_array_equal(walk.rotations, WALK.rotations)
    np.testing.assert_array_equal(gesture.rotations, GESTURE.rotations)


def test_the_same_seed_draws_the_same_grafts_and_another_others() -> None:
    def made(seed: int) -> list[np.ndarray]:
        drawn = compose.compose([WALK, lie_down()], [GESTURE, backflip()], ("left",), 5, seed)
        return [clip.rotations for clip in drawn]

    assert all(np.array_equal(a, b) for a, b in zip(made(1), made(1), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(made(1), made(2), strict=True))


@pytest.mark.parametrize("gesture", GESTURES)
def test_sentences_name_step_and_gesture_in_english(gesture: str) -> None:
    side = gesture.split("-")[1]
    for step in STEPS:
        found = sentences(step, gesture)
        assert len(found) == len(set(found)) == 3 * len(STEPS[step]) * len(GESTURES[gesture][1])
        for text in found:
            assert any(text.startswith(walk) for walk in STEPS[step])
            words = text.replace(",", "").split()
            if side in ("left", "right"):
                other = "left" if side == "right" else "right"
                arms = words[len(next(w for w in STEPS[step] if text.startswith(w)).split()) :]
                assert other not in arms
            assert ("waving" in words) + ("waves" in words) + ("raises" in words) + ("raising" in words) + (
                "lifts" in words
            ) + ("lifting" in words) == 1


def test_each_gestures_arms_are_those_of_its_name() -> None:
    for name, (sides, _) in GESTURES.items():
        side = name.split("-")[1]
        assert set(sides) == ({"left", "right"} if side == "both" else {side})


def test_the_corpus_has_every_gesture_on_every_way_that_was_recorded() -> None:
    ways = {"walk": [WALK], "run": [clips.cut(WALK, 0, 30)]}
    gestures = {"wave-left": [GESTURE], "raise-both": [GESTURE]}
    found = list(compose.corpus({**ways, **gestures}, "MIT"))
    assert {made.action for made in found} == {"walk+wave-left", "walk+raise-both"}, "30 frames are too short a run"
    assert len({made.name for made in found}) == len(found)
    for made in found:
        assert set(made.captions) == set(sentences(*made.action.split("+")))
    again = list(compose.corpus({**ways, **gestures}, "MIT"))
    assert all(np.array_equal(a.clip.rotations, b.clip.rotations) for a, b in zip(found, again, strict=True))


@pytest.mark.parametrize("pace", PACES)
def test_another_pace_is_the_same_motion_in_another_time(pace: float) -> None:
    made = compose.paced(WALK, pace)
    assert made.fps == WALK.fps
    assert made.seconds == pytest.approx(WALK.seconds / pace, abs=1.5 / WALK.fps)
    np.testing.assert_array_equal(made.root[0], WALK.root[0])
    np.testing.assert_allclose(made.root[-1], WALK.root[-1], atol=0.05)
    there = np.arange(len(made)) * pace  # frames of the walk
    near = np.round(there).astype(int)
    exact = np.abs(there - near) < 0.02
    assert exact.sum() >= 3
    assert angle_between(made.rotations[exact], WALK.rotations[near[exact]]).max() < 0.03


def test_only_rare_actions_are_shown_at_other_paces_under_the_licence_of_their_recording() -> None:
    jumps = [Recorded(GESTURE, f"a/{i}", "jump", ("a person jumps",), "MIT") for i in range(RARE)]
    walks = [Recorded(WALK, f"b/{i}", "walk", ("a person walks",), "CMU") for i in range(RARE + 1)]
    found = list(compose.rare([*jumps, *walks]))
    assert {made.action for made in found} == {"jump"}
    assert len({made.name for made in found}) == len(found) == RARE * len(PACES)
    assert {(made.licence, *made.captions) for made in found} == {("MIT", "a person jumps")}


def _recorded(name: str, frames: int, captions: tuple[str, ...], action: str = "kick") -> Recorded:
    return Recorded(clips.cut(stroll(), 0, frames), name, action, captions, "CC0-1.0")


def test_a_series_shows_what_one_person_did_again_and_again_without_a_jump() -> None:
    left = [_recorded(f"hdm05/bd_kickLeft_{k:03d}", 40, ("a person kicks", "someone gives one kick")) for k in (1, 2)]
    made = list(compose.series([*left, _recorded("hdm05/bd_kickLeft_001#mirrored", 40, ("someone kicks",))]))
    assert len({one.name for one in made}) == len(made) == 12, "six of each person and side"
    for one in made:
        assert len(one.clip) >= 60
        assert "someone gives one kick" not in one.captions, "it shows several"
        assert {"a person kicks", "someone kicks"} <= set(one.captions)
        steps = angle_between(one.clip.rotations[1:], one.clip.rotations[:-1])
        own = angle_between(WALK.rotations[1:], WALK.rotations[:-1]).max()
        assert steps.max() < 2 * own + 0.05
        assert np.linalg.norm(np.diff(one.clip.root, axis=0), axis=1).max() < 0.1, "metres a frame"


def test_series_are_made_of_short_recordings_of_their_actions_alone() -> None:
    short = _recorded("a/kick", 60, ("someone kicks",))
    long = replace(short, clip=compose.paced(short.clip, 0.4))
    assert list(compose.series([short]))
    assert not list(compose.series([long, replace(short, action="walk")]))


def test_series_are_the_same_every_time() -> None:
    given = [_recorded(f"cc0/Punch_{k}", 24, ("a jab",), "punch") for k in "AB"]
    first, second = list(compose.series(given)), list(compose.series(given))
    assert [one.name for one in first] == [one.name for one in second]
    assert all(np.array_equal(a.clip.rotations, b.clip.rotations) for a, b in zip(first, second, strict=True))
