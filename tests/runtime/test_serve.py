"""The server program: its help teaches, its bad starts are one sentence, its stops are clean."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from motion.bundles import bundle
from motion.errors import BadBundle, BadConfig
from runtime.client import Client
from runtime.serve import find, main
from runtime.transport.address import parse
from tests.runtime.conftest import start
from tests.runtime.peers import program
from tests.runtime.recorded import make_bundle


def serve(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runtime.serve", "--no-http", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_teaches() -> None:
    run = serve(["--help"])
    assert run.returncode == 0
    for word in ("examples:", "--address", "--bundle", "--backbone", "--threads", "--log-level", "Ctrl-C", "ready"):
        assert word in run.stdout


def last_line(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
    return run.stderr.strip().splitlines()[-1]


def test_a_bundle_that_is_not_there_is_one_sentence() -> None:
    assert "there is no bundle 'nowhere': it is no folder, and Motus comes with" in last_line(
        serve(["--bundle", "nowhere"])
    )


def test_an_altered_bundle_is_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    graph = tmp_path / "decoder.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    line = last_line(serve(["--bundle", str(tmp_path)]))
    assert line.startswith(f"runtime.serve: {graph} was altered or damaged: its SHA-256 is")


def test_a_port_in_use_is_one_sentence(bundle_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        line = last_line(serve(["--bundle", str(bundle_folder), "--address", address]))
    assert f"{address} is in use: stop the program that listens there, or give another port" in line


@pytest.mark.parametrize(
    "address", ["tcp://0.0.0.0:5570", "tcp://192.168.1.5:5570", "tcp://*:5570", "tcp://example.org:1"]
)
def test_a_public_address_is_refused(address: str) -> None:
    with pytest.raises(BadConfig, match="can be reached from other machines"):
        parse(address)


@pytest.mark.parametrize("address", ["127.0.0.1:5570", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "inproc://x", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadConfig, match=r"is no address; write tcp://HOST:PORT"):
        parse(address)


def test_a_free_port_can_be_asked_for_in_two_ways() -> None:
    assert parse("tcp://127.0.0.1:0") == parse("tcp://localhost:*") == "tcp://127.0.0.1:*"
    assert parse("tcp://[::1]:5570") == "tcp://[::1]:5570"


def test_a_public_address_stops_the_start(bundle_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["--bundle", str(bundle_folder), "--address", "tcp://0.0.0.0:5570", "--log-level", "error"]) == 2
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert "can be reached from other machines" in capsys.readouterr().err


def test_a_number_of_threads_that_cannot_be_is_one_sentence() -> None:
    assert last_line(serve(["--threads", "0"])) == "runtime.serve: --threads must be at least 1; got 0"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("busy", [False, True])
def test_a_stop_that_is_asked_for_ends_with_zero_and_tells_who_waits(
    bundle_folder: Path, number: signal.Signals, busy: bool
) -> None:
    with start(str(bundle_folder), "--step-s", "0.01", "--drain-s", "0") as server, Client(server.address) as client:
        generation = client.generate("walk", seconds=60.0, seed=0) if busy else None
        if generation is not None:
            while generation.frames == 0:
                generation.poll(1.0)
        server.process.send_signal(number)
        assert server.process.wait(5) == 0
        if generation is not None:
            with pytest.raises(Exception, match="the server is stopping; ask again when it is back") as caught:
                generation.result()
            assert type(caught.value).__name__ == "Unavailable"
        assert "Traceback" not in server.said()


def test_ctrl_c_while_it_loads_ends_with_zero(bundle_folder: Path) -> None:
    flags = ("--bundle", str(bundle_folder), "--address", "tcp://127.0.0.1:*")
    with program("runtime.serve", *flags) as (process, _, log):
        assert "checking bundle" in log.readline()
        process.send_signal(signal.SIGINT)
        said = log.read()
        assert process.wait(30) == 0, said


def test_ctrl_c_while_it_warms_up_ends_with_zero(bundle_folder: Path) -> None:
    with program("tests.runtime.recorded", str(bundle_folder), "--step-s", "1") as (process, out, log):
        while "warming up" not in log.readline():
            pass
        process.send_signal(signal.SIGINT)
        said = log.read()
        assert process.wait(5) == 0, said
        assert out.read() == "", "it never was ready"


def test_a_bundle_is_found_by_its_folder(bundle_folder: Path) -> None:
    assert find(str(bundle_folder)).manifest.files == bundle.load(bundle_folder).manifest.files
    with pytest.raises(BadBundle, match=r"has no bundle\.toml"):
        find(str(bundle_folder.parent))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_the_middle_of_making_sockets_waits_until_they_are_known(number: signal.Signals) -> None:
    code = (
        "import signal\nfrom runtime import serve\n"
        "def program(stack):\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    with serve.stopping_waits():\n"
        f"        signal.raise_signal({int(number)})\n"
        "        print('made', flush=True)\n"
        "    print('reached', flush=True)\n"
        "raise SystemExit(serve.run(program))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "made\n"), done.stderr
