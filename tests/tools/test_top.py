"""The table of sessions: what it shows is what the server says."""

from __future__ import annotations

import pytest

from runtime.client import Client
from tests.runtime.conftest import start
from tests.runtime.recorded import make_bundle
from tools.top import look, main, show


def test_the_table_names_clients_live_sessions_and_what_they_do(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_bundle(tmp_path_factory.mktemp("bundle")).folder
    monkeypatch.setenv("COLUMNS", "160")
    with (
        start(str(folder)) as server,
        Client(server.address, name="blender") as client,
        client.live("walk", publish="stage", agents=2) as live,
    ):
        for frames in live:
            if frames.sequence == 40:
                break
        assert main([server.address, "--once"]) == 0
        said = capsys.readouterr().out
        before = look(client)
        for frames in live:
            if frames.sequence == 60:
                break
        table = show(look(client), before)
    assert "recorded 0.1.0  CC0" in said
    assert "blender" in said
    assert "stage" in said
    assert "top" in said
    assert len(table.renderables) == 3


def test_nobody_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tcp://127.0.0.1:9", "--once", "--timeout", "0.3"]) == 1
    assert "tools.top: no server answers at tcp://127.0.0.1:9" in capsys.readouterr().err
