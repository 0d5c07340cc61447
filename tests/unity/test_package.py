"""The Unity package as a package: what Unity and npm want of it is there, and its tarball is always the same."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from pathlib import Path

import pytest

import motion
from motion.errors import BadFile, MissingPart
from tests.unity import dll
from tools import build_unity
from tools.unity import meta, plugins

PACKAGE = meta.PACKAGE
GUID = re.compile(r"^guid: ([0-9a-f]{32})$", re.MULTILINE)


def test_the_manifest_is_of_this_version_and_its_samples_are_there() -> None:
    manifest = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["version"], manifest["unity"]) == (
        "dev.motus.bridge",
        motion.__version__,
        "2022.3",
    )
    assert [list((PACKAGE / sample["path"]).glob("*.cs")) for sample in manifest["samples"]]
    for name in ("CHANGELOG.md", "LICENSE.md", "README.md", "Third Party Notices.md", "Documentation~/index.md"):
        assert (PACKAGE / name).stat().st_size > 100


def test_everything_that_unity_imports_has_a_meta_file_with_a_guid_of_its_own() -> None:
    wanted = meta.wanted()
    assert set(wanted) == set(PACKAGE.rglob("*.meta")), "run python -m tools.unity.meta"
    guids = [GUID.search(path.read_text(encoding="utf-8")) for path in wanted]
    assert all(guids)
    assert len({guid[1] for guid in guids if guid}) == len(wanted) > 100


def test_guids_are_the_same_wherever_they_are_made() -> None:
    for path, text in meta.wanted().items():
        assert path.read_text(encoding="utf-8") == text, path


def test_the_core_stands_without_unity_engine_and_what_it_references_is_there() -> None:
    for path in (PACKAGE / "Runtime" / "Core").rglob("*.cs"):
        assert "using Unity" not in path.read_text(encoding="utf-8"), path
    names = {}
    for path in PACKAGE.rglob("*.asmdef"):
        names[json.loads(path.read_text(encoding="utf-8"))["name"]] = path
    assert json.loads(names["Motus.Core"].read_text(encoding="utf-8"))["noEngineReferences"] is True
    for path in names.values():
        for reference in json.loads(path.read_text(encoding="utf-8"))["references"]:
            assert reference in names or reference.startswith("Unity"), f"{path.name}: {reference}"


def test_a_file_of_the_core_is_short_and_holds_one_type() -> None:
    for path in (PACKAGE / "Runtime").rglob("*.cs"):
        if path.name.endswith(".g.cs"):
            continue
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, path
        types = re.findall(
            r"(?m)^    (?:public |internal )?(?:static |sealed |abstract |readonly )*(?:class|struct|enum) (\w+)",
            text,
        )
        assert types in ([], [path.stem]), f"{path}: {types}"


def test_the_tarball_is_what_npm_packs_and_the_same_each_time(tmp_path: Path) -> None:
    one, two = build_unity.build(tmp_path / "a"), build_unity.build(tmp_path / "b")
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as tar:
        names = tar.getnames()
        assert all(name.startswith("package/") for name in names)
        for name in (
            "package.json",
            "Runtime/Plugins/Linux/x86_64/libzmq.so",
            "Samples~/Steer/Steer.cs",
            "Editor/MotusWindow.cs.meta",
        ):
            assert f"package/{name}" in names
        manifest = tar.extractfile("package/package.json")
        assert manifest is not None
        assert json.load(manifest)["version"] == motion.__version__


def test_a_package_that_lacks_a_meta_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = PACKAGE / "stray.meta"
    monkeypatch.setattr(meta, "wanted", lambda: {stray: ""})
    with pytest.raises(BadFile, match=r"tools\.unity\.meta"):
        build_unity.build(tmp_path)


@pytest.mark.slow
def test_the_native_libraries_are_those_of_the_wheels(tmp_path: Path) -> None:
    try:
        plugins.make(tmp_path)
    except MissingPart as missing:
        pytest.skip(str(missing))
    made = {path.relative_to(tmp_path): _hash(path) for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(plugins.FOLDER): _hash(path) for path in plugins.FOLDER.rglob("*") if path.is_file()}
    assert made == {path: hash_ for path, hash_ in kept.items() if path.suffix != ".meta"}


def test_windows_libraries_find_what_they_want_beside_them_or_in_windows_itself() -> None:
    folder = plugins.FOLDER / "Windows" / "x86_64"
    theirs = {"kernel32.dll", "advapi32.dll", "ws2_32.dll", "iphlpapi.dll"}
    beside = {path.name for path in folder.glob("*.dll")}
    wanted = {name for path in folder.glob("*.dll") for name in dll.wanted(path)}
    assert {name for name in wanted if not name.startswith("api-ms-win-crt-")} - theirs == beside - {"libzmq.dll"}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
