"""Gestures out of free recordings on stands, walks and runs: the arms of the sentence, and the stricter licence."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from export import prepare
from export.corpora import archive, licence
from export.corpora.catalogue import catalogue
from export.data import compose, gestures
from export.data.compose import GESTURES, Composition, Recorded
from motion import clip as clips
from motion.clip import Clip
from motion.errors import BadBundle
from motion.retargeting.retarget import retarget
from motion.skeleton import SMPLX22
from tests.mocap import MOCAP

MORE = MOCAP.parent / "more"
_WAYS = ("cmu-actions/train__walking__walking_3", "cmu-actions/train__running__running_2")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MORE.is_dir(), reason="needs the mocap folder and the folder `more` beside it"),
]


@pytest.fixture(scope="module")
def recorded(cache: Path) -> dict[str, Recorded]:
    """All that gestures are made of, and a walk and a run."""
    trials = {trial.name: trial for trial in catalogue(MOCAP, cache, MORE)}
    named = {span.name for span in gestures.SPANS} | {name for name, _, _ in gestures.STANDS} | set(_WAYS)
    found: dict[str, Recorded] = {}
    for name in sorted(named):
        trial = trials[name]
        folder = archive.folder_of(trial.archive, MOCAP, MORE, cache)
        clip = retarget(prepare.read(prepare.Source.of(trial, folder)))
        found[name] = Recorded(clip, name, trial.action or "", trial.captions, trial.licence)
    return found


@pytest.fixture(scope="module")
def made(recorded: dict[str, Recorded]) -> list[Composition]:
    return list(gestures.grafts(recorded))


def _up(clip: Clip) -> dict[str, float]:
    """Seconds in which each wrist is 15 cm and less under its shoulder, over its elbow."""
    places = clips.positions(clip)
    high: dict[str, float] = {}
    for side in ("left", "right"):
        wrist, elbow, shoulder = (places[:, SMPLX22.index(f"{side}_{part}"), 1] for part in PARTS)
        high[side] = float(((wrist > shoulder - 0.15) & (wrist > elbow)).sum() / clip.fps)
    return high


PARTS = ("wrist", "elbow", "shoulder")


def test_every_span_is_of_the_training_split_and_shows_its_arms(recorded: dict[str, Recorded]) -> None:
    for span in gestures.SPANS:
        assert prepare.split_of(span.name) == "train"
        clip = recorded[span.name].clip
        assert 0 <= span.start < span.stop <= len(clip), span
        high = _up(clips.cut(clip, span.start, span.stop))
        assert all(high[side] > 0.5 for side in span.arms), (span, high)
    for name, start, stop in gestures.STANDS:
        assert prepare.split_of(name) == "train"
        clip = recorded[name].clip
        assert 0 <= start < stop <= len(clip), name
        assert max(_up(clips.cut(clip, start, stop)).values()) == 0


def test_every_gesture_is_made_on_stands_walks_and_runs(made: list[Composition]) -> None:
    counts = Counter(one.action for one in made)
    assert counts == {
        **{gesture: 40 for gesture in GESTURES},
        **{f"walk+{gesture}": 40 for gesture in GESTURES},
        **{f"run+{gesture}": 10 for gesture in GESTURES},
    }
    assert {one.corpus for one in made} == {"composed-free"}
    assert len({one.name for one in made}) == len(made)


def test_who_stands_lifts_the_arms_of_the_sentence_and_no_other(made: list[Composition]) -> None:
    for one in made:
        if one.action not in GESTURES:
            continue
        sides = GESTURES[one.action][0]
        high = _up(one.clip)
        for side in ("left", "right"):
            assert (high[side] > 0.4) if side in sides else (high[side] < 0.2), (one.name, high)
        assert np.ptp(one.clip.root, axis=0).max() < 0.6, "on the spot"


def test_a_body_that_goes_goes_on_and_no_joint_leaps(made: list[Composition]) -> None:
    for one in made:
        places = clips.positions(one.clip)
        assert np.linalg.norm(np.diff(places, n=2, axis=0), axis=-1).max() <= 0.3, one.name
        if one.action.startswith(("walk", "run")):
            assert one.clip.root[-1, 2] > 2, one.name


def test_a_composition_is_under_the_stricter_licence_of_its_parts(recorded: dict[str, Recorded]) -> None:
    free = {name: one for name, one in recorded.items() if name in ("game/Greeting", "game/Idle_Loop", _WAYS[0])}
    found: dict[str, set[str]] = defaultdict(set)
    for one in gestures.grafts(free):
        found[one.action.partition("+")[0]].add(one.licence)
    assert found == {"wave-left": {"CC0-1.0"}, "wave-right": {"CC0-1.0"}, "wave-both": {"CC0-1.0"}, "walk": {"CMU"}}


def test_nothing_of_a_licence_that_is_not_free_goes_into_it(recorded: dict[str, Recorded]) -> None:
    kept = {
        name: Recorded(one.clip, name, one.action, one.captions, "CC-BY-NC-4.0") for name, one in recorded.items()
    }
    assert list(gestures.grafts(kept)) == []


def test_two_runs_give_the_same_clips(recorded: dict[str, Recorded], made: list[Composition]) -> None:
    for one, again in zip(made, gestures.grafts(recorded), strict=True):
        assert one.name == again.name
        np.testing.assert_array_equal(one.clip.rotations, again.clip.rotations)


@pytest.mark.parametrize("gesture", GESTURES)
def test_sentences_of_somebody_who_stands_name_the_gesture(gesture: str) -> None:
    found = gestures.standing(gesture)
    assert len(found) == len(set(found)) >= 10
    assert all(text.startswith(("a person ", "someone ", "the person ")) for text in found)
    assert not any("walk" in text for text in found)


def test_the_strictest_licence_is_taken_and_an_unknown_one_named() -> None:
    assert licence.strictest(["MIT", "CC-BY-4.0", "CC0-1.0"]) == "CC-BY-4.0"
    assert licence.FREE.isdisjoint({"CC-BY-NC-4.0", "CC-BY-SA-3.0"})
    with pytest.raises(BadBundle, match="under 'mine'"):
        licence.strictest(["MIT", "mine"])


def test_a_run_that_is_made_longer_goes_on_at_its_pace(recorded: dict[str, Recorded]) -> None:
    one = Recorded(recorded[_WAYS[1]].clip, _WAYS[1], "run", (), "CMU")
    parts = {"game/Greeting": recorded["game/Greeting"], _WAYS[1]: one}
    pace = (one.clip.root[-1, 2] - one.clip.root[0, 2]) / len(one.clip)
    for longer in gestures.grafts(parts):
        run = longer.clip
        assert len(run) > len(one.clip)
        assert np.linalg.norm((run.root[-1] - run.root[0])[[0, 2]]) / len(run) == pytest.approx(pace, rel=0.15)
    assert compose.CORPUS != gestures.CORPUS
