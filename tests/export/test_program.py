"""How the programs of training end, and what they leave."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from export import program
from motion.errors import BadConfig


def test_the_exit_status_says_how_it_ended(caplog: pytest.LogCaptureFixture) -> None:
    def wrong() -> None:
        raise BadConfig("width must be positive")

    def full() -> None:
        raise OSError(28, "No space left on device", "weights")

    def stopped() -> None:
        raise KeyboardInterrupt

    with caplog.at_level(logging.ERROR):
        statuses = [program.run(work) for work in (lambda: None, lambda: 1, wrong, full)]
        statuses.append(program.run(stopped, program.GOES_ON))
    assert statuses == [0, 1, 2, 2, 130]
    assert [record.getMessage() for record in caplog.records] == [
        "width must be positive", "[Errno 28] No space left on device: 'weights'", program.GOES_ON,
    ]  # fmt: skip


def test_figures_carry_the_command_that_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    parser = program.parser("export.weigh", "Weighs.\n\n    python -m export.weigh SCALE")
    monkeypatch.setattr("sys.argv", ["weigh.py", "scale.toml", "--json", "out.json"])
    assert "    python -m export.weigh SCALE" in parser.format_help()
    program.report(parser, {"grams": 3}, tmp_path / "out.json")
    kept = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert kept == {"command": "python -m export.weigh scale.toml --json out.json", "grams": 3}
    with caplog.at_level(logging.INFO):
        program.report(parser, {"grams": 3}, None)
    assert json.loads(caplog.messages[-1]) == kept
