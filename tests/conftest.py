"""What all tests share: property tests wait for a busy machine, archives are unpacked once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("motus", deadline=None)
settings.load_profile("motus")


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    """Where archives are unpacked; kept between runs, for unpacking all of them takes most of a minute."""
    return Path(request.config.cache.mkdir("mocap"))
