"""Whatever becomes of a connection, a call ends in the right answer or a MotionError, and never in one of libzmq's."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from motion.errors import MotionError, Unavailable
from motion.protocol import Frames
from runtime.client import AsyncClient, Client
from tests.runtime.client.test_async_client import run
from tests.runtime.client.test_client import until
from tests.runtime.conftest import Server, start


def free_address() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{taken.getsockname()[1]}"


def for_ever(call: Callable[[], object]) -> NoReturn:
    while True:
        call()


def test_a_client_whose_first_connection_failed_works_once_a_server_is_there(bundle_folder: Path) -> None:
    address = free_address()
    client, other = Client(address, timeout=0.3), AsyncClient(address, timeout=0.3)

    async def enter() -> None:
        async with other:
            pass

    async def use() -> int:
        await other.connect()
        frames = (await other.generate("walk", seconds=0.5, seed=0).result()).done.frames
        await other.close()
        return frames

    for _ in range(2):
        with pytest.raises(Unavailable, match="no server answers"), client:
            pass
        with pytest.raises(Unavailable, match="no server answers"):
            client.ping()
        with pytest.raises(Unavailable, match="no server answers"):
            run(enter)
    with start(str(bundle_folder), "--address", address):
        assert client.generate("walk", seconds=0.5, seed=0).result().done.frames == 15
        with client:
            assert client.ping() < 1.0
        assert run(use) == 15
    client.close()


def test_a_closed_client_ends_what_was_under_way_and_connects_again_when_it_is_asked(server: Server) -> None:
    client = Client(server.address)
    generation = client.generate("walk", seconds=60.0, seed=0)
    until(generation, Frames)
    live, watcher = client.live("walk", publish="closing"), client.watch("closing")
    for _ in range(2):
        client.close()
    for what in (generation.result, live.close, lambda: next(iter(live))):
        with pytest.raises(Unavailable, match="was closed"):
            for_ever(what)
    generation.cancel()
    live.cancel()
    live.steer(text="run")
    watcher.poll()
    watcher.close()
    watcher.close()
    for look in (watcher.poll, lambda: list(watcher)):
        with pytest.raises(Unavailable, match="this watcher was closed"):
            for_ever(look)  # what has come is still handed out
    assert client.generate("walk", seconds=0.5, seed=0).result().done.frames == 15
    assert client.stats().sessions >= 1
    client.close()


def test_a_closed_asyncio_client_ends_what_was_under_way_and_connects_again_when_it_is_asked(server: Server) -> None:
    async def work() -> None:
        client = AsyncClient(server.address)
        for call in (client.ping, client.stats, client.who):
            with pytest.raises(Unavailable, match="there is no connection"):
                await call()
        await client.close()
        await client.connect()
        generation, live = client.generate("walk", seconds=60.0, seed=0), client.live("walk", publish="closing")
        waiting = [asyncio.ensure_future(one) for one in (generation.result(), live.close(), client.ping())]
        await asyncio.sleep(0)
        for _ in range(2):
            await client.close()
        for one in waiting:
            with pytest.raises(Unavailable, match="was closed"):
                await one
        generation.cancel()
        live.cancel()
        for call in (lambda: live.steer(text="run"), lambda: client.generate("walk"), lambda: client.live("walk")):
            with pytest.raises(Unavailable, match="there is no connection"):
                call()
        with pytest.raises(Unavailable):
            await client.ping()
        await client.connect()
        assert (await client.generate("walk", seconds=0.5, seed=0).result()).done.frames == 15
        await client.close()

    run(work)


@pytest.mark.parametrize("call", [Client.ping, Client.stats, Client.who, lambda client: client.generate("walk")])
def test_closing_a_client_that_connects_ends_its_wait(call: Callable[[Client], object]) -> None:
    """By a listener that answers nothing: a connection is made, and no welcome comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        client = Client(f"tcp://127.0.0.1:{listener.getsockname()[1]}", timeout=60.0)
        waiting = pool.submit(call, client)
        peer, _ = listener.accept()
        client.close()
        with pytest.raises(Unavailable, match="was closed while it connected"):
            waiting.result(timeout=10)
        peer.close()


def test_closing_a_client_ends_the_wait_of_other_threads(server: Server) -> None:
    client = Client(server.address)
    generation = client.generate("walk", seconds=60.0, seed=0)
    came, failed = threading.Event(), list[MotionError]()

    def take() -> None:
        try:
            for event in generation:
                if isinstance(event, Frames):
                    came.set()
        except MotionError as error:
            failed.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    assert came.wait(10)
    client.close()
    thread.join(10)
    assert "was closed" in str(failed[0])


def test_threads_that_begin_at_once_share_one_connection(server: Server) -> None:
    with Client(server.address, name="shared") as looker, Client(server.address, name="many") as client:
        with ThreadPoolExecutor(4) as pool:
            pings = [pool.submit(client.who) for _ in range(8)]
            rosters = [ping.result(timeout=10) for ping in pings]
        assert all(sum(one.client == "many" for one in roster.clients) == 1 for roster in rosters)
        assert sum(one.client == "many" for one in looker.who().clients) == 1


def test_a_connection_that_is_lost_between_two_calls_is_made_again(bundle_folder: Path) -> None:
    address = free_address()
    client = Client(address, timeout=20.0)
    with start(str(bundle_folder), "--address", address):
        live = client.live("walk")
        until_frames = next(iter(live))
        assert isinstance(until_frames, Frames)
    with pytest.raises(Unavailable, match="closed the connection"):
        for _ in live:
            pass
    live.steer(text="run")
    live.cancel()
    with start(str(bundle_folder), "--address", address):
        assert client.ping() < 1.0
        assert client.generate("walk", seconds=0.5, seed=0).result().done.frames == 15
    client.close()
