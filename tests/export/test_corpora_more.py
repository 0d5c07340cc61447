"""The further corpora: their trials as they come out of the real files, and that their motion shows what is said."""

from __future__ import annotations

import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from export import prepare
from export.corpora import aist, archive, cmu_actions, stored
from export.corpora.catalogue import FURTHER, further
from export.corpora.trial import Trial
from export.prepare import Source, split_of
from motion import clip as clips
from motion.clip import Clip
from motion.errors import BadFile
from motion.quat import F32
from motion.retargeting.retarget import limb_error_deg, retarget
from motion.skeleton import SMPLX22, TOE_HEIGHT
from tests.mocap import MOCAP

MORE = MOCAP.parent / "more"
needed = pytest.mark.skipif(not MORE.is_dir(), reason="needs the folder `more` beside the mocap folder")


@pytest.fixture(scope="module")
def trials() -> dict[str, Trial]:
    return {trial.name: trial for trial in further(MORE)}


def _source(trial: Trial) -> Source:
    return Source.of(trial, archive.folder_of(trial.archive, MOCAP, MORE, MOCAP))


def _shown(trial: Trial) -> Clip:
    return retarget(prepare.read(_source(trial)))


def _height(clip: Clip, joint: str) -> F32:
    return clips.positions(clip)[:, SMPLX22.index(joint), 1]


@needed
def test_every_sound_clip_is_listed_once(trials: dict[str, Trial]) -> None:
    assert Counter(trial.corpus for trial in trials.values()) == {
        "aist": 78,
        "cmu-actions": 39,
        "game": 37,
        "emotes": 17,
    }
    assert len(trials) == len(further(MORE))
    assert {trial.corpus for trial in trials.values()} == FURTHER


@needed
def test_licences_follow_the_sources(trials: dict[str, Trial]) -> None:
    assert {(trial.corpus, trial.licence) for trial in trials.values()} == {
        ("aist", "CC-BY-4.0"),
        ("cmu-actions", "CMU"),
        ("emotes", "Apache-2.0"),
        ("game", "CC0-1.0"),
    }


@needed
def test_every_trial_has_several_clean_sentences_of_each_side(trials: dict[str, Trial]) -> None:
    for trial in trials.values():
        for sentences in (trial.captions, trial.mirrored_captions):
            assert len(sentences) == len(set(sentences)) >= 8, trial.name
            for text in sentences:
                words = text.replace(",", "").split()
                assert text[0].islower(), text
                assert not text.endswith("."), text
                assert not [a for a, b in pairwise(words) if a == b], text
                assert not [a for a, b in pairwise(words) if (a == "an") != (b[0] in "aeiou") and a in ("a", "an")], (
                    text
                )


@needed
def test_what_does_not_travel_is_not_said_to(trials: dict[str, Trial]) -> None:
    for name in ("Walk_Loop", "Jog_Fwd_Loop", "Sprint_Loop", "Crouch_Fwd_Loop"):
        trial = trials[f"game/{name}"]
        assert trial.action not in ("walk", "run")
        assert all(
            any(words in text for words in ("in place", "on the spot", "without moving")) for text in trial.captions
        )
        clip = _shown(trial)
        assert np.linalg.norm(clip.root[-1] - clip.root[0]) < 0.1


@needed
def test_pieces_of_one_take_stay_in_one_split(trials: dict[str, Trial]) -> None:
    pieces = [name for name in trials if "@" in name]
    assert len(pieces) == 79
    for name in pieces:
        assert split_of(name) == split_of(name.partition("@")[0])


def test_a_take_is_cut_around_its_glitches_and_short_pieces_are_dropped() -> None:
    assert cmu_actions.pieces(300, [201]) == [(0, 199), (204, 300)]
    assert cmu_actions.pieces(236, [0]) == [(3, 236)]
    assert cmu_actions.pieces(200, [50, 180]) == [(53, 178)]
    assert cmu_actions.pieces(0, []) == []


@needed
def test_a_piece_is_the_seconds_of_the_take_that_it_names(trials: dict[str, Trial]) -> None:
    trial = trials["aist/gPO_sBM_c01_d10_mPO1_ch02@3"]
    whole = stored.read(MORE / aist.FOLDER / aist.FILE, "gPO_sBM_c01_d10_mPO1_ch02")
    piece = prepare.read(_source(trial))
    np.testing.assert_array_equal(piece.rotations, whole.rotations[180:240])
    assert len(prepare.read(_source(trials["cmu-actions/train__directing_traffic__directing_traffic_1@0"]))) == 120


@needed
@pytest.mark.slow
def test_every_clip_is_retargeted_onto_its_feet_with_hardly_an_error_and_none_stands_still(
    trials: dict[str, Trial],
) -> None:
    for trial in trials.values():
        recorded = prepare.read(_source(trial))
        clip = retarget(recorded)
        assert max(limb_error_deg(recorded, clip).values()) < 0.1, trial.name
        places = clips.positions(clip)
        assert np.percentile(places[:, [10, 11], 1].min(axis=1), 2) == pytest.approx(TOE_HEIGHT, abs=2e-3)
        assert len(clip) >= 15, trial.name
        # A mean pose moves nothing. Who sits or stands breathes; everything else moves a joint by more.
        extent = np.ptp(places - places[:, :1], axis=0).max()
        still = trial.action in ("sit", "stand", "aim", "drive", "crouch", "cast-spell")
        assert extent > (0.004 if still else 0.04), (trial.name, extent)


@needed
def test_actions_show_what_their_label_says(trials: dict[str, Trial]) -> None:
    """Geometry that a mean pose, or another action's clip, would not have."""
    fall = _height(_shown(trials["emotes/KO"]), "head")
    assert fall[0] > 1.4 > 0.4 > fall[-1]
    sitting = _height(_shown(trials["game/Sitting_Enter"]), "pelvis")
    assert sitting[0] > 0.9 > 0.7 > sitting[-1]
    assert _height(_shown(trials["game/Roll"]), "pelvis").min() < 0.2
    jump = _shown(trials["cmu-actions/train__jumping__jumping_5"])
    assert clips.positions(jump)[:, [10, 11], 1].min(axis=1).max() > 0.2, "both feet leave the ground"
    for name in ("cmu-actions/train__running__running_1", "cmu-actions/train__walking__walking_3"):
        travel = _shown(trials[name]).root
        assert travel[-1, 2] > 3, "ahead, the way it faces"
        assert abs(travel[-1, 0]) < 0.8
    window = _shown(trials["cmu-actions/test__washwindow__washwindow_1"])
    reach = {side: _height(window, f"{side}_wrist").max() - _height(window, f"{side}_shoulder").max() for side in SIDES}
    assert reach["right"] > 0.2 > reach["left"]
    kick = clips.positions(_shown(trials["cmu-actions/train__soccer__soccer_1"]))
    speed = np.linalg.norm(np.diff(kick, axis=0), axis=-1).max(axis=0) * 30
    assert speed[SMPLX22.index("right_foot")] > max(6, speed[SMPLX22.index("left_foot")])


@needed
def test_the_hand_that_greets_and_the_fists_that_punch_are_those_of_the_sentence(trials: dict[str, Trial]) -> None:
    for name, side in (
        ("game/Greeting", "right"),
        ("game/Victory_Fist_Pump", "right"),
        ("game/Punch_Jab", "left"),
        ("game/Punch_Cross", "right"),
        ("game/Interact", "left"),
        ("emotes/Punch", "right"),
        ("emotes/Button_Front", "right"),
    ):
        places = clips.positions(_shown(trials[name]))
        moved = {s: np.ptp(places[:, SMPLX22.index(f"{s}_wrist")] - places[:, 0], axis=0).max() for s in SIDES}
        assert max(moved, key=lambda s: moved[s]) == side, name
        assert any(side in text for text in trials[name].captions)
    assert (trials["game/Greeting"].action, trials["game/Greeting"].mirrored_action) == ("wave-right", "wave-left")


@needed
def test_a_file_of_a_corpus_is_never_read_outside_its_folder(tmp_path: Path) -> None:
    shutil.copytree(MORE / "aist_dance", tmp_path / "aist_dance")
    (tmp_path / "else.npz").write_bytes(b"")
    with pytest.raises(BadFile, match="leads out"):
        archive.inside(tmp_path / "aist_dance", "../else.npz")
    with pytest.raises(BadFile, match="leads out"):
        archive.folder_of("more/../aist_dance/../..", MOCAP, tmp_path / "aist_dance", tmp_path)
    with pytest.raises(BadFile, match="no such file"):
        archive.inside(tmp_path / "aist_dance", "gone.npz")


@needed
def test_a_clip_that_is_not_in_the_file_is_named() -> None:
    with pytest.raises(BadFile, match="no clip 'waltz'"):
        stored.read(MORE / aist.FOLDER / aist.FILE, "waltz")


def test_a_folder_of_further_corpora_that_is_not_there_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert prepare.further(tmp_path / "mocap", None) is None
    assert len(caplog.records) == 1
    (tmp_path / "more").mkdir()
    assert prepare.further(tmp_path / "mocap", None) == (tmp_path / "more").resolve()
    with pytest.raises(BadFile, match="--more"):
        prepare.further(tmp_path / "mocap", tmp_path / "elsewhere")


def test_a_list_that_is_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="list of a corpus' clips"):
        aist.trials(tmp_path)
    (tmp_path / aist.FOLDER).mkdir()
    (tmp_path / aist.FOLDER / "index.json").write_text('{"no": "list"}')
    with pytest.raises(BadFile, match="no list"):
        aist.trials(tmp_path)


SIDES = ("left", "right")
