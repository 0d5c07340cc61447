"""Frames while the model is still writing; leaving a loop stops the work."""

from __future__ import annotations

import sys
import time

from motion.protocol import ADDRESS, Accepted, Done, Frames, Progress
from runtime.client import Client


def main(address: str = ADDRESS) -> None:
    """Iterate a request for its events."""
    with Client(address) as client:
        asked = time.monotonic()
        for event in client.generate("a person walks forward", seconds=4, seed=1):
            after = time.monotonic() - asked
            if isinstance(event, Accepted):
                print(f"{after:6.3f} s  accepted, {event.position} ahead of it")
            elif isinstance(event, Progress) and event.stage == "tokens" and event.done % 10 == 0:
                print(f"{after:6.3f} s  {event.done} of {event.total} tokens written")
            elif isinstance(event, Frames):  # root (T, 3) and rotations (T, 22, 4), never to be rewritten
                print(f"{after:6.3f} s  frames {event.first} to {event.first + len(event.root) - 1}")
            elif isinstance(event, Done):
                print(f"{after:6.3f} s  done, {event.realtime_factor:.1f} times real time")

        for event in client.generate("a person dances", seconds=60):
            if isinstance(event, Frames):
                break  # that is enough: the server stops at the next token
        left = time.monotonic()
        while client.stats().running:
            pass
        print(f"the work stopped {1000 * (time.monotonic() - left):.0f} ms after the loop was left")


if __name__ == "__main__":
    main(*sys.argv[1:])
