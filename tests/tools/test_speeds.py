"""The program that measures reading and writing: what it measures is real files, and it says so in figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motion.io import bvh
from tests import mocap
from tests.motion.clips import FIXTURES
from tools import speeds


def test_the_long_file_is_the_short_one_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speeds, "_LONG_MB", 0.2)
    row = speeds._long(FIXTURES / "kaykit-walk.bvh", tmp_path / "long.bvh")
    once, again = bvh.read(FIXTURES / "kaykit-walk.bvh"), bvh.read(tmp_path / "long.bvh")
    assert row.mb == pytest.approx((tmp_path / "long.bvh").stat().st_size / 1e6)
    assert row.read_mb_s > 0
    assert len(again) % len(once) == 0
    np.testing.assert_array_equal(again.rotations[-len(once) :], once.rotations)


def test_some_files_are_taken_from_the_first_to_the_last() -> None:
    paths = [Path(str(i)) for i in range(1000)]
    some = speeds._spread(paths)
    assert len(some) == 20
    assert some[0] == paths[0]
    assert some[-1] == paths[950]
    assert speeds._spread(paths[:3]) == paths[:3]


def test_a_folder_without_archives_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert speeds.main(["--mocap", str(tmp_path), "--cache", str(tmp_path)]) == 2
    assert "bandai.tar.xz" in capsys.readouterr().err


@mocap.needed
def test_every_makers_files_have_a_row(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_RUNS", 1), ("_PER_MAKER", 2), ("_LONG_MB", 5.0)):
        monkeypatch.setattr(speeds, name, value)
    out = tmp_path / "figures.json"
    assert speeds.main(["--mocap", str(mocap.MOCAP), "--cache", str(cache), "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    rows = figures["speeds"]
    assert figures["machine"]["cpu"]
    assert len(rows) == 11
    assert all(row["read_mb_s"] > 0 and row["files"] > 0 for row in rows)
