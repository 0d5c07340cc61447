"""An audience for measurements: watchers of live sessions, many in a process, that note how late each frame is.

    python -m tools.measuring.audience ADDRESS SECONDS NAME [NAME ...]   one watcher for each name; prints lateness (s)

Frames carry the time at which they are due on the clock that all processes of a machine share. Watchers read the header
and nothing else, as a program in C would, so that what is measured is the way here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

import zmq


@dataclass(frozen=True)
class Seen:
    """What an audience saw."""

    frames: int
    lost: int
    late_s: list[float]


def watch(address: str, seconds: float, names: Sequence[str]) -> Seen:
    """Watch for so many seconds, from when every watcher has seen a frame."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller = zmq.Poller()
    places: dict[zmq.Socket[bytes], int] = {}
    for place, name in enumerate(names):
        socket = context.socket(zmq.SUB)
        socket.setsockopt(zmq.SUBSCRIBE, f"stream/{name}/".encode())
        socket.connect(address)
        poller.register(socket, zmq.POLLIN)
        places[socket] = place
    late: list[float] = []
    last: dict[int, int] = {}
    lost = 0
    until = float("inf")
    while time.monotonic() < until:
        for socket, _ in poller.poll(100):
            _, _, header, *_ = socket.recv_multipart()
            now = time.monotonic()
            facts = json.loads(header)
            if facts["kind"] != "frames":
                continue
            place = places[socket]
            if until < float("inf"):
                late.append(now - facts["clock"])
                lost += facts["sequence"] - last.get(place, facts["sequence"] - 1) - 1
            last[place] = facts["sequence"]
        if len(last) == len(names) and until == float("inf"):
            until = time.monotonic() + seconds
            last.clear()
    context.destroy(linger=0)
    return Seen(len(late), lost, late)


class Audience:
    """Watchers in processes of their own, so many to a process."""

    def __init__(self, address: str, seconds: float, names: Sequence[str], to_a_process: int = 32) -> None:
        groups = [names[i : i + to_a_process] for i in range(0, len(names), to_a_process)]
        self._said = [tempfile.TemporaryFile("w+", encoding="utf-8") for _ in groups]  # noqa: SIM115  closed by `stop`
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tools.measuring.audience", address, str(seconds), *group], stdout=said
            )
            for group, said in zip(groups, self._said, strict=True)
        ]

    @property
    def done(self) -> bool:
        """Whether all of them have seen enough."""
        return all(process.poll() is not None for process in self._processes)

    def seen(self) -> Seen:
        """What they saw together; waits until they are done."""
        parts: list[Seen] = []
        for process, said in zip(self._processes, self._said, strict=True):
            process.wait()
            said.seek(0)
            parts.append(Seen(**json.loads(said.read())))
        return Seen(
            sum(part.frames for part in parts),
            sum(part.lost for part in parts),
            [late for part in parts for late in part.late_s],
        )

    def stop(self) -> None:
        """Send them home."""
        for process, said in zip(self._processes, self._said, strict=True):
            process.kill()
            process.wait()
            said.close()


def main() -> int:
    """What one process of an audience does."""
    address, seconds, *names = sys.argv[1:]
    seen = watch(address, float(seconds), names)
    print(json.dumps({"frames": seen.frames, "lost": seen.lost, "late_s": [round(late, 6) for late in seen.late_s]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
