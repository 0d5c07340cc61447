"""What stands on UnityEngine compiles against a stand-in, whose CoreModule has nothing that Unity's has not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unity import signatures
from tools.unity import unity_tests
from tools.unity.toolchain import Toolchain


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_components_editor_samples_and_unity_tests_compile_against_unitys_own_signatures(
    toolchain: Toolchain, assembly: Path
) -> None:
    unity_tests.build_host(toolchain, assembly.parent)
    assert (assembly.parent / "Motus.Editor.Tests.dll").exists()
    unity = signatures.of_unity(toolchain.types / "UnityEngine.CoreModule.d.ts")
    standin = signatures.of_standin(toolchain, assembly.parent)
    assert len(standin) > 100
    assert not [f"{kind} {member}" for kind, member in standin if member not in unity.get(kind, set())]


def test_a_signature_that_unity_does_not_have_is_seen(toolchain: Toolchain) -> None:
    unity = signatures.of_unity(toolchain.types / "UnityEngine.CoreModule.d.ts")
    transform = unity["UnityEngine.Transform"]
    assert "position:UnityEngine.Vector3" in transform
    assert "SetPositionAndRotation(UnityEngine.Vector3,UnityEngine.Quaternion):void" in transform
    for wrong in (
        "position:string",
        "SetPositionAndRotation(UnityEngine.Vector3):void",
        "Dance():void",
        "static root:UnityEngine.Transform",
    ):
        assert wrong not in transform
