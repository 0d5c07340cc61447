"""The demo: what it refuses before anything starts, and that its server never outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion.errors import MotionError, Unavailable
from runtime.client import Client
from tests.runtime.recorded import make_bundle, walk
from tools import demo, view
from tools.demo import DemoConfig
from tools.measuring.server import ROOT, Server
from tools.render import take

ENVIRONMENT = {**os.environ, "MOTUS_NO_SETUP": "1"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.demo", *arguments]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([""], "the sentence is empty"),
        (["  \n "], "the sentence is empty"),
        (["a person runs", "--seconds", "-3"], "--seconds is -3; give a positive number"),
        (["a person runs", "--seconds", "nan"], "--seconds is nan"),
        (["a person runs", "--seed", "-1"], "--seed is -1; give a whole number from 0"),
        (["a person runs", "--out", "{here}/file/inside"], "cannot be written to"),
    ],
)
def test_bad_arguments_get_a_clear_sentence_before_anything_starts(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert demo.main([argument.replace("{here}", str(tmp_path)) for argument in arguments]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["walk " * 2000], "the sentence has 10000 characters; at most 1000 are allowed"),
        (["a person runs", "--seconds", "1000"], "--seconds is 1000; give from 0.5 to 60"),
        (["a person runs", "--bundle", "no-such-weights"], "no-such-weights"),
    ],
)
def test_what_the_server_would_refuse_is_said_without_a_traceback(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    done = run(*arguments, "--out", str(tmp_path))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_help_teaches_by_examples() -> None:
    told = run("--help").stdout
    assert 'python3 -m tools.demo "a person walks forward and waves"' in told
    assert "--seconds" in told
    assert "left side of the body is blue" in told


@pytest.fixture(name="bundle", scope="module")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle")).folder


@pytest.mark.parametrize(("text", "far"), [("A person walks, in an arc", False), ("Do a cartwheel", True)])
def test_a_sentence_becomes_four_files_of_the_motion_that_was_streamed_with_a_hint_where_it_lies_far(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, far: bool
) -> None:
    config = DemoConfig(text, seconds=2, out=tmp_path)
    server = Server(str(bundle), module="tests.runtime.recorded")
    take.take(config, server)
    assert server.process.poll() is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{config.name}.{ending}" for ending in ("bvh", "glb", "mp4", "png")
    ]
    clip = view.read(tmp_path / f"{config.name}.glb")
    assert (clip.name, len(clip), clip.fps) == (text, 60, 30)
    recorded = walk()
    np.testing.assert_allclose(np.diff(clip.root[:, 1]), np.diff(recorded.root[4:64, 1]), atol=1e-3)  # seed 1: code 1
    told = capsys.readouterr().out
    for words in ("ready at tcp://127.0.0.1:", "licence: CC0", "first frame after", "frames/s", "x real time", ".mp4"):
        assert words in told
    assert ("hint     Far from what this bundle learned; nearest: a person walks, " in told) == far


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_in_mid_stream_ends_the_server_too(bundle: Path, tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from tools.demo import DemoConfig\n"
        "from tools.measuring.server import Server\n"
        "from tools.render.take import take\n"
        f"config = DemoConfig('a person walks', 30, out=Path({str(tmp_path)!r}))\n"
        f"take(config, Server({str(bundle)!r}, '--step-s', '0.2', module='tests.runtime.recorded'))\n"
    )
    command = [sys.executable, "-u", "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            address = line.split()[-1] if "ready at" in line else address
            if line.startswith("weights"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode != 0
    assert "KeyboardInterrupt" in rest
    with pytest.raises(Unavailable), Client(address, timeout=0.5):
        pass


@settings(deadline=None)  # other work may slow the machine
@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_any_sentence_gives_a_file_name_that_every_system_takes(text: str) -> None:
    name = DemoConfig(text).name
    assert 1 <= len(name) <= 60
    assert not set(name) & set('/\\:*?"<>| .\n\0')


def test_files_are_called_as_the_sentence() -> None:
    assert DemoConfig("A person walks forward, and waves!").name == "a-person-walks-forward-and-waves"
    assert DemoConfig("!?").name == "motion"


def test_a_server_that_cannot_start_says_why() -> None:
    with Server("--bundle", "no-such-weights") as server, pytest.raises(Unavailable, match="no-such-weights"):
        server.wait(print)


def test_leaving_the_block_ends_the_server() -> None:
    with Server() as server:
        process = server.process
        assert process.poll() is None
    assert process.poll() is not None


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process group")
def test_a_module_on_a_leash_ends_when_its_starter_is_killed() -> None:
    starter = (
        "import subprocess, sys\n"
        "command = [sys.executable, '-u', '-m', 'tools.measuring.leash', 'http.server', '0', '--bind', '127.0.0.1']\n"
        "child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)\n"
        "child.wait()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", starter], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    assert "Serving HTTP" in process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.read()  # ends when the last holder of the pipe, the module, is gone
    process.stdout.close()


def test_errors_of_the_settings_are_of_the_one_tree() -> None:
    with pytest.raises(MotionError):
        DemoConfig("a person runs", bundle="")
