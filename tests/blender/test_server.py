"""A server of the user's own: started, watched through its log, stopped; what is wrong with it is one sentence."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blender_addon.talk.link import Link
from blender_addon.talk.server import LocalServer, interpreter
from motion.errors import BadConfig

ROOT = Path(__file__).resolve().parents[2]


def until(poll: Callable[[], object], holds: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        poll()
        time.sleep(0.05)


def test_a_folder_or_a_python_that_is_none_is_refused(tmp_path: Path) -> None:
    server = LocalServer(tmp_path / "log" / "server.log")
    with pytest.raises(BadConfig, match=r"is not Motus' folder: choose the one that holds runtime/serve\.py"):
        server.start(str(tmp_path), "", [])
    with pytest.raises(BadConfig, match="Nothing is not Motus' folder"):
        server.start("", "", [])
    with pytest.raises(BadConfig, match="there is no Python at"):
        server.start(str(ROOT), str(tmp_path / "python"), [])
    (tmp_path / "python").write_text("no program")
    with pytest.raises(BadConfig, match="cannot be run"):
        server.start(str(ROOT), str(tmp_path / "python"), [])
    assert server.state == "stopped"
    assert server.last_lines() == []
    assert interpreter(ROOT).name.startswith("python")


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why_in_its_last_line(tmp_path: Path) -> None:
    server = LocalServer(tmp_path / "server.log")
    server.start(str(ROOT), sys.executable, ["--bundle", "no such bundle"])
    until(server.poll, lambda: server.state == "failed")
    assert "there is no bundle 'no such bundle'" in server.last_lines(1)[0]
    assert "no such bundle" in server.log.read_text()


@pytest.mark.slow
def test_a_server_is_ready_answers_and_is_gone_when_it_is_stopped(tmp_path: Path) -> None:
    server = LocalServer(tmp_path / "server.log")
    server.start(str(ROOT), sys.executable, ["--address", "tcp://127.0.0.1:*", "--http", "127.0.0.1:0"])
    assert server.state == "starting"
    try:
        until(server.poll, lambda: server.state != "starting")
        assert server.state == "ready", server.last_lines()
        link = Link(server.address, "test")
        until(link.poll, lambda: link.state == "open")
        assert link.welcome is not None
        assert link.welcome.bundle == "base"
    finally:
        server.stop()
    until(link.poll, lambda: link.state != "open")
    link.close()
    assert (server.state, server.address) == ("stopped", "")
