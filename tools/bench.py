"""Measures the models and the service on this machine: `python -m tools.bench KIND --json FILE`.

`latency` starts `python -m runtime.serve` as its own process on as many cores as --cores says, waits until it is ready,
and asks it for motions one after the other over a real socket, as one client would; beside it, in the same run, the
same bundle in plain torch. `throughput` makes many motions side by side, `engines` times every graph by itself,
`windows` tells what decoding in windows, while codes are still to come, changes in the motion, `dial` what the
refiner's steps take and give, `serve` times the service's transport, also while a crowd of clients wants too much, and
`page` writes docs/BENCHMARKS.md from the files that the others left in docs/figures. `all` measures the models one
after the other, lets `python -m tools.judge` say what each precision costs, and writes the page; `dial` and the judge
need the training's own files (data, runs).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol

from motion.errors import MotionError
from tools.measuring.bench_config import BenchConfig
from tools.measuring.machine import machine

_EXAMPLES = """\
examples:
  python -m tools.bench latency --json docs/figures/latency.json
  python -m tools.bench latency --requests 40 --seconds 4 --json out/latency.json
  python -m tools.bench latency --bundle runs/mine/bundle --cores 4 --json out/latency.json
  python -m tools.bench throughput --json docs/figures/throughput.json
  python -m tools.bench engines --json docs/figures/engines.json
  python -m tools.bench windows --json docs/figures/windows.json
  python -m tools.bench serve --json docs/figures/serve.json
  python -m tools.bench dial --json docs/figures/dial.json
  python -m tools.bench page
  python -m tools.bench all
"""
MEASURES = ("latency", "throughput", "engines", "windows", "dial")
KINDS = (*MEASURES, "serve", "page", "all")


class Figures(Protocol):
    """What was measured: a dataclass, whose fields are written to a file, and a table for people."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def table(self) -> str:
        """For people."""
        ...


def parse(arguments: list[str] | None = None) -> tuple[str, BenchConfig]:
    """What is measured, and the settings. Raises BadConfig; --help and unknown arguments end the program."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        "tools.bench", description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--json", type=Path, help="file for the figures (docs/figures/KIND.json)")
    parser.add_argument("--bundle", default="base", help="name or folder (default base)")
    parser.add_argument("--requests", type=int, default=20, help="latency: motions to ask for (default 20)")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each motion (default 6)")
    parser.add_argument("--cores", type=int, default=2, help="CPU cores that may be used (default 2)")
    parser.add_argument("--refine", action=argparse.BooleanOptionalAction, default=True, help="use the refiner")
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda, tensorrt or rtx (default cpu)")
    parser.add_argument("--eager", type=int, default=2, help="latency: motions in plain torch beside it (default 2)")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[1, 4, 16, 64], help="throughput: motions side by side (1 4 16 64)"
    )
    parser.add_argument("--sentences", type=int, default=8, help="windows: motions to look at (default 8)")
    options = vars(parser.parse_args(arguments))
    kind = str(options.pop("kind"))
    options["json"] = options["json"] or Path("docs/figures") / f"{kind}.json"
    options["batches"] = tuple(options["batches"])
    return kind, BenchConfig(**options)


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 measured, 1 it failed, 2 wrong arguments."""
    try:
        kind, config = parse(arguments)
    except MotionError as error:
        print(f"tools.bench: {error}", file=sys.stderr)
        return 2
    if kind == "page":
        from tools.pages.benchmarks import write

        print(f"wrote {write()}")
        return 0
    if kind == "all":
        return everything(config)
    facts = machine()
    try:
        figures = _measure(kind, config)
    except MotionError as error:
        print(f"\ntools.bench: {error}", file=sys.stderr)
        return 1
    print(f"\n{figures.table()}")
    command = command_line(kind, sys.argv[1:] if arguments is None else arguments)
    config.json.parent.mkdir(parents=True, exist_ok=True)
    record = {"machine": facts, "command": command, **asdict(figures)}
    config.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"\n{facts['cpu']}, {facts['cores']} cores, load before {facts['load_before']}; wrote {config.json}")
    return 0


def command_line(kind: str, arguments: Sequence[str]) -> str:
    """The command as it can be run again, less where it wrote to."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if not skip and argument != "--json" and argument != kind and not argument.startswith("--json="):
            kept.append(argument)
        skip = argument == "--json"
    return " ".join(["python -m tools.bench", kind, *kept])


def _measure(kind: str, config: BenchConfig) -> Figures:
    """What is asked for; each measure brings its own libraries. Raises MotionError."""
    match kind:
        case "latency":
            from tools.measuring import latency

            return latency.measure(config)
        case "throughput":
            from tools.measuring import throughput

            return throughput.measure(config)
        case "engines":
            from tools.measuring import engine_times

            return engine_times.measure(config)
        case "windows":
            from tools.measuring import streaming_quality

            return streaming_quality.measure(config.bundle, config.refine, config.sentences)
        case "dial":
            from tools.measuring import dial

            return dial.measure(config)
        case _:
            from tools.measuring import serving

            return serving.measure()


def everything(config: BenchConfig) -> int:
    """Every measure of the models in a process of its own, the judge, and the page; 1 where one of them failed."""
    flags = ["--bundle", config.bundle, "--cores", str(config.cores), "--device", config.device]
    commands = [["tools.bench", kind, *flags] for kind in MEASURES]
    commands.append(["tools.judge", "--bundle", config.bundle, "--threads", str(config.cores)])
    failed: list[str] = []
    for command in [*commands, ["tools.bench", "page"]]:
        print(f"\n== python -m {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], check=False).returncode:
            failed.append(command[1] if command[0] == "tools.bench" else command[0])
    print(f"failed: {', '.join(failed)}" if failed else "all measured")
    return int(bool(failed))


if __name__ == "__main__":
    from tools.setup.bootstrap import ensure

    ensure("train", "weights")
    sys.exit(main())
