"""The catalogue of trials as it comes out of the real archives and caption sheets."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from export.corpora import cc0
from export.corpora.archive import members, unpack
from export.corpora.catalogue import catalogue
from export.corpora.trial import Trial
from motion.errors import BadFile
from tests.mocap import MOCAP

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MOCAP.is_dir(), reason="needs the mocap folder; set MOTUS_MOCAP to it"),
]


@pytest.fixture(scope="session")
def trials(cache: Path) -> dict[str, Trial]:
    return {trial.name: trial for trial in catalogue(MOCAP, cache)}


def test_every_clip_of_every_archive_is_listed_once_but_those_to_be_left_out(trials: dict[str, Trial]) -> None:
    counts = Counter(trial.corpus for trial in trials.values())
    assert counts == {"bandai": 2913, "cmu": 143, "dance": 40, "hdm05": 271, "misc": 6, "cc0": 103}


def test_every_trial_points_at_files_that_are_there(trials: dict[str, Trial], cache: Path) -> None:
    folders = {archive: unpack(MOCAP / archive, cache) for archive in {trial.archive for trial in trials.values()}}
    for trial in trials.values():
        assert (folders[trial.archive] / trial.member).is_file(), trial.name
        is_amc = trial.member.lower().endswith(".amc")
        assert (trial.skeleton_member is not None) == is_amc, trial.name
        if trial.skeleton_member is not None:
            assert (folders[trial.archive] / trial.skeleton_member).is_file(), trial.name
    squat = trials["hdm05/HDM_bd_squat1Reps_001_120"]
    assert (folders[squat.archive] / squat.member).read_bytes().startswith(b"#")
    assert squat.skeleton_member is not None
    assert b":bonedata" in (folders[squat.archive] / squat.skeleton_member).read_bytes()


def test_two_listings_are_equal(trials: dict[str, Trial], cache: Path) -> None:
    assert {trial.name: trial for trial in catalogue(MOCAP, cache)} == trials


def test_no_trial_lacks_sentences_and_none_says_one_twice(trials: dict[str, Trial]) -> None:
    for trial in trials.values():
        for sentences in (trial.captions, trial.mirrored_captions):
            assert sentences, trial.name
            assert len(set(sentences)) == len(sentences), trial.name


def test_all_sentences_are_clean_prose(trials: dict[str, Trial]) -> None:
    for text in _all_sentences(trials):
        assert text == text.strip()
        assert "  " not in text
        assert ",," not in text
        assert not text.endswith((".", ",")), text
        assert text[0].islower(), text
        assert "aheadand" not in text
        words = text.replace(",", "").split()
        doubled = [a for a, b in pairwise(words) if a == b]
        assert not doubled, text


def test_the_article_fits_the_word_behind_it(trials: dict[str, Trial]) -> None:
    for text in _all_sentences(trials):
        words = text.replace(",", "").split()
        for article, word in pairwise(words):
            if article == "an":
                assert word[0].lower() in "aeiou", text
            if article == "a" and not word.startswith("one"):
                assert word[0] not in "aeio", text


def test_every_kind_of_bandai_clip_has_at_least_twelve_wordings(trials: dict[str, Trial]) -> None:
    for trial in _of(trials, "bandai"):
        if len(trial.captions) > 2:  # a mislabelled clip has its own two
            assert 12 <= len(trial.captions) <= 48
            assert 12 <= len(trial.mirrored_captions) <= 48
    assert sum(len(trial.captions) < 12 for trial in _of(trials, "bandai")) == 12


def test_hdm05_classes_have_several_wordings(trials: dict[str, Trial]) -> None:
    assert all(len(trial.captions) >= 6 for trial in _of(trials, "hdm05"))


def test_the_wrong_cmu_rates_are_replaced_and_no_others(trials: dict[str, Trial]) -> None:
    assert {t.name: t.fps for t in trials.values() if t.fps is not None} == {
        "cmu/16_01": 120.0,
        "cmu/16_02": 120.0,
        "cmu/49_04": 120.0,
    }


def test_broken_motion_is_left_out(trials: dict[str, Trial]) -> None:
    assert "cmu/09_10" not in trials
    assert "cmu/09_09" in trials


def test_contents_without_motion_and_rest_poses_are_left_out(trials: dict[str, Trial]) -> None:
    assert not [name for name in trials if "dance-long" in name or "standard" in name]


def test_far_away_reference_poses_are_cut_from_bvh_files_only(trials: dict[str, Trial]) -> None:
    cut = {trial.name for trial in _of(trials, "cmu") if trial.drop_seconds > 0}
    assert {"cmu/07_04", "cmu/07_05", "cmu/07_12", "cmu/08_05", "cmu/09_01", "cmu/12_01", "cmu/49_04"} <= cut
    assert not cut & {"cmu/07_03", "cmu/08_01", "cmu/10_04", "cmu/05_02", "cmu/06_02", "cmu/16_01", "cmu/131_01"}
    assert all(trial.drop_seconds > 0 for trial in _of(trials, "dance"))
    assert not any(trial.drop_seconds for corpus in ("bandai", "hdm05", "cc0") for trial in _of(trials, corpus))


def test_a_cmu_trial_is_read_from_its_amc_and_the_skeleton_beside_it(trials: dict[str, Trial]) -> None:
    trial = trials["cmu/07_01"]
    assert (trial.member, trial.skeleton_member) == ("07/07_01.amc", "07/07.asf")


def test_mislabelled_clips_say_only_what_they_show(trials: dict[str, Trial]) -> None:
    turn = trials["bandai/dataset-2_walk-turn-left_masculine_007"]
    assert turn.captions == (
        "a man walks ahead and makes a turn to the right",
        "a masculine person takes a right turn while walking",
    )
    assert turn.mirrored_captions[0] == "a man walks ahead and makes a turn to the left"
    assert (turn.action, turn.mirrored_action) == ("turn-right", "turn-left")
    assert trials["bandai/dataset-2_walk-turn-right_masculine_007"].action == "turn-left"
    assert trials["bandai/dataset-2_walk-turn-left_normal_031"].action is None
    assert trials["bandai/dataset-2_wave-left-hand_active_011"].action is None
    assert trials["bandai/dataset-2_wave-both-hands_elderly_001"].action == "wave-both"


def test_clips_with_sentences_of_their_own_keep_those_of_their_content(trials: dict[str, Trial]) -> None:
    jab = trials["bandai/dataset-1_punch_normal_001"]
    assert jab.captions[0] == "a person throws left jabs"
    assert "someone punches" in jab.captions
    assert jab.mirrored_captions[0] == "a person throws right jabs"


def test_a_styled_clip_has_the_plain_and_the_styled_sentences(trials: dict[str, Trial]) -> None:
    walk = trials["bandai/dataset-2_walk_elderly_001"].captions
    assert {"someone walks", "a person walks forward", "an elderly person walks forward"} <= set(walk)
    assert "a person walks forward like an elderly person" in walk


def test_sentences_of_one_content_and_style_go_to_every_such_clip(trials: dict[str, Trial]) -> None:
    low = "a person lifts the left hand only to shoulder height, the elbow staying low beside the body"
    feminine = [t for name, t in trials.items() if "raise-up-left-hand_feminine" in name]
    assert len(feminine) == 63
    assert all(low in trial.captions for trial in feminine)
    assert not any(low in t.captions for name, t in trials.items() if "raise-up-left-hand_active" in name)


def test_a_mirrored_clip_takes_the_other_sides_label(trials: dict[str, Trial]) -> None:
    sided = {("walk-left", "walk-right"), ("turn-left", "turn-right"), ("wave-left", "wave-right")}
    sided |= {("raise-left", "raise-right")}
    both_ways = sided | {pair[::-1] for pair in sided}
    for trial in trials.values():
        if trial.action != trial.mirrored_action:
            assert (trial.action, trial.mirrored_action) in both_ways, trial.name
        else:
            assert "left" not in (trial.action or "")
            assert "right" not in (trial.action or "")


def test_a_mirrored_clip_is_worded_as_the_content_it_has_become(trials: dict[str, Trial]) -> None:
    lists = [t.mirrored_captions for name, t in trials.items() if "walk-turn-left_active" in name]
    only_of_the_right = "a person strides on and then makes a right"
    assert any(only_of_the_right in sentences for sentences in lists)
    assert all("someone turns right while walking" in sentences for sentences in lists)
    assert "a person waves the left hand" in trials["bandai/dataset-1_bye_sad_001"].mirrored_captions


def test_left_and_right_sentences_never_swap_sides_by_accident(trials: dict[str, Trial]) -> None:
    for name, trial in trials.items():
        if "raise-up-left-hand_active" in name or "wave-left-hand_normal" in name:
            assert not any("the right hand" in text and "left" not in text for text in trial.captions)
            assert not any("the left hand" in text and "right" not in text for text in trial.mirrored_captions)


def test_untrue_labels_are_withheld(trials: dict[str, Trial]) -> None:
    assert trials["bandai/dataset-1_bye_angry_001"].action is None
    assert trials["bandai/dataset-1_byebye_normal_001"].action is None
    assert trials["bandai/dataset-1_bye_sad_001"].action == "wave-right"
    assert trials["bandai/dataset-1_bye_sad_001"].mirrored_action == "wave-left"
    assert trials["cmu/32_02"].action is None
    assert trials["cmu/03_02"].action is None
    assert trials["cmu/09_01"].action == "run"


def test_a_kaykit_clip_is_its_exact_variant_and_never_both(trials: dict[str, Trial]) -> None:
    kaykit = [trial for name, trial in trials.items() if name.startswith("cc0/kaykit/")]
    assert len(kaykit) == 69
    assert all(trial.member.startswith("kaykit/exact/") for trial in kaykit)


def test_a_treadmill_walk_is_not_said_to_travel(trials: dict[str, Trial]) -> None:
    assert all("in place" in text for text in trials["cc0/kaykit/Walking_B"].captions)
    assert cc0.true_in_place(("a person walks", "someone hops")) == ("a person walks", "someone hops")


def test_licences_follow_the_archives(trials: dict[str, Trial]) -> None:
    assert {(trial.corpus, trial.licence) for trial in trials.values()} == {
        ("bandai", "CC-BY-NC-4.0"),
        ("cmu", "CMU"),
        ("dance", "MIT"),
        ("hdm05", "CC-BY-SA-3.0"),
        ("misc", "MIT"),
        ("cc0", "CC0-1.0"),
    }


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    folder = unpack(MOCAP / "misc.tar.xz", tmp_path)
    (folder / "dab.bvh").write_text("mine")
    assert unpack(MOCAP / "misc.tar.xz", tmp_path) == folder
    assert (folder / "dab.bvh").read_text() == "mine"
    assert len(members(folder, ".bvh")) == 6
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_truncated_archive_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    damaged = tmp_path / "misc.tar.xz"
    damaged.write_bytes((MOCAP / "misc.tar.xz").read_bytes()[:100_000])
    with pytest.raises(BadFile, match="fetch the archive again") as caught:
        unpack(damaged, tmp_path / "cache")
    assert caught.value.path == str(damaged)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="--mocap"):
        unpack(tmp_path / "bandai.tar.xz", tmp_path)


def _of(trials: dict[str, Trial], corpus: str) -> list[Trial]:
    return [trial for trial in trials.values() if trial.corpus == corpus]


def _all_sentences(trials: dict[str, Trial]) -> set[str]:
    return {text for trial in trials.values() for text in (*trial.captions, *trial.mirrored_captions)}
