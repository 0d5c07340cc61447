"""The papers' sizes, made without memory for them: how many parameters they have, beside what the papers count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from export import sizes
from export.sizes import PARTS, Part, made, millions

COUNTED = {part.name: part for part in PARTS}


@pytest.mark.parametrize("part", [part for part in PARTS if part.theirs], ids=lambda part: part.name)
def test_parts_that_a_paper_counts_are_near_its_count(part: Part) -> None:
    assert part.theirs is not None
    assert millions(made(part.recipe, part.changes), part.prefixes) == pytest.approx(part.theirs, rel=0.12)


def test_parts_of_which_papers_tell_sizes_alone_stay_as_they_were_read() -> None:
    read = {"VerMo": 58.17, "HMVLM, motion tokenizer": 27.3, "HMVLM, pose tokenizer": 6.04}
    assert millions(made("vermo", {})) == pytest.approx(read["VerMo"], rel=0.01)
    for name in ("HMVLM, motion tokenizer", "HMVLM, pose tokenizer"):
        part = COUNTED[name]
        assert millions(made(part.recipe, part.changes)) == pytest.approx(read[name], rel=0.01)


def test_the_whole_body_with_five_times_the_codes_is_smaller_than_the_parts() -> None:
    assert millions(made("hmvlm", {"parts": False, "codes": 5 * 512})) < millions(made("hmvlm", {})), "table 5"


def test_supermans_book_is_of_the_papers_size() -> None:
    part = COUNTED["Superman, hybrid book"]
    assert millions(made(part.recipe, part.changes), part.prefixes) == pytest.approx(8192 * 2048 / 1e6)


def test_the_program_writes_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["sizes.py", "--json", str(tmp_path / "sizes.json")])
    assert sizes.main() == 0
    rows = json.loads((tmp_path / "sizes.json").read_text(encoding="utf-8"))["rows"]
    assert [row["part"] for row in rows] == [part.name for part in PARTS]
    assert all(row["ours_m"] > 0.05 for row in rows)
