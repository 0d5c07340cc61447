"""What the server runs with: defaults, then a TOML file, then the command line; unknown keys are refused in both.

A file holds the names of `ServeConfig` below, with tables `[limits]` and so on:

    address = "tcp://0.0.0.0:5570"
    keys = "keys"
    bundle = "base"

    [limits]
    requests = 4
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, cast

from motion import config
from motion.errors import BadConfig
from motion.protocol import ADDRESS, Limits
from runtime.engines.device import DEVICES
from runtime.front import endpoint
from runtime.front.admission import LIMITS
from runtime.generation.loading import PRECISIONS, Models

_EXAMPLES: Final = """
examples:
  python -m runtime.serve
      serve the bundle that comes with Motus on this machine, port 5570

  python -m runtime.serve --address "tcp://127.0.0.1:*" --http 127.0.0.1:0
      take free ports; the ready line and the log say which

  python -m runtime.serve --keys keys --address "tcp://0.0.0.0:5570"
      serve other machines too, encrypted, to clients whose keys are in keys/clients (python -m runtime.keys keys)

  python -m runtime.serve --config studio.toml
      take the settings from a file; what stands on the command line goes before it

  python -m runtime.serve --bundle runs/mine/bundle --backbone ../SmolLM2-135M-Instruct
      serve a bundle of your own on a language model of your own

  python -m runtime.serve --ray --replicas 2 --replicas-most 8
      work on replicas that Ray Serve starts on this machine, more of them while requests wait (pip install -e ".[ray]")

  python -m runtime.serve --ray ray://head:10001 --replica-gpus 1
      the same on the hosts of a Ray cluster, one GPU for each replica

Ask it something from another terminal:
  python -c "from runtime.client import Client
print(Client().generate('a person waves', seconds=3).result().done)"

When it is ready it prints one line, `ready ADDRESS bundle NAME VERSION (LICENCE)`. Ctrl-C stops it at once; SIGTERM
lets what is under way come to its end first; SIGHUP reads the bundle again, or the one that the file of settings now
names, and goes over to it without dropping anybody. The exit code is 0 after a stop that was asked for, and 2 where it
could not start.
"""


@dataclass(frozen=True)
class ServeConfig:
    """What the server runs with."""

    address: str = ADDRESS
    """where clients connect"""
    watch: str | None = None
    """where watchers connect; None: the next port"""
    keys: Path | None = None
    """folder of keys that `python -m runtime.keys` made; None: this machine alone, without keys"""
    http: str | None = endpoint.ADDRESS
    """HOST:PORT of /healthz, /readyz and /metrics; None: nowhere"""
    bundle: str = "base"
    """a bundle's folder, or the name of one that comes with Motus"""
    backbone: str | None = None
    """folder of the language model, as transformers saves it; None: the one the bundle names"""
    threads: int = 2
    """CPU threads of the models"""
    refine: bool = True
    """refine frames with the bundle's flow where it has one"""
    device: str = "auto"
    """what the graphs run on: auto, cpu, cuda, tensorrt, rtx or torch"""
    precision: str | None = None
    """of the language model's weights: fp32, int8 or int4; None: the best that the bundle has"""
    one_code: bool = False
    """each code by a run of the language model of its own: slower, and as it was trained first of all"""
    slots: int = 4
    """requests that are worked on at a time, by each replica where there are several"""
    ray: str | None = None
    """Ray cluster whose replicas do the work: its address, or "local" for one on this machine; None: a process here"""
    replicas: int = 1
    """the fewest there are, with `ray`"""
    replicas_most: int = 4
    """the most there are"""
    replica_cpus: float = 1.0
    """CPUs that Ray sets aside for each"""
    replica_gpus: float = 0.0
    """GPUs that Ray sets aside for each"""
    cache_mb: int = 64
    """memory for answers to requests that come again; 0: none are kept"""
    cache_folder: Path | None = None
    """folder that keeps them over restarts; None: memory alone"""
    drain_s: float = 30.0
    """seconds that SIGTERM gives what is under way"""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    limits: Limits = LIMITS

    def __post_init__(self) -> None:
        least_of = (("threads", 1), ("slots", 1), ("replicas", 1), ("replica_cpus", 0), ("replica_gpus", 0))
        for name, least in (*least_of, ("cache_mb", 0), ("drain_s", 0)):
            if getattr(self, name) < least:
                raise BadConfig(f"--{name.replace('_', '-')} must be at least {least}; got {getattr(self, name)}")
        if self.replicas_most < self.replicas:
            raise BadConfig(f"--replicas-most must be at least --replicas, {self.replicas}; got {self.replicas_most}")

    @property
    def models(self) -> Models:
        """What the workers load."""
        return Models(
            self.bundle, self.backbone, self.threads, self.refine, self.device, self.precision, self.one_code
        )  # fmt: skip


def read(arguments: Sequence[str] | None) -> ServeConfig:
    """The settings of a command line, and of the file that it names. Raises BadConfig."""
    flags = vars(_parser().parse_args(arguments))
    file: Path | None = flags.pop("config", None)
    table = {} if file is None else config.read(file)
    if table.get("http") == "":
        table["http"] = None
    table.update({name: value for name, value in flags.items() if name not in ("http", "no_http")})
    limits = table.pop("limits", {})
    if not isinstance(limits, dict):
        raise BadConfig(f"setting 'limits' must be a table, got {limits!r}")
    given = asdict(LIMITS) | cast(dict[str, Any], limits)
    http = None if flags.get("no_http") else flags.get("http", table.pop("http", endpoint.ADDRESS))
    table.pop("http", None)
    settings = config.build(ServeConfig, {"threads": _cores(), **table})
    return replace(settings, http=http, limits=config.build(Limits, given, "limits."))


def asked_for_http(arguments: Sequence[str] | None) -> bool:
    """Whether the HTTP address was given, so that not having it is an error rather than a warning."""
    flags = vars(_parser().parse_args(arguments))
    return "http" in flags or ("config" in flags and "http" in config.read(flags["config"]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runtime.serve",
        description="Serve a motion bundle over ZeroMQ: sentences in, frames of a moving character out.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    texts = {
        "address": "where clients connect",
        "watch": "where watchers connect (default: the next port)",
        "keys": "folder of keys; without it this machine alone is served",
        "http": "HOST:PORT of /healthz, /readyz and /metrics",
        "bundle": "name or folder",
        "backbone": "folder of a language model of transformers (default: the bundle's own)",
        "threads": "CPU threads",
        "device": f"what the models run on: {', '.join(DEVICES)}",
        "precision": f"of the language model's weights: {', '.join(PRECISIONS)} (default: the bundle's best)",
        "slots": "requests that are worked on at a time",
        "replicas": "the fewest replicas, with --ray",
        "replicas_most": "the most replicas",
        "replica_cpus": "CPUs of each replica, as Ray counts them",
        "replica_gpus": "GPUs of each replica",
        "cache_mb": "memory for answers to requests that come again, 0 for none",
        "cache_folder": "folder that keeps answers over restarts (default: none)",
        "drain_s": "seconds that SIGTERM gives what is under way",
    }
    defaults = {field.name: field.default for field in fields(ServeConfig)}
    kinds: dict[str, Any] = {
        "threads": int, "slots": int, "cache_mb": int, "drain_s": float, "keys": str, "cache_folder": str,
        "replicas": int, "replicas_most": int, "replica_cpus": float, "replica_gpus": float,
    }  # fmt: skip
    parser.add_argument("--config", type=Path, help="TOML file of the same settings")
    for name, text in texts.items():
        default = "" if "default" in text or defaults[name] is None else f" (default: {defaults[name]})"
        default = f" (default: {_cores()})" if name == "threads" else default
        parser.add_argument(f"--{name.replace('_', '-')}", type=kinds.get(name, str), help=text + default)
    parser.add_argument(
        "--ray", nargs="?", const="local", metavar="ADDRESS", help="work on replicas of Ray Serve, here or on a cluster"
    )
    parser.add_argument("--no-http", action="store_true", help="no HTTP port")
    parser.add_argument("--refine", action=argparse.BooleanOptionalAction, help="refine frames with the bundle's flow")
    parser.add_argument(
        "--one-code", action="store_true", help="one run of the language model a code, where the bundle draws several"
    )
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], help="what is logged")
    parser.add_argument("--log-format", choices=["text", "json"], help="for people, or one JSON object a line")
    return parser


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
