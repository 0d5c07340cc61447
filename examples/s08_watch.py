"""The same body in many programs at once, on one clock."""

from __future__ import annotations

import sys
import time

from motion.protocol import ADDRESS
from runtime.client import Client


def main(address: str = ADDRESS) -> None:
    """One client owns a live session and publishes it; any number watch it. Late ones get skeleton and pose at once."""
    with Client(address) as owner, owner.live("a person walks", seed=1, publish="stage") as live:
        for frames in live:
            if frames.sequence == 60:
                break
        with Client(address) as late, late.watch("stage") as watcher:
            print(f"there is {watcher.scene.agents} body on {watcher.scene.skeleton}, {watcher.scene.fps:g} fps")
            late.ping()  # from pings the client learns how far the server's clock is ahead of its own
            for seen, frames in enumerate(watcher):
                due = late.clock.ours(frames.clock)
                if seen % 30 == 0:
                    print(f"frame {frames.sequence}, due {1000 * (time.monotonic() - due):.1f} ms ago")
                live.poll()  # the owner goes on taking its own frames; if it did not, only it would lose some
                if seen == 90:
                    break
            print(f"frames lost: {watcher.lost}")


if __name__ == "__main__":
    main(*sys.argv[1:])
