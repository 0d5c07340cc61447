"""The extension's own client, without Blender: it never waits, and whatever the other side does is one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_addon.talk.desk import Desk
from blender_addon.talk.link import WINDOW, Link, Lost, check, load_keys
from blender_addon.talk.live import Live
from blender_addon.talk.take import Step, Take
from motion import protocol
from motion.errors import BadConfig
from motion.protocol import Accepted, Ack, Error, Frames, Hello, OpenStream, Ping, Pong, Statistics, Stats, wire
from motion.skeleton import SMPLX22
from runtime import keys
from tests.blender.stranger import Stranger, welcome
from tests.runtime.recorded import make_bundle
from tools.measuring.server import Server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_bundle(tmp_path_factory.mktemp("bundle")).folder)


@pytest.fixture
def server(folder: str) -> Iterator[Server]:
    with Server(folder, "--step-s", "0.02", module="tests.runtime.recorded") as running:
        running.wait(lambda *_: None)
        yield running


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.disconnect("")


def until(poll: Callable[[], object], holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it did not come"
        poll()
        time.sleep(0.002)


def ask(desk: Desk, text: str, seconds: float = 1.0, seed: int = 5) -> Take:
    skeleton, welcome = desk.skeleton, desk.welcome
    assert skeleton is not None
    assert welcome is not None
    take = Take(text, [Step("text-to-motion", text, seconds)], seed, skeleton, welcome.fps)
    desk.ask(take)
    return take


def test_a_take_comes_block_by_block_with_progress_until_it_is_done(server: Server, desk: Desk) -> None:
    desk.connect(Link(server.address, "test"))
    until(desk.poll, lambda: desk.welcome)
    take = ask(desk, "a person walks", 4.0)
    seen: list[tuple[int, float]] = []

    def poll() -> None:
        desk.poll()
        seen.append((0 if take.clip is None else len(take.clip), take.progress))

    until(poll, lambda: take.ended)
    assert take.state == "done"
    assert take.clip is not None
    assert len(take.clip) == 120
    lengths = [length for length, _ in seen]
    assert len(set(lengths)) > 3, "all came at once"
    assert lengths == sorted(lengths)
    assert [part for _, part in seen] == sorted(part for _, part in seen)
    assert not desk.busy


def test_a_take_longer_than_the_window_comes_whole_for_what_is_polled_is_acknowledged(
    server: Server, desk: Desk
) -> None:
    desk.connect(Link(server.address, "test"))
    until(desk.poll, lambda: desk.welcome)
    take = ask(desk, "a person walks", 3 * WINDOW / 30)
    until(desk.poll, lambda: take.ended)
    assert take.state == "done"
    assert take.clip is not None
    assert len(take.clip) == 3 * WINDOW


def test_live_frames_that_were_lost_are_counted_and_not_acknowledged() -> None:
    still = np.tile(np.array([1, 0, 0, 0], np.float32), (40, len(SMPLX22), 1))
    with Stranger() as stranger:
        link = Link(stranger.address, "test")
        assert isinstance(_pumped(link, lambda: stranger.answer(protocol.pack(welcome()))), Hello)
        until(link.poll, lambda: link.welcome)
        live = Live("a person walks", SMPLX22, 30.0, link.clock)
        link.send(live.open())
        frames = Frames(live.name, 0, 5, 30.0, 0.0, still[:, 0, :3], still, still[:, 0], lost=5)
        while not isinstance(stranger.answer(), OpenStream):
            continue
        stranger.say(protocol.pack(Accepted(live.name, 0, 1)), protocol.pack(frames))
        until(lambda: [live.hear(one) for one in link.poll() if isinstance(one, (Accepted, Frames))], lambda: live.lost)
        assert live.lost == 5
        until(link.poll, lambda: [one for one in stranger.hear() if one == Ack(live.name, 40)])
        link.close()


def test_more_takes_than_the_server_lets_one_client_have_wait_their_turn(server: Server, desk: Desk) -> None:
    desk.connect(Link(server.address, "test"))
    until(desk.poll, lambda: desk.welcome)
    takes = [ask(desk, "a person walks", 0.5, seed) for seed in range(9)]
    until(desk.poll, lambda: all(take.ended for take in takes))
    assert {take.state for take in takes} == {"done"}


def test_polling_never_waits_whether_there_is_a_server_or_not() -> None:
    link = Link("tcp://127.0.0.1:9", "test")
    polled = 0
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        assert link.poll() == []
        polled += 1
    assert polled > 1000
    assert link.state == "connecting"
    link.close()


def test_a_cancelled_take_stops_the_servers_steps_and_a_new_one_gets_its_own_frames(server: Server, desk: Desk) -> None:
    link = Link(server.address, "test")
    desk.connect(link)
    until(desk.poll, lambda: desk.welcome)
    first = ask(desk, "a person walks", 60.0, seed=1)
    until(desk.poll, lambda: first.clip)
    desk.cancel(first)
    assert first.state == "cancelled"
    length = len(first.clip or ())
    second = ask(desk, "a person bows", 1.0, seed=40)
    until(desk.poll, lambda: second.ended)
    assert second.state == "done"
    assert len(first.clip or ()) == length, "frames of the cancelled take came in afterwards"
    third = ask(desk, "a person bows", 1.0, seed=40)
    until(desk.poll, lambda: third.ended)
    assert third.clip is not None
    assert second.clip is not None
    assert (third.clip.rotations == second.clip.rotations).all()
    heard: list[Any] = []
    link.send(Stats())
    until(lambda: heard.extend(link.poll()), lambda: [one for one in heard if isinstance(one, Statistics)])
    told = next(one for one in heard if isinstance(one, Statistics))
    assert (told.cancelled, told.running, told.waiting) == (1, 0, 0)


@pytest.mark.slow
def test_a_server_that_dies_fails_the_takes_and_the_next_one_at_the_address_is_greeted(folder: str, desk: Desk) -> None:
    with Server(folder, "--step-s", "0.05", module="tests.runtime.recorded") as server:
        server.wait(lambda *_: None)
        address = server.address
        desk.connect(Link(address, "test"))
        until(desk.poll, lambda: desk.welcome)
        take = ask(desk, "a person walks", 30.0)
        until(desk.poll, lambda: take.clip)
        server.process.kill()
        until(desk.poll, lambda: take.ended)
    assert take.state == "failed"
    assert "is gone" in take.sentence
    assert take.clip is not None, "what has come stays"
    with Stranger() as other:
        pass
    with _again(folder, address):
        until(desk.poll, lambda: desk.welcome)
        second = ask(desk, "a person walks", 0.5)
        until(desk.poll, lambda: second.ended)
        assert second.state == "done"
    assert other.address != address


def _again(folder: str, address: str) -> Server:
    """A server at an address that another one has left."""

    class There(Server):
        def __init__(self) -> None:
            super().__init__(folder, module="tests.runtime.recorded")
            self._arguments = [*self._arguments[:-1], address]

        def __enter__(self) -> There:
            super().__enter__()
            self.wait(lambda *_: None)
            return self

    return There()


def test_a_server_of_another_major_version_is_refused_with_both_versions_named(desk: Desk) -> None:
    told = protocol.pack(Error("", "bad_version", "this server speaks 2.0: update the add-on", False))
    told[0] = wire.MAGIC + bytes((2, 0))
    with Stranger() as stranger:
        link = Link(stranger.address, "test")
        desk.connect(link)
        assert isinstance(_pumped(link, lambda: stranger.answer(told)), Hello)
        until(desk.poll, lambda: link.state == "refused")
        assert "2.0" in link.sentence
        assert "1.2" in link.sentence
        assert desk.why_not("text-to-motion") == link.sentence


def test_messages_that_are_none_and_messages_of_a_newer_version_are_passed_over() -> None:
    newer = protocol.pack(Ping(1.0))
    newer[0] = wire.MAGIC + bytes((1, 99))
    newer[1] = b'{"kind":"weather","id":"x","rain":true}'
    with Stranger() as stranger:
        link = Link(stranger.address, "test")
        assert isinstance(_pumped(link, lambda: stranger.answer([b"garbage"], [b""], newer)), Hello)
        heard: list[Any] = []
        _pumped(link, lambda: None)
        link.send(Ping(3.0))
        assert isinstance(stranger.answer(protocol.pack(Pong(3.0, 1.0))), Ping)
        until(lambda: heard.extend(link.poll()), lambda: heard)
        assert [type(one) for one in heard] == [Pong]
        assert link.state == "connecting"
        link.close()


def _pumped(link: Link, what: Callable[[], Any]) -> Any:
    """Let the link shake hands, then do something."""
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        link.poll()
        time.sleep(0.005)
    return what()


def test_a_server_that_falls_silent_is_lost(server: Server) -> None:
    link = Link(server.address, "test", timeout=2.5)
    until(link.poll, lambda: link.state == "open")
    server.process.send_signal(19)  # SIGSTOP: the connection stays, and nobody answers
    lost: list[Any] = []
    until(lambda: lost.extend(one for one in link.poll() if isinstance(one, Lost)), lambda: lost)
    assert "has not been heard of" in lost[0].sentence or "is gone" in lost[0].sentence
    server.process.send_signal(18)
    until(link.poll, lambda: link.state == "open")
    link.close()


def test_addresses_that_are_none_and_keys_that_are_not_there_are_told_in_one_sentence(tmp_path: Path) -> None:
    for address in ("127.0.0.1:5570", "tcp://here", "tcp://127.0.0.1:99999", "", "tcp://127.0.0.1:0"):
        with pytest.raises(BadConfig, match="is no address; write tcp://HOST:PORT"):
            check(address, online=True)
    check("tcp://[::1]:5570", online=False)
    check("tcp://studio:5570", online=True)
    with pytest.raises(BadConfig, match="not allowed online"):
        check("tcp://studio:5570", online=False)
    assert load_keys("") is None
    with pytest.raises(BadConfig, match="there are no keys in"):
        load_keys(str(tmp_path))
    for name in ("client.key_secret", "server.key"):
        (tmp_path / name).write_text('curve\n    public-key = "short"\n    secret-key = "short"\n')
    with pytest.raises(BadConfig, match="damaged"):
        load_keys(str(tmp_path))


@pytest.fixture(scope="module")
def guarded(folder: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that lets in "ann" alone, and the folder of its keys."""
    place = tmp_path_factory.mktemp("keys")
    keys.make(place, ["ann"])
    with Server(folder, "--keys", str(place), module="tests.runtime.recorded") as server:
        server.wait(lambda *_: None)
        yield server.address, place


def test_a_guarded_server_lets_in_whoever_has_its_keys(guarded: tuple[str, Path], desk: Desk) -> None:
    address, place = guarded
    desk.connect(Link(address, "test", load_keys(str(place / "hand-out" / "ann"))))
    until(desk.poll, lambda: desk.welcome)
    take = ask(desk, "a person walks", 0.5)
    until(desk.poll, lambda: take.ended)
    assert take.state == "done"


@pytest.mark.parametrize("wrong", ["none", "another server's", "not on the list"])
def test_a_guarded_server_says_nothing_to_strangers_and_the_user_is_told_why(
    guarded: tuple[str, Path], tmp_path: Path, wrong: str
) -> None:
    address, place = guarded
    folder = ""
    if wrong != "none":
        keys.make(tmp_path / "other", ["ben"])
        mine = tmp_path / "other" / "hand-out" / "ben"
        if wrong == "not on the list":
            (mine / "server.key").write_bytes((place / "server.key").read_bytes())
        folder = str(mine)
    link = Link(address, "test", load_keys(folder))
    words = "lets in only clients with keys" if wrong == "none" else "does not take these keys"
    until(link.poll, lambda: words in link.sentence)
    assert link.welcome is None
    link.close()
