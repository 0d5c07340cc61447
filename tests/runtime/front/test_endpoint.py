"""The HTTP port: alive, ready only when warm, and metrics that Prometheus reads and that tell the truth."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from motion.errors import BadConfig, Cancelled
from motion.protocol import Generate
from runtime.client import Client
from runtime.front.endpoint import Endpoint
from tests.runtime.conftest import Server, start
from tests.runtime.peers import eventually, peer


def http_of(server: Server) -> str:
    found = re.search(r"metrics and health at (http://\S+)", server.said())
    assert found is not None
    return found[1]


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def metrics(url: str) -> dict[str, float]:
    """Samples by name and labels, as Prometheus would read them."""
    families = text_string_to_metric_families(get(f"{url}/metrics")[1])
    return {
        sample.name + "".join(f" {key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_health_readiness_and_nothing_else(server: Server) -> None:
    url = http_of(server)
    assert get(f"{url}/healthz") == (200, "ok\n")
    eventually(lambda: get(f"{url}/readyz") == (200, "ok\n"))
    for path in ("/", "/etc/passwd", "/metrics/../../x", "/healthz2"):
        assert get(url + path)[0] == 404


def test_it_is_not_ready_before_the_first_generation_is_through(bundle_folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.runtime.recorded", str(bundle_folder), "--step-s", "0.3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        while (found := re.search(r"health at (http://\S+)", process.stderr.readline())) is None:
            pass
        eventually(lambda: get(f"{found[1]}/healthz")[0] == 200)
        assert get(f"{found[1]}/readyz") == (503, "not now\n")
        assert metrics(found[1])["motus_ready"] == 0
        assert process.stdout.readline().startswith("ready ")
        eventually(lambda: get(f"{found[1]}/readyz")[0] == 200)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        process.stdout.close()


def test_metrics_count_what_happened(bundle_folder: Path) -> None:
    with start(str(bundle_folder), "--step-s", "0.005", "--fail-at", "3", "--slots", "2") as server:
        url = http_of(server)
        with Client(server.address) as client:
            for seed in (1, 1, 2):
                client.generate("walk", seconds=2.0, seed=seed).result()
            with pytest.raises(Exception, match="the server failed"):
                client.generate("fail please", seconds=2.0).result()
            long = client.generate("walk", seconds=60.0, seed=9)
            while not long.frames:
                long.poll(1.0)
            long.cancel()
            with pytest.raises(Cancelled):
                long.result()
            with client.live("walk", publish="seen") as live, client.watch("seen") as watcher:
                for _, frames in zip(range(40), live, strict=False):
                    assert frames.clock
                assert watcher.poll(1.0)
                eventually(lambda: metrics(url).get("motus_watchers", 0) == 1)
                now = metrics(url)
        with peer(server.address) as raw:
            raw.send(b"garbage")
            raw.say(Generate("g", "fly"))
            eventually(lambda: metrics(url).get("motus_refused_total code=unknown_task", 0) == 1)
        then = metrics(url)
    assert now["motus_requests_total outcome=done task=text-to-motion"] == 3
    assert now["motus_cached_total"] == 1
    assert now["motus_requests_total outcome=internal task=text-to-motion"] == 1
    assert now["motus_failed_total code=internal"] == 1
    assert now["motus_cancelled_total why=asked"] == 1
    assert (now["motus_sessions"], now["motus_streams"], now["motus_ready"]) == (1, 1, 1)
    assert now["motus_first_frame_seconds_count"] == 4, "the one that failed had begun to move"
    assert now["motus_frame_late_seconds_count"] >= 40
    assert now["motus_tokens_total"] > 30 + 10
    assert now["motus_batch_size_count"] > 10
    assert now["process_resident_memory_bytes"] > 10**6
    assert then["motus_refused_total code=bad_message"] == 1
    ends = [then.get(f"motus_requests_total outcome={how} task=live", 0) for how in ("done", "cancelled")]
    assert sum(ends) == 1


def test_idle_and_slow_connections_do_not_shut_others_out(server: Server) -> None:
    url = http_of(server)
    port = int(url.rsplit(":", 1)[1])
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    try:
        for one in idle[::2]:
            one.sendall(b"GET /hea")
        eventually(lambda: _alive(url), within=10)
    finally:
        for one in idle:
            one.close()


def _alive(url: str) -> bool:
    try:
        return get(f"{url}/healthz")[0] == 200
    except OSError:
        return False


def test_an_address_that_is_none_or_taken_is_one_sentence() -> None:
    with pytest.raises(BadConfig, match="is no HTTP address; write HOST:PORT"):
        Endpoint("5580", {})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadConfig, match=rf"127\.0\.0\.1:{port} is in use"):
            Endpoint(f"127.0.0.1:{port}", {})


def test_no_http_is_no_http(bundle_folder: Path) -> None:
    with start(str(bundle_folder), "--no-http") as server:
        assert "metrics and health" not in server.said()
