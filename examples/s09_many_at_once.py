"""asyncio: requests and a live session side by side."""

from __future__ import annotations

import asyncio
import sys

from motion.protocol import ADDRESS
from runtime.client import AsyncClient

SENTENCES = ("a person walks", "a person runs", "a person waves", "a person turns left")


async def course(address: str) -> None:
    """What one client asks for side by side is worked on side by side, as far as the server has room."""
    async with AsyncClient(address) as client:

        async def ask(sentence: str) -> str:
            result = await client.generate(sentence, seconds=2).result()
            return f"{sentence}: {result.done.frames} frames after {result.done.total_s:.2f} s"

        async def live() -> str:
            async with client.live("a person walks") as body:
                async for frames in body:
                    if frames.sequence == 60:
                        break
            return "two seconds of a live body, not one frame late for the others' sake"

        for line in await asyncio.gather(live(), *(ask(sentence) for sentence in SENTENCES)):
            print(line)


def main(address: str = ADDRESS) -> None:
    """Run it."""
    asyncio.run(course(address))


if __name__ == "__main__":
    main(*sys.argv[1:])
