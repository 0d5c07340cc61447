"""How long a client waits for frames: one server, one client, one motion after the other.

Standard deviation of nothing is claimed: p50 and p95 are those of the requests asked, nearest rank. Beside it the same
bundle is run without a server, as it is served and in plain torch: what the engines are worth.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from motion.errors import Unavailable
from motion.protocol import Done, Frames
from runtime.client import Client
from tools.measuring.bench_config import BenchConfig
from tools.measuring.direct import Direct, Kind, Request
from tools.measuring.machine import keep_to
from tools.measuring.server import Server
from tools.setup.ticker import Ticker, bar

SENTENCES = (
    "a person walks forward",
    "a person waves with the left hand",
    "someone runs in a circle",
    "a person raises the right hand and then bows",
    "someone kicks with the right foot",
    "a person turns left and walks away",
    "someone dances happily, swinging both arms",
    "a person throws two punches",
)


@dataclass(frozen=True)
class Percentiles:
    """Of one time over all requests, seconds."""

    p50: float
    p95: float
    most: float

    @staticmethod
    def of(values: Sequence[float]) -> Percentiles:
        """Nearest rank."""
        ranked = sorted(values)
        return Percentiles(
            *(round(ranked[max(0, math.ceil(share * len(ranked)) - 1)], 4) for share in (0.5, 0.95, 1.0))
        )


@dataclass(frozen=True)
class Latency:
    """The figures."""

    config: dict[str, object]
    bundle: str
    start_s: float
    """from starting the process to its ready line"""
    start_cold_s: float
    """the same for the first time, with an empty cache"""
    first_frame_s: Percentiles
    """from asking to the first frames, for the client"""
    first_output_s: Percentiles
    """from the request's arrival to the first frames, for the server"""
    clip_s: Percentiles
    starved_s: Percentiles
    """the longest that a player, who began with the first frame, had to wait for one later"""
    realtime_factor: float
    """seconds of motion per second, over all requests"""
    frames_per_s: float
    tokens_per_s: float
    rss_mb: float
    """of the server and its workers"""
    peak_rss_mb: float
    requests: list[dict[str, object]]
    eager: dict[str, float] | None = None
    """the same bundle without a server, as served and in plain torch, seconds; and how many times faster it is"""

    def table(self) -> str:
        """For people, each figure beside what is asked of it."""
        eager = self.eager or {}
        rows = [
            ("first frame, p50", f"{1000 * self.first_frame_s.p50:.0f} ms", "under 60 ms on 2 cores"),
            ("first frame, p95", f"{1000 * self.first_frame_s.p95:.0f} ms", "under 120 ms"),
            ("first frame inside the server, p50", f"{1000 * self.first_output_s.p50:.0f} ms", ""),
            ("whole clip, p50", f"{self.clip_s.p50:.3f} s", "under 0.25 s for 6 s"),
            ("whole clip, p95", f"{self.clip_s.p95:.3f} s", ""),
            ("sustained", f"{self.realtime_factor:.1f} x real time", "24"),
            ("frames", f"{self.frames_per_s:.0f} /s", ""),
            ("tokens", f"{self.tokens_per_s:.0f} /s", ""),
            ("longest wait while playing, p95", f"{self.starved_s.p95:.2f} s", "0"),
            ("memory of all its processes, after", f"{self.rss_mb:.0f} MB", "under 800 MB"),
            ("memory, peak", f"{self.peak_rss_mb:.0f} MB", ""),
            ("start until ready, nothing cached", f"{self.start_cold_s:.1f} s", ""),
            ("start until ready, again", f"{self.start_s:.1f} s", "under 20 s"),
        ]
        if eager:
            rows += [
                ("plain torch, whole clip", f"{eager['eager_clip_s']:.2f} s", ""),
                ("faster than plain torch, whole clip", f"{eager['clip_ratio']:.1f} x", "5"),
                ("faster than plain torch, first frame", f"{eager['first_ratio']:.1f} x", ""),
            ]
        return "\n".join(f"{name:<38}{value:>18}   {wanted}".rstrip() for name, value, wanted in rows)


@dataclass(frozen=True)
class Ask:
    """One request, seen from the client; seconds from asking."""

    text: str
    seed: int
    first_frame_s: float
    first_output_s: float
    clip_s: float
    starved_s: float
    frames: int
    tokens: int


def measure(config: BenchConfig) -> Latency:
    """Start a server, ask it, stop it; then run its models beside plain torch. Raises MotionError."""
    ticker = Ticker()
    keep_to(config.cores)
    with (
        tempfile.TemporaryDirectory() as empty,
        _running(config, ticker, {**os.environ, "MOTUS_CACHE": empty}) as (_, cold_s),
    ):
        ticker.say(f"server   {cold_s:5.1f} s  ready, with nothing cached")
    with _running(config, ticker) as (server, start_s):
        ticker.say(f"server   {start_s:5.1f} s  ready, {server.about}")
        with Memory(server.process.pid) as memory, Client(server.address, name="bench") as client:
            asks: list[Ask] = []
            for i in range(config.requests):
                asks.append(ask(client, SENTENCES[i % len(SENTENCES)], config.seconds, seed=i + 1))
                last = asks[-1]
                ticker.show(
                    f"asked    {bar(i + 1, config.requests)} {i + 1} of {config.requests}  first frame "
                    f"{last.first_frame_s:.3f} s, clip {last.clip_s:.3f} s"
                )
            fps, bundle = client.welcome.fps, f"{client.welcome.bundle} {client.welcome.bundle_version}"
    worked = sum(one.clip_s for one in asks)
    frames = sum(one.frames for one in asks)
    return Latency(
        config=config.record(),
        bundle=bundle,
        start_s=round(start_s, 2),
        start_cold_s=round(cold_s, 2),
        first_frame_s=Percentiles.of([one.first_frame_s for one in asks]),
        first_output_s=Percentiles.of([one.first_output_s for one in asks]),
        clip_s=Percentiles.of([one.clip_s for one in asks]),
        starved_s=Percentiles.of([one.starved_s for one in asks]),
        realtime_factor=round(frames / fps / worked, 3),
        frames_per_s=round(frames / worked, 2),
        tokens_per_s=round(sum(one.tokens for one in asks) / worked, 2),
        rss_mb=round(memory.now / 2**20, 1),
        peak_rss_mb=round(memory.peak / 2**20, 1),
        requests=[asdict(one) for one in asks],
        eager=_beside_torch(config, fps, ticker) if config.eager else None,
    )


@contextmanager
def _running(
    config: BenchConfig, ticker: Ticker, environment: dict[str, str] | None = None
) -> Iterator[tuple[Server, float]]:
    """A server until the block ends, and the seconds until it was ready."""
    folder = Path(config.bundle)
    flags = ["--bundle", str(folder.resolve()) if folder.is_dir() else config.bundle]
    flags += ["--threads", str(config.cores), "--refine" if config.refine else "--no-refine"]
    flags += ["--device", config.device]
    begun = time.monotonic()
    with Server(*flags, environment=environment) as server:
        server.wait(lambda line, seconds: ticker.show(f"server   {seconds:5.1f} s  {line}"))
        yield server, time.monotonic() - begun


def _beside_torch(config: BenchConfig, fps: float, ticker: Ticker) -> dict[str, float]:
    """The best of some motions, made without a server as it is served and in plain torch."""
    found: dict[str, float] = {}
    counts: tuple[tuple[Kind, int], ...] = (("onnx", max(4, config.eager)), ("eager", config.eager))
    for kind, count in counts:
        with Direct(config.bundle, kind, None, config.cores, config.refine, config.device) as models:
            tokens = math.ceil(config.seconds * fps / models.rate)
            models.make([Request(SENTENCES[0], 6, 0)])
            made = []
            for i in range(count):
                made.append(models.make([Request(SENTENCES[i % len(SENTENCES)], tokens, i + 1)])[0])
                ticker.show(f"{kind:<8} {bar(i + 1, count)} {i + 1} of {count}  clip {made[-1].whole_s:.3f} s")
        found[f"{kind}_first_s"] = round(min(one.first_s for one in made), 4)
        found[f"{kind}_clip_s"] = round(min(one.whole_s for one in made), 4)
    found["first_ratio"] = round(found["eager_first_s"] / found["onnx_first_s"], 2)
    found["clip_ratio"] = round(found["eager_clip_s"] / found["onnx_clip_s"], 2)
    return found


def ask(client: Client, text: str, seconds: float, seed: int) -> Ask:
    """One motion, timed. Raises Unavailable where it comes to no frames."""
    asked = time.monotonic()
    arrivals: list[tuple[float, int]] = []
    done: Done | None = None
    fps = client.welcome.fps
    for event in client.generate(text, seconds=seconds, seed=seed):
        if isinstance(event, Frames):
            arrivals.append((time.monotonic() - asked, event.first))
        elif isinstance(event, Done):
            done = event
    took = time.monotonic() - asked
    if done is None or not arrivals:
        raise Unavailable(f"the server made no frames of {text!r}; look at its bundle with tools.demo")
    return Ask(
        text=text,
        seed=seed,
        first_frame_s=round(arrivals[0][0], 4),
        first_output_s=round(done.first_output_s, 4),
        clip_s=round(took, 4),
        starved_s=round(starved(arrivals, fps), 4),
        frames=done.frames,
        tokens=done.tokens,
    )


def starved(arrivals: Sequence[tuple[float, int]], fps: float) -> float:
    """The longest wait of a player that shows each frame when its time has come, and goes on from there after a wait.

    `arrivals` are (seconds, index of the first frame) of each run of frames.
    """
    late, longest = 0.0, 0.0
    for seconds, first in arrivals:
        wait = seconds - (arrivals[0][0] + first / fps + late)
        if wait > 0:
            late += wait
            longest = max(longest, wait)
    return longest


class Memory:
    """The resident memory of a process and its children in bytes, looked at ten times a second."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.now = 0
        self.peak = 0

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self._look()

    def _look(self) -> None:
        now = peak = 0
        for process in (self._process, *self._process.children(recursive=True)):
            try:
                used = process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            now += used
            peak += max(used, _highest(process.pid))
        self.now, self.peak = now, max(self.peak, peak)


def _highest(pid: int) -> int:
    """The true peak that the kernel knows of, which may lie before the first look."""
    try:
        with open(f"/proc/{pid}/status") as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
    except OSError:
        return 0
