"""The converter's command line: a sentence for whatever is wrong, and help that teaches."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion import clip as clips
from motion.skeleton import Skeleton
from tests.motion.clips import wriggle
from tests.motion.io.test_asf_amc import ASF
from tests.tools.converting import WALK, Said, run


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["none.bvh", "a.glb"], 2, "none.bvh: there is no such file or folder"),
        (["walk.bvh"], 2, "say where the result goes"),
        (["walk.bvh", "a.obj"], 2, ".obj is not written; give .bvh"),
        (["walk.bvh", "a.amc"], 2, "motion goes to .bvh"),
        (["walk.txt", "a.bvh"], 2, ".txt is not read; give .bvh"),
        (["01.asf", "a.bvh"], 2, "give the .amc, which finds its .asf"),
        (["walk.bvh", "walk.bvh"], 2, "walk.bvh is IN itself"),
        (["walk.bvh", "a.glb", "--up", "z"], 2, "--up z does not apply to .glb"),
        (["walk.bvh", "a.glb", "--units", "cm"], 2, "--units cm does not apply to .glb"),
        (["walk.bvh", "a.fbx", "--units", "m"], 2, "is written in centimetres"),
        (["walk.bvh", "a.bvh", "--npz", "amass"], 2, "--npz amass is for .npz files"),
        (["walk.bvh", "a.bvh", "--fps", "-3"], 2, "--fps -3 is out of range"),
        (["walk.bvh", "a.bvh", "--skeleton", "none.bvh"], 2, "none.bvh: cannot be opened"),
        (["walk.bvh", "a.bvh", "--map", "none.toml"], 2, "none.toml"),
        (["walk.bvh", "a.bvh", "--to", "glb"], 2, "but --to says glb"),
        (["folder", "a.glb"], 2, "give a folder as OUT"),
        (["folder", "out", "--to", "obj"], 2, ".obj is not written"),
        (["empty", "out"], 2, "there is no motion file in it"),
        (["bad.zip", "out"], 2, "the archive cannot be unpacked"),
        (["broken.bvh", "a.glb"], 1, "broken.bvh, line 1: a BVH begins with HIERARCHY"),
        (["walk.bvh", "a.npz", "--npz", "smplx"], 1, "has no 'pelvis'"),
        (["walk.bvh", "a.bvh", "--most-mb", "0"], 2, "--most-mb 0 is out of range"),
        (["crane.npz", "a.bvh", "--skeleton", "smplx22"], 1, "crane"),
        (["walk.bvh", "walk.txt/a.bvh"], 1, "cannot be written"),
        (["walk.bvh", "a.bvh", "--take", "waltz"], 2, "--take is for .glb, .gltf, .fbx and does not apply to walk.bvh"),
        (["walk.bvh", "a.glb", "--asf", "01.asf"], 2, "--asf is for .amc and does not apply to walk.bvh"),
        (["walk.bvh", "a.glb", "--from-fps", "30"], 2, "--from-fps is for .amc, .npz"),
        (["crane.npz", "a.glb", "--partial"], 2, "--partial is for .bvh and does not apply to crane.npz"),
        (["walk.bvh", "a.glb", "--body", "none"], 2, "--body none is neither anny nor mannequin"),
        (["walk.bvh", "a.glb", "--body", "empty"], 1, "there is no body model in it"),
        (["walk.bvh", "a.glb", "--skeleton", "smplx"], 2, "smplx is neither keep nor a motion file nor one of smplx22"),
        (["walk.bvh", "a.bvh", "--fps", "99999999"], 2, "--fps 1e+08 is out of range"),
        (["slow.npz", "a.bvh", "--fps", "90000"], 1, "--fps 90000 would make 1800000000 frames of 2 joints"),
        (["walk.bvh", "nowhere"], 2, "a file without ending is not written; give .bvh"),
        (["walk.bvh", "a.bvh", "--reach-hands"], 2, "--reach-hands is for motion that goes to another skeleton"),
        (["nothing.bvh", "a.glb"], 1, "nothing.bvh: the file is empty"),
        (["walk.glb", "a.bvh"], 1, "walk.glb: its content is that of a .bvh file; give it that ending"),
        (["walk.npz", "a.bvh"], 1, "walk.npz: its content is that of a .bvh file; give it that ending"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(WALK, "walk.bvh")
    Path("walk.txt").write_text("words")
    Path("01.asf").write_text(ASF)
    Path("broken.bvh").write_bytes(bytes(range(256)))
    Path("bad.zip").write_bytes(b"PK")
    Path("nothing.bvh").touch()
    for name in ("walk.glb", "walk.npz"):
        shutil.copy(WALK, name)
    for folder in ("folder", "empty"):
        Path(folder).mkdir()
    shutil.copy(WALK, "folder/a.bvh")
    shutil.copy(WALK, "folder/b.bvh")
    crane = Skeleton("crane", ("base", "boom"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    clips.save(wriggle(crane), Path("crane.npz"))
    clips.save(replace(wriggle(crane), fps=0.001), Path("slow.npz"))
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert run(*arguments) == status
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    if status:
        assert said.count("\n") == 1
        assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before, (
            "nothing is left behind"
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: IN; --help lists all there is"),
        (["walk.bvh", "a.bvh", "--fps", "fast"], "argument --fps: invalid float value: 'fast'; --help lists"),
        (["walk.bvh", "a.bvh", "--up", "x"], "argument --up: invalid choice: 'x'"),
        (["walk.bvh", "a.bvh", "--frames", "3"], "unrecognized arguments: --frames 3"),
    ],
)
def test_arguments_that_there_are_not_are_one_sentence_too(capsys: Said, arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("tools.convert: ")
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("out", [("made/",), ("made", "--to", "glb")])
def test_a_folder_that_is_not_there_yet_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(WALK, *out) == 0
    assert [path.name for path in Path("made").iterdir()] == ["kaykit-walk.glb"]


def test_the_help_teaches(capsys: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        run("--help")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for words in ("--skeleton", "--asf", "--units", "python -m tools.convert walk.bvh walk.glb", "docs/formats.md"):
        assert words in said
