"""Wordings of clips: true sentences, near misses and styles, for mirrored clips and series too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from export.corpora import conversations, mirror, words
from export.corpora.words import Words
from motion.errors import BadFile
from tests.mocap import MOCAP

SHEETS = MOCAP.parent / "more" / "words"
needed = pytest.mark.skipif(not SHEETS.is_dir(), reason="needs the folder `more/words` beside the mocap folder")

WALK = {
    "sentences": ["a person walks to the left", "walks left once", "guard patrols"],
    "sideless": ["walks to one side"],
    "negatives": [{"sentence": "bows to the left", "key": "bandai/bow"}],
}
BOW = {
    "sentences": ["bows", "he bows"],
    "negatives": [{"sentence": "a bow and arrow", "key": "misc/shoot"}],
    "clips": ["misc/deep-bow"],
    "extra_clips": ["kaykit/Nod.bvh"],
}
NOD = {"sentences": ["nods"], "negatives": [], "clips": ["kaykit/Nod.bvh"]}
STYLES = {"proud": {"adverbs": ["proudly"], "locomotion": ["with long steps"], "subjects": ["a proud person"]}}


@pytest.fixture
def made(tmp_path: Path) -> Words:
    sheet = {"bandai/bow": BOW, "cc0/nod": NOD, "bandai/walk-left": WALK, "bandai/walk-right": {**BOW, "clips": []}}
    (tmp_path / "wordings.json").write_text(json.dumps(sheet))
    (tmp_path / "styles.json").write_text(json.dumps(STYLES))
    (tmp_path / "heldout.json").write_bytes(b"\xff no sheet at all")
    return words.load(tmp_path)


@needed
def test_every_key_that_lists_clips_covers_them() -> None:
    sheet = json.loads((SHEETS / "wordings.json").read_text(encoding="utf-8"))
    read = words.load(SHEETS)
    listed = [(key, clip) for key, group in sheet.items() for clip in group.get("clips", ())]
    assert len(listed) > 200
    assert not [(key, clip) for key, clip in listed if key not in {read.key(name) for name in words._names(clip)}]


@needed
def test_no_near_miss_of_a_clip_or_of_its_mirror_image_is_among_its_sentences() -> None:
    sheet = json.loads((SHEETS / "wordings.json").read_text(encoding="utf-8"))
    read = words.load(SHEETS)
    read.add((asked.text, asked.key) for asked in conversations.load("train").requests if asked.key)
    names = [words._names(clip)[0] for group in sheet.values() for clip in group.get("clips", ())]
    names += [f"bandai/dataset-1_{key.removeprefix('bandai/')}_old_001" for key in sheet if key.startswith("bandai/")]
    for name in names:
        for one in (read.of(name), read.of(f"{name}#mirrored")):
            assert one is not None
            assert one.near_misses
            assert not set(one.sentences) & set(one.near_misses)


@needed
def test_no_sentence_that_is_kept_for_judging_is_learned() -> None:
    held = json.loads((SHEETS / "heldout.json").read_text(encoding="utf-8"))
    kept = {text.lower() for group in held.values() for text in group["sentences"]}
    assert len(kept) > 2000
    assert not kept & {text.lower() for text, _ in words.load(SHEETS).said()}


def test_what_is_kept_for_judging_is_never_read(made: Words) -> None:
    assert len(made.keys) == 4


def test_a_clip_has_its_keys_sentences_and_what_others_take_for_it(made: Words) -> None:
    bow = made.of("misc/deep-bow")
    assert bow is not None
    assert bow.key == "bandai/bow"
    assert bow.sentences == ("bows", "he bows", "bows to the left")
    assert bow.near_misses == ("a bow and arrow",)
    assert made.of("misc/something-else") is None
    assert made.key("cc0/kaykit/Nod") == "cc0/nod", "its own key goes before one that covers it as well"


def test_mirrored_clips_have_mirrored_sentences_and_key(made: Words) -> None:
    name = "bandai/dataset-1_walk-left_proud_001"
    plain, mirrored = made.of(name), made.of(f"{name}#mirrored")
    assert plain is not None
    assert mirrored is not None
    assert mirrored.key == "bandai/walk-right"
    assert mirrored.sentences == mirror.sentences(plain.sentences)
    assert "a person walks to the right" in mirrored.sentences
    assert mirrored.near_misses == ("bows to the right",)


def test_a_series_is_told_without_once(made: Words) -> None:
    once = made.of("bandai/dataset-1_walk-left_proud_001")
    series = made.of("composed/series/bandai/dataset-_walk-left_proud_/3")
    assert once is not None
    assert series is not None
    assert set(once.sentences) - set(series.sentences) == {"walks left once", "walks to one side"}
    paced = made.of("composed/paced/bandai/dataset-1_walk-left_proud_001/0.8")
    assert paced is not None
    assert paced.sentences == once.sentences


def test_a_style_is_said_as_an_adverb_or_by_its_subject(made: Words) -> None:
    walk = made.of("bandai/dataset-1_walk-left_proud_001")
    assert walk is not None
    assert made.style_of("bandai/dataset-1_walk-left_proud_001") == "proud"
    assert made.style_of("misc/deep-bow") is None
    rng = np.random.default_rng(1)
    styled = {walk.draw(rng, 1.0) for _ in range(400)}
    assert {
        "a person walks to the left proudly", "a person walks to the left with long steps",
        "a proud person walks to the left", "a proud person walks left once", "guard patrols proudly",
    } <= styled  # fmt: skip
    assert not any(text in walk.sentences for text in styled)
    assert {walk.draw(rng, 0.0) for _ in range(400)} == set(walk.sentences)
    bow = made.of("misc/deep-bow")
    assert bow is not None
    assert {bow.draw(rng, 1.0) for _ in range(100)} <= set(bow.sentences), "it has no style"


def test_requests_in_conversations_form_are_wordings_of_the_key_they_name(made: Words) -> None:
    made.add([("would you bow for me?", "bandai/bow"), ("do a cartwheel", "bandai/cartwheel")])
    bow = made.of("misc/deep-bow")
    assert bow is not None
    assert "would you bow for me?" in bow.sentences
    assert ("would you bow for me?", "bandai/bow") in made.said()
    assert not [text for text, _ in made.said() if "cartwheel" in text]


def test_a_missing_or_strange_sheet_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"wordings\.json: cannot be read as a sheet of wordings"):
        words.load(tmp_path)
    (tmp_path / "wordings.json").write_text('{"bandai/bow": {"sentences": []}}')
    (tmp_path / "styles.json").write_text("{}")
    with pytest.raises(BadFile, match="is no sheet of wordings"):
        words.load(tmp_path)
    assert words.with_requests(None, conversations.load("train")) is None
