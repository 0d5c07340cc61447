"""The C# tools, fetched once; where they cannot be had, the tests that need them are skipped with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from motion.errors import MissingPart
from tools.unity import toolchain as unity_toolchain
from tools.unity import unity_tests
from tools.unity.toolchain import Toolchain


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    try:
        return unity_toolchain.ensure()
    except MissingPart as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def assembly(toolchain: Toolchain) -> Path:
    return unity_tests.build(toolchain)
