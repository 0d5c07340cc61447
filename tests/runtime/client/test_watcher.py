"""Watching over a real socket: who comes late, stops or looks for nothing, and what is left when the owner is gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest

from motion.errors import Unavailable
from motion.protocol import Ended, Frames, Scene
from runtime.client import Client, Live
from tests.runtime.conftest import Server
from tests.runtime.live import FPS, take
from tests.runtime.peers import assert_work_stops, child, eventually, still_serves

OWNER = """
import sys
from runtime.client import Client
with Client(sys.argv[1]) as client, client.live("walk", publish="orphan", seed=1, agents=int(sys.argv[2])) as live:
    for frames in live:
        print("moving", flush=True)
"""
WATCHER = """
import sys
from runtime.client import Client
with Client(sys.argv[1]) as client, client.watch("stage") as watcher:
    for frames in watcher:
        if frames.agent == 0:
            print(frames.sequence, watcher.lost, flush=True)
"""


@pytest.mark.parametrize("agents", [1, 3])
def test_when_the_owner_is_killed_the_work_stops_and_watchers_are_told(server: Server, agents: int) -> None:
    with child(OWNER, server.address, str(agents)) as (process, said):
        with Client(server.address) as client, client.watch("orphan") as watcher:
            assert said.readline() == "moving\n"
            eventually(lambda: bool(watcher.poll(0.1)))
            process.kill()
            killed = time.monotonic()
            for _ in watcher:
                pass
            assert time.monotonic() - killed < 2.0
        assert_work_stops(server.address, within=0.5)
        still_serves(server.address)
        assert "Traceback" not in server.said()


@pytest.fixture
def stage(server: Server) -> Iterator[tuple[Client, Live]]:
    with Client(server.address) as client, client.live("walk", seed=3, publish="stage", agents=2) as live:
        take(live, 10)
        yield client, live


def test_who_comes_late_gets_skeleton_and_pose_at_once_and_then_what_follows(
    stage: tuple[Client, Live], server: Server
) -> None:
    _, live = stage
    owned = take(live, 40)
    with Client(server.address) as late, late.watch("stage") as watcher:
        scene = watcher.scene
        assert (scene.agents, scene.fps, scene.skeleton) == (2, 30.0, "smplx22")
        assert watcher.skeleton.joints == late.skeleton.joints
        seen: list[Frames] = []
        while len(seen) < 40:
            seen += watcher.poll(1.0, every=True)
        assert {one.id for one in seen} == {"stage"}
        for agent in (0, 1):
            mine = [one.sequence for one in seen if one.agent == agent]
            assert mine == list(range(mine[0], mine[0] + len(mine)))
            assert mine[0] >= owned[-1].sequence - 1
        assert watcher.lost == 0
        owned += take(live, 120)
    theirs = {(one.agent, one.sequence): one for one in owned}
    shared = [one for one in seen if (one.agent, one.sequence) in theirs]
    assert len(shared) > 20
    for one in shared:
        assert np.array_equal(one.root, theirs[one.agent, one.sequence].root), "watchers see the owner's very frames"


def test_watchers_see_nothing_where_nothing_is_and_are_told(server: Server) -> None:
    with Client(server.address) as client, client.watch("nothing") as watcher:
        with pytest.raises(Unavailable, match="nothing is published as 'nothing'"):
            _ = watcher.scene
        with Client(server.address) as owner, owner.live("walk", publish="nothing") as live:
            take(live, 2)
            assert next(iter(watcher)).id == "nothing"


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process without ending it")
def test_a_stopped_watcher_delays_nobody_and_knows_what_it_lost(stage: tuple[Client, Live], server: Server) -> None:
    _, live = stage
    with child(WATCHER, server.address) as (process, said):
        first = int(said.readline().split()[0])
        process.send_signal(signal.SIGSTOP)
        frames = take(live, 2 * 150)
        late = np.diff([one.clock for one in frames if one.agent == 0])
        assert abs(np.median(late) - 1 / FPS) < 1e-6
        process.send_signal(signal.SIGCONT)
        now = frames[-1].sequence
        while True:
            sequence, lost = map(int, said.readline().split())
            take(live, 2)
            if sequence >= now:
                break
        assert lost > 0
        assert first < now


def test_the_roster_tells_who_is_there_and_what_is_shown(stage: tuple[Client, Live], server: Server) -> None:
    _, live = stage
    with Client(server.address) as other, other.watch("stage") as watcher:
        eventually(lambda: bool(watcher.poll(0.1)))
        take(live, 10)
        roster = other.who()
    show = next(one for one in roster.streams if one.publish == "stage")
    assert (show.agents, show.fps, show.client, show.watchers) == (2, 30.0, "python", 1)
    assert show.frames >= 10
    assert show.ahead > 0
    owner = max(roster.clients, key=lambda one: one.frames)
    assert (owner.client, owner.streams) == ("python", 1)
    assert owner.bytes_out > 10 * 400


def test_messages_of_the_publisher_are_the_protocols(stage: tuple[Client, Live], server: Server) -> None:
    import zmq

    from motion import protocol

    client, live = stage
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    try:
        for topic in (b"stream/stage/", b"join/stage/me", b"join/void/me", b"beat"):
            socket.setsockopt(zmq.SUBSCRIBE, topic)
        socket.connect(f"tcp://127.0.0.1:{client.welcome.watch_port}")
        heard: dict[tuple[bytes, type], object] = {}
        while len(heard) < 5:
            assert socket.poll(5000), heard.keys()
            topic, *parts = socket.recv_multipart()
            message = protocol.unpack(parts)
            heard.setdefault((topic, type(message)), message)
            live.poll(0.0)
        assert {(topic, kind.__name__) for topic, kind in heard} == {
            (b"stream/stage/", "Frames"),
            (b"join/stage/me", "Scene"),
            (b"join/stage/me", "Frames"),
            (b"join/void/me", "Ended"),
            (b"beat", "Beat"),
        }
        assert isinstance(heard[b"join/stage/me", Scene], Scene)
        assert isinstance(heard[b"join/void/me", Ended], Ended)
    finally:
        context.destroy(linger=0)
    still_serves(server.address)
