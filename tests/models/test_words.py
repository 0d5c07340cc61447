"""Text tokens without transformers are transformers' own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from models import backbone, checkpoint, words
from models.words import Words
from motion.errors import BadFile, MissingPart
from tests.models.tiny import save_backbone

TEXTS = (
    "a person walks forward",
    "6.0 s",
    "naïve 骨盤 walks 🙂 on — «slowly» é",
    "1234 <|im_start|>user hi<|im_end|> 3.5s  double  space\n\n x",
    "",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_backbone(tmp_path_factory.mktemp("backbone"))


def assert_same(ours: Words, theirs: Any, text: str) -> None:
    ids = theirs(text, add_special_tokens=False)["input_ids"]
    assert ours.encode(text) == ids
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)
    turns = [{"role": "user", "content": text}]
    asked = theirs.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)
    assert ours.conversation(turns) == list(asked["input_ids"])


@pytest.fixture(scope="module")
def same(folder: Path) -> Callable[[str], None]:
    ours, theirs = words.from_folder(folder), AutoTokenizer.from_pretrained(folder)
    assert ours.end == theirs.eos_token_id
    return lambda text: assert_same(ours, theirs, text)


@given(text=st.text(max_size=40))
def test_any_text_becomes_the_same_ids_and_they_the_same_text(same: Callable[[str], None], text: str) -> None:
    same(text)


def test_a_template_may_stand_in_the_configuration(folder: Path, tmp_path: Path) -> None:
    facts = json.loads((folder / "tokenizer_config.json").read_text())
    template = (folder / "chat_template.jinja").read_text()
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**facts, "chat_template": template}))
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    turns = [{"role": "user", "content": "hello"}]
    assert words.from_folder(tmp_path).conversation(turns) == words.from_folder(folder).conversation(turns)


@pytest.mark.slow
def test_the_packaged_tokenizer_is_the_one_that_transformers_converts() -> None:
    try:
        theirs = AutoTokenizer.from_pretrained(backbone.prepared())
        fields = checkpoint.read().fields
    except MissingPart as missing:
        pytest.skip(str(missing))
    assert fields is not None
    ours = words.from_gguf(fields)
    assert ours.end == theirs.eos_token_id
    for text in TEXTS:
        assert_same(ours, theirs, text)


def test_damage_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match=r"holds no tokenizer\.json"):
        words.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BadFile, match="is no tokenizer that can be read"):
        words.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<|nowhere|>"}')
    with pytest.raises(BadFile, match="has no token"):
        words.from_folder(tmp_path)
