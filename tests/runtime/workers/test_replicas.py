"""Replicas on Ray Serve, on this machine: they share the work, come with the queue, and one that dies costs its own
requests alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from motion.bundles import bundle
from motion.errors import Cancelled, WorkLost
from runtime.client import Client
from tests.runtime.conftest import Server, start
from tests.runtime.peers import ASKER, assert_work_stops, child, eventually
from tests.runtime.recorded import make_bundle
from tests.runtime.workers.test_worker_processes import renamed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Ray Serve runs on Linux and macOS"),
]
FLAGS = ("--ray", "--replica-cpus", "0.1", "--step-s", "0.01")


def replicas(server: Server) -> list[psutil.Process]:
    """The processes that Ray Serve runs replicas in."""
    found: list[psutil.Process] = []
    for process in psutil.Process(server.process.pid).children(recursive=True):
        try:
            found += [process] if process.cmdline()[0].startswith("ray::ServeReplica:motus-") else []
        except (psutil.Error, IndexError):  # it has just ended
            continue
    return found


@pytest.fixture(scope="module")
def pair(bundle_folder: Path) -> Iterator[Server]:
    pytest.importorskip("ray")
    with start(str(bundle_folder), *FLAGS, "--replicas", "2", "--replicas-most", "2", "--slots", "2") as running:
        eventually(lambda: len(replicas(running)) == 2, within=180)
        yield running


def test_two_replicas_share_the_work_and_give_what_one_would(pair: Server) -> None:
    with Client(pair.address) as client:
        before = [process.cpu_times().user for process in replicas(pair)]
        clips = [client.generate("walk", seconds=4.0, seed=seed).result().clip for seed in (5, 6)]
        both = [client.generate("walk", seconds=8.0, seed=seed) for seed in range(4)]
        for generation in both:
            assert generation.result().done.frames == 240
        again = client.generate("walk", seconds=4.0, seed=5, deadline_s=60.0, caption=True).result()
        after = [process.cpu_times().user for process in replicas(pair)]
        assert client.stats().tokens >= 30 * 3 + 60 * 4
    first = clips[0]
    assert first is not None
    assert again.clip is not None
    assert np.array_equal(first.rotations, again.clip.rotations)
    assert all(now > then for then, now in zip(before, after, strict=True)), "both worked"


def test_cancelling_stops_the_step_counter_within_200_ms_there_too(pair: Server) -> None:
    with Client(pair.address) as client:
        running = [client.generate("walk", seconds=60.0, seed=seed) for seed in range(10, 14)]
        while not all(generation.frames for generation in running):
            for generation in running:
                generation.poll(0.1)
        for generation in running:
            generation.cancel()
        assert_work_stops(pair.address, within=0.2)
        for generation in running:
            with pytest.raises(Cancelled):
                generation.result()


def test_a_client_that_is_killed_stops_its_work_there_too(pair: Server) -> None:
    with child(ASKER, pair.address, "walk") as (process, said):
        assert said.readline() == "moving\n"
        process.kill()
        assert_work_stops(pair.address, within=0.2)


def test_one_that_is_killed_under_load_costs_its_own_requests_and_is_replaced(pair: Server) -> None:
    with Client(pair.address) as client, Client(pair.address) as other:
        with client.live("walk", seed=3, replan=60) as live:
            frames = [next(iter(live)) for _ in range(30)]
            running = [(client, other)[i % 2].generate("walk", seconds=20.0, seed=20 + i) for i in range(4)]
            while not all(generation.frames for generation in running):
                for generation in running:
                    generation.poll(0.1)
            victim = replicas(pair)[0]
            victim.send_signal(signal.SIGKILL)
            lost = 0
            for i, generation in enumerate(running):
                try:
                    assert generation.result().done.frames == 600
                except WorkLost:
                    lost += 1
                    again = client.generate("walk", seconds=2.0, seed=20 + i).result()
                    assert again.done.frames == 60, "the same can be asked again at once"
            assert 1 <= lost <= 3, "the other replica went on with its own"
            frames += [next(iter(live)) for _ in range(60)]
        assert [one.sequence for one in frames] == list(range(len(frames)))
        assert client.stats().restarts >= 1
    eventually(lambda: len(replicas(pair)) == 2 and victim not in replicas(pair), within=180, what="another replica")
    with Client(pair.address) as client:
        assert client.generate("walk", seconds=2.0, seed=40).result().done.frames == 60


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server of one replica or two, and the folder of its bundle."""
    pytest.importorskip("ray")
    folder, settings = tmp_path_factory.mktemp("bundle"), tmp_path_factory.mktemp("settings") / "serve.toml"
    make_bundle(folder)
    settings.write_text("cache_mb = 0\n[limits]\nrequests = 16\nqueue = 64\n")
    flags = ("--replicas", "1", "--replicas-most", "2", "--slots", "1", "--config", str(settings))
    with start(str(folder), *FLAGS, *flags) as running:
        yield running, folder


def test_replicas_come_while_requests_wait(growing: tuple[Server, Path]) -> None:
    server, _ = growing
    with Client(server.address) as client:
        assert len(replicas(server)) == 1
        waiting = [client.generate("walk", seconds=10.0, seed=seed) for seed in range(12)]
        eventually(lambda: len(replicas(server)) == 2, within=180, what="a second replica")
        for generation in waiting:
            assert generation.result().done.frames == 300


def test_hangup_goes_over_to_another_bundle_there_too(growing: tuple[Server, Path], tmp_path: Path) -> None:
    """The last one on this server: it ends it."""
    server, folder = growing
    other = tmp_path / "other"
    other.mkdir()
    with Client(server.address) as client:
        running = client.generate("walk", seconds=30.0, seed=0)
        while not running.frames:
            running.poll(1.0)
        renamed(other, "renamed")
        for file in other.iterdir():
            shutil.copy(file, folder / file.name)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: client.welcome.bundle == "renamed", within=180, what="the change")
        assert running.result().done.frames == 900, "the old replica finished what it had begun"
        assert client.generate("walk", seconds=1.0, seed=1).result().done.frames == 30
        eventually(lambda: len(replicas(server)) == 1, within=180, what="the old one's retirement")
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert time.monotonic() - begun < 60


def test_a_bundle_that_does_not_open_is_one_sentence(tmp_path: Path) -> None:
    manifest = make_bundle(tmp_path).manifest
    (tmp_path / "decoder.onnx").write_bytes(b"broken")
    bundle.write(tmp_path, manifest)
    done = subprocess.run(
        [sys.executable, "-m", "tests.runtime.recorded", str(tmp_path), *FLAGS],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if line.startswith("runtime.serve: ")]
    assert len(said) == 1
    assert "decoder.onnx" in said[0]


def test_without_ray_the_flag_says_what_to_install(bundle_folder: Path) -> None:
    program = "import sys; sys.modules['ray'] = None; from tests.runtime import recorded; sys.exit(recorded.main())"
    done = subprocess.run(
        [sys.executable, "-c", program, str(bundle_folder), "--ray"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install -e '.[ray]'" in done.stderr
