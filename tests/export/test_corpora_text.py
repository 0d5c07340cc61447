"""Sentences: the caption sheet, the mirror rule, subjects and adverbs."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.corpora import mirror, phrase
from export.corpora.archive import unpack
from export.corpora.captions import Captions, load
from motion.errors import BadFile
from tests.mocap import MOCAP

needs_mocap = pytest.mark.skipif(not MOCAP.is_dir(), reason="needs the mocap folder; set MOTUS_MOCAP to it")


@pytest.fixture(scope="module")
def sheet() -> Captions:
    return load(MOCAP / "captions.json")


@pytest.mark.parametrize(
    ("text", "mirrored"),
    [
        ("a person raises the left hand", "a person raises the right hand"),
        ("left, right, and so on", "right, left, and so on"),
        ("a person dribbles with a right-hand dribble", "a person dribbles with a left-hand dribble"),
        ("turning counterclockwise on the left leg", "turning clockwise on the right leg"),
        ("with a strong, upright bearing", "with a strong, upright bearing"),
        ("a person steps forward and leftward", "a person steps forward and rightward"),
        ("Left foot first", "Right foot first"),
        ("a brightly lit room, copyright", "a brightly lit room, copyright"),
    ],
)
def test_mirroring_exchanges_whole_words_both_ways(text: str, mirrored: str) -> None:
    assert mirror.sentence(text) == mirrored
    assert mirror.sentence(mirrored) == text


@given(st.lists(st.sampled_from(["left", "right", "clockwise", "counterclockwise", "upright", "a", "left-hand", ","])))
def test_mirroring_twice_gives_back_any_sentence(words: list[str]) -> None:
    text = " ".join(words)
    assert mirror.sentence(mirror.sentence(text)) == text


@needs_mocap
def test_the_exchanged_words_and_contents_are_those_of_the_sheet(sheet: Captions) -> None:
    assert set(sheet.swap_words) <= set(mirror.PAIRS)
    assert set(sheet.swap_contents) == set(mirror.CONTENT_PAIRS)


@needs_mocap
def test_mirroring_twice_gives_back_every_sentence_of_the_sheet() -> None:
    for text in _strings(json.loads((MOCAP / "captions.json").read_text(encoding="utf-8"))):
        assert mirror.sentence(mirror.sentence(text)) == text


def test_labels_and_contents_change_sides() -> None:
    assert mirror.action("wave-left") == "wave-right"
    assert mirror.action("walk-back") == "walk-back"
    assert mirror.action(None) is None
    assert mirror.content("raise-up-left-hand") == "raise-up-right-hand"
    assert mirror.content("raise-up-both-hands") == "raise-up-both-hands"


@needs_mocap
def test_typing_errors_of_the_sheet_are_put_right(sheet: Captions) -> None:
    assert "the person jogs ahead and stays on a straight course" in sheet.contents["run"]


@needs_mocap
def test_the_sheet_knows_wrong_rates_broken_limbs_and_far_starts(sheet: Captions) -> None:
    assert sheet.true_fps == {"16_01": 120.0, "16_02": 120.0, "49_04": 120.0}
    assert sheet.bad_motion == {"09_10"}
    assert sheet.no_motion == {"dance-long"}
    assert len(sheet.mislabelled) == 12
    assert [sheet.starts_far(t) for t in ("07_02", "07_03", "07_12", "08_11", "10_04", "16_01")] == [
        *(False, True, True),
        *(True, True, False),
    ]


def test_a_sheet_without_its_parts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "captions.json"
    path.write_text('{"bandai": {}}')
    with pytest.raises(BadFile, match="no caption sheet"):
        load(path)
    path.write_text('{\n"bandai": \n')
    with pytest.raises(BadFile, match="line 3"):
        load(path)
    with pytest.raises(BadFile, match="caption sheet"):
        load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("sentence", "subject", "adverb", "expected"),
    [
        ("a person walks forward", "a sad person", None, "a sad person walks forward"),
        ("both arms wave while a person stands", "a child", None, "both arms wave while a child stands"),
        ("the left hand is thrust up", "a child", None, None),
        ("a person bows", "a person", None, None),
        ("a person walks forward", None, "sadly", "a person walks forward sadly"),
        ("a person walks forward", None, "stomping with anger", "a person walks forward, stomping with anger"),
        ("a person acts as if calling", None, "sadly", "sadly, a person acts as if calling"),
        ("a person acts as if calling", None, "as if furious", None),
        ("standing still, a person lifts both arms", None, "sadly", None),
        (
            "someone waves with both hands",
            None,
            "with small movements",
            "with small movements, someone waves with both hands",
        ),
        ("a person takes several steps", None, "with bouncing steps", None),
        ("a person sprints", None, "with slow, stately steps", None),
        ("a person walks", "an energetic person", "energetically", None),
        ("someone greets somebody", "a child", "playfully", "a child greets somebody playfully"),
        ("a person acts as if calling", "a pensioner", "slowly", "slowly, a pensioner acts as if calling"),
    ],
)
def test_subjects_and_adverbs_go_where_english_allows(
    sentence: str, subject: str | None, adverb: str | None, expected: str | None
) -> None:
    assert phrase.worded(sentence, subject, adverb) == expected


def test_sentences_of_other_sheets_lose_their_capital_and_period() -> None:
    assert phrase.plain("A person bows  twice.") == "a person bows twice"


def test_neutral_wordings_keep_the_given_ones_first_and_never_repeat() -> None:
    given_ones = ("a person squats", "someone squats", "the ball drops")
    texts = phrase.neutral_wordings("x", given_ones, 6)
    assert texts[:3] == given_ones
    assert len(set(texts)) == len(texts) == 6
    assert phrase.neutral_wordings("x", given_ones, 6) == texts
    assert phrase.neutral_wordings("y", given_ones, 6) != texts


def test_the_order_of_a_draw_is_the_same_on_every_machine() -> None:
    assert phrase.in_order_of("clip", ["a", "b", "c", "a"]) == ["a", "c", "b"]


def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        entry = tarfile.TarInfo("../outside.bvh")
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b"bad"))
    with pytest.raises(BadFile):
        unpack(archive, tmp_path / "cache")
    assert not (tmp_path / "outside.bvh").exists()
    assert not (tmp_path / "cache" / "outside.bvh").exists()


def _strings(part: object) -> list[str]:
    if isinstance(part, str):
        return [part]
    if isinstance(part, dict):
        return [text for value in part.values() for text in _strings(value)]
    if isinstance(part, list):
        return [text for value in part for text in _strings(value)]
    return []
