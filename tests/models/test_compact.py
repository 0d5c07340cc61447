"""Small files of weights: what comes back is near, and a file that is not made small comes back as it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from models import compact


def test_matrices_come_back_to_a_hundredth_and_take_a_byte_a_number(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = {"a": rng.standard_normal((64, 300)) * 0.01, "b": rng.standard_normal((300, 16)) * 3, "bias": np.ones(5)}
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    compact.write(tmp_path / "x.safetensors", weights, {"guidance": "3.0"})
    found = compact.read(tmp_path / "x.safetensors")
    assert set(found) == set(weights)
    for name in ("a", "b"):
        assert found[name].dtype == np.float32
        assert np.linalg.norm(found[name] - weights[name]) < 0.01 * np.linalg.norm(weights[name])
    np.testing.assert_array_equal(found["bias"], weights["bias"])
    assert (tmp_path / "x.safetensors").stat().st_size < 1.2 * (64 * 300 + 300 * 16)
    with safe_open(tmp_path / "x.safetensors", "np") as held:
        assert held.metadata() == {"guidance": "3.0"}


def test_what_came_back_and_is_written_again_stays_what_it_is(tmp_path: Path) -> None:
    first = {"a": np.random.default_rng(1).standard_normal((8, 40)).astype(np.float32)}
    compact.write(tmp_path / "0.safetensors", first)
    held = compact.read(tmp_path / "0.safetensors")["a"]
    for turn in range(1, 4):
        again = compact.read(tmp_path / f"{turn - 1}.safetensors")
        compact.write(tmp_path / f"{turn}.safetensors", again)
        step = np.abs(held).max(-1, keepdims=True) / 127
        assert (np.abs(compact.read(tmp_path / f"{turn}.safetensors")["a"] - held) < 0.5 * step).all()


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e4, 1e4, width=32), st.integers(0, 39))
def test_a_row_is_wrong_by_half_a_step_of_its_largest_number_at_most(large: float, at: int) -> None:
    row = np.linspace(-0.5, 0.5, 40, dtype=np.float32)
    row[at] = large
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        compact.write(path, {"a": np.stack([row, np.zeros(40, np.float32)])})
        found = compact.read(path)["a"]
    assert np.abs(found[0] - row).max() <= 0.51 * np.abs(row).max() / 126
    assert not found[1].any()


def test_a_file_in_half_precision_is_read_as_it_is(tmp_path: Path) -> None:
    save_file({"a": np.ones((2, 3), np.float16), "a.b": np.ones(3, np.float16)}, tmp_path / "x.safetensors")
    found = compact.read(tmp_path / "x.safetensors")
    assert {name: value.dtype for name, value in found.items()} == {"a": np.float16, "a.b": np.float16}
