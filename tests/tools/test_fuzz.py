"""The fuzzer: golden messages are where it begins, a find is a find, and it finds none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from motion import protocol
from tools import fuzz


@pytest.mark.parametrize("file", sorted(fuzz.GOLDEN.glob("*.bin")), ids=lambda file: file.stem)
def test_golden_messages_are_messages_to_it(file: Path) -> None:
    message = protocol.unpack(fuzz.split(file.read_bytes()))
    assert file.stem.startswith(protocol.kind(message))
    fuzz.try_one(file.read_bytes())


def test_what_is_raised_beside_protocol_errors_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(_: object) -> None:
        raise KeyError("planted")

    fuzz.try_one(b"nonsense")
    monkeypatch.setattr(protocol, "unpack", unpack)
    with pytest.raises(KeyError, match="planted"):
        fuzz.try_one(b"nonsense")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="atheris is for Linux")
def test_five_seconds_find_nothing_and_get_deep_into_the_decoder() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.fuzz", "--seconds", "5"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    covered = [int(count) for count in re.findall(r"cov: (\d+)", done.stderr)]
    assert covered[-1] > 150, "branches of the decoder that it came to"
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs is not None
    assert int(runs[1]) > 500
