"""The tree in docs/tree.md, one line a file from the file's own first sentence: `python3 -m tools.pages.tree`.

A module's line is the first sentence of its docstring, a recipe's its first comment, a C# file's its first summary or
comment. A folder's line comes from its __init__.py, or from its README.md. Standard library only.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("motion", "models", "export", "runtime", "blender_addon", "unity_bridge", "tools", "examples", "tests")
SUFFIXES = (".py", ".toml", ".cs")
PAGE = "docs/tree.md"
BEGIN, END = "<!-- tree: written by python3 -m tools.pages.tree -->\n```text\n", "```\n<!-- end of tree -->\n"
COLUMN = 30
"""Where the descriptions begin, counted in characters."""


def lines(root: Path) -> list[str]:
    """Return the tree under `root`: each folder that holds sources, then its files, with what they say they are."""
    return [line for folder in FOLDERS if (root / folder).is_dir() for line in _folder(root / folder, 0)]


def sources(folder: Path) -> list[Path]:
    """Return the source files at any depth in `folder`: Python, C# and recipes, no caches and no bundles."""
    found = [path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file()]
    kept = [path for path in found if not {"__pycache__", "bundles"} & set(path.relative_to(folder).parts)]
    return [path for path in kept if path.suffix != ".toml" or path.parent.name == "recipes"]


def description(path: Path) -> str:
    """Return the line with which a source file or a folder says what it is; empty when it does not."""
    if path.is_dir():
        if (path / "__init__.py").is_file():
            return description(path / "__init__.py")
        return _readme(path / "README.md")
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return _sentence(ast.get_docstring(ast.parse(text)) or "")
    if path.suffix == ".cs":
        found = re.search(r"///\s*(?:<summary>)?\s*(?:\n\s*///\s*)?([^<\n]+)", text) or re.search(r"//\s*(.+)", text)
    else:
        found = re.match(r"#\s*(.+)", text)
    return found[1].strip() if found else ""


def stated(root: Path) -> list[str]:
    """Return the tree as the page has it."""
    text = (root / PAGE).read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0].splitlines()


def main() -> int:
    """Write the tree into docs/tree.md."""
    page = ROOT / PAGE
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{page} has lost the lines between which the tree stands:\n{BEGIN}{END}", file=sys.stderr)
        return 1
    tree = lines(ROOT)
    page.write_text(before + begin + "".join(f"{line}\n" for line in tree) + end + after, encoding="utf-8")
    print(f"{page.name}: {len(tree)} lines")
    return 0


def _folder(folder: Path, depth: int) -> list[str]:
    below = sources(folder)
    if depth and not below:
        return []
    found = [_line(f"{folder.name}/", description(folder), depth)]
    for path in sorted(path for path in below if path.parent == folder and path.name != "__init__.py"):
        found.append(_line(path.name, description(path), depth + 1))
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        found += _folder(path, depth + 1)
    return found


def _line(name: str, text: str, depth: int) -> str:
    return f"{'  ' * depth + name:<{COLUMN - 1}} {text}".rstrip()


def _readme(path: Path) -> str:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return _sentence(re.sub(r"^#.*\n+", "", text))


def _sentence(text: str) -> str:
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=\.)\s+(?=[A-Z`])", paragraph)[0]


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m tools.pages.tree", description=(__doc__ or "").partition("\n")[0]
    ).parse_args()
    sys.exit(main())
