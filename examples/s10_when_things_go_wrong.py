"""Errors and what to do about them."""

from __future__ import annotations

import sys
import time

from motion.errors import BadRequest, DeadlinePassed, MotionError, UnknownTask
from motion.protocol import ADDRESS
from runtime.client import Client, Result


def patiently(client: Client, text: str, seconds: float, tries: int = 5) -> Result:
    """A request that is made again where that may help: the connection was lost, a worker died, the queue was full."""
    for wait in (0.1 * 2**i for i in range(tries)):
        try:
            return client.generate(text, seconds=seconds, seed=1).result()  # which connects anew where it has to
        except MotionError as error:
            if not error.retry:
                raise
            print(f"{error.code}: {error} (again in {wait:g} s)")
            time.sleep(wait)
    return client.generate(text, seconds=seconds, seed=1).result()


def main(address: str = ADDRESS) -> None:
    """Every error is a MotionError: a class, a stable code, a sentence that says what to do, and whether to retry."""
    with Client(address) as client:
        try:
            client.generate("walk", seconds=10_000).result()
        except BadRequest as error:
            print(f"{error.code}: {error}")
        try:
            client.generate("walk", task="fly").result()
        except UnknownTask as error:
            print(f"{error.code}: {error}")
        try:
            client.generate("a person walks", seconds=60, deadline_s=0.05).result()
        except DeadlinePassed as error:
            print(f"{error.code}: {error}")
        print(f"and then {patiently(client, 'a person walks', 2).done.frames} frames")


if __name__ == "__main__":
    main(*sys.argv[1:])
