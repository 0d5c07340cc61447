"""Several bodies in one live session, each sent somewhere."""

from __future__ import annotations

import sys

import numpy as np

from motion.protocol import ADDRESS
from runtime.client import Client

PLACES = np.array([[-2, 0, 0], [0, 0, 0], [2, 0, 0]], np.float32)
"""x, z and heading of each"""
TARGETS = ((-4.0, 4.0), (0.0, 5.0), (4.0, 4.0))


def main(address: str = ADDRESS) -> None:
    """All bodies share one clock and one world; `agent` tells whose frames these are, and who is meant."""
    with Client(address) as client, client.live("a person walks", agents=3, places=PLACES, seed=5) as live:
        for agent, target in enumerate(TARGETS):
            live.steer(agent=agent, target=target)
        last: dict[int, np.ndarray] = {}
        for frames in live:
            last[frames.agent] = frames.root[0]
            if frames.sequence == 240 and frames.agent == 2:
                break
        live.close()
    for agent, (target, place) in enumerate(zip(TARGETS, (last[i] for i in range(3)), strict=True)):
        before = np.linalg.norm(np.array(target) - PLACES[agent, :2])
        now = np.linalg.norm(np.array(target) - place[[0, 2]])
        print(f"body {agent} was {before:.1f} m from its target and is {now:.1f} m from it")


if __name__ == "__main__":
    main(*sys.argv[1:])
