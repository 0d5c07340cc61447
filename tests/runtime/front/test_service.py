"""Bad input and lost clients against a real server: a clear sentence each, and the server serves on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motion import protocol
from motion.protocol import (
    Ack,
    Cancel,
    Close,
    Done,
    Error,
    Frames,
    Generate,
    Hello,
    Message,
    Ping,
    Pong,
    Pose,
    Rig,
    Stats,
    Welcome,
    wire,
)
from runtime.client import Client
from tests.motion.protocol.examples import messages
from tests.runtime import peers
from tests.runtime.conftest import Server, start
from tests.runtime.peers import ASKER, assert_work_stops, child, peer

MARK = wire.MAGIC + bytes(wire.VERSION)


def still_serves(server: Server) -> None:
    peers.still_serves(server.address)
    assert server.process.poll() is None


def generate(**changes: Any) -> list[bytes]:
    """A generate whose header holds what no client of ours would send."""
    header = {"kind": "generate", "id": "bad", "task": "text-to-motion", "text": "walk", "seconds": 1.0, "seed": 1}
    return [MARK, json.dumps({**header, **changes}).encode()]


@pytest.mark.parametrize(
    ("changes", "code", "sentence"),
    [
        ({"text": ""}, "bad_request", "needs 'text' and got none; say what the character should do"),
        ({"text": " \n\t"}, "bad_request", "needs 'text' and got none"),
        ({"text": "walk " * 2000}, "bad_request", "the text has 10000 characters and at most 200 are allowed"),
        ({"seconds": -1}, "bad_request", "'seconds' must lie between 0.5 and 60; got -1"),
        ({"seconds": 0}, "bad_request", "'seconds' must lie between 0.5 and 60; got 0"),
        ({"seconds": 1000}, "bad_request", "'seconds' must lie between 0.5 and 60; got 1000"),
        ({"seconds": float("nan")}, "bad_message", "field 'seconds' must be a finite number; got nan"),
        ({"seconds": "long"}, "bad_message", "field 'seconds' of 'generate' must be a number; got 'long'"),
        ({"seed": float("nan")}, "bad_message", "field 'seed' must be a finite number; got nan"),
        ({"seed": -1}, "bad_request", "'seed' must be a whole number from 0 to 4294967295; got -1"),
        ({"seed": 2**40}, "bad_request", "'seed' must be a whole number from 0"),
        ({"seed": 0.5}, "bad_message", "field 'seed' of 'generate' must be a whole number; got 0.5"),
        ({"task": "fly"}, "unknown_task", "bundle 'recorded' has no task 'fly'; it can do 'text-to-motion', 'unc"),
        ({"task": "x" * 5000}, "unknown_task", "..."),
        ({"task": "unconditional"}, "bad_request", "'unconditional' takes no 'text'; leave it out: it takes 'seconds'"),
        ({"task": "prediction"}, "bad_request", "task 'prediction' needs 'past'"),
        ({"task": "motion-to-text"}, "bad_request", "task 'motion-to-text' takes no 'text'"),
        ({"task": "motion-to-text", "text": "", "seconds": None}, "bad_request", "'motion-to-text' needs 'motion'"),
        ({"text": None}, "bad_request", "needs 'text' and got none"),
        ({"text": 5}, "bad_message", "field 'text' of 'generate' must be a text; got 5"),
        ({"kind": "dance"}, "bad_message", "there is no message 'dance'"),
    ],
)
def test_a_request_that_cannot_be_is_answered_under_its_id_with_a_sentence(
    server: Server, changes: dict[str, Any], code: str, sentence: str
) -> None:
    with peer(server.address) as raw:
        raw.send(*generate(**changes))
        error = raw.hear()
        assert isinstance(error, Error)
        assert (error.id, error.code, error.retry) == ("bad", code, False)
        assert sentence in error.message
        raw.say(Generate("good", "text-to-motion", "walk", seconds=0.5, seed=0))
        assert isinstance(raw.hear(Done, Error), Done)


def pose(frames: int, joints: int = 22, length: float = 1.0) -> Pose:
    rotations = np.zeros((frames, joints, 4), np.float32)
    rotations[..., 0] = length
    return Pose(rotations, np.zeros((frames, 3), np.float32))


@pytest.mark.parametrize(
    ("past", "sentence"),
    [
        (pose(3), "'past' must have 4 to 1800 frames at 30 a second; got 3"),
        (pose(1801), "got 1801"),
        (pose(8, joints=24), "'past' has 24 joints and skeleton 'smplx22' has 22"),
        (pose(8, length=1.5), "frame 0, joint 'pelvis' has length 1.500; normalise them"),
        (pose(8, length=0.0), "not unit quaternions"),
    ],
)
def test_a_past_that_is_no_motion_is_refused(server: Server, past: Pose, sentence: str) -> None:
    with peer(server.address) as raw:
        raw.say(Generate("bad", "prediction", seconds=1.0, past=past))
        error = raw.hear(Error, Done)
        assert isinstance(error, Error)
        assert error.code == "bad_request"
        assert sentence in error.message
    still_serves(server)


def test_a_second_request_of_the_same_name_leaves_the_first_alone(server: Server) -> None:
    with peer(server.address) as raw:
        for _ in range(2):
            raw.say(Generate("twin", "text-to-motion", "walk", seconds=1.0, seed=0))
        error = raw.hear(Error, Done)
        assert isinstance(error, Error)
        assert (error.id, error.code) == ("", "bad_request")
        assert "'twin' is still under way" in error.message
        assert isinstance(raw.hear(Error, Done), Done)


@pytest.mark.parametrize("message", [m for m in messages().values() if not isinstance(m, Hello)])
def test_everything_before_hello_is_refused(server: Server, message: Message) -> None:
    with peer(server.address, greet=False) as raw:
        raw.say(message)
        error = raw.hear()
        assert isinstance(error, Error)
        assert "say hello first" in error.message


@pytest.mark.parametrize("name", ["welcome", "accepted", "progress", "frames", "text", "done", "error", "statistics"])
def test_a_servers_message_from_a_client_is_refused(server: Server, name: str) -> None:
    with peer(server.address) as raw:
        raw.say(messages()[name])
        error = raw.hear()
        assert isinstance(error, Error)
        assert "is for the server to send" in error.message


def test_another_major_version_is_told_both_numbers(server: Server) -> None:
    with peer(server.address, greet=False) as raw:
        raw.send(wire.MAGIC + bytes((9, 1)), b'{"kind":"hello","client":"later","window":1}')
        error = raw.hear()
        assert isinstance(error, Error)
        assert error.code == "bad_version"
        assert "speaks protocol 1.2 and the other 9.1" in error.message
    still_serves(server)


@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"", b""],
        [b"GET / HTTP/1.1\r\n\r\n"],
        [MARK],
        [MARK, b"{"],
        [MARK, b"[" * 60_000],
        [MARK, b"\xff"],
        [MARK, b'{"kind":"hello"}'],
        [MARK, b'{"kind":"ping","clock":1e999}'],
        [MARK, b"{" + b" " * 200_000 + b"}"],
        [MARK, b'{"kind":"stats"}', *[b"x"] * 5000],
        [MARK, b'{"kind":"ack","id":"none","frames":-1}', b""],
    ],
)
def test_garbage_is_answered_and_changes_nothing(server: Server, parts: list[bytes]) -> None:
    with peer(server.address) as raw:
        raw.send(*parts)
        error = raw.hear()
        assert isinstance(error, Error)
        assert error.code == "bad_message"
        raw.say(Ping(1.0))
        assert isinstance(raw.hear(), Pong)
    still_serves(server)


def test_a_header_of_100_mb_is_cut_off_before_it_is_read(server: Server) -> None:
    with peer(server.address) as raw:
        raw.send(MARK, b"x" * 100_000_000)
        still_serves(server)
        raw.say(Hello("again", 1))  # on the connection that libzmq made anew
        assert isinstance(raw.hear(Welcome), Welcome)


def test_acks_and_cancels_of_nothing_are_passed_over(server: Server) -> None:
    with peer(server.address) as raw:
        raw.say(Cancel("nobody"))
        raw.say(Ack("nobody", 10**9))
        raw.say(Ping(2.0))
        answer = raw.hear(Pong, Error)
        assert isinstance(answer, Pong)
        assert answer.asked == 2.0


WITNESS = """
import sys
def told(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "import") and "etc/forbidden" in str(arguments):
        print("OPENED", event, arguments, file=sys.stderr, flush=True)
sys.addaudithook(told)
"""


def test_a_path_in_a_request_is_never_opened(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both processes tell of every file that they open (PEP 578)."""
    (tmp_path / "sitecustomize.py").write_text(WITNESS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = "/etc/forbidden"
    rig = Rig(path, (path, f"{path}/leg"), (-1, 0), np.ones((2, 3), np.float32))
    with start(str(bundle_folder), "--cache-folder", str(tmp_path / "kept")) as server:
        with peer(server.address, greet=False) as raw:
            raw.say(Hello(path, 120))
            raw.say(Generate("a", "text-to-motion", path, seconds=0.5, seed=1))
            assert isinstance(raw.hear(Done, Error), Done)
            raw.say(Generate("b", path, path))
            raw.say(Generate("c", "text-to-motion", path, rig=rig))
            raw.send(*generate(publish=path, bundle=path, past=path, motion=path))
            for _ in range(3):
                assert isinstance(raw.hear(Done, Error), Error)
        still_serves(server)
        assert "OPENED" not in server.said()
    said = subprocess.run([sys.executable, "-c", f"open('{path}')"], check=False, capture_output=True, text=True).stderr
    assert "OPENED" in said, "the witness sees"


def test_a_window_that_cannot_be_is_refused(server: Server) -> None:
    with peer(server.address, greet=False) as raw:
        raw.say(Hello("greedy", 100_000))
        error = raw.hear()
        assert isinstance(error, Error)
        assert "'window' must be 1 to 240 frames; got 100000" in error.message


def test_no_more_frames_are_under_way_than_the_window_holds(server: Server) -> None:
    with peer(server.address, greet=False) as raw, Client(server.address) as other:
        raw.say(Hello("strict", 24))
        raw.say(Generate("g", "text-to-motion", "walk", seconds=4.0, seed=0))
        taken, heard = 0, raw.hear(Frames)
        while not isinstance(heard, Done):
            assert isinstance(heard, Frames)
            while other.stats().running:  # the clip is made to its end, whatever of it may leave
                pass
            under_way = [len(heard.root)]
            while raw.socket.poll(0) and not isinstance(heard, Done):
                heard = protocol.unpack(raw.socket.recv_multipart())
                under_way += [len(heard.root)] if isinstance(heard, Frames) else []
            assert sum(under_way) <= 24 or len(under_way) == 1
            taken += sum(under_way)
            raw.say(Ack("g", taken))
            heard = heard if isinstance(heard, Done) else raw.hear(Frames, Done)
        assert taken == 120


def test_a_goodbye_stops_the_work(server: Server) -> None:
    with peer(server.address) as raw:
        raw.say(Generate("g", "text-to-motion", "walk", seconds=60.0, seed=0))
        raw.hear(Frames)
        raw.say(Close())
        assert_work_stops(server.address, within=0.3)


def test_a_client_that_is_killed_mid_stream_stops_its_work_within_200_ms(server: Server) -> None:
    with child(ASKER, server.address, "walk") as (process, said):
        assert said.readline() == "moving\n"
        process.kill()
        assert_work_stops(server.address, within=0.2)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process without ending it")
def test_a_client_that_freezes_mid_stream_loses_its_work_when_its_heartbeats_are_missed(bundle_folder: Path) -> None:
    with (
        start(str(bundle_folder), "--step-s", "0.05") as server,
        child(ASKER, server.address, "walk") as (process, said),
    ):
        assert said.readline() == "moving\n"
        process.send_signal(signal.SIGSTOP)
        assert_work_stops(server.address, within=8.0)


def test_half_a_message_and_a_port_scan_disturb_nobody(server: Server) -> None:
    port = int(server.address.rsplit(":", 1)[1])
    for content in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", os.urandom(4096)):
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(content)
    still_serves(server)


def test_ten_thousand_small_messages_are_all_answered(server: Server) -> None:
    with peer(server.address) as raw:
        for i in range(10_000):
            raw.say(Ping(float(i)))
            if i % 100 == 99:
                for _ in range(100):
                    assert isinstance(raw.hear(), Pong)
    still_serves(server)


def test_a_flood_from_a_client_that_never_reads_is_shut_out_and_the_rest_served(server: Server) -> None:
    with peer(server.address) as raw:
        for _ in range(50_000):
            raw.say(Stats())
        still_serves(server)


def test_clients_that_come_and_go_leave_nothing_behind(server: Server) -> None:
    begun = time.monotonic()
    for _ in range(50):
        with Client(server.address) as client:
            client.generate("walk", seconds=0.5, seed=0)
    with Client(server.address) as client:
        while (stats := client.stats()).running or stats.waiting or stats.sessions > 1:
            assert time.monotonic() - begun < 20
        assert stats.accepted >= stats.finished + stats.cancelled + stats.failed
