"""What the repository's modules import, read from their text without running them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("motion", "models", "export", "runtime", "blender_addon", "tools", "tests")

BY_NAME = ("__import__", "importlib.import_module", "import_module")
"""Calls that import the module which their first argument names."""


@dataclass(frozen=True)
class Import:
    """One import statement's one name, `runtime/language/llm.py:12 imports models.tasks`."""

    file: str
    line: int
    module: str
    """dotted, as far as it names a module or a thing in one"""
    relative: bool

    @property
    def top(self) -> str:
        """The package that it comes from."""
        return self.module.partition(".")[0]

    @property
    def package(self) -> str:
        """The package of the file that imports it."""
        return self.file.partition("/")[0]

    @property
    def ours(self) -> bool:
        """Whether it comes from this repository."""
        return self.top in PACKAGES

    @property
    def third_party(self) -> bool:
        """Whether it comes neither from here nor from the standard library."""
        return not self.ours and self.top not in sys.stdlib_module_names

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def files(*packages: str) -> list[str]:
    """Return the Python files of `packages`, as paths from the repository's root."""
    found = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@cache
def tree(file: str) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse((ROOT / file).read_text(encoding="utf-8"), file)


@cache
def imports(file: str) -> tuple[Import, ...]:
    """Return all that a file imports, at its top or deeper in."""
    return tuple(_imports(file))


def every(*packages: str) -> list[Import]:
    """Return all that the files of `packages` import."""
    return [found for file in files(*packages) for found in imports(file)]


def reached(file: str, without: str = "") -> set[str]:
    """Return the files here that may run when `file` runs: itself and, over all steps but `without`, its imports."""
    done: set[str] = set()
    waiting = [file]
    while waiting:
        file = waiting.pop()
        if file not in done and file != without:
            done.add(file)
            waiting += [found for name in imports(file) if name.ours for found in _modules(name.module)]
    return done


def _imports(file: str) -> Iterator[Import]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(file, node.lineno, name.name, relative=False)
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield Import(file, node.lineno, f"{node.module or ''}.{name.name}".strip("."), bool(node.level))
        elif isinstance(node, ast.Call) and called(node) in BY_NAME and literal(node):
            yield Import(file, node.lineno, literal(node), relative=False)


def called(node: ast.Call) -> str:
    """Return what is called, as it is written."""
    return ast.unparse(node.func)


def literal(node: ast.Call) -> str:
    """Return the call's first argument where it is a string that stands there; else nothing."""
    first = node.args[0] if node.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _modules(dotted: str) -> Iterator[str]:
    """The files behind `a.b.c`: a/__init__.py, a/b/__init__.py or a/b.py, and a/b/c.py where c is a module."""
    parts = dotted.split(".")
    for depth in range(1, len(parts) + 1):
        for file in ("/".join(parts[:depth]) + ".py", "/".join(parts[:depth]) + "/__init__.py"):
            if (ROOT / file).is_file():
                yield file
