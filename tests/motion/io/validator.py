"""Khronos' glTF validator (npm `gltf-validator`), where node can load it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

import pytest

Test = TypeVar("Test")
MODULE = os.environ.get("MOTUS_GLTF_VALIDATOR", "gltf-validator")
"""What node shall load: the package's name, or its folder."""
_SCRIPT = """
const validator = require(process.argv[1]), fs = require('fs'), path = process.argv[2];
if (!path) process.exit(0);
validator.validateBytes(new Uint8Array(fs.readFileSync(path)), {maxIssues: 1000}).then(report => {
  console.log(JSON.stringify(report.issues.messages.map(one => one.code)));
});
"""


def needed(test: Test) -> Test:
    """Skips a test where the validator is not installed."""
    return cast(Test, pytest.mark.skipif(not _there(), reason="needs node and npm's gltf-validator")(test))


def issues(path: Path) -> list[str]:
    """The codes of everything that the validator finds, hints included."""
    return cast(list[str], json.loads(_run(str(path)).stdout))


@cache
def _there() -> bool:
    return shutil.which("node") is not None and _run().returncode == 0


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "-e", _SCRIPT, MODULE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
