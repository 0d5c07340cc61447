"""The Unity package under NUnit, on dotnet and on mono; its messages are those of the protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import gen_csharp
from tools.unity import unity_tests
from tools.unity.toolchain import Toolchain


def test_the_messages_in_c_sharp_are_those_of_the_protocol() -> None:
    assert gen_csharp.FILE.read_text(encoding="utf-8") == gen_csharp.source(), "run python -m tools.gen_csharp"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("runtime", unity_tests.RUNTIMES)
def test_everything_in_runtime_core_passes_its_tests(toolchain: Toolchain, assembly: Path, runtime: str) -> None:
    assert unity_tests.run(toolchain, runtime, assembly, "") == 0
