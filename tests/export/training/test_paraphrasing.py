"""What people say, told in plain words: how that is learned, and what the service makes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from export.training import paraphrasing
from models import compact
from models.sentences.paraphrase import SIZE, features
from motion.bundles.manifest import PARAPHRASE
from motion.errors import BadBundle
from runtime.language.paraphrase import Paraphraser

CAPTIONS = ["a person bows", "a person raises the left hand", "a person raises the right hand", "someone walks"]
STYLES = ["", "sadly", "proudly"]
SAID = {
    0: ("bows", "takes a bow", "bows to the queen", "he bends at the waist and bows", "an actor bows deeply"),
    1: ("left hand up", "raises the left arm", "lifts his left hand", "the left arm goes up", "puts a hand up"),
    2: ("right hand up", "raises the right arm", "lifts his right hand", "the right arm goes up", "puts a hand up"),
    3: ("walks", "goes for a walk", "walks down the street", "strolls ahead", "a walk forward"),
    4: ("what is a bow?", "who invented walking?", "how are you?", "why do arms hurt?", "tell me a story"),
}


@dataclass(frozen=True)
class Known:
    """Concepts that are told from five sentences each."""

    captions: tuple[str, ...] = tuple(CAPTIONS)
    styles: tuple[str, ...] = tuple(STYLES)

    @property
    def asked(self) -> list[tuple[str, int, int]]:
        """Sentences, plain ones and those in a style."""
        manners = {1: ("sadly", "in tears"), 2: ("proudly", "like a king")}
        plain = [(text, place, 0) for place in range(4) for text in SAID[place]]
        return plain + [
            (f"{text} {word}", place, style)
            for style, phrases in manners.items()
            for place in (0, 3)
            for text in SAID[place]
            for word in phrases
        ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("paraphrase")
    before = paraphrasing._STEPS, paraphrasing._BATCH
    paraphrasing._STEPS, paraphrasing._BATCH = 200, 32
    try:
        paraphrasing.write(place, Known(), SAID[4])  # type: ignore[arg-type]
    finally:
        paraphrasing._STEPS, paraphrasing._BATCH = before
    return place


@pytest.fixture(scope="module")
def paraphraser(folder: Path) -> Paraphraser:
    return Paraphraser.load(folder / PARAPHRASE)


def test_features_are_the_same_everywhere_and_slips_of_the_pen_share_most_of_them() -> None:
    assert features("A bow!") == features("a  BOW") == sorted(set(features("a bow")))
    assert all(0 <= one < SIZE for one in features("raises the left hand"))
    right, slip, other = (set(features(f"walks {word}")) for word in ("backwards", "bakwards", "forward"))
    assert len(right & slip) > len(right & other)
    assert features("...") == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("the actor takes a bow", "a person bows"),
        ("he lifts the left hand", "a person raises the left hand"),
        ("he lifts the right hand", "a person raises the right hand"),
        ("strolls down the street", "someone walks"),
        ("bows sadly", "a person bows sadly"),
        ("walks like a king", "someone walks proudly"),
        ("walks down the street and then takes a bow", "someone walks and then bows"),
        (
            "lifts his left hand, then lifts his right hand",
            "a person raises the left hand and then raises the right hand",
        ),
    ],
)
def test_what_is_sure_is_told_in_plain_words(paraphraser: Paraphraser, said: str, told: str) -> None:
    assert paraphraser.plainly(said) == told


def test_a_hand_of_no_side_is_one_of_either(paraphraser: Paraphraser) -> None:
    assert paraphraser.plainly("puts a hand up") in CAPTIONS[1:3]


@pytest.mark.parametrize("text", ["what is a bow?", "zzz qqq", "回転して", "", "...", "zzz and then qqq"])
def test_what_is_not_sure_stays_as_it_is(paraphraser: Paraphraser, text: str) -> None:
    assert paraphraser.plainly(text) == text


def test_numpy_tells_what_torch_told(folder: Path, paraphraser: Paraphraser) -> None:
    weights = {name: torch.from_numpy(np.array(one)) for name, one in compact.read(folder / PARAPHRASE).items()}
    network = paraphrasing.Paraphraser(5, 3).eval()
    network.load_state_dict({name: one.float() for name, one in weights.items()})
    told = [[*CAPTIONS, ""][int(network([features(text)])[0].argmax())] for text in SAID[0] + SAID[3]]
    assert told == [paraphraser.plainly(text) for text in SAID[0] + SAID[3]]


def test_a_file_that_is_no_paraphraser_is_one_sentence(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / PARAPHRASE
    path.write_bytes(b"nothing")
    with pytest.raises(BadBundle, match="pack the bundle again"):
        Paraphraser.load(path)
    weights = compact.read(folder / PARAPHRASE)
    about = {"captions": json.dumps(CAPTIONS), "styles": json.dumps(STYLES), "gain": "4"}
    compact.write(path, weights, about)
    with pytest.raises(BadBundle, match="do not fit"):
        Paraphraser.load(path)
