"""Who uses a server, and how it is doing, in a table that moves: `python -m tools.top [ADDRESS]`.

It asks the server as any client does, twice a second; Ctrl-C ends it. `--once` prints the table a single time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from motion.errors import MotionError, Unavailable
from motion.protocol import ADDRESS, Peer, Roster, Show, Statistics, Welcome
from runtime.client import Client

_EVERY_S = 0.5


@dataclass(frozen=True)
class View:
    """What a server said at one moment."""

    welcome: Welcome
    statistics: Statistics
    roster: Roster
    round_trip_s: float


def look(client: Client) -> View:
    """Ask for everything. Raises MotionError."""
    return View(client.welcome, client.stats(), client.who(), client.ping())


def show(now: View, before: View | None) -> Group:
    """The view, with rates since the one before."""
    said, statistics = now.welcome, now.statistics
    then = before.statistics if before is not None else None
    since = statistics.clock - then.clock if then is not None else 0.0

    def rate(name: str) -> str:
        if then is None or since <= 0:
            return ""
        return f" {max(0.0, (getattr(statistics, name) - getattr(then, name)) / since):.0f}/s"

    head = Text()
    head.append(f"{said.server}  {said.bundle} {said.bundle_version}", style="bold")
    head.append(f"  {said.licence}  up {_time(statistics.uptime_s)}  round trip {1000 * now.round_trip_s:.1f} ms\n")
    head.append(
        f"requests {statistics.running} running, {statistics.waiting} waiting, {statistics.finished} done "
        f"({statistics.cached} cached), {statistics.cancelled} cancelled, {statistics.failed} failed"
    )
    head.append(f"\ntokens {statistics.tokens}{rate('tokens')}  frames {statistics.frames}{rate('frames')}")
    head.append(f"  lost {statistics.lost}  refused {statistics.refused}")
    head.append(f"  workers replaced {statistics.restarts}\n", style="red" if statistics.restarts else "")
    return Group(head, _clients(now.roster.clients, before, since), _streams(now.roster.streams))


def _clients(peers: Iterable[Peer], before: View | None, since: float) -> Table:
    earlier = {} if before is None else {(one.client, round(one.age_s + since)): one for one in before.roster.clients}
    table = Table("client", title="clients", title_justify="left", expand=True)
    for name in ("here for", "silent", "requests", "live", "frames", "in", "out", "out/s", "refused"):
        table.add_column(name, justify="right")
    for one in peers:
        then = earlier.get((one.client, round(one.age_s)))
        pace = "" if then is None or since <= 0 else _size((one.bytes_out - then.bytes_out) / since)
        table.add_row(
            one.client, _time(one.age_s), f"{one.idle_s:.1f} s", str(one.requests), str(one.streams), str(one.frames),
            _size(one.bytes_in), _size(one.bytes_out), pace, str(one.refused),
        )  # fmt: skip
    return table


def _streams(shows: Iterable[Show]) -> Table:
    table = Table("published as", title="live sessions", title_justify="left", expand=True)
    for name in ("client", "bodies", "fps", "frames", "ahead", "late", "watchers"):
        table.add_column(name, justify="left" if name == "client" else "right")
    for one in shows:
        late = Text(f"{one.late_ms:.1f} ms", style="red" if one.late_ms > 1000 / one.fps else "")
        table.add_row(
            one.publish or "-", one.client, str(one.agents), f"{one.fps:g}", str(one.frames), str(one.ahead), late,
            str(one.watchers),
        )  # fmt: skip
    return table


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser("tools.top", description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("address", nargs="?", default=ADDRESS, help="of the server (default %(default)s)")
    parser.add_argument("--keys", type=Path, help="folder that `python -m runtime.keys` made for this client")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds of silence to put up with (default 10)")
    parser.add_argument("--once", action="store_true", help="print the table a single time")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        with Client(options.address, name="top", timeout=options.timeout, keys=options.keys) as client:
            if options.once:
                console.print(show(look(client), None))
                return 0
            _follow(client, console)
    except KeyboardInterrupt:
        return 0
    except MotionError as error:
        print(f"tools.top: {error}", file=sys.stderr)
        return 1
    return 0


def _follow(client: Client, console: Console) -> None:
    before: View | None = None
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            try:
                now = look(client)
                live.update(show(now, before), refresh=True)
                before = now
            except Unavailable as error:
                live.update(Text(f"{error}", style="red"), refresh=True)
                before = None
            time.sleep(_EVERY_S)


if __name__ == "__main__":
    sys.exit(main())
