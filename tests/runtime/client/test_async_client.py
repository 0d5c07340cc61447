"""The asyncio client against a real server: the same conversation, awaited, many at once."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from motion.errors import BadConfig, Cancelled, NoSession, Unavailable
from motion.protocol import Accepted, Done, Frames
from runtime.client import AsyncClient, Client
from tests.runtime.client.test_client import wanted
from tests.runtime.conftest import Server, start
from tests.runtime.peers import eventually

T = TypeVar("T")


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(30):
            return await work()

    return asyncio.run(bounded())


def test_events_come_as_they_are_made_and_the_whole_in_the_end(server: Server) -> None:
    async def work() -> None:
        async with AsyncClient(server.address) as client:
            events = [event async for event in client.generate("walk", seconds=2.0, seed=30)]
            assert isinstance(events[0], Accepted)
            assert isinstance(events[-1], Done)
            result = await client.generate("walk", seconds=2.0, seed=31).result()
            assert result.clip is not None
            assert np.allclose(result.clip.root, wanted(31, 60).root, atol=1e-5)

    run(work)


def test_auto_gives_a_clip_or_words_and_says_which_it_was(server: Server) -> None:
    async def work() -> None:
        async with AsyncClient(server.address) as client:
            said = await client.generate("what is a plié?", task="auto").result()
            moved = await client.generate("a person walks", task="auto", seconds=1.0).result()
            assert (said.task, said.clip, said.familiar) == ("conversation", None, None)
            assert (moved.task, moved.familiar) == ("text-to-motion", 1.0)
            assert moved.clip is not None

    run(work)


def test_many_requests_and_a_live_session_run_side_by_side(server: Server) -> None:
    async def work() -> None:
        async with AsyncClient(server.address) as client:

            async def frames() -> list[int]:
                async with client.live("walk", seed=3, publish="async") as live:
                    seen: list[int] = []
                    async for one in live:
                        seen.append(one.sequence)
                        if len(seen) == 40:
                            break
                    live.steer(pause=True)
                    done = await live.close()
                    assert done.frames >= 40
                    return seen

            async def watched() -> int:
                while True:
                    count = 0
                    async for one in client.watch("async"):
                        assert isinstance(one, Frames)
                        count += 1
                        if count == 10:
                            return count

            clips = asyncio.gather(*(client.generate("walk", seconds=1.0, seed=40 + i).result() for i in range(3)))
            seen, count = await asyncio.gather(frames(), watched())
            assert seen == list(range(40))
            assert count == 10
            for i, result in enumerate(await clips):
                assert result.clip is not None
                assert np.allclose(result.clip.root, wanted(40 + i, 30).root, atol=1e-5)
            assert await client.ping() < 1.0
            assert (await client.stats()).sessions >= 1
            assert any(peer.client == "python" for peer in (await client.who()).clients)

    run(work)


def test_leaving_the_loop_cancels_and_cancel_is_raised(server: Server) -> None:
    async def work() -> None:
        async with AsyncClient(server.address) as client:
            generation = client.generate("walk", seconds=60.0, seed=0)
            async for event in generation:
                if isinstance(event, Frames):
                    break
            other = client.generate("walk", seconds=60.0, seed=1)
            other.cancel()
            with pytest.raises(Cancelled):
                await other.result()
            assert (await client.stats()).waiting == 0

    run(work)


def test_it_beats_while_its_loop_turns_and_is_let_go_when_that_stands_still(bundle_folder: Path) -> None:
    async def work(address: str) -> None:
        async with AsyncClient(address, name="sleepy") as client:
            await client.generate("walk", seconds=0.5, seed=0).result()
            begun = time.monotonic()
            while time.monotonic() - begun < 1.5:
                await asyncio.sleep(0.05)
            with Client(address, name="looker") as other:
                assert other.stats().sessions == 2
                eventually(lambda: other.stats().sessions == 1, within=5.0)  # which turns no asyncio loop meanwhile
            with pytest.raises(NoSession):
                await client.generate("walk", seconds=0.5, seed=0).result()
            await client.connect()
            await client.generate("walk", seconds=0.5, seed=0).result()

    with start(str(bundle_folder), "--heartbeat-s", "0.3") as server:
        run(lambda: work(server.address))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_server_that_comes_back_is_found_again(bundle_folder: Path) -> None:
    async def work() -> None:
        with start(str(bundle_folder), "--step-s", "0.01") as first:
            async with AsyncClient(first.address) as client:
                generation = client.generate("walk", seconds=60.0, seed=0)
                async for event in generation:
                    if isinstance(event, Frames):
                        first.process.send_signal(signal.SIGKILL)
                        break
                with pytest.raises(Unavailable):
                    await client.generate("walk", seconds=60.0, seed=0).result()
                first.process.wait()
                with start(str(bundle_folder), "--address", first.address):
                    await client.connect()
                    assert (await client.generate("walk", seconds=1.0, seed=0).result()).done.frames == 30

    run(work)


def test_nobody_there_and_no_address_are_one_sentence() -> None:
    async def nobody() -> None:
        async with AsyncClient("tcp://127.0.0.1:9", timeout=0.3):
            pass

    async def none() -> None:
        async with AsyncClient("localhost:5570"):
            pass

    with pytest.raises(Unavailable, match="no server answers at"):
        run(nobody)
    with pytest.raises(BadConfig, match="is no address"):
        run(none)
