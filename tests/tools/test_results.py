"""docs/RESULTS.md: every table is made of figures that a command wrote, and names that command."""

from __future__ import annotations

import json

import pytest

from tools import results

MADE = [(name, section) for name, section in results._SECTIONS if (results.DOCS / "figures" / f"{name}.json").exists()]


@pytest.mark.parametrize(("name", "section"), MADE, ids=[name for name, _ in MADE])
def test_a_section_names_its_command_and_its_tables_are_whole(name: str, section: results.Section) -> None:
    figures = json.loads((results.DOCS / "figures" / f"{name}.json").read_text())
    lines = section(figures)
    assert lines[0].startswith("## ")
    assert any(figures["command"] in line for line in lines)
    widths = [line.count("|") for line in lines if line.startswith("|")]
    tables = "\n".join(lines).split("\n\n")
    for table in (part.splitlines() for part in tables if part.startswith("|")):
        assert len({line.count("|") for line in table}) == 1
        assert len(table) > 2
    assert widths


def test_files_that_were_not_converted_are_counted() -> None:
    row = {"files": 3, "converted": 2, "frames": 90, "mb": 1.5, "read_s": 0.03, "write_s": 0.06}
    figures = {"command": "python -m tools.convert in --check --to bvh", "kinds": {"x.zip .bvh": row}}
    lines = results.conversions(figures)
    assert "2 of 3 files converted." in "\n".join(lines)
    assert lines[0] == "## Every file of the collection as BVH"
    assert lines[-1] == "| x.zip .bvh | 3 | 2 | 90 | 1.5 | 3,000 | 1,500 |  |"
