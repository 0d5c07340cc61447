"""Tokenizers of every kind in one table: each is measured on the same clips, and what is measured is so."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export import evaluate, recipe
from export.measuring import side_by_side
from export.measuring.side_by_side import Measured
from export.metrics import joints
from export.recipe import Recipe
from export.training import stages
from motion.errors import BadFile
from tests.models.tokenizers import samples


@pytest.fixture(scope="module")
def others(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Recipe]:
    """Of the other kinds, trained for a few steps."""
    found: list[Recipe] = []
    for kind in ("hmvlm", "superman", "unimo", "unimotion"):
        loaded = recipe.load(samples.FOLDER / f"{kind}-tiny.toml")
        short = replace(loaded.tokenizer_training, steps=2, batch=64, precision="no", log_every=2, save_every=2)
        second = replace(short, steps=1) if loaded.refiner_training else None
        run = tmp_path_factory.mktemp(kind)
        found.append(replace(loaded, data=data, run=run, tokenizer_training=short, refiner_training=second))
        stages.train(found[-1])
    return found


@pytest.fixture(scope="module")
def table(trained: Recipe, others: list[Recipe]) -> dict[str, Measured]:
    return side_by_side.measure([trained, *others], "test", skins=False)


def test_every_kind_has_its_row_of_sensible_figures(table: dict[str, Measured]) -> None:
    assert len(table) == 5
    assert len({one.row["clips"] for one in table.values()}) == 1
    for name, one in table.items():
        row = one.row
        figures = [value for value in row.values() if isinstance(value, float)]
        assert np.isfinite(figures).all(), name
        assert 0 < row["pa_mpjpe_m"] <= row["root_relative_m"] * 1.2, name  # type: ignore[operator]
        assert row["n_mpjpe_m"] <= row["root_relative_m"] + 1e-6, name  # type: ignore[operator]
        assert row["parameters"] > 1000, name  # type: ignore[operator]
        assert len(one.joint_errors) == len(one.joint_names) in (17, 22)
        if row["codes"]:
            assert 1 <= row["perplexity"] <= row["codes"], name  # type: ignore[operator]
            assert row["bits_per_s"] > 5, name  # type: ignore[operator]
        else:
            assert row["bits_per_s"] is None
        assert len(one.swing[0]) == len(one.swing[1]) > 5, name
        assert one.swing[0].max() > 2, "the recording's wrist moves"
        assert row["feature_mse"] > 0.1, f"{name}: a few steps do not make a good tokenizer"  # type: ignore[operator]
    skates = [one.row["foot_skate_cm_s"] for name, one in table.items() if name != "superman-tiny"]
    assert all(isinstance(value, float) and value > 0 for value in skates)
    assert table["superman-tiny"].row.get("foot_skate_cm_s") is None, "17 joints have no toes"


def test_the_program_writes_the_table_and_its_plots(
    others: list[Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    known = {one.name: one for one in others}
    monkeypatch.setattr(evaluate, "load", lambda path: known[path.stem])
    monkeypatch.setattr(side_by_side, "skins_here", lambda: False)
    words = "reconstruction --recipe hmvlm-tiny.toml unimo-tiny.toml --clips-most 1"
    ends = ["--json", str(tmp_path / "t.json"), "--plots", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["evaluate", *words.split(), *ends])
    assert evaluate.main() == 0
    rows = json.loads((tmp_path / "t.json").read_text())["rows"]
    assert list(rows) == ["hmvlm-tiny", "unimo-tiny"]
    assert rows["hmvlm-tiny"]["clips"] == 1
    assert len(list(tmp_path.glob("tokenizers-*.png"))) == 5


def test_what_is_not_trained_is_a_sentence(others: list[Recipe], tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"run python -m export\.train_tokenizer"):
        side_by_side.measure([replace(others[0], run=tmp_path)], "test", skins=False)


def test_errors_of_scale_place_and_variance_are_what_they_say() -> None:
    rng = np.random.default_rng(0)
    theirs = rng.standard_normal((30, 6, 3)).astype(np.float32)
    larger = (theirs[:, :1] + 1.1 * (theirs - theirs[:, :1])).astype(np.float32)
    assert joints.n_mpjpe(larger, theirs) < 1e-5 < joints.root_relative(larger, theirs)
    way = np.linspace(0, 1, 30)[:, None, None] * [3, 9, 4]
    walked = (theirs + way).astype(np.float32)
    assert joints.root_errors(walked, theirs) == (pytest.approx(2.5, abs=1e-4), pytest.approx(5.0, abs=1e-4))
    assert joints.ape(walked, theirs) < 1e-5
    still = np.repeat(theirs[:1], 30, axis=0)
    assert joints.ave(still, theirs) > 0.5
    assert joints.ave(walked, theirs) < 1e-4
