"""What the service costs beside the models: its transport, held against pyzmq with nothing around it.

The language model is a recording (tests/runtime/recorded.py), so that only transport, pacing and scheduling are
measured: the round trip of a small message, and live sessions seen by many watchers. Each is measured beside a bare
program that sends the same bytes at the same times on the same machine, in the same run. Last, one live session while a
crowd sends new rigs as fast as it may.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from motion.errors import Unavailable
from runtime.client import Client, Live
from tools.measuring import round_trip
from tools.measuring.audience import Audience, Seen
from tools.measuring.round_trip import RoundTrip
from tools.setup.ticker import Ticker

_SECONDS: Final = 10.0
_FPS: Final = 30.0
_CROWD: Final = 20
_JOINTS: Final = 512


@dataclass(frozen=True)
class Shown:
    """Live sessions as their watchers saw them."""

    streams: int
    watchers: int
    seconds: float
    frames: int
    lost: int
    late_p50_ms: float
    late_p99_ms: float
    late_most_ms: float
    cores: float
    """of the processes that sent them"""


@dataclass(frozen=True)
class Crowded:
    """A live session while other clients send rigs that the server has not seen, as fast as they may."""

    clients: int
    joints: int
    """of each rig"""
    rigs: int
    """that were sent"""
    frames: int
    """rigs that came to frames"""
    refused: int
    """rigs that were refused, since enough waited"""
    shown: Shown
    """what its watcher saw of the live session"""


@dataclass(frozen=True)
class Serving:
    """The figures."""

    round_trip: RoundTrip
    bare: Shown
    ours: Shown
    crowded: Crowded

    def table(self) -> str:
        """For people, each beside what is asked of it."""
        trip, bare, ours, crowd = self.round_trip, self.bare, self.ours, self.crowded
        rows = [
            ("round trip of a ping, bare pyzmq", f"{trip.bare_us.median:.0f} us", ""),
            ("round trip of a ping, the service", f"{trip.ours_us.median:.0f} us", ""),
            ("the service over bare", f"{trip.ratio.median:.2f} x", "within 2"),
            ("least and greatest of the rounds", f"{trip.ratio.least:.2f} to {trip.ratio.greatest:.2f} x", ""),
            ("live sessions, watchers", f"{ours.streams}, {ours.watchers}", ""),
            ("frames that watchers saw", f"{ours.frames}", ""),
            ("frames lost", f"{ours.lost}", "0"),
            ("late p50, bare pyzmq", f"{bare.late_p50_ms:.2f} ms", ""),
            ("late p50, the service", f"{ours.late_p50_ms:.2f} ms", ""),
            ("late p99, bare pyzmq", f"{bare.late_p99_ms:.2f} ms", ""),
            ("late p99, the service", f"{ours.late_p99_ms:.2f} ms", "under 20 ms"),
            ("cores, bare pyzmq", f"{bare.cores:.2f}", ""),
            ("cores, the service with its worker", f"{ours.cores:.2f}", "under 1"),
            (f"rigs of {crowd.joints} joints by {crowd.clients} clients", f"{crowd.rigs}", ""),
            ("of them moved, refused", f"{crowd.frames}, {crowd.refused}", ""),
            ("frames lost beside them", f"{crowd.shown.lost}", "0"),
            ("late p50, a live session beside them", f"{crowd.shown.late_p50_ms:.2f} ms", ""),
            ("late p99, a live session beside them", f"{crowd.shown.late_p99_ms:.2f} ms", ""),
            ("late at most", f"{crowd.shown.late_most_ms:.2f} ms", "under 20 ms"),
        ]
        return "\n".join(f"{name:<38}{value:>14}   {wanted}".rstrip() for name, value, wanted in rows)


def measure(streams: int = 64, watchers: int = 128, seconds: float = _SECONDS) -> Serving:
    """Run everything. Raises Unavailable where a process does not start."""
    ticker = Ticker()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address, server = stack.enter_context(recorded(folder, streams))
        echo_address, _ = stack.enter_context(_bare("echo"))
        ticker.say("round trips")
        trip = round_trip.measure(echo_address, address)
        ticker.say(f"{streams} streams to {watchers} watchers, bare")
        names = [f"show-{i % streams}" for i in range(watchers)]
        with _bare("publish", str(streams), str(_FPS)) as (publisher, process):
            bare_shown = _audience(publisher, names, streams, seconds, [psutil.Process(process.pid)], [])
        ticker.say(f"{streams} live sessions to {watchers} watchers")
        with Client(address, name="bench", window=240) as client:
            lives = [client.live("walk", seed=i, publish=f"show-{i}") for i in range(streams)]
            watch = f"tcp://127.0.0.1:{client.welcome.watch_port}"
            _play(lives, 2.0)
            front = psutil.Process(server.pid)
            shown = _audience(watch, names, streams, seconds, [front, *front.children()], lives)
        ticker.say(f"a live session beside {_CROWD} clients with new rigs of {_JOINTS} joints")
        crowded = _beside_a_crowd(address, seconds)
    return Serving(trip, bare_shown, shown, crowded)


def _beside_a_crowd(address: str, seconds: float) -> Crowded:
    with Client(address, name="bench", window=240) as client, client.live("walk", seed=1, publish="calm") as live:
        watch = f"tcp://127.0.0.1:{client.welcome.watch_port}"
        _play([live], 1.0)
        command = [sys.executable, "-m", "tools.measuring.crowd", address, str(_CROWD), str(_JOINTS)]
        with subprocess.Popen([*command, str(seconds + 5)], stdout=subprocess.PIPE, text=True) as crowd:
            assert crowd.stdout is not None
            _play([live], 2.0)
            shown = _audience(watch, ["calm"], 1, seconds, [], [live])
            while crowd.poll() is None:
                _play([live], 0.05)
            said = json.loads(crowd.stdout.read())
    return Crowded(_CROWD, _JOINTS, said["rigs"], said["frames"], said["refused"], shown)


def _audience(
    address: str,
    names: Sequence[str],
    streams: int,
    seconds: float,
    senders: Sequence[psutil.Process],
    lives: Sequence[Live],
) -> Shown:
    audience = Audience(address, seconds, names)
    try:
        before, begun = _cpu(senders), time.monotonic()
        while not audience.done:
            _play(lives, 0.05)
        used, took = _cpu(senders) - before, time.monotonic() - begun
        seen = audience.seen()
    finally:
        audience.stop()
    return _shown(seen, streams, len(names), seconds, used / took)


def _shown(seen: Seen, streams: int, watchers: int, seconds: float, cores: float) -> Shown:
    late = sorted(seen.late_s)
    if not late:
        raise Unavailable("watchers saw no frame; run it again on a machine that is less busy")
    p50, p99, most = (round(1000 * late[min(len(late) - 1, int(share * len(late)))], 2) for share in (0.5, 0.99, 1))
    return Shown(streams, watchers, seconds, seen.frames, seen.lost, p50, p99, most, round(cores, 3))


def _play(lives: Sequence[Live], seconds: float) -> None:
    """Take what comes, as an owner of many live sessions does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for live in lives:
            while live.waiting:
                live.poll()
        time.sleep(0.01)


def _cpu(processes: Sequence[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


@contextmanager
def _bare(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    yield from _process("tools.measuring.bare", *arguments)


@contextmanager
def recorded(
    folder: Path, streams: int, settings: str = "", *flags: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address and the process of a server whose language model is a recording, which allows a client so many live
    sessions. Raises Unavailable."""
    from tests.runtime.recorded import make_bundle

    make_bundle(folder)
    file = folder.parent / f"{folder.name}.toml"
    file.write_text(f"{settings}[limits]\nstreams = {streams}\nmessages_per_s = 100000\n")
    try:
        quiet = ("--config", str(file), "--log-level", "warning", "--no-http")
        yield from _process("tests.runtime.recorded", str(folder), *quiet, *flags)
    finally:
        file.unlink()


def _process(module: str, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline().split()
        if not said:
            raise Unavailable(f"{module} did not start; what it said stands above")
        yield next(word for word in said if word.startswith("tcp://")), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    print(measure().table())
