"""The dial: every place of it is told with what it takes and gives."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from export.recipe import Recipe
from tests.export.conftest import data, trained
from tools.measuring import dial
from tools.measuring.bench_config import BenchConfig

__all__ = ["data", "trained"]


@pytest.mark.slow
def test_every_place_of_the_dial_is_timed_and_judged(trained: Recipe, tmp_path: Path) -> None:
    found = dial.measure(BenchConfig(tmp_path / "x.json", cores=1), trained, (4,))
    names = [row.name for row in found.rows]
    assert names[0] == "plain decoder"
    assert names[1].endswith(", shipped")
    assert names[2:] == ["refiner, 4 steps from noise"]
    assert all(row.milliseconds > 0 for row in found.rows)
    assert len({row.jitter_m_s3 for row in found.rows}) == len(names)
    assert all(row.mpjpe_m > 0 and row.foot_skate_cm_s >= 0 for row in found.rows)
    json.dumps(asdict(found))
    assert "refiner, 4 steps from noise" in found.table()
