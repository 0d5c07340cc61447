"""The questions and requests in conversational form, as they lie in the tree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from export.corpora import conversations
from export.corpora.conversations import TEXTS, Conversations, load, split_of
from motion.errors import BadFile


@pytest.fixture(scope="module")
def train() -> Conversations:
    return load("train")


@pytest.fixture(scope="module")
def heldout() -> Conversations:
    return load("heldout")


def test_no_text_stands_twice_in_any_list_or_split(train: Conversations, heldout: Conversations) -> None:
    texts = [*train.prompts, *heldout.prompts, *(asked.text for asked in (*train.requests, *heldout.requests))]
    assert len(texts) == len(set(texts))
    assert all(text == text.strip() and text for text in texts)


def test_the_splits_share_no_text_even_when_case_and_punctuation_are_left_out(
    train: Conversations, heldout: Conversations
) -> None:
    def plain(texts: Conversations) -> set[str]:
        every = [*texts.prompts, *(asked.text for asked in texts.requests)]
        return {"".join(letter for letter in text.lower() if letter.isalnum()) or text for text in every}

    assert not plain(train) & plain(heldout)


def test_the_lists_are_as_long_as_a_gate_needs(train: Conversations, heldout: Conversations) -> None:
    assert len(train.prompts) + len(heldout.prompts) >= 1500
    assert len(train.requests) + len(heldout.requests) >= 500
    for kept, held in ((train.prompts, heldout.prompts), (train.requests, heldout.requests)):
        assert 0.11 < len(held) / (len(kept) + len(held)) < 0.19


def test_hundreds_of_the_questions_speak_of_movement() -> None:
    assert len(json.loads(TEXTS.read_text(encoding="utf-8"))["prompts"]["movement"]) >= 450


def test_a_question_about_a_plie_is_conversation_and_asking_to_see_one_is_a_request(
    train: Conversations, heldout: Conversations
) -> None:
    assert "what is a plié?" in train.prompts + heldout.prompts
    assert "show me a plié" in {asked.text for asked in train.requests + heldout.requests}


def test_a_request_that_names_an_action_plainly_has_its_key(train: Conversations, heldout: Conversations) -> None:
    keys = {asked.text: asked.key for asked in (*train.requests, *heldout.requests)}
    assert keys["can you make him bow?"] == "bandai/bow"
    assert keys["animate a tired walk please"] is None
    assert sum(key is not None for key in keys.values()) > 400


def test_case_and_punctuation_do_not_move_a_text_to_the_other_split() -> None:
    assert split_of("Why?") == split_of("why") == split_of("WHY?!")


def test_a_sheet_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.json"
    with pytest.raises(BadFile, match="cannot be read"):
        conversations.load("train", sheet)
    sheet.write_text("[]", encoding="utf-8")
    with pytest.raises(BadFile, match="no sheet of conversations"):
        conversations.load("train", sheet)
    sheet.write_text("{", encoding="utf-8")
    with pytest.raises(BadFile, match="no JSON"):
        conversations.load("train", sheet)
