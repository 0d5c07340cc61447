"""Numbers in bulk are the numbers that Python reads one by one, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion.io import decimals

WRITTEN = st.one_of(
    st.floats(-1e4, 1e4).map(lambda value: f"{value:.6f}"),
    st.floats(-1e4, 1e4).map(lambda value: f"{value:.3f}"),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e-3, 1e-3).map(lambda value: f"{value:.5e}"),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["-0", ".5", "5.", "+3.25", "1e1", "4E-1", "1e+2", "-1.5e-30", "1e22", "1e23", "9007199254740993"]),
)


@given(st.lists(WRITTEN, min_size=1, max_size=12), st.integers(1, 250), st.sampled_from([" ", "\t", "  "]))
def test_every_number_is_the_one_that_python_reads(words: list[str], copies: int, gap: str) -> None:
    text = f"{gap.join(words)}\n" * copies
    table = decimals.table(text.encode(), len(words))
    assert table is not None
    np.testing.assert_array_equal(table, np.tile([float(word) for word in words], (copies, 1)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", " \n \n"])
def test_line_ends_and_blank_lines_make_no_rows(end: str) -> None:
    table = decimals.table(end.join(["1 2", "3 4"] * 120).encode(), 2)
    np.testing.assert_array_equal(table, np.tile(np.array([[1, 2], [3, 4]]), (120, 1)))


@pytest.mark.parametrize(
    "odd",
    ["1,5 2", "1 2 3", "1", "nan 2", "inf 2", "1e999 2", "1_0 2", "1\x0b2 3", "0x1 2", "1e 2", "1e- 2", "- 2", ". 2",
     "1.2.3 2", "1e1e1 2", "--1 2", "1-1 2", "\uff11 2"],
)  # fmt: skip
@pytest.mark.parametrize("copies", [1, 200])
def test_what_is_no_number_makes_no_table(odd: str, copies: int) -> None:
    assert decimals.table(("1 2\n" + f"{odd}\n" * copies).encode(), 2) is None


@given(st.text("0123456789.-+eE \n", max_size=60), st.integers(1, 3))
def test_any_text_is_read_as_python_reads_it_or_not_at_all(text: str, width: int) -> None:
    rows = [line.split() for line in text.split("\n") if line.split()]
    expected: list[list[float]] = []
    try:
        expected = [[float(word) for word in row] for row in rows]
        fits = bool(rows) and all(len(row) == width for row in rows) and bool(np.isfinite(expected).all())
    except ValueError:
        fits = False
    table = decimals.table(text.encode() * 150 if text.endswith("\n") else text.encode(), width)
    assert (table is not None) == fits
    if table is not None:
        np.testing.assert_array_equal(table[: len(rows)], expected)


def test_a_text_of_many_pieces_is_read_across_their_seams() -> None:
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(30_000, 7)).round(5)
    text = "".join(" ".join(f"{value:.5f}" for value in row) + "\n" for row in whole).encode()
    assert len(text) > 3 << 19
    read = decimals.table(text, 7)
    assert read is not None
    np.testing.assert_array_equal(read, whole)
    assert decimals.table(text.replace(b"\n", b" 1\n", 1), 7) is None


def test_lines_of_several_widths_take_turns_across_seams() -> None:
    text = b"1\n2 3\n4 5 6\n" * 90_000
    numbers = decimals.lines(text, (1, 2, 3))
    assert numbers is not None
    np.testing.assert_array_equal(numbers, np.tile(np.arange(1.0, 7), 90_000))
    assert decimals.lines(text + b"1\n", (1, 2, 3)) is None
    assert decimals.lines(text + b"1 2\n2 3\n4 5 6\n", (1, 2, 3)) is None
