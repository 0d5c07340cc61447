"""A crowd that measurements set on a server: every rig is new, and whoever is served beside it loses nothing."""

from __future__ import annotations

import threading
from pathlib import Path

from runtime.client import Client
from tests.runtime.conftest import start
from tests.runtime.live import take
from tests.runtime.recorded import make_bundle
from tools.measuring.crowd import Crowd, bush


def test_its_rigs_are_fitted_or_refused_while_a_live_session_goes_on_without_a_gap(tmp_path: Path) -> None:
    crowd = Crowd()
    with start(str(make_bundle(tmp_path).folder), "--no-http") as server, Client(server.address) as client:
        gathered = threading.Thread(target=crowd.gather, args=(server.address, 5, 128, 1.5))
        with client.live("walk", seed=3) as live:
            take(live, 1)
            gathered.start()
            frames = take(live, 60)
            gathered.join()
    assert [one.sequence for one in frames] == list(range(1, 61))
    assert not any(one.lost for one in frames)
    assert crowd.frames > 0
    assert crowd.refused > 0
    assert 0 <= crowd.rigs - crowd.frames - crowd.refused <= 5 * 4, "so many are under way at a time"


def test_a_bush_has_as_many_joints_as_are_asked_for_and_parents_before_children() -> None:
    rig = bush(512)
    assert len(rig.joints) == len(set(rig.joints)) == len(rig.parents) == len(rig.offsets) == 512
    assert all(parent < i for i, parent in enumerate(rig.parents))
