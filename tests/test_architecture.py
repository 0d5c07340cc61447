"""docs/tree.md has one line for each source file, and each says what the file itself says."""

from __future__ import annotations

from pathlib import Path

from tools.pages import tree

HINT = "run python3 -m tools.pages.tree"


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
