"""Clients that are flooded while nobody polls them: `python -m tests.runtime.client.flooded KIND ADDRESS`.

Each begins a live session at tests/runtime/flood.py, prints `open`, and does nothing until a line comes on standard
input; then it takes what there is and prints, as JSON, how many frames it `kept` and `lost`, why the session ended, and
whether it found the server `again`. An end of the whole process is seen by its exit code.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from contextlib import suppress

from blender_addon.talk.link import Link, Lost
from blender_addon.talk.live import Live
from motion.errors import MotionError
from motion.skeleton import SMPLX22
from runtime.client import AsyncClient, Client


def all_has_come(connected: Client) -> None:
    """What is answered after all that was sent before, or comes to the end of the connection."""
    with suppress(MotionError):
        connected.ping()


def nobody_polls() -> None:
    """Until it is said that all has been sent."""
    print("open", flush=True)
    sys.stdin.readline()


def client(address: str) -> None:
    """The one whose calls wait."""
    with Client(address) as connected:
        live, kept, why = connected.live("walk"), 0, ""
        nobody_polls()
        all_has_come(connected)
        try:
            for frames in live:
                kept += len(frames.root)
        except MotionError as error:
            why = str(error)
        say(kept, live.lost, why, connected.ping() > 0)


def request(address: str) -> None:
    """The same, of a request, which cannot do without the frames that it lost."""
    with Client(address) as connected:
        generation, why = connected.generate("walk"), ""
        nobody_polls()
        all_has_come(connected)
        try:
            generation.result()
        except MotionError as error:
            why = str(error)
        say(generation.frames, 0, why, connected.ping() > 0)


async def async_client(address: str) -> None:
    """The one whose calls are awaited; its event loop stands still."""
    async with AsyncClient(address) as connected:
        live, kept, why = connected.live("walk"), 0, ""
        nobody_polls()
        try:
            async for frames in live:
                kept += len(frames.root)
        except MotionError as error:
            why = str(error)
        await connected.connect()
        say(kept, live.lost, why, await connected.ping() > 0)


def link(address: str) -> None:
    """Blender's, whose timer stood still for a minute."""
    still = 0.0
    connection = Link(address, "test", clock=lambda: time.monotonic() + still)
    while connection.state != "open":
        connection.poll()
    live = Live("walk", SMPLX22, 30.0, connection.clock, recording=True)
    connection.send(live.open())
    nobody_polls()
    still = 60.0
    why = ""
    while not why:
        for event in connection.poll():
            if isinstance(event, Lost):
                why = event.sentence
            else:
                live.hear(event)
    live.due(math.inf)
    kept = live.recorded()
    while connection.state != "open":
        connection.poll()
    connection.close()
    say(0 if kept is None else len(kept), live.lost, why, again=True)


def say(kept: int, lost: int, why: str, again: bool) -> None:
    """How it went."""
    print(json.dumps({"kept": kept, "lost": lost, "why": why, "again": again}), flush=True)


if __name__ == "__main__":
    kind, where = sys.argv[1:]
    if kind == "async":
        asyncio.run(async_client(where))
    else:
        {"client": client, "request": request, "link": link}[kind](where)
