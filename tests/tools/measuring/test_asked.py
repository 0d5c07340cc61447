"""Sentences to be acted out: drawn by the seed alone, from captions, a sheet, or a list; and what is said of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.data.dataset import Dataset, Entry
from export.metrics import geometry
from motion import features
from motion.errors import BadFile
from tests.export.metrics.test_measures import recorded
from tools.measuring import asked, obeyed
from tools.measuring.asked import Asked


def _entry(action: str, style: str, captions: tuple[str, ...], origin: str = "recorded") -> Entry:
    return Entry(
        f"bandai/dataset-1_{action}_{style}_001", "bandai", "x", "train", False, origin, action, captions, 0, 8
    )


DATA = Dataset(
    (
        _entry("walk", "normal", ("a person walks", "someone walks")),
        _entry("walk", "old", ("a person walks", "an old person walks")),
        _entry("bow", "normal", ("a person bows",)),
        _entry("walk", "normal", ("a walk that was composed",), origin="grafted"),
        _entry("crawl", "normal", ("a person crawls",)),
    ),
    np.zeros((8, 201), np.float32),
)


def test_captions_of_recordings_are_drawn_by_the_seed_alone() -> None:
    found = asked.trained(DATA, 5, 1)
    assert found == asked.trained(DATA, 5, 1)
    assert {one.action for one in found} == {"walk", "bow"}
    assert len({one.text for one in found}) == len(found)
    assert "a walk that was composed" not in {one.text for one in found}


def test_a_sentence_of_a_style_is_one_that_no_other_style_has() -> None:
    assert asked.styled(DATA, "old", 5, 1) == [Asked("walk", "walk", "an old person walks", "old")]


def test_of_a_sheet_the_keys_with_a_rule_are_read(tmp_path: Path) -> None:
    path = tmp_path / "sheet.json"
    kicks = {"sentences": ["left kick", "a kick with the left"]}
    path.write_text(json.dumps({"hdm05/kickLFront1Reps": kicks, "cc0/sleep": {"sentences": ["sleeps"]}}))
    assert [(one.action, one.rule) for one in asked.heldout(path, 9, 1)] == [("kick", "kick-left")] * 2
    assert asked.heldout(path, 1, 1) == asked.heldout(path, 1, 1)
    path.write_text('{"bandai/walk": {"sentences": 3}}')
    with pytest.raises(BadFile, match="sheet of wordings"):
        asked.heldout(path, 1, 1)


def test_every_key_of_the_sheet_leads_to_a_rule_and_every_action_has_a_key() -> None:
    assert set(asked.SHEET.values()) <= set(geometry.RULES)
    assert {rule.split("-")[0] if rule.startswith("kick") else rule for rule in asked.SHEET.values()} == set(
        geometry.ACTIONS
    )


def test_a_list_is_lines_or_json_and_says_where_it_is_wrong(tmp_path: Path) -> None:
    lines, pairs = tmp_path / "list.txt", tmp_path / "list.json"
    lines.write_text("walk\tshe strolls\n\nkick-left\tshe kicks\n")
    pairs.write_text('[["walk", "she strolls"], ["kick-left", "she kicks"]]')
    assert asked.listed(lines) == asked.listed(pairs)
    assert asked.listed(lines)[1] == Asked("kick", "kick-left", "she kicks")
    lines.write_text("walk\tshe strolls\ncartwheel\tshe whirls\n")
    with pytest.raises(BadFile, match="'cartwheel' is none of walk"):
        asked.listed(lines)
    lines.write_text("she strolls\n")
    with pytest.raises(BadFile, match="part them by a tab"):
        asked.listed(lines)


def test_no_two_clips_share_a_seed() -> None:
    found = asked.seeded([Asked("walk", "walk", "a"), Asked("bow", "bow", "b")], 3, 7)
    assert len({one.seed for one in found}) == len(found) == 6


def test_shares_are_told_by_action_and_by_style() -> None:
    frames = features.encode(recorded())
    asks = [Asked("walk", "walk", "a"), Asked("walk", "walk", "b", "old"), Asked("bow", "bow", "c")]
    found = obeyed.judge(asks, [frames] * 3, None)
    told = obeyed.summary(found)
    assert told["shows"] == pytest.approx(2 / 3)
    assert told["actions_alike"] == 0.5
    rows = told["actions"]
    assert isinstance(rows, dict)
    assert rows["bow"]["instead"] == ["walk 1"]
    json.dumps(told)
    text = obeyed.table({"trained": told})
    assert "walk" in text
    assert "style old" in text
    assert replace(found[0], classifier="walk").classifier == "walk"
