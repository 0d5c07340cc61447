"""What the front tells a worker process when it starts it: one line of JSON on standard input.

It holds a secret key, so it goes through a pipe and not through the command line, which everybody on a machine can
read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import IO, Any, Self

from runtime.keys import Pair


@dataclass(frozen=True)
class Start:
    """What all workers of a server are told, and then what each is told: its name, its keys, and where to connect."""

    models: dict[str, Any]
    """what to load, as the program that loads it understands it"""
    slots: int
    """clips at a time"""
    plans: int
    """plans of live sessions at a time"""
    seconds_most: float
    """the longest motion for a request that does not say how long it is to be"""
    log_level: str = "info"
    log_format: str = "text"
    name: str = ""
    address: str = ""
    """where the front listens for workers"""
    own_public: str = ""
    own_secret: str = ""
    server_public: str = ""

    @property
    def own(self) -> Pair:
        """The worker's keys."""
        return Pair(self.own_public.encode(), self.own_secret.encode())

    @property
    def server(self) -> bytes:
        """The front's public key."""
        return self.server_public.encode()

    def line(self) -> bytes:
        """As it goes through the pipe."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, pipe: IO[bytes]) -> Self:
        """Out of the pipe."""
        return cls(**json.loads(pipe.readline()))
