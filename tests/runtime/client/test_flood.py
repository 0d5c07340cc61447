"""20,000 messages come while nobody polls: the process lives, says what it lost, and finds the server again.

Each client is a process of its own, so that an abort of libzmq is seen as a failed exit code.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.flood import COUNT


@pytest.fixture
def flood() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.runtime.flood"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield server
        finally:
            server.kill()


def flooded(server: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    """What a client of this kind said in the end."""
    assert server.stdout is not None
    where = server.stdout.readline().split()[1]
    command = [sys.executable, "-m", "tests.runtime.client.flooded", kind, where]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "open\n"
        assert server.stdout.readline() == "sent\n"
        said, _ = client.communicate("\n", timeout=60)
    assert client.returncode == 0, f"the process ended with {client.returncode}"
    return json.loads(said)


@pytest.mark.parametrize("kind", ["client", "async", "link"])
def test_a_client_that_nobody_polls_outlives_a_flood_and_says_what_it_lost(
    flood: subprocess.Popen[str], kind: str
) -> None:
    said = flooded(flood, kind)
    assert said["kept"] + said["lost"] == COUNT
    assert said["kept"] > 0
    assert said["again"]
    assert "closed the connection" in said["why"] or "is gone" in said["why"]
    if kind != "async":  # whose loop takes what its connection reads, piece by piece
        assert said["lost"] > COUNT // 2, "nobody took them, and they are not kept for ever"


def test_a_request_that_nobody_takes_fails_where_the_server_keeps_no_credit(flood: subprocess.Popen[str]) -> None:
    said = flooded(flood, "request")
    assert "beyond the window of this client: those that follow are lost" in said["why"]
    assert 0 < said["kept"] < 1000
    assert said["again"]
