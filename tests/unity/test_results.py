"""The section on Unity of docs/RESULTS.md: whatever was measured has its row, and what was not has none."""

from __future__ import annotations

import json

from tools.pages import unity_results
from tools.unity import figures as unity_figures


def test_every_measurement_has_its_row() -> None:
    figures = json.loads(unity_figures.FILE.read_text(encoding="utf-8"))
    text = "\n".join(unity_results.section(figures))
    for row in figures["buffer"]:
        adaptive, fixed = row["adaptive"], row["fixed"]
        assert (
            f"| {row['network']} | {row['jitter_ms']:.0f} | {100 * row['loss']:.0f} | {adaptive['mean_ms']:.0f} |"
            in text
        )
        assert f"| {fixed['dropped']:.0f} | {fixed['repeated']:.0f} | {fixed['spikes']:.0f} |" in text
    for runtime in ("dotnet", "mono"):
        assert f"| {runtime} | {figures['cost'][runtime]['reading_us']:.1f} |" in text


def test_what_was_not_measured_is_not_spoken_of() -> None:
    text = "\n".join(unity_results.section({"command": "x"}))
    assert "minutes" not in text
    assert "|" not in text


def test_only_lines_of_json_are_read() -> None:
    assert unity_figures.read('noise\n{"bytes": 3}\nmore') == [{"bytes": 3}]
