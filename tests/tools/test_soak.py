"""A server after many customers: nothing of them is left. The long one takes half a minute in continuous integration,
and as long as MOTUS_SOAK_MINUTES says."""

from __future__ import annotations

import os

import pytest

from tools import soak
from tools.soak import Held, Soak

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def test_a_few_customers_who_cancel_and_are_killed_leave_nothing_behind() -> None:
    figures = soak.measure(minutes=0.1, requests=40, cancels=8, killed=8)
    assert figures.finished == 40 - 8 + 1, "and the one that woke it"
    assert figures.cancelled >= 8 + 4, "clips of killed clients were stopped too"
    assert not figures.faults


def test_what_is_left_is_named() -> None:
    before, after = Held(100.0, 10, 20), Held(130.0, 11, 25)
    figures = Soak(1.0, 9, 1, 1, 7, 1, 1, before, before, after, {"sessions": 2, "requests": 0})
    assert figures.faults == [
        "2 sessions left", "memory grew by 30.0 MB", "1 threads left", "5 files left open", "1 requests failed"
    ]  # fmt: skip


@pytest.mark.soak
@pytest.mark.skipif(not {"MOTUS_SOAK_MINUTES", "CI"} & set(os.environ), reason="takes long; set MOTUS_SOAK_MINUTES=5")
@pytest.mark.timeout(7200)
def test_two_thousand_requests_two_hundred_cancels_and_forty_kills_a_minute_leave_nothing_behind() -> None:
    minutes = float(os.environ.get("MOTUS_SOAK_MINUTES", "0.5"))
    figures = soak.measure(
        minutes, requests=round(2000 * minutes), cancels=round(200 * minutes), killed=round(40 * minutes)
    )
    assert not figures.faults
