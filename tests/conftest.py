"""What all tests share: property tests wait for a busy machine, archives are unpacked once, and what tests start hears
Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("motus", deadline=None)
settings.load_profile("motus")


def pytest_configure() -> None:
    """A shell that runs the suite in the background has SIGINT ignored, by whatever the suite starts as well; tests
    that send it want the programs of somebody who sits before them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """A run of everything will need the toolchains: they are fetched meanwhile."""
    config = session.config
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    chosen = config.option.markexpr or config.option.keyword or config.option.collectonly
    if everything and not chosen and not hasattr(config, "workerinput"):
        from tests import toolchains

        toolchains.fetch()


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    """Where archives are unpacked; kept between runs, for unpacking all of them takes most of a minute."""
    return Path(request.config.cache.mkdir("mocap"))
