"""ARCHITECTURE.md is short and true; docs/tree.md has one line for each source file, and it is the file's own."""

from __future__ import annotations

import re
from pathlib import Path

from tests.imports import ROOT, every
from tests.test_imports import WINGS
from tools.pages import tree

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROUTES = ("A request.", "A live session.", "A clip to a bundle.", "A file to a file.", "A take in Blender.")
HINT = "run python3 -m tools.pages.tree"


def test_the_page_is_at_most_8_kb_and_names_every_wing() -> None:
    assert len(PAGE.encode()) <= 8192
    rows = [re.findall(r"`([a-z_/]+)`", line.split("|")[1]) for line in PAGE.splitlines() if line.startswith("| `")]
    named = {name if "/" in name else f"{row[0].split('/')[0]}/{name}" for row in rows for name in row}
    assert named == {f"{package}/{wing}" for package, wings in WINGS.items() for wing in wings}


def test_each_reading_route_names_files_that_are_there_and_what_is_defined_in_them() -> None:
    for route in ROUTES:
        words = re.findall(r"`([^`]+)`", PAGE.split(f"**{route}**")[1].split("\n\n")[0])
        texts = [(ROOT / word).read_text(encoding="utf-8") for word in words if "/" in word]
        assert len(texts) >= 4, route
        names = [word for word in words if "/" not in word]
        missing = [name for name in names if not any(re.search(rf"\bdef {name}\(", text) for text in texts)]
        assert not missing, route


def test_tools_import_tests_only_where_the_page_says_so() -> None:
    found = {one.file for one in every("tools") if one.top == "tests"}
    assert found == {"tools/measuring/serving.py", "tools/unity/unity_tests.py"}
    assert all(f"`{file}`" in PAGE for file in found)


def test_the_tree_in_tree_md_is_the_tree_on_disk() -> None:
    stated, found = tree.stated(tree.ROOT), tree.lines(tree.ROOT)
    assert not [line for line in found if line not in stated], f"not in docs/tree.md: {HINT}"
    assert not [line for line in stated if line not in found], f"stale in docs/tree.md: {HINT}"
    assert stated == found, HINT


def test_every_source_file_says_in_its_first_sentence_what_it_is() -> None:
    found = [path for folder in tree.FOLDERS for path in tree.sources(tree.ROOT / folder)]
    assert len(found) > 50
    assert not [str(path.relative_to(tree.ROOT)) for path in found if not tree.description(path)]


def test_a_new_file_and_a_stale_line_are_both_seen(tmp_path: Path) -> None:
    (tmp_path / "motion").mkdir()
    (tmp_path / "motion" / "__init__.py").write_text('"""What is shared."""\n')
    (tmp_path / "motion" / "quat.py").write_text('"""Rotations,\nas four numbers. More.\n\nMore."""\n')
    page = tmp_path / tree.PAGE
    page.parent.mkdir()
    page.write_text(
        f"# A\n\n{tree.BEGIN}" + "".join(f"{line}\n" for line in tree.lines(tmp_path)) + f"{tree.END}\nEnd."
    )
    assert tree.stated(tmp_path) == tree.lines(tmp_path)
    assert [line.split() for line in tree.lines(tmp_path)] == [
        ["motion/", "What", "is", "shared."],
        ["quat.py", "Rotations,", "as", "four", "numbers."],
    ]

    (tmp_path / "motion" / "clip.py").write_text('"""A clip."""\n')
    (tmp_path / "motion" / "quat.py").unlink()
    assert "  clip.py                     A clip." in set(tree.lines(tmp_path)) - set(tree.stated(tmp_path))
    assert "  quat.py                     Rotations, as four numbers." in set(tree.stated(tmp_path)) - set(
        tree.lines(tmp_path)
    )


def test_recipes_and_c_sharp_files_have_a_line_and_bundles_have_none(tmp_path: Path) -> None:
    recipe = tmp_path / "export" / "recipes" / "tiny.toml"
    script = tmp_path / "unity_bridge" / "Runtime" / "Clip.cs"
    manifest = tmp_path / "runtime" / "bundles" / "base" / "bundle.toml"
    for path, text in (
        (recipe, "# The smallest.\nname = 'tiny'\n"),
        (script, "using System;\n\n/// <summary>A clip.</summary>\nsealed class Clip {}\n"),
        (manifest, "# Written by pack.\n"),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert (tree.description(recipe), tree.description(script)) == ("The smallest.", "A clip.")
    assert not [line for line in tree.lines(tmp_path) if "bundle" in line]
