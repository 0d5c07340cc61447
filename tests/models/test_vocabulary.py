"""Token ids: text, then special tokens, then motion codes, without gaps or overlaps."""

from __future__ import annotations

import pytest

from models.vocabulary import SPECIAL, Vocabulary


def test_every_id_has_one_meaning() -> None:
    vocabulary = Vocabulary(1000, 375)
    special = [vocabulary.special(name) for name in SPECIAL]
    codes = [vocabulary.code(code) for code in range(375)]
    assert [*special, *codes] == list(range(1000, vocabulary.size))
    assert vocabulary.first_code == codes[0]
    assert len(SPECIAL) == len(set(SPECIAL)) == 29


@pytest.mark.parametrize("code", [-1, 375])
def test_a_code_outside_the_code_book_is_a_bug(code: int) -> None:
    with pytest.raises(AssertionError, match="code book of 375"):
        Vocabulary(1000, 375).code(code)


def test_segments_open_and_close_in_pairs() -> None:
    opened = {name.removesuffix("_BOS") for name in SPECIAL if name.endswith("_BOS")}
    closed = {name.removesuffix("_EOS") for name in SPECIAL if name.endswith("_EOS")}
    assert opened == closed
