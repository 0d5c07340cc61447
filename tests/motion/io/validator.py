"""Khronos' glTF validator: npm's `gltf-validator`, fetched once into out/gltf-validator."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from motion.errors import MissingPart
from tools.setup import lock, registry
from tools.setup.registry import OUT, Archive

_VALIDATOR = Archive(
    "gltf-validator", "2.0.0-dev.3.10", "4e03dbdc3bc0d1342afd5d2d7ae341a7e3474502ccb872b02dbbaddaee0fdec6"
)
_SCRIPT = """
const validator = require(process.argv[1]), fs = require('fs'), path = process.argv[2];
validator.validateBytes(new Uint8Array(fs.readFileSync(path)), {maxIssues: 1000}).then(report => {
  console.log(JSON.stringify(report.issues.messages.map(one => one.code)));
});
"""


def issues(path: Path) -> list[str]:
    """The codes of everything that the validator finds, hints included. Skips the test where it cannot be had."""
    try:
        command = _command()
    except MissingPart as missing:
        pytest.skip(str(missing))
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True, timeout=60)
    return cast(list[str], json.loads(done.stdout))


@cache
def _command() -> list[str]:
    folder = OUT / "gltf-validator"
    OUT.mkdir(exist_ok=True)
    with lock.hold(OUT / "gltf-validator.lock", lambda: None):
        if not folder.exists():
            part = OUT / "gltf-validator.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            registry.npm(_VALIDATOR, part)
            part.rename(folder)
        return [*registry.node("node"), "-e", _SCRIPT, str(folder)]
