"""What happens to servers, done to a real one: it stands still, clocks jump, disks fill, strangers talk nonsense."""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import pytest

from motion.errors import Unavailable
from motion.protocol import Error, Frames, Hello, Ping, Welcome, wire
from runtime.client import Client
from tests.runtime.conftest import Server, start
from tests.runtime.peers import eventually, peer, still_serves

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and limits")
MARK = wire.MAGIC + bytes(wire.VERSION)


@pytest.mark.slow
def test_a_server_that_stood_still_for_10_s_goes_on_and_clients_come_back(bundle_folder: Path) -> None:
    with start(str(bundle_folder), "--step-s", "0.01") as server, ExitStack() as stack:
        clients = [stack.enter_context(Client(server.address)) for _ in range(2)]
        running = [client.generate("walk", seconds=60.0, seed=i) for i, client in enumerate(clients)]
        while not running[0].frames:
            running[0].poll(1.0)
        server.process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        for generation in running:
            with pytest.raises(Unavailable, match="has not been heard of for 5 s") as caught:
                generation.result()
            assert caught.value.retry
        while time.monotonic() - begun < 10.0:
            with pytest.raises(Unavailable):
                Client(server.address, timeout=1.0).ping()
        server.process.send_signal(signal.SIGCONT)
        for client in clients:
            assert client.generate("walk", seconds=1.0, seed=9).result().done.frames == 30
        stats = clients[0].stats()
        assert (stats.restarts, stats.sessions, stats.running) == (0, 2, 0), "nobody is left of those who gave up"


JUMP = (
    "import signal, time; real, wall, ahead = time.monotonic, time.time, [0.0, 0.0]; "
    "time.monotonic = lambda: real() + ahead[0]; time.time = lambda: wall() + ahead[1]; "
    "signal.signal(signal.SIGUSR1, lambda *_: ahead.__setitem__(0, ahead[0] + 3600.0)); "
    "signal.signal(signal.SIGUSR2, lambda *_: ahead.__setitem__(1, 86400.0 * 365 - ahead[1]))"
)


@pytest.mark.parametrize("jump", ["SIGUSR1", "SIGUSR2"])
def test_clocks_that_jump_cost_nobody_a_session_or_a_frame(bundle_folder: Path, jump: str) -> None:
    """An hour of the machine's sleep, twice; the calendar a year on, and back."""
    with start(str(bundle_folder), "--step-s", "0.005", first=JUMP) as server:
        with Client(server.address) as client, client.live("walk", seed=3) as live:
            running = client.generate("walk", seconds=4.0, seed=1)
            frames: list[Frames] = []
            for one in live:
                frames.append(one)
                if len(frames) in (20, 40):
                    server.process.send_signal(getattr(signal, jump))
                if len(frames) == 70:
                    break
            assert running.result().done.frames == 120
            assert [one.sequence for one in frames] == list(range(70))
            assert sum(one.lost for one in frames) == 0
            assert (np.diff([one.clock for one in frames]) > 0).all()
            assert client.stats().restarts == 0
        still_serves(server.address)


def test_a_disk_that_is_full_in_the_middle_of_a_file_costs_nothing_and_leaves_none(
    bundle_folder: Path, tmp_path: Path
) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))"
    kept = tmp_path / "answers"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096
    with start(str(bundle_folder), "--cache-folder", str(kept), first=full) as server:
        with Client(server.address) as client:
            assert not client.generate("walk", seconds=2.0, seed=1).result().done.cached
            assert client.generate("walk", seconds=2.0, seed=1).result().done.cached, "memory still keeps it"
        assert list(kept.iterdir()) == []
        assert server.process.poll() is None


def zmtp(server: Server) -> socket.socket:
    """A connection that has gone through ZMTP's greeting and is a DEALER to the server (ZMTP 3.0, sections 2 to 4)."""
    line = socket.create_connection(("127.0.0.1", int(server.address.rsplit(":", 1)[1])))
    line.sendall(b"\xff" + bytes(8) + b"\x7f" + bytes((3, 0)) + b"NULL".ljust(20, b"\0") + bytes(32))
    ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
    line.sendall(bytes((4, len(ready))) + ready)
    assert line.recv(64, socket.MSG_WAITALL)[:1] == b"\xff"
    return line


@pytest.mark.parametrize(
    "half",
    [
        bytes((1, 8)) + MARK,  # one of two parts
        bytes((1, 8)) + MARK[:3],  # less than one
        bytes((1, 8)) + MARK + bytes((2, *(100_000).to_bytes(8, "big"))) + b'{"kind":"hello"',  # a long one begun
        bytes((1, 8)) + MARK + bytes((3, *(2**62).to_bytes(8, "big"))),  # more than there is memory
        bytes((7, 255)),  # flags that are none
    ],
)
@pytest.mark.parametrize("stays", [True, False])
def test_a_half_written_message_is_never_read_and_disturbs_nobody(server: Server, half: bytes, stays: bool) -> None:
    with Client(server.address) as client:
        eventually(lambda: client.stats().sessions == 1, what="the end of whoever was there before")
        before = client.stats()
        line = zmtp(server)
        line.sendall(half)
        if not stays:
            line.close()
        still_serves(server.address)
        eventually(lambda: client.stats().sessions == 1, what="the end of who only looked whether it still serves")
        after = client.stats()
        line.close()
    assert after.refused == before.refused
    assert server.process.poll() is None


def test_garbage_without_end_leaves_a_live_session_in_peace(server: Server) -> None:
    """What a minute of it would be, by count: each kind from a connection of its own."""
    chance = random.Random(5)
    port = int(server.address.rsplit(":", 1)[1])
    with Client(server.address) as client, client.live("walk", seed=3) as live, ExitStack() as stack:
        talkers = [stack.enter_context(peer(server.address, greet=greet)) for greet in (True, False, True)]
        for i in range(6000):
            parts = [chance.randbytes(chance.randrange(200)) for _ in range(chance.randrange(1, 6))]
            if i % 3 == 1:
                parts = [MARK, *parts]
            elif i % 3 == 2:
                parts = [MARK, b'{"kind":"generate","id":"' + parts[0].hex().encode()[:90] + b'"}', *parts[1:]]
            talkers[i % 3].send(*parts)
            if i % 100 == 0:
                with socket.create_connection(("127.0.0.1", port)) as plain:
                    plain.sendall(chance.randbytes(500))
                assert next(iter(live)).lost == 0
        assert client.ping() < 5.0
        assert client.stats().refused > 1000
        assert {talkers[0].hear(Error).code for _ in range(50)} <= {"bad_message", "bad_version", "busy"}
    still_serves(server.address)
    assert "Traceback" not in server.said()


@pytest.mark.slow
def test_a_flood_of_small_messages_costs_its_sender_and_nobody_else(bundle_folder: Path, tmp_path: Path) -> None:
    settings = tmp_path / "serve.toml"
    settings.write_text("[limits]\nmessages_per_s = 2000\n")
    with start(str(bundle_folder), "--config", str(settings)) as server:
        front = psutil.Process(server.process.pid)
        with peer(server.address) as loud, Client(server.address) as client:
            before = front.memory_info().rss
            for i in range(150_000):  # together 60 MB and what each costs beside: more than may stay
                loud.send(bytes(400))
                if i % 15_000 == 0:
                    assert client.generate("walk", seconds=0.5, seed=i).result().done.frames == 15
            assert client.ping() < 10.0
            eventually(lambda: client.stats().refused > 145_000, within=500, what="the end of the flood")
            assert front.memory_info().rss - before < 50 * 2**20
        with peer(server.address, greet=False) as again:
            again.say(Hello("again", 10))
            again.hear(Welcome)
            again.say(Ping(0.0))
        still_serves(server.address)
