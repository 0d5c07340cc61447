"""Imports point one way: motion <- models <- export, motion <- runtime, and the two ends meet only in the bundle."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import PurePosixPath

import pytest

from tests.imports import BY_NAME, ROOT, Import, called, every, files, imports, literal, reached, tree

MAY_IMPORT = {
    "motion": {"motion"},
    "models": {"models", "motion"},
    "export": {"export", "models", "motion"},
    "runtime": {"runtime", "motion"},
    "blender_addon": {"blender_addon", "motion"},
}
WINGS = {
    "motion": {
        "bodies": {"retargeting"},
        "bundles": {"protocol"},
        "convert": {"bodies", "io", "retargeting"},
        "edit": set(),
        "features": set(),
        "io": {"bodies"},
        "protocol": set(),
        "retargeting": set(),
    },
    "models": {"bodies": set(), "sentences": set(), "tokenizers": set()},
    "export": {
        "corpora": set(),
        "data": {"corpora", "scene"},
        "graphs": {"corpora", "data", "training"},
        "measuring": {"corpora", "data", "metrics", "training"},
        "metrics": set(),
        "scene": set(),
        "training": {"corpora", "data"},
    },
    "runtime": {
        "client": {"transport"},
        "engines": set(),
        "front": {"generation", "transport", "workers"},
        "generation": {"engines", "language", "transport"},
        "language": {"engines"},
        "transport": set(),
        "workers": {"generation", "transport"},
    },
    "blender_addon": {
        "armature": set(),
        "operators": {"armature", "showing", "talk"},
        "panels": {"operators", "showing", "talk"},
        "showing": {"armature", "talk"},
        "talk": set(),
    },
    "tools": {
        "measuring": {"setup"},
        "pages": set(),
        "render": {"measuring", "setup"},
        "setup": set(),
        "unity": {"setup"},
    },
}
"""The folders inside each package -> which of the others they may import."""
FULLEST = 20
"""modules in one folder, at most"""
IN_BLENDER = "motion/convert/blender_scene.py"
"""run by Blender's own Python, which has bpy"""
LANGUAGE_MODEL = {
    *(f"runtime/language/{name}.py" for name in ("gate", "learned", "llm", "paraphrase", "parts", "sentences")),
    "runtime/engines/torch.py",
}
TORCH = {"torch", "transformers", "accelerate", "peft", "diffusers", "safetensors.torch", "vector_quantize_pytorch"}
TORCH_IN_RUNTIME = {"runtime/engines/static_rows.py", "runtime/engines/torch.py", "runtime/engines/torch_graph.py"}
TENSORRT = {"tensorrt", "tensorrt_rtx_bindings"}
TENSORRT_IN = {"export/to_tensorrt.py", "runtime/engines/tensorrt.py"}


def test_motion_imports_numpy_and_the_standard_library_alone() -> None:
    found = [found for found in every("motion") if found.third_party and found.top != "numpy"]
    assert {f"{one.file} {one.top}" for one in found} == {f"{IN_BLENDER} bpy"}


def test_each_package_imports_only_what_lies_below_it() -> None:
    assert not [str(found) for found in every(*MAY_IMPORT) if found.ours and not _allowed(found)]


@pytest.mark.parametrize("package", WINGS)
def test_each_wing_imports_only_the_wings_below_it(package: str) -> None:
    assert {wing for file in files(package) if (wing := wing_of(file))} == set(WINGS[package])
    between = [(wing_of(found.file), found) for found in every(package) if found.top == package]
    wrong = [
        str(found)
        for wing, found in between
        if wing and (other := wing_of(found.module.replace(".", "/") + "/")) in WINGS[package]
        if other != wing and other not in WINGS[package][wing]
    ]
    assert not wrong


def test_no_wing_of_the_factory_imports_a_program() -> None:
    inside = [found for found in every("export") if wing_of(found.file) and found.top == "export"]
    programs = {PurePosixPath(file).stem for file in files("export") if not wing_of(file)} - {"recipe", "program"}
    assert not [str(found) for found in inside if found.module.removeprefix("export.").split(".")[0] in programs]


def test_no_wing_is_reached_from_what_it_imports() -> None:
    for package, wings in WINGS.items():
        order = list(TopologicalSorter(wings).static_order())
        assert set(order) == set(wings), package


def test_no_folder_holds_more_modules_than_can_be_taken_in_at_a_glance() -> None:
    names = [file for file in files(*MAY_IMPORT, "tools", "tests") if not file.endswith("__init__.py")]
    counts = Counter(str(PurePosixPath(file).parent) for file in names)
    assert {folder: count for folder, count in counts.items() if count > FULLEST} == {}


def test_only_the_language_models_files_in_runtime_import_models() -> None:
    assert {found.file for found in every("runtime") if found.top == "models"} <= LANGUAGE_MODEL


def test_torch_stays_in_models_export_and_three_files_of_runtime() -> None:
    wrong = [found for found in every("motion", "runtime", "blender_addon") if _is(found, TORCH)]
    assert not [str(found) for found in wrong if found.file not in TORCH_IN_RUNTIME]


def test_tensorrt_stays_in_two_files() -> None:
    assert {found.file for found in every(*MAY_IMPORT) if _is(found, TENSORRT)} <= TENSORRT_IN


def test_bpy_stays_in_the_blender_extension_and_in_what_blender_itself_runs() -> None:
    packages = set(MAY_IMPORT) - {"blender_addon"}
    found = [found for found in every(*packages) if _is(found, {"bpy", "bpy_extras", "mathutils"})]
    assert {one.file for one in found} == {IN_BLENDER}


def test_imports_are_absolute_and_named_where_they_can_be_seen() -> None:
    assert not [str(found) for found in every(*MAY_IMPORT, "tools", "tests") if found.relative]
    hidden = [(file, node) for file in files(*MAY_IMPORT) for node in ast.walk(tree(file)) if _hides(node)]
    assert not [f"{file}: {ast.unparse(node)}" for file, node in hidden]


def test_the_server_reaches_torch_only_through_engines_that_need_it() -> None:
    others = reached("runtime/serve.py", without="runtime/language/llm.py") - TORCH_IN_RUNTIME
    assert "runtime/front/service.py" in others
    assert not [str(found) for file in others for found in imports(file) if _is(found, TORCH)]


def test_what_serves_on_the_cpu_imports_no_torch() -> None:
    """In a process of its own, since the tests import it."""
    program = (
        "import sys, runtime.language.llm, runtime.generation.loading, runtime.workers.worker;"
        "import runtime.engines.onnx_layers, runtime.engines.device;"
        "print([name for name in ('torch', 'transformers', 'onnx', 'scipy') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def wing_of(path: str) -> str:
    """The folder inside its package that a file, or a module written as a path, lies in; "" for one on top."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def _allowed(found: Import) -> bool:
    return found.top in MAY_IMPORT[found.package] or (found.file in LANGUAGE_MODEL and found.top == "models")


def _is(found: Import, names: set[str]) -> bool:
    return any(found.module == name or found.module.startswith(f"{name}.") for name in names)


def _hides(node: ast.AST) -> bool:
    """Whether the node imports by a name that is made while it runs, or changes where modules are looked for."""
    if isinstance(node, ast.Call) and called(node) in BY_NAME:
        return not literal(node)
    return isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.path", "sys.modules")
