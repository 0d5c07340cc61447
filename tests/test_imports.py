"""Imports point one way: motion <- models <- export, motion <- runtime, and the two ends meet only in the bundle."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.imports import BY_NAME, ROOT, Import, called, every, files, imports, literal, reached, tree

MAY_IMPORT = {
    "motion": {"motion"},
    "models": {"models", "motion"},
    "export": {"export", "models", "motion"},
    "runtime": {"runtime", "motion"},
    "blender_addon": {"blender_addon", "motion"},
}
LANGUAGE_MODEL = {"runtime/llm.py", "runtime/language_parts.py"}
TORCH = {"torch", "transformers", "accelerate", "peft", "diffusers", "safetensors.torch", "vector_quantize_pytorch"}
TORCH_IN_RUNTIME = {"runtime/engines/static_rows.py", "runtime/engines/torch.py", "runtime/engines/torch_graph.py"}
TENSORRT = {"tensorrt", "tensorrt_rtx_bindings"}
TENSORRT_IN = {"export/to_tensorrt.py", "runtime/engines/tensorrt.py"}


def test_motion_imports_numpy_and_the_standard_library_alone() -> None:
    assert not [str(found) for found in every("motion") if found.third_party and found.top != "numpy"]


def test_each_package_imports_only_what_lies_below_it() -> None:
    assert not [str(found) for found in every(*MAY_IMPORT) if found.ours and not _allowed(found)]


def test_only_the_language_models_files_in_runtime_import_models() -> None:
    assert {found.file for found in every("runtime") if found.top == "models"} <= LANGUAGE_MODEL


def test_torch_stays_in_models_export_and_three_files_of_runtime() -> None:
    wrong = [found for found in every("motion", "runtime", "blender_addon") if _is(found, TORCH)]
    assert not [str(found) for found in wrong if found.file not in TORCH_IN_RUNTIME]


def test_tensorrt_stays_in_two_files() -> None:
    assert {found.file for found in every(*MAY_IMPORT) if _is(found, TENSORRT)} <= TENSORRT_IN


def test_bpy_stays_in_the_blender_extension() -> None:
    packages = set(MAY_IMPORT) - {"blender_addon"}
    assert not [str(found) for found in every(*packages) if _is(found, {"bpy", "bpy_extras", "mathutils"})]


def test_imports_are_absolute_and_named_where_they_can_be_seen() -> None:
    assert not [str(found) for found in every(*MAY_IMPORT, "tools", "tests") if found.relative]
    hidden = [(file, node) for file in files(*MAY_IMPORT) for node in ast.walk(tree(file)) if _hides(node)]
    assert not [f"{file}: {ast.unparse(node)}" for file, node in hidden]


def test_the_server_reaches_torch_only_through_engines_that_need_it() -> None:
    others = reached("runtime/serve.py", without="runtime/llm.py") - TORCH_IN_RUNTIME
    assert "runtime/service.py" in others
    assert not [str(found) for file in others for found in imports(file) if _is(found, TORCH)]


def test_what_serves_on_the_cpu_imports_no_torch() -> None:
    """In a process of its own, since the tests import it."""
    program = (
        "import sys, runtime.llm, runtime.models, runtime.worker, runtime.engines.onnx_layers, runtime.engines.device;"
        "print([name for name in ('torch', 'transformers', 'onnx', 'scipy') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def _allowed(found: Import) -> bool:
    return found.top in MAY_IMPORT[found.package] or (found.file in LANGUAGE_MODEL and found.top == "models")


def _is(found: Import, names: set[str]) -> bool:
    return any(found.module == name or found.module.startswith(f"{name}.") for name in names)


def _hides(node: ast.AST) -> bool:
    """Whether the node imports by a name that is made while it runs, or changes where modules are looked for."""
    if isinstance(node, ast.Call) and called(node) in BY_NAME:
        return not literal(node)
    return isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.path", "sys.modules")
