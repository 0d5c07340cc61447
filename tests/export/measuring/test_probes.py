"""Probes tell a tokenizer that does what it is told from one that does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from export import recipe
from export.measuring import probes
from export.recipe import Recipe
from export.training import stages
from motion.errors import BadFile
from tests.models.tokenizers import samples


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The studio's test clips are short."""
    monkeypatch.setattr(probes, "_LENGTH", 12)


@pytest.fixture(scope="module")
def flowing(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """UniMotion's, its head trained on the few clips of the studio."""
    loaded = recipe.load(samples.FOLDER / "unimotion-tiny.toml")
    first = replace(loaded.tokenizer_training, steps=80, batch=256, longest=64, precision="no", learning_rate=3e-3)
    made = replace(
        loaded, data=data, run=tmp_path_factory.mktemp("run"), tokenizer_training=first,
        refiner_training=replace(first, steps=160),
        tokenizer=replace(loaded.tokenizer, damage=False),  # type: ignore[type-var]
    )  # fmt: skip
    stages.train(made)
    return made


@pytest.mark.slow
def test_a_head_that_heeds_its_condition_errs_less_when_told_the_truth(flowing: Recipe) -> None:
    found = probes.probe(flowing)
    assert found["decoded_error_m"] < 0.85 * found["told_another_error_m"]
    assert found["told_error_m"] < 0.9 * found["told_another_error_m"]


@pytest.mark.slow
def test_a_head_that_heeds_nothing_errs_alike(flowing: Recipe, tmp_path: Path) -> None:
    deaf = replace(flowing, run=tmp_path)
    weights = load_file(flowing.run / "tokenizer.safetensors")
    weights |= {name: torch.zeros_like(value) for name, value in weights.items() if name.startswith("head.condition")}
    save_file(weights, tmp_path / "tokenizer.safetensors")
    found = probes.probe(deaf)
    assert found["told_error_m"] == pytest.approx(found["told_another_error_m"], rel=1e-3)


def test_one_that_sees_must_have_pictures_and_others_are_asked_nothing(data: Path, tmp_path: Path) -> None:
    for kind in ("superman", "unimo"):
        loaded = recipe.load(samples.FOLDER / f"{kind}-tiny.toml")
        short = replace(loaded.tokenizer_training, steps=1, batch=64, precision="no")
        made = replace(loaded, data=data, run=tmp_path / kind, tokenizer_training=short)
        stages.train(made)
        if kind == "unimo":
            assert probes.probe(made) == {}
        else:
            with pytest.raises(BadFile, match="names no pictures"):
                probes.probe(made)
