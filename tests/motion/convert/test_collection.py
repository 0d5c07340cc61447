"""Folders, archives and files of many takes converted, with a table of what became of each."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from motion import clip as clips
from motion.convert import collection
from motion.convert.collection import Task
from motion.io import bvh
from tests import mocap
from tests.blender import environment
from tests.motion.io.test_asf_amc import AMC, ASF
from tests.tools.converting import WALK, Said, made, run

FILES = 3551
"""in the collection"""


@mocap.needed
def test_every_animation_of_a_file_is_written_when_all_are_asked_for(tmp_path: Path, capsys: Said) -> None:
    source = mocap.MOCAP / "cc0" / "mannequin.glb"
    assert run(source, tmp_path / "one.bvh") == 0
    assert "it holds 34 animations and this is the first, 'Angry': --take NAME picks another" in capsys.readouterr().out
    assert run(source, tmp_path / "bow.bvh", "--take", "Bow") == 0
    assert len(bvh.read(tmp_path / "bow.bvh")) == 90
    assert run(source, tmp_path / "all", "--take", "all", "--to", "bvh") == 0
    names = {path.name for path in (tmp_path / "all").iterdir()}
    assert len(names) == 34
    assert "mannequin-Crawl-RM.bvh" in names


def takes(folder: Path) -> None:
    """A folder with motion, an archive of each kind, things that are no motion, and one broken file."""
    (folder / "deep").mkdir(parents=True)
    made(folder, "bvh")
    shutil.copy(WALK, folder / "deep" / "walk.bvh")
    made(folder / "deep", "glb").rename(folder / "deep" / "walk.glb")
    (folder / "notes.txt").write_text("no motion")
    (folder / ".hidden.bvh").write_text("not looked at")
    (folder / "broken.bvh").write_bytes(bytes(range(256)))
    (folder / "01.asf").write_text(ASF)
    (folder / "01_02.amc").write_text(AMC)
    with tarfile.open(folder / "trials.tar.xz", "w:xz") as tar:
        for name in ("01.asf", "01_02.amc"):
            tar.add(folder / name, f"set/{name}")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.write(WALK, "a/b/walk.bvh")
        archive.writestr("../../outside.bvh", "evil")


def test_a_folder_is_converted_with_its_archives_and_a_table_says_what_became_of_it(
    tmp_path: Path, capsys: Said
) -> None:
    takes(tmp_path / "in")
    assert run(tmp_path / "in", tmp_path / "out", "--to", "bvh", "--verify", "--json", tmp_path / "table.json") == 1
    written = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert written == {
        "walk-bvh.bvh", "deep/walk.bvh.bvh", "deep/walk.glb.bvh", "01_02.bvh", "trials/set/01_02.bvh",
        "more/a/b/walk.bvh",
    }  # fmt: skip
    assert not list(tmp_path.glob("*.bvh"))
    said = capsys.readouterr()
    assert "not converted: broken.bvh" in said.err
    assert "not converted: more.zip: outside.bvh" in said.err
    figures = json.loads((tmp_path / "table.json").read_text())
    assert figures["command"].startswith("python -m tools.convert ")
    table = figures["kinds"]
    assert {kind: (row["files"], row["converted"]) for kind, row in table.items()} == {
        ". .bvh": (2, 1), ". .amc": (1, 1), "deep .bvh": (1, 1), "deep .glb": (1, 1), "trials.tar.xz .amc": (1, 1),
        "more.zip .bvh": (2, 1),
    }  # fmt: skip
    assert all(row.get("apart_mm", 0) < 0.01 for row in table.values())
    assert "trials.tar.xz .amc" in said.out


def test_checking_a_folder_writes_nothing(tmp_path: Path) -> None:
    takes(tmp_path / "in")
    before = sorted(path for path in tmp_path.rglob("*"))
    assert run(tmp_path / "in", "--check", "--workers", 2) == 1
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_an_archive_by_itself_is_converted(tmp_path: Path) -> None:
    takes(tmp_path / "in")
    assert run(tmp_path / "in" / "trials.tar.xz", tmp_path / "out", "--to", "npz") == 0
    assert len(clips.load(tmp_path / "out" / "trials" / "set" / "01_02.npz")) == 2


def sample(folder: Path, scratch: Path) -> int:
    """Put one file in sixteen by its name's hash, and two of each kind at the least, into a folder for each kind, with
    the skeletons that lie beside them; how many."""
    kinds: dict[str, list[Task]] = {}
    for task in collection.several(mocap.MOCAP, scratch / "out", ".bvh", False, scratch, 512 << 20):
        kinds.setdefault(task.group, []).append(task)
    assert sum(map(len, kinds.values())) == FILES
    count = 0
    for kind, tasks in kinds.items():
        tasks.sort(key=lambda task: sha256(task.shown.encode()).digest())
        for task in tasks[: max(2, len(tasks) // 16)]:
            own = folder / kind.split()[0] / str(count)
            own.mkdir(parents=True)
            for path in (task.source, *task.source.parent.glob("*.asf")):
                (own / path.name).symlink_to(path)
            count += 1
    return count


@pytest.mark.timeout(3600)
@mocap.needed
def test_files_of_the_collection_are_converted_and_come_back_within_a_twentieth_of_a_millimetre(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3,551 files of eight makers, all of them where MOTUS_ALL_FILES is set; the one FBX needs a Blender."""
    there = [version for version in environment.versions() if environment.python(version).exists()]
    if there:
        monkeypatch.setenv("MOTUS_BLENDER", str(environment.python(there[0])))
    with TemporaryDirectory() as scratch:
        source, count = mocap.MOCAP, FILES
        if "MOTUS_ALL_FILES" not in os.environ:
            source = Path(scratch) / "sample"
            count = sample(source, Path(scratch))
        status = run(source, "--check", "--verify", "--to", "bvh", "--json", tmp_path / "table.json")
    rows = json.loads((tmp_path / "table.json").read_text())["kinds"]
    print(rows)
    assert sum(row["files"] for row in rows.values()) == count
    missed = {kind: row["files"] - row["converted"] for kind, row in rows.items() if row["files"] > row["converted"]}
    assert missed == ({} if there else {"cc0 .fbx": 1})
    assert status == (0 if there else 1)
    assert max(row.get("apart_mm", 0) for row in rows.values()) < 0.05
