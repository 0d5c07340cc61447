"""Engine files: what they are good for stands in them, and whatever does not fit or is damaged is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from motion.bundles import engine_file, nvidia
from motion.bundles.engine_file import About
from motion.errors import BadFile

ABOUT = About("decoder", "ab" * 32, "rtx", "1.7.1", "fp16", ("sm86", "sm89"), (8, 80, 512), (1, 1, 16))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = engine_file.write(tmp_path, ABOUT, b"an engine")
    assert path.name == "decoder.rtx-1.7.1.sm86-sm89.fp16.abababababab.engine"
    found, engine = engine_file.read(path)
    assert engine == b"an engine"
    assert replace(found, sha256="") == ABOUT
    assert engine_file.about(path) == found
    assert list(tmp_path.iterdir()) == [path], "nothing half-written is left behind"


def test_damage_is_named(tmp_path: Path) -> None:
    path = engine_file.write(tmp_path, ABOUT, b"an engine")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"!")
    with pytest.raises(BadFile, match=r"was altered or damaged; build it again with export\.to_tensorrt"):
        engine_file.read(path)
    for content in (b"", b"MOTUSENG", b"x" * 40, whole[:30], b"MOTUSENG\xff\xff\xff\xff" + whole[12:]):
        path.write_bytes(content)
        with pytest.raises(BadFile, match="is no engine file that can be read"):
            engine_file.read(path)
    with pytest.raises(BadFile, match="is no engine file"):
        engine_file.about(tmp_path / "nowhere.engine")


@pytest.mark.parametrize(
    ("sha", "version", "here", "why"),
    [
        ("ab" * 32, "1.7.1", "sm89", None),
        ("cd" * 32, "1.7.1", "sm89", "was built from another graph"),
        ("ab" * 32, "1.8.0", "sm89", "was built by rtx 1.7.1, and this is 1.8.0"),
        ("ab" * 32, "1.7.1", "sm120", "was built for sm86, sm89, and this card is sm120"),
    ],
)
def test_an_engine_of_another_graph_version_or_card_does_not_fit(
    sha: str, version: str, here: str, why: str | None
) -> None:
    found = engine_file.misfit(ABOUT, sha, version, here)
    assert found is None if why is None else why in (found or "")


def test_a_machine_without_a_card_has_none() -> None:
    found = nvidia.capability()
    assert found is None or found.startswith("sm")
    assert (nvidia.driver() is None) == (found is None)
