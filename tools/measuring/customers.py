"""Customers of a server for hours: some ask and stop asking, some are killed in the middle.

Each is a process of its own, forked from one that has imported everything. Whether all went well is its exit code.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Final

from motion.errors import Busy, Cancelled
from motion.protocol import Frames
from runtime.client import Client

_LONG_S: Final = 20.0
_STAY: Final = 50
"""requests after which a customer leaves and comes back"""


def context() -> ForkServerContext:
    """Where processes are forked from."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tools.measuring.customers"])
    return forks


def steady(address: str, seed: int, requests: int, cancels: int, seconds: float) -> None:
    """Ask for so many motions over so many seconds, and stop so many of them at a moment of chance."""
    chance = random.Random(seed)
    stopped = set(chance.sample(range(requests), cancels))
    begun = time.monotonic()
    client = Client(address, name=f"customer {seed}")
    for i in range(requests):
        if i % _STAY == _STAY - 1:
            client.close()
            client = Client(address, name=f"customer {seed}")
        if i in stopped:
            _stop(client, chance)
        else:
            length = chance.choice((0.5, 1.0, 2.0))
            done = client.generate("walk", seconds=length, seed=chance.randrange(10_000)).result().done
            assert done.frames == round(30 * length)
        time.sleep(max(0.0, begun + (i + 1) * seconds / requests - time.monotonic()))
    client.close()


def doomed(address: str, seed: int) -> None:
    """Begin something, and be killed in the middle of it."""
    client = Client(address, name=f"doomed {seed}")
    if seed % 2:
        frames = client.live("walk", seed=seed, agents=1 + seed % 3, publish=f"doomed-{seed}")
        watcher = client.watch(f"doomed-{seed}")
        for _, _ in zip(range(1 + seed % 10), frames, strict=False):
            watcher.poll(0.0)
    else:
        for event in client.generate("walk", seconds=_LONG_S, variations=1 + seed % 3):
            if isinstance(event, Frames):
                break
        client.generate("walk", seconds=_LONG_S)
    os.kill(os.getpid(), signal.SIGKILL)


def start(forks: ForkServerContext, what: object, *arguments: object) -> BaseProcess:
    """A customer at work."""
    process = forks.Process(target=what, args=arguments, daemon=True)  # type: ignore[arg-type]
    process.start()
    return process


def _stop(client: Client, chance: random.Random) -> None:
    try:
        generation = client.generate("walk", seconds=_LONG_S, variations=chance.randint(1, 2))
        for _ in range(chance.randint(0, 6)):
            generation.poll(0.2)
        generation.cancel()
        generation.result()
    except (Cancelled, Busy):  # a hurried customer may come before the last request's end is told
        return
    raise AssertionError("a motion that was cancelled came to its end")
