"""Keys: who has them gets in, nobody else is heard, and a server that others can reach does not start without."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from motion.errors import BadConfig, Denied, Unavailable
from motion.protocol import Error, Frames, Hello, Welcome
from runtime import keys
from runtime.client import Client
from runtime.keys import ClientKeys, load_client, load_server, main, make
from runtime.transport.gate import throwaway
from tests.runtime.conftest import Server, start
from tests.runtime.peers import Raw, peer, still_serves


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("keys")
    make(made, ["ann", "bob"])
    return made


@pytest.fixture(scope="module")
def guarded(bundle_folder: Path, folder: Path) -> Iterator[Server]:
    with start(str(bundle_folder), "--keys", str(folder), "--address", "tcp://0.0.0.0:*") as server:
        yield Server(server.address.replace("0.0.0.0", "127.0.0.1"), server.process, server.ready, server.log)


def test_the_program_makes_keys_adds_clients_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "keys"
    assert main([str(folder)]) == 0
    server = load_server(folder)
    assert load_client(folder / "hand-out" / "client").server == server.public
    assert main([str(folder), "--client", "ann", "--client", "bob"]) == 0
    assert load_server(folder) == server
    assert set(keys.allowed(folder).values()) == {"client", "ann", "bob"}
    assert main([str(folder), "--client", "ann"]) == 2
    assert "has a client 'ann' already" in capsys.readouterr().err
    assert main([str(folder)]) == 2
    assert main([str(folder), "--client", "../ann"]) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_secrets_are_for_their_owner_alone(folder: Path) -> None:
    for secret in folder.rglob("*_secret"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.joinpath("clients").stat().st_mode) == 0o700
    assert not list(folder.joinpath("clients").glob("*_secret"))


def test_what_are_no_keys_is_one_sentence_with_the_command_that_makes_some(tmp_path: Path) -> None:
    for load in (load_server, load_client):
        with pytest.raises(BadConfig, match=r"make some with `python -m runtime\.keys FOLDER`"):
            load(tmp_path)
    tmp_path.joinpath("server.key_secret").write_text('curve\n    public-key = "abc"\n    secret-key = "def"\n')
    with pytest.raises(BadConfig, match="is damaged"):
        load_server(tmp_path)


def test_a_public_address_without_keys_is_refused_with_the_command_that_makes_them(bundle_folder: Path) -> None:
    command = [sys.executable, "-m", "runtime.serve", "--no-http", "--bundle", str(bundle_folder)]
    run = subprocess.run(
        [*command, "--address", "tcp://0.0.0.0:5570"], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 2
    assert "make some with `python -m runtime.keys keys` and serve with `--keys keys`" in run.stderr.splitlines()[-1]


def test_who_has_a_key_is_served_and_may_watch(guarded: Server, folder: Path) -> None:
    ours = folder / "hand-out" / "ann"
    with Client(guarded.address, keys=ours) as client:
        assert client.generate("walk", seconds=1.0, seed=0).result().done.frames == 30
        with client.live("walk", publish="guarded") as live, client.watch("guarded") as watcher:
            assert isinstance(next(iter(live)), Frames)
            assert isinstance(next(iter(watcher)), Frames)


def test_the_log_calls_clients_by_the_names_of_their_keys(guarded: Server, folder: Path) -> None:
    with Client(guarded.address, keys=folder / "hand-out" / "bob", name="blender"):
        pass
    assert "[client=blender key=bob]" in guarded.said()


def stranger(folder: Path) -> ClientKeys:
    return ClientKeys(throwaway(), load_server(folder).public)


def test_an_unknown_key_is_refused_before_anything_it_says_is_read(guarded: Server, folder: Path) -> None:
    with Client(guarded.address, keys=folder / "hand-out" / "ann") as client:
        refused = client.stats().refused
    before = guarded.said().count("a client came")
    with pytest.raises(Denied, match="refused this client's key"), Client(guarded.address, keys=stranger(folder)):
        pass
    with peer(guarded.address, greet=False, keys=stranger(folder)) as raw:
        raw.say(Hello("stranger", 10))
        raw.send(b"garbage")
        assert raw.silent(1.0)
    with Client(guarded.address, keys=folder / "hand-out" / "ann") as client:
        assert client.stats().refused == refused, "a byte of it that reached the parser would have been counted"
    assert guarded.said().count("a client came") == before + 1
    assert "refused a client of domain motus with the unknown key" in guarded.said()


def test_a_client_without_keys_or_with_the_wrong_servers_is_not_heard_either(guarded: Server, folder: Path) -> None:
    wrong = ClientKeys(load_client(folder / "hand-out" / "ann").own, throwaway().public)
    for bad in (None, wrong):
        with peer(guarded.address, greet=False, keys=bad) as raw:
            raw.say(Hello("stranger", 10))
            assert raw.silent(0.7)
    with pytest.raises((Denied, Unavailable), match="it may want keys"), Client(guarded.address, timeout=3):
        pass


def test_watching_takes_a_key_too(guarded: Server, folder: Path) -> None:
    with Client(guarded.address, keys=folder / "hand-out" / "ann") as client, client.live("walk", publish="secret"):
        port = client.welcome.watch_port
        context = zmq.Context()
        socket = context.socket(zmq.SUB)
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        socket.connect(f"tcp://127.0.0.1:{port}")
        assert not socket.poll(1500), "not even a heartbeat"
        context.destroy(linger=0)


def test_a_key_that_is_added_or_taken_away_counts_from_the_next_connection(guarded: Server, folder: Path) -> None:
    make(folder, ["eve"])
    with Client(guarded.address, keys=folder / "hand-out" / "eve") as client:
        client.ping()
    folder.joinpath("clients", "eve.key").unlink()
    with pytest.raises(Denied), Client(guarded.address, keys=folder / "hand-out" / "eve"):
        pass


def test_connections_of_one_key_share_its_limits(bundle_folder: Path, folder: Path, tmp_path: Path) -> None:
    settings = tmp_path / "serve.toml"
    settings.write_text("[limits]\nsessions = 2\nrequests = 1\n")
    with start(str(bundle_folder), "--keys", str(folder), "--config", str(settings), "--step-s", "0.05") as server:
        ann, bob = (load_client(folder / "hand-out" / name) for name in ("ann", "bob"))
        with Client(server.address, keys=ann) as one, Client(server.address, keys=ann) as two:
            with peer(server.address, greet=False, keys=ann) as third:
                third.say(Hello("third", 10))
                error = third.hear(Error, Welcome)
                assert isinstance(error, Error)
                assert "2 connections of this client are open" in error.message
            running = one.generate("walk", seconds=5.0, seed=0)
            while not running.frames:
                running.poll(1.0)
            with pytest.raises(Exception, match="1 requests of this client are under way"):
                two.generate("walk", seconds=0.5, seed=1).result()
            with Client(server.address, keys=bob) as other:
                waiting = other.generate("walk", seconds=0.5, seed=1)
                running.cancel()
                assert waiting.result().done.frames == 15


def test_a_port_scanner_and_plain_peers_leave_a_guarded_server_serving(guarded: Server, folder: Path) -> None:
    import socket as plain

    port = int(guarded.address.rsplit(":", 1)[1])
    for content in (b"", b"GET / HTTP/1.0\r\n\r\n", os.urandom(4096), b"\xff" + b"\0" * 8 + b"\x7f\x03\x00CURVE"):
        with plain.create_connection(("127.0.0.1", port)) as scanner:
            scanner.sendall(content)
    with Client(guarded.address, keys=folder / "hand-out" / "ann") as client:
        assert client.generate("walk", seconds=0.5, seed=0).result().done.frames == 15


def test_loopback_without_keys_serves_whoever_is_on_this_machine(server: Server) -> None:
    still_serves(server.address)
    raw = Raw(server.address)
    raw.close()
