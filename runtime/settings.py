"""What the server runs with: defaults, then a TOML file, then the command line; unknown keys are refused in both.

A setting is stated once, as a field of `ServeConfig`: its flag, its key in the file, its type, its help and its row in
docs/settings.md all come from there. A file holds the fields' names, with a table `[limits]`:

    address = "tcp://0.0.0.0:5570"
    keys = "keys"
    bundle = "base"

    [limits]
    requests = 4
"""

from __future__ import annotations

import argparse
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from motion import config
from motion.errors import BadConfig
from motion.protocol import ADDRESS, Limits
from runtime.front import endpoint
from runtime.front.admission import LIMITS
from runtime.generation.loading import Models
from runtime.workers.cluster import LOCAL

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
class ServeConfig(Models):
    """What the server runs with: its models, and all about them."""

    address: str = ADDRESS
    """where clients connect"""
    watch: str | None = None
    """where watchers connect; without it, the next port"""
    keys: Path | None = None
    """folder of keys that `python -m runtime.keys` made; without it, this machine alone is served, without keys"""
    http: str | None = endpoint.ADDRESS
    """HOST:PORT of /healthz, /readyz and /metrics; in the file, "" for none"""
    slots: int = 4
    """requests that are worked on at a time, by each replica where there are several"""
    ray: str | None = field(default=None, metadata={"const": LOCAL, "metavar": "ADDRESS"})
    """work on replicas of Ray Serve: address of their Ray cluster, or "local" for one on this machine; without it, in a
    process here"""
    replicas: int = 1
    """the fewest replicas, with --ray"""
    replicas_most: int = 4
    """the most replicas"""
    replica_cpus: float = 1.0
    """CPUs that Ray sets aside for each replica"""
    replica_gpus: float = 0.0
    """GPUs that Ray sets aside for each replica"""
    cache_mb: int = 64
    """memory for answers to requests that come again, megabytes; 0: none are kept"""
    cache_folder: Path | None = None
    """folder that keeps answers over restarts; without it, memory alone does"""
    drain_s: float = 30.0
    """seconds that SIGTERM gives what is under way"""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """what is logged"""
    log_format: Literal["text", "json"] = "text"
    """log lines for people, or as one JSON object each"""
    limits: Limits = LIMITS
    """what clients may ask for; a table of the file"""

    def __post_init__(self) -> None:
        super().__post_init__()
        least_of = (("slots", 1), ("replicas", 1), ("replica_cpus", 0), ("replica_gpus", 0))
        for name, least in (*least_of, ("cache_mb", 0), ("drain_s", 0)):
            if getattr(self, name) < least:
                raise BadConfig(f"--{name.replace('_', '-')} must be at least {least}; got {getattr(self, name)}")
        if self.replicas_most < self.replicas:
            raise BadConfig(f"--replicas-most must be at least --replicas, {self.replicas}; got {self.replicas_most}")
        for name, most in asdict(self.limits).items():
            if most < 0:
                raise BadConfig(f"setting 'limits.{name}' must be at least 0; got {most}")


@dataclass(frozen=True)
class Setting:
    """One setting as it is told to people and read from a command line."""

    name: str
    kind: Any
    """its type, without None"""
    default: Any
    note: str
    """what it means"""
    can_be_off: bool
    """whether it may be turned off: the file has "" for that"""
    metadata: Mapping[str, Any]

    @property
    def flag(self) -> str:
        """On the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def off(self) -> str:
        """On the command line, to turn it off."""
        return f"--no-{self.flag[2:]}"

    @property
    def choices(self) -> tuple[str, ...]:
        """What it may be, where that is a closed set."""
        return typing.get_args(self.kind) if typing.get_origin(self.kind) is Literal else ()


def settings_of(kind: type, defaults: object | None = None) -> Iterator[Setting]:
    """The settings that the fields of a dataclass state, but for those that are tables of their own; defaults are
    those of an instance where one is given."""
    notes, hints = config.notes(kind), typing.get_type_hints(kind)
    for one in fields(kind):
        optional = type(None) in typing.get_args(hints[one.name])
        plain = typing.get_args(hints[one.name])[0] if optional else hints[one.name]
        if not is_dataclass(plain):
            default = _default(one) if defaults is None else getattr(defaults, one.name)
            can_be_off = optional and default is not None
            yield Setting(one.name, plain, default, notes.get(one.name, ""), can_be_off, one.metadata)


def read(arguments: Sequence[str] | None) -> ServeConfig:
    """The settings of a command line, and of the file that it names. Raises BadConfig."""
    table = _table(arguments)
    limits = table.get("limits", {})
    if isinstance(limits, dict):
        table["limits"] = asdict(LIMITS) | cast(dict[str, Any], limits)
    return config.build(ServeConfig, table)


def asked_for_http(arguments: Sequence[str] | None) -> bool:
    """Whether the HTTP address was given, so that not having it is an error rather than a warning."""
    return _table(arguments).get("http") is not None


def _table(arguments: Sequence[str] | None) -> dict[str, Any]:
    """What the file says, and before it the command line."""
    flags = vars(_parser().parse_args(arguments))
    file: Path | None = flags.pop("config", None)
    table = {} if file is None else config.read(file)
    off = {one.name: None for one in settings_of(ServeConfig) if one.can_be_off and table.get(one.name) == ""}
    return {**table, **off, **flags}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runtime.serve",
        description="Serve a motion bundle over ZeroMQ: sentences in, frames of a moving character out.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--config", type=Path, help="TOML file of the same settings, and of limits: docs/settings.md")
    for one in settings_of(ServeConfig):
        _add(parser, one)
    return parser


def _add(parser: argparse.ArgumentParser, one: Setting) -> None:
    if one.kind is bool:
        parser.add_argument(one.flag, action=argparse.BooleanOptionalAction, help=one.note)
        return
    text = one.note if one.default is None else f"{one.note} (default: {one.default})"
    more: dict[str, Any] = {"nargs": "?", **one.metadata} if "const" in one.metadata else {}
    if one.choices:  # which are checked where a file's are
        more["metavar"] = f"{{{','.join(one.choices)}}}"
    parser.add_argument(one.flag, type=one.kind if one.kind in (int, float) else str, help=text, **more)
    if one.can_be_off:
        parser.add_argument(one.off, action="store_const", const=None, dest=one.name, help=f"turn {one.flag} off")


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()
