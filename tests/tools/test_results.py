"""docs/RESULTS.md: every table is made of figures that a command wrote, and names that command."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from tools import results
from tools.measuring.round_trip import RoundTrip
from tools.measuring.serving import Crowded, Serving, Shown
from tools.pages import service_results

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


def test_the_transport_is_told_by_medians_and_their_spread() -> None:
    trip = RoundTrip.of([(100.0, 150.0), (100.0, 900.0), (90.0, 144.0)], pings=500)
    shown = Shown(64, 128, 10.0, 38400, 0, 2.0, 4.0, 9.0, 0.5)
    serving = Serving(trip, shown, shown, Crowded(20, 512, 900, 80, 820, shown))
    machine = {"cpu": "AMD", "cores": 2, "load_before": 0.1}
    figures = {"machine": machine, "command": "python -m tools.bench serve", **asdict(serving)}
    lines = service_results.transport(figures)
    assert "| round trip of a small message, median | 100 us | 150 us | 1.60 x | within 2 x |" in lines
    assert "| the same, least and greatest of the rounds | 90 to 100 us | 144 to 900 us | 1.50 to 9.00 x |  |" in lines
    assert "3 rounds on fresh connections" in "\n".join(lines)
    assert "| the same, the latest |  | 9.00 ms |  | under 20 ms |" in lines
    assert "a crowd of 20 clients sends new rigs of 512 joints as fast as it may: 900, of which 80" in "\n".join(lines)
    assert "late at most                                 9.00 ms   under 20 ms" in serving.table()
