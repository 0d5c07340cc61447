"""The bench's arithmetic, and one asking of a real server."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from motion.errors import BadConfig
from runtime.client import Client
from tests.runtime.conftest import start
from tests.runtime.recorded import make_bundle
from tools.bench import command_line, parse
from tools.measuring.bench_config import BenchConfig
from tools.measuring.latency import Latency, Memory, Percentiles, ask, starved
from tools.measuring.machine import machine


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(i) for i in range(1, 21)]
    assert Percentiles.of(values) == Percentiles(p50=10.0, p95=19.0, most=20.0)
    assert Percentiles.of([3.0]) == Percentiles(3.0, 3.0, 3.0)


def test_a_player_that_is_always_ahead_never_starves() -> None:
    assert starved([(0.5, 0), (0.6, 4), (0.9, 20)], fps=30.0) == 0.0


def test_a_player_waits_for_frames_that_come_after_their_time_and_is_late_from_then_on() -> None:
    # frame 3 is due at 0.5 + 0.1 and comes at 1.0: 0.4 s late; frame 6 is then due at 1.1 and comes at 1.2
    assert starved([(0.5, 0), (1.0, 3), (1.2, 6)], fps=30.0) == pytest.approx(0.4)


def test_a_request_is_timed_as_its_client_sees_it(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    with start(str(tmp_path), "--step-s", "0.01") as server, Client(server.address) as client:
        with Memory(server.process.pid) as memory:
            one = ask(client, "a person walks", 2.0, seed=1)
        assert (one.frames, one.tokens) == (60, 15)
        assert 0.03 < one.first_frame_s < one.clip_s
        assert 0.02 < one.first_output_s < one.first_frame_s
        assert one.clip_s > 0.15
        assert memory.peak >= memory.now > 10 * 2**20


def test_the_table_stands_beside_what_is_asked_for() -> None:
    times = Percentiles(0.5, 0.7, 0.9)
    figures = Latency({}, "base 0.1.0", 8.0, 9.0, times, times, times, times, 2.5, 75.0, 19.0, 900.0, 950.0, [])
    text = figures.table()
    assert "first frame, p50                                  500 ms   under 60 ms on 2 cores" in text
    assert "sustained                                2.5 x real time   24" in text
    assert "plain torch" not in text
    eager = {"eager_clip_s": 4.0, "clip_ratio": 9.5, "first_ratio": 7.0}
    assert "faster than plain torch, whole clip                9.5 x   5" in replace(figures, eager=eager).table()


def test_the_machine_is_described_in_plain_values() -> None:
    facts = machine()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["cpu"]
    assert facts["onnxruntime"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--requests", "0"], "--requests must be at least 1; got 0"),
        (["--seconds", "nan"], "--seconds must lie between 0.5 and 60; got nan"),
        (["--cores", "100000"], "--cores must be 1 to"),
        (["--eager", "-1"], "--eager must be at least 0"),
        (["--batches", "0"], "--batches must be numbers from 1; got 0"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(BadConfig, match=sentence):
        parse(["latency", "--json", "x.json", *arguments])


def test_help_names_what_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["latency", "--help"])
    assert caught.value.code == 0
    assert "--json" in capsys.readouterr().out
    assert parse(["latency", "--json", "x.json"]) == ("latency", BenchConfig(Path("x.json")))
    kind, config = parse(["throughput", "--batches", "2", "8"])
    assert (kind, config.json, config.batches) == ("throughput", Path("docs/figures/throughput.json"), (2, 8))


def test_the_command_that_is_noted_can_be_run_again() -> None:
    given = ["latency", "--json", "out/x.json", "--requests", "3"]
    assert command_line("latency", given) == "python -m tools.bench latency --requests 3"
