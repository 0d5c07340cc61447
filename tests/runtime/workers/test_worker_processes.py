"""Worker processes: one that dies costs its own requests alone, and the service never notices but for that."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from motion.bundles import bundle
from motion.bundles.bundle import Bundle
from motion.errors import Unavailable, WorkLost
from motion.protocol import Frames
from runtime.client import Client
from tests.runtime.conftest import Server, start
from tests.runtime.peers import eventually, peer
from tests.runtime.recorded import make_bundle

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def workers(server: Server) -> list[psutil.Process]:
    """The server's worker processes, the newest last."""
    children = psutil.Process(server.process.pid).children()
    return sorted(children, key=lambda child: child.create_time())


@posix
def test_a_worker_that_is_killed_mid_stream_costs_a_retryable_error_and_another_takes_its_place(
    bundle_folder: Path,
) -> None:
    with start(str(bundle_folder), "--step-s", "0.01", "--slots", "2") as server:
        with Client(server.address) as client, Client(server.address) as other:
            running = [client.generate("walk", seconds=60.0, seed=0), other.generate("walk", seconds=60.0, seed=1)]
            for generation in running:
                while not generation.frames:
                    generation.poll(1.0)
            waiting = other.generate("walk", seconds=1.0, seed=2)
            (worker,) = workers(server)
            worker.send_signal(signal.SIGKILL)
            for generation in running:
                with pytest.raises(WorkLost, match="ended before it was done; ask again") as caught:
                    generation.result()
                assert caught.value.retry
            assert other.ping() < 1.0, "the front answers on"
            assert waiting.result().done.frames == 30, "what waited is done by the next worker"
            assert client.stats().restarts == 1
            assert client.generate("walk", seconds=1.0, seed=3).result().done.frames == 30
        assert server.process.poll() is None


@posix
def test_a_live_session_outlives_the_worker_that_made_it(bundle_folder: Path) -> None:
    with start(str(bundle_folder)) as server, Client(server.address) as client:
        with client.live("walk", seed=3, replan=60) as live:
            frames: list[Frames] = []
            for one in live:
                frames.append(one)
                if len(frames) == 30:
                    workers(server)[0].send_signal(signal.SIGKILL)
                if len(frames) > 30 and client.stats().restarts and len(workers(server)) and len(frames) > 200:
                    break
        assert [one.sequence for one in frames] == list(range(len(frames)))
        root = np.concatenate([one.root for one in frames])
        assert np.abs(np.diff(root, axis=0)).max() < 0.05, "no jump, at worst it stood for a moment"
        assert np.linalg.norm(root[-1] - root[-20]) > 0.1, "and it walks on"


@posix
def test_a_worker_that_is_wedged_is_replaced(bundle_folder: Path) -> None:
    impatient = "import runtime.workers.worker_processes; runtime.workers.worker_processes.SILENCE_S = 1.5"
    with start(str(bundle_folder), first=impatient) as server, Client(server.address) as client:
        running = client.generate("walk", seconds=60.0, seed=0)
        (worker,) = workers(server)
        worker.send_signal(signal.SIGSTOP)
        with pytest.raises(WorkLost):
            running.result()
        assert client.generate("walk", seconds=1.0, seed=1).result().done.frames == 30
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


@posix
def test_workers_end_when_the_front_is_killed(bundle_folder: Path) -> None:
    with start(str(bundle_folder)) as server:
        (worker,) = workers(server)
        server.process.kill()
        server.process.wait()
        worker.wait(10)


@posix
def test_a_front_that_stood_still_blames_nobody(bundle_folder: Path) -> None:
    impatient = "import runtime.workers.worker_processes; runtime.workers.worker_processes.SILENCE_S = 2.0"
    with start(str(bundle_folder), first=impatient) as server, Client(server.address) as client:
        assert client.generate("walk", seconds=1.0, seed=0).result().done.frames == 30
        server.process.send_signal(signal.SIGSTOP)
        until = time.monotonic() + 3.0
        with peer(server.address, greet=False) as nobody:
            while time.monotonic() < until:
                assert nobody.silent(0.1)
        server.process.send_signal(signal.SIGCONT)
        assert client.generate("walk", seconds=1.0, seed=1).result().done.frames == 30
        assert client.stats().restarts == 0


def renamed(folder: Path, name: str) -> Bundle:
    """The recorded bundle under another name, with a decoder of other bytes."""
    made = make_bundle(folder)
    graph = folder / "decoder.onnx"
    import onnx

    model = onnx.load(graph)
    model.doc_string = name
    onnx.save(model, graph)
    from dataclasses import replace

    return bundle.write(folder, replace(made.manifest, name=name, version="0.2.0"))


@posix
def test_hangup_goes_over_to_another_bundle_without_dropping_anybody(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    make_bundle(folder)
    with start(str(folder), "--step-s", "0.01") as server, Client(server.address) as client:
        assert client.welcome.bundle == "recorded"
        running = client.generate("walk", seconds=20.0, seed=0)
        while not running.frames:
            running.poll(1.0)
        with Client(server.address) as stager, stager.live("walk", seed=3) as live:
            frames = [one for _, one in zip(range(30), live, strict=False)]
            other = tmp_path / "other"
            other.mkdir()
            renamed(other, "renamed")
            for file in other.iterdir():
                shutil.copy(file, folder / file.name)
            server.process.send_signal(signal.SIGHUP)
            while stager.welcome.bundle != "renamed":
                frames.append(next(iter(live)))
            frames += [one for _, one in zip(range(60), live, strict=False)]
            assert [one.sequence for one in frames] == list(range(len(frames)))
            root = np.concatenate([one.root for one in frames])
            assert np.abs(np.diff(root, axis=0)).max() < 0.06
            assert np.linalg.norm(root[-1] - root[-20]) > 0.1
        assert running.result().done.frames == 600, "the old worker finished what it had begun"
        assert client.generate("walk", seconds=1.0, seed=1).result().done.frames == 30
        assert client.welcome.bundle == "renamed"
        eventually(lambda: len(workers(server)) == 1, what="the old worker's retirement")
        assert client.stats().restarts == 0


@posix
def test_hangup_with_a_bundle_that_is_damaged_serves_on_what_was_served(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    with start(str(tmp_path)) as server, Client(server.address) as client:
        (tmp_path / "decoder.onnx").write_bytes(b"broken")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "what was served is served on" in server.said())
        assert client.generate("walk", seconds=1.0, seed=1).result().done.frames == 30


@posix
def test_sigterm_lets_what_is_under_way_come_to_its_end_and_nobody_in(bundle_folder: Path) -> None:
    with start(str(bundle_folder), "--step-s", "0.01", "--drain-s", "30") as server:
        with Client(server.address) as client, Client(server.address) as late:
            running = [client.generate("walk", seconds=8.0, seed=i) for i in range(2)]
            live = late.live("walk")
            while not running[0].frames:
                running[0].poll(1.0)
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(Unavailable, match="the server is stopping"):
                for _ in live:
                    pass
            with pytest.raises(Unavailable, match="the server is stopping"):
                late.generate("walk", seconds=1.0, seed=3).result()
            for generation in running:
                assert generation.result().done.frames == 240
        assert server.process.wait(10) == 0


@posix
def test_a_second_signal_hurries(bundle_folder: Path) -> None:
    with start(str(bundle_folder), "--step-s", "0.01") as server, Client(server.address) as client:
        running = client.generate("walk", seconds=60.0, seed=0)
        while not running.frames:
            running.poll(1.0)
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping: what is under way has 30 s" in server.said())
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(5) == 0
        with pytest.raises(Unavailable):
            running.result()


def test_log_lines_name_request_client_and_worker_and_can_be_json(bundle_folder: Path) -> None:
    import json

    with start(str(bundle_folder), "--log-format", "json") as server, Client(server.address, name="unity") as client:
        client.generate("walk", seconds=1.0, seed=0).result()
        eventually(lambda: "text-to-motion: done" in server.said())
        lines = [json.loads(line) for line in server.said().splitlines()]
    done = next(line for line in lines if line["message"] == "text-to-motion: done")
    assert (done["request"], done["client"], done["level"]) == ("g1", "unity", "info")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", done["time"])
    assert any(line.get("worker") == "worker-1" for line in lines)
    assert {"runtime.workers.worker_processes", "runtime.workers.worker"} <= {line["logger"] for line in lines}
