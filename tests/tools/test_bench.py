"""The bench without a server: engines give the same motion, side by side or alone, and the page is made of figures."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from motion.errors import MissingPart
from tools import bench, judge
from tools.measuring import engine_times, throughput
from tools.measuring.bench_config import BenchConfig
from tools.measuring.direct import Direct, Request
from tools.measuring.stopwatch import best_ms
from tools.pages import benchmarks


@pytest.fixture(scope="module")
def served() -> Direct:
    try:
        return Direct("base", "onnx", "int8", 1)
    except MissingPart as missing:
        pytest.skip(str(missing))


def test_motions_made_side_by_side_are_those_made_alone(served: Direct) -> None:
    asks = [Request("a person walks forward", 6, 1), Request("someone waves", 9, 2), Request("a person bows", 3, 3)]
    together = served.make(asks)
    for ask, made in zip(asks, together, strict=True):
        alone = served.make([ask])[0]
        assert made.frames.shape == (4 * ask.tokens, 201)
        assert np.array_equal(made.frames, alone.frames)
        assert 0 < made.first_s <= made.whole_s


def test_a_table_of_side_by_side_and_one_of_graphs(served: Direct, tmp_path: Path) -> None:
    assert served.model.layers.width == 576
    found = throughput.measure(BenchConfig(tmp_path / "x.json", seconds=0.8, cores=1, batches=(1, 2)))
    assert [row.batch for row in found.rows] == [1, 2]
    assert all(row.clips_per_s > 0 and row.tokens_per_s > row.clips_per_s for row in found.rows)
    json.dumps(asdict(found))
    assert "side by side" in found.table()


@pytest.mark.slow
def test_every_graph_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_times, "best_ms", partial(best_ms, runs=1))
    monkeypatch.setattr(engine_times, "SEQUENCES", (1, 2))
    found = engine_times.measure(BenchConfig(tmp_path / "x.json", cores=1))
    whats = {(row.graph, row.what) for row in found.rows}
    assert ("language int8", "step of 2 sequences") in whats
    assert ("refiner.onnx", "20 tokens") in whats
    assert all(row.milliseconds > 0 for row in found.rows)


def test_a_share_of_few_is_told_apart_by_less_than_a_share_of_many() -> None:
    assert judge.chance(0.8, 316) == pytest.approx(0.0441, abs=5e-4)
    assert judge.chance(0.8, 20) > 0.15
    assert 0 < judge.chance(1.0, 100) < 0.05, "no share is certain"


def test_all_measures_the_models_and_writes_the_page_even_where_one_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run: list[list[str]] = []

    def done(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:  # noqa: ARG001
        run.append(command[2:])
        return subprocess.CompletedProcess(command, int(command[3] == "dial"))

    monkeypatch.setattr(subprocess, "run", done)
    assert bench.main(["all", "--cores", "1"]) == 1
    assert [one[:2] for one in run[:5]] == [["tools.bench", kind] for kind in bench.MEASURES]
    assert [one[0] for one in run[5:]] == ["tools.judge", "tools.bench"]
    assert all("--cores" in one for one in run[:5])
    assert "failed: dial" in capsys.readouterr().out


def test_the_page_is_written_from_the_figures_there_are(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    assert "##" not in benchmarks.write(tmp_path).read_text()
    machine = {
        "date": "2026-11-20", "cpu": "AMD", "cores": 2, "memory_gb": 8.0, "load_before": 0.1, "python": "3.11.7",
        "onnxruntime": "1.31.1", "torch": "2.13.0",
    }  # fmt: skip
    rows = [{"graph": "language int8", "what": "step of 2 sequences", "milliseconds": 3.25, "threads": 2},
            {"graph": "decoder.onnx", "what": "5 tokens", "milliseconds": 1.5, "threads": 2}]  # fmt: skip
    figures = {"machine": machine, "command": "python -m tools.bench engines", "config": {"cores": 2}, "rows": rows}
    (tmp_path / "figures" / "engines.json").write_text(json.dumps(figures))
    judged = {"rows": {"int8": {"generated_accuracy": 0.755, "generated_clips": 316, "chance": 0.047}}}
    facts = {"config": {"cores": 2}, "machine": machine, "command": "python -m tools.bench"}
    dial = {"name": "plain decoder", "milliseconds": 4.0, "mpjpe_m": 0.12, "root_relative_m": 0.045,
            "jitter_m_s3": 165.0, "jitter_of_source_m_s3": 106.0, "foot_skate_cm_s": 11.9}  # fmt: skip
    seam = {"lookahead": 4, "fade": 3, "apart_mm": 8.0, "acceleration": 1.01, "seam_m_s2": 0.4, "worst_seam_m_s2": 2.6}
    (tmp_path / "figures" / "dial.json").write_text(json.dumps({**facts, "tokens": 20, "clips": 164, "rows": [dial]}))
    windows = {**facts, "packed_lookahead": 4, "packed_fade": 3, "seams": [seam, {**seam, "fade": 1}]}
    (tmp_path / "figures" / "windows.json").write_text(json.dumps(windows))
    (tmp_path / "figures" / "judged.json").write_text(json.dumps(judged))
    page = benchmarks.write(tmp_path).read_text()
    assert "| step of 2 sequences | 3.2 |" in page
    assert "| decoder.onnx | 1.5 |" in page
    assert "| motions that show the action, % | 75.5 |" in page
    assert "| the same, either way by chance | 4.7 |" in page
    assert "| plain decoder | 4.0 | 120 | 45.0 | 165 | 11.9 |" in page
    assert "| 4 | 3 (as served) | 8.0 | +1.0 % | +0.40 | +2.6 |" in page
    assert "| 4 | 1 | 8.0 |" in page
    assert "2026-11-20, AMD, 2 cores" in page
