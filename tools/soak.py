"""Hours of custom in minutes: `python -m tools.soak --minutes 60`. What does a server keep of it? Nothing.

A real server, whose language model is a recording, answers customers that come and go, cancel, and are killed in the
middle of clips and live sessions. Afterwards no session, request, thread or file may be left, and memory may not have
grown by more than 20 MB since the first minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from motion.errors import MotionError, Unavailable
from motion.protocol import Statistics
from runtime.client import Client
from tools.measuring import customers
from tools.measuring.serving import recorded
from tools.setup.ticker import Ticker

_STEADY: Final = 4
"""customers that stay"""
_FIRST_S: Final = 60.0
_CALM_S: Final = 20.0
_LIMIT_MB: Final = 20.0
_MB: Final = 2**20


@dataclass(frozen=True)
class Held:
    """What the server's processes hold."""

    rss_mb: float
    threads: int
    files: int

    @staticmethod
    def of(processes: Sequence[psutil.Process]) -> Held:
        """All of them together."""
        return Held(
            round(sum(process.memory_info().rss for process in processes) / _MB, 1),
            sum(process.num_threads() for process in processes),
            sum(process.num_fds() for process in processes),
        )


@dataclass(frozen=True)
class Soak:
    """The figures."""

    minutes: float
    requests: int
    cancels: int
    killed: int
    finished: int
    cancelled: int
    failed: int
    begun: Held
    first: Held
    """after the first minute, or a fifth of the time where that is less"""
    end: Held
    left: dict[str, int]
    """sessions, requests, live sessions and watchers that are still there; the one who asks is none"""

    @property
    def grown_mb(self) -> float:
        """Since the first minute."""
        return round(self.end.rss_mb - self.first.rss_mb, 1)

    @property
    def faults(self) -> list[str]:
        """What should not be, in words."""
        found = [f"{count} {name} left" for name, count in self.left.items() if count]
        if self.grown_mb > _LIMIT_MB:
            found.append(f"memory grew by {self.grown_mb} MB")
        if self.end.threads > self.begun.threads:
            found.append(f"{self.end.threads - self.begun.threads} threads left")
        if self.end.files > self.begun.files:
            found.append(f"{self.end.files - self.begun.files} files left open")
        if self.failed:
            found.append(f"{self.failed} requests failed")
        return found

    def record(self) -> dict[str, object]:
        """For the file."""
        return {**asdict(self), "grown_mb": self.grown_mb, "faults": self.faults}


def measure(minutes: float, requests: int, cancels: int, killed: int) -> Soak:
    """Run it. Raises Unavailable where the server or a customer fails."""
    ticker = Ticker()
    seconds = 60 * minutes
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address, server = stack.enter_context(
            recorded(folder, 8, "cache_mb = 4\n", "--slots", "4", "--step-s", "0.001")
        )
        front = psutil.Process(server.pid)
        processes = [front, *front.children()]
        _wake(address)
        begun = Held.of(processes)
        forks = customers.context()
        shares = [(requests * (i + 1) // _STEADY - requests * i // _STEADY) for i in range(_STEADY)]
        few = [(cancels * (i + 1) // _STEADY - cancels * i // _STEADY) for i in range(_STEADY)]
        staying = [
            customers.start(forks, customers.steady, address, i, share, stops, seconds)
            for i, (share, stops) in enumerate(zip(shares, few, strict=True))
        ]
        first, started = None, time.monotonic()
        for i in range(killed):
            ticker.say(f"{i} of {killed} killed, {Held.of(processes)}")
            process = customers.start(forks, customers.doomed, address, i)
            process.join(60)
            if process.exitcode != -9:
                raise Unavailable(f"a customer who should have been killed ended with {process.exitcode}")
            if first is None and time.monotonic() - started > min(_FIRST_S, seconds / 5):
                first = Held.of(processes)
            time.sleep(max(0.0, started + (i + 1) * seconds / killed - time.monotonic()))
        for process in staying:
            process.join()
            if process.exitcode != 0:
                raise Unavailable(f"a customer ended with {process.exitcode}; what it said stands above")
        left, stats = _left(address)
        end = Held.of(processes)
        assert first is not None
    return Soak(
        round((time.monotonic() - started) / 60, 1), requests, cancels, killed, stats.finished, stats.cancelled,
        stats.failed, begun, first, end, left,
    )  # fmt: skip


def _wake(address: str) -> None:
    """Have every thread of the server's pools started."""
    with Client(address) as client, client.live("walk", agents=8) as live:
        client.generate("walk", seconds=10.0, variations=8).result()
        for _, _ in zip(range(80), live, strict=False):
            pass


def _left(address: str) -> tuple[dict[str, int], Statistics]:
    """What is still there, once the server has had time to notice who is gone."""
    until = time.monotonic() + _CALM_S
    while True:
        with Client(address) as client:
            stats = client.stats()
        left = {
            "sessions": stats.sessions - 1, "requests": stats.waiting + stats.running, "streams": stats.streams,
            "watchers": stats.watchers,
        }  # fmt: skip
        if not any(left.values()) or time.monotonic() > until:
            time.sleep(1.0)  # for the connection that asked to be closed
            return left, stats
        time.sleep(0.2)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 nothing is left, 1 something is."""
    parser = argparse.ArgumentParser("tools.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (default 5)")
    parser.add_argument("--requests", type=int, default=10_000, help="motions asked for (default 10,000)")
    parser.add_argument("--cancels", type=int, default=1000, help="of them cancelled (default 1,000)")
    parser.add_argument("--killed", type=int, default=200, help="clients killed (default 200)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    try:
        figures = measure(options.minutes, options.requests, options.cancels, options.killed)
    except MotionError as error:
        print(f"tools.soak: {error}", file=sys.stderr)
        return 1
    print(f"\n{figures}")
    for fault in figures.faults:
        print(f"tools.soak: {fault}", file=sys.stderr)
    if options.json is not None:
        from tools.measuring.machine import machine

        shown = " ".join(["python -m tools.soak", f"--minutes {options.minutes:g}", f"--requests {options.requests}"])
        record = {"machine": machine(), "command": shown, **figures.record()}
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 1 if figures.faults else 0


if __name__ == "__main__":
    from tools.setup.bootstrap import ensure

    ensure("serve", "weights")
    sys.exit(main())
