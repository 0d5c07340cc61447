"""Measures the service on this machine: `python -m tools.bench latency --json FILE`.

`latency` starts `python -m runtime.serve` as its own process on as many cores as --cores says, waits until it is ready,
and asks it for motions one after the other over a real socket, as one client would. Times are the client's. `windows`
tells what decoding in windows, while codes are still to come, changes in the motion.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from motion.errors import BadConfig, MotionError

if TYPE_CHECKING:
    from tools.latency import Latency

_EXAMPLES = """\
examples:
  python -m tools.bench latency --json out/latency.json
  python -m tools.bench latency --requests 40 --seconds 4 --json out/latency.json
  python -m tools.bench latency --bundle runs/mine/bundle --cores 4 --json out/latency.json
  python -m tools.bench windows --json out/windows.json
"""


@dataclass(frozen=True)
class LatencyConfig:
    """What is measured."""

    json: Path
    """where the figures go"""
    bundle: str = "base"
    requests: int = 20
    seconds: float = 6.0
    """length of each motion"""
    cores: int = 2
    """CPU cores the server may use"""
    refine: bool = True
    """whether the server refines frames"""

    def __post_init__(self) -> None:
        if self.requests < 1:
            raise BadConfig(f"--requests must be at least 1; got {self.requests}")
        if not 0.5 <= self.seconds <= 60:
            raise BadConfig(f"--seconds must lie between 0.5 and 60; got {self.seconds:g}")
        if not 1 <= self.cores <= (os.cpu_count() or 1):
            raise BadConfig(f"--cores must be 1 to {os.cpu_count()} on this machine; got {self.cores}")


@dataclass(frozen=True)
class WindowsConfig:
    """What is measured."""

    json: Path
    """where the figures go"""
    bundle: str = "base"
    sentences: int = 8
    refine: bool = True
    """whether frames are refined"""

    def __post_init__(self) -> None:
        if self.sentences < 1:
            raise BadConfig(f"--sentences must be at least 1; got {self.sentences}")


def parse(arguments: list[str] | None = None) -> LatencyConfig | WindowsConfig:
    """The settings on the command line. Raises BadConfig; --help and unknown arguments end the program."""
    parser = argparse.ArgumentParser(
        "tools.bench",
        description="Measures the service on this machine.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    latency = kinds.add_parser("latency", help="first frame, whole clip, frames a second, memory, start")
    latency.add_argument("--json", type=Path, required=True, help="file for the figures")
    latency.add_argument("--bundle", default="base", help="name or folder (default base)")
    latency.add_argument("--requests", type=int, default=20, help="motions to ask for (default 20)")
    latency.add_argument("--seconds", type=float, default=6.0, help="length of each (default 6)")
    latency.add_argument("--cores", type=int, default=2, help="CPU cores for the server (default 2)")
    latency.add_argument("--refine", action=argparse.BooleanOptionalAction, default=True, help="use the refiner")
    windows = kinds.add_parser("windows", help="what decoding in windows changes in the motion, by look-ahead")
    windows.add_argument("--json", type=Path, required=True, help="file for the figures")
    windows.add_argument("--bundle", default="base", help="name or folder (default base)")
    windows.add_argument("--sentences", type=int, default=8, help="motions to look at (default 8)")
    windows.add_argument("--refine", action=argparse.BooleanOptionalAction, default=True, help="use the refiner")
    options = vars(parser.parse_args(arguments))
    return LatencyConfig(**options) if options.pop("kind") == "latency" else WindowsConfig(**options)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    from importlib.metadata import PackageNotFoundError, version

    import psutil

    def installed(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "not installed"

    cpu = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        names = [line.split(":", 1)[1].strip() for line in facts.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{package: installed(package) for package in ("torch", "transformers", "onnxruntime", "numpy", "pyzmq")},
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def table(figures: Latency) -> str:
    """The figures for people, each beside what is asked of it."""
    rows = [
        ("first frame, p50", f"{figures.first_frame_s.p50:.2f} s", "at most 1.0 s"),
        ("first frame, p95", f"{figures.first_frame_s.p95:.2f} s", ""),
        ("whole clip, p50", f"{figures.clip_s.p50:.2f} s", ""),
        ("whole clip, p95", f"{figures.clip_s.p95:.2f} s", ""),
        ("sustained", f"{figures.realtime_factor:.2f} x real time", "at least 1.5"),
        ("frames", f"{figures.frames_per_s:.1f} /s", ""),
        ("tokens", f"{figures.tokens_per_s:.1f} /s", ""),
        ("longest wait while playing, p95", f"{figures.starved_s.p95:.2f} s", ""),
        ("memory, after", f"{figures.rss_mb:.0f} MB", ""),
        ("memory, peak", f"{figures.peak_rss_mb:.0f} MB", "under 2048"),
        ("start until ready", f"{figures.start_s:.1f} s", "under 20 s"),
    ]
    return "\n".join(f"{name:<34}{value:>18}   {wanted}".rstrip() for name, value, wanted in rows)


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 measured, 1 it failed, 2 wrong arguments."""
    try:
        config = parse(arguments)
    except MotionError as error:
        print(f"tools.bench: {error}", file=sys.stderr)
        return 2
    facts = machine()
    try:
        figures = _latency(config) if isinstance(config, LatencyConfig) else _windows(config)
    except MotionError as error:
        print(f"\ntools.bench: {error}", file=sys.stderr)
        return 1
    config.json.parent.mkdir(parents=True, exist_ok=True)
    config.json.write_text(json.dumps({"machine": facts, **figures}, indent=2) + "\n", encoding="utf-8")
    print(f"\n{facts['cpu']}, {facts['cores']} cores, load before {facts['load_before']}; wrote {config.json}")
    return 0


def _latency(config: LatencyConfig) -> dict[str, object]:
    from dataclasses import asdict

    from tools.latency import measure

    figures = measure(config)
    print(f"\n{table(figures)}")
    return {"command": "python -m tools.bench latency", **asdict(figures)}


def _windows(config: WindowsConfig) -> dict[str, object]:
    from tools.windows import measure

    figures = measure(config.bundle, config.refine, config.sentences)
    print(f"\n{figures.table()}")
    return {"command": "python -m tools.bench windows", **figures.record()}


if __name__ == "__main__":
    from tools.bootstrap import ensure

    ensure()
    sys.exit(main())
