"""A body that moves without end and does what you say."""

from __future__ import annotations

import sys

from motion.protocol import ADDRESS
from runtime.client import Client

ORDERS = {60: "a person runs", 150: "a person waves", 240: "a person turns left"}
"""what to say at which frame"""


def main(address: str = ADDRESS) -> None:
    """Frames come one by one, thirty a second. New orders take hold after `replan` frames; none sent before change."""
    with Client(address) as client, client.live("a person walks", seed=1, replan=12) as live:
        for frames in live:
            if frames.sequence in ORDERS:
                print(f"frame {frames.sequence}: {ORDERS[frames.sequence]}")
                live.steer(ORDERS[frames.sequence])
            elif frames.sequence == 200:
                live.steer(speed=1.5, heading=1.57)  # faster, and off to the left
            elif frames.sequence == 300:
                live.steer(pause=True)
            elif frames.sequence % 30 == 0:
                x, y, z = frames.root[0]
                print(f"frame {frames.sequence}: the pelvis is at {x:.2f} {y:.2f} {z:.2f}")
            if frames.sequence == 330:
                break
        done = live.close()
    print(f"{done.frames} frames in {done.total_s:.1f} s, the first after {1000 * done.first_output_s:.0f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
